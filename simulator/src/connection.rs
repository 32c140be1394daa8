//! How to reach a running simulator: what enters is the simulator, what leaves is a file other programs read.
//! It may not leave the file readable by others.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use keysteward_simulator::{Credentials, SecretText, Simulator};
use serde::Serialize;

/// The addresses and the admin client.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connection {
    pub login_url: String,
    pub api_url: String,
    pub client_id: String,
    pub client_secret: SecretText,
}

impl Connection {
    pub(crate) fn of(simulator: &Simulator) -> Self {
        let Credentials { client_id, client_secret } = simulator.admin_client();
        Self {
            login_url: simulator.login_url(),
            api_url: simulator.api_url(),
            client_id,
            client_secret,
        }
    }

    /// Takes away what an earlier run has left, so that nobody who waits for the file reads that.
    pub(crate) fn forget(path: &Path) -> anyhow::Result<()> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error)
                .with_context(|| format!("cannot replace --connection-file {}", path.display())),
            _ => Ok(()),
        }
    }

    /// Writes the file whole: whoever waits for it never reads a part.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let unfinished = path.with_extension("unfinished");
        let json =
            serde_json::to_vec_pretty(self).context("cannot write the connection as JSON")?;
        let open = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished);
        open.and_then(|mut file| file.write_all(&json))
            .and_then(|()| std::fs::rename(&unfinished, path))
            .with_context(|| format!("cannot write --connection-file {}", path.display()))
    }
}
