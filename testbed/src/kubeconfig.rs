//! In: the address of an API server and an identity. Out: a kubeconfig file for it.
//! A token is kept in a file of its own, which can be replaced while somebody reads it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::certificates::{Certificates, encoded};

/// What every kubeconfig of one server has in common.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    pub(crate) authority: String,
}

/// A kubeconfig for a ServiceAccount, with its token in a file beside it.
#[derive(Debug, Clone)]
pub struct ServiceAccountAccess {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) lifetime: Duration,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) token_file: PathBuf,
}

impl ServiceAccountAccess {
    /// The path of the kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The path of the file that holds the token and nothing else.
    pub fn token_file(&self) -> &Path {
        &self.token_file
    }
}

impl Endpoint {
    /// Writes the administrator's kubeconfig.
    pub(crate) fn write_admin(&self, path: &Path, certificates: &Certificates) -> Result<()> {
        let user = format!(
            "{{client-certificate-data: {}, client-key-data: {}}}",
            encoded(&certificates.admin_certificate)?,
            encoded(&certificates.admin_key)?,
        );
        write_privately(path, &self.kubeconfig("admin", "default", &user))
    }

    /// Writes a kubeconfig that reads its token from a file.
    pub(crate) fn write_for(&self, access: &ServiceAccountAccess) -> Result<()> {
        let user = format!("{{tokenFile: {}}}", quoted(&access.token_file.to_string_lossy()));
        let name = format!("{}-{}", access.namespace, access.name);
        write_privately(&access.kubeconfig, &self.kubeconfig(&name, &access.namespace, &user))
    }

    fn kubeconfig(&self, name: &str, namespace: &str, user: &str) -> String {
        let Self { url, authority } = self;
        let (name, namespace) = (quoted(name), quoted(namespace));
        format!(
            "apiVersion: v1
kind: Config
current-context: {name}
contexts:
- name: {name}
  context: {{cluster: testbed, user: {name}, namespace: {namespace}}}
clusters:
- name: testbed
  cluster: {{server: {url}, certificate-authority-data: {authority}}}
users:
- name: {name}
  user: {user}
"
        )
    }
}

/// Replaces `path` in one step, readable by its owner alone.
pub(crate) fn write_privately(path: &Path, text: &str) -> Result<()> {
    let attempted = || format!("could not write {}", path.display());
    let partial = path.with_extension("partial");
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(attempted)?;
    fs::rename(&partial, path).with_context(attempted)
}

/// A string as YAML takes it whatever it contains: JSON is YAML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
