//! In: a program and a directory. Out: an etcd on loopback that the API server may use.
//! It trades durability for speed: a power cut may cost the data, the end of a process does not.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use tokio::net::TcpStream;

use crate::port;
use crate::process::Process;
use crate::server::{Server, is_port_clash};

/// A running etcd.
#[derive(Debug)]
pub(crate) struct Etcd {
    pub(crate) process: Process,
    pub(crate) url: String,
}

impl Etcd {
    /// Starts one, on other ports when the first ones are taken by somebody else.
    pub(crate) async fn start(program: PathBuf, directory: &Path) -> Result<Self> {
        let mut tries = 5;
        loop {
            tries -= 1;
            match Self::start_once(program.clone(), directory).await {
                Err(error) if tries > 0 && is_port_clash(&error) => {}
                outcome => return outcome,
            }
        }
    }

    async fn start_once(program: PathBuf, directory: &Path) -> Result<Self> {
        let (client_port, peer_port) = (port::free()?, port::free()?);
        let url = format!("http://127.0.0.1:{client_port}");
        let peer_url = format!("http://127.0.0.1:{peer_port}");
        let mut flags = vec!["--data-dir".into(), directory.join("etcd").into_os_string()];
        flags.extend(
            [
                "--name=testbed",
                "--unsafe-no-fsync",
                "--log-level=warn",
                &format!("--listen-client-urls={url}"),
                &format!("--advertise-client-urls={url}"),
                &format!("--listen-peer-urls={peer_url}"),
                &format!("--initial-advertise-peer-urls={peer_url}"),
                &format!("--initial-cluster=testbed={peer_url}"),
                // Room for 10,000 Secrets of 10 KB and their history.
                "--quota-backend-bytes=8589934592",
            ]
            .map(Into::into),
        );
        let server = Server { name: "etcd", program, flags, log: directory.join("etcd.log") };
        let listens = || async move {
            TcpStream::connect((Ipv4Addr::LOCALHOST, client_port))
                .await
                .map(drop)
                .map_err(|error| error.to_string())
        };
        Ok(Self { process: server.start(listens).await?, url })
    }
}
