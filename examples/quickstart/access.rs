//! The operator's access: a kubeconfig of its `ServiceAccount`, with the token in a file beside it.
//!
//! Enters: an administrator's kubeconfig and a token. Leaves: two files that nobody else can read, as a pod has them.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use kube::config::{AuthInfo, Context as Place, Kubeconfig, NamedAuthInfo, NamedContext};
use tempfile::TempDir;

use crate::cluster::Cluster;

/// Files that go when this is dropped.
#[derive(Debug)]
pub(crate) struct Access {
    namespace: String,
    service_account: String,
    directory: TempDir,
}

impl Access {
    /// Asks for a token and writes both files.
    pub(crate) async fn of(
        cluster: &Cluster,
        namespace: &str,
        service_account: &str,
    ) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("keysteward-quickstart-")
            .tempdir()
            .context("could not make a temporary directory: check TMPDIR")?;
        let access = Self {
            namespace: namespace.to_owned(),
            service_account: service_account.to_owned(),
            directory,
        };
        access.renew(cluster).await?;
        let admin = Kubeconfig::read_from(&cluster.kubeconfig)?;
        let kubeconfig = serde_json::to_string(&access.described(admin)?)?;
        write_privately(&access.kubeconfig(), &kubeconfig)?;
        Ok(access)
    }

    /// Puts another token into the file, in one step, as the kubelet does.
    pub(crate) async fn renew(&self, cluster: &Cluster) -> Result<()> {
        let token = cluster.token(&self.namespace, &self.service_account).await?;
        write_privately(&self.token_file(), token.reveal())
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("operator.kubeconfig")
    }

    fn token_file(&self) -> PathBuf {
        self.directory.path().join("token")
    }

    /// The administrator's server, with another user.
    fn described(&self, admin: Kubeconfig) -> Result<Kubeconfig> {
        let chosen = admin.current_context.context("the kubeconfig has no current-context")?;
        let context = admin.contexts.into_iter().find(|context| context.name == chosen);
        let cluster = context
            .and_then(|context| context.context)
            .with_context(|| format!("the kubeconfig has no context {chosen}"))?
            .cluster;
        let name = self.service_account.clone();
        Ok(Kubeconfig {
            api_version: Some("v1".to_owned()),
            kind: Some("Config".to_owned()),
            clusters: admin.clusters.into_iter().filter(|known| known.name == cluster).collect(),
            contexts: vec![NamedContext {
                name: name.clone(),
                context: Some(Place {
                    cluster,
                    user: Some(name.clone()),
                    namespace: Some(self.namespace.clone()),
                    ..Place::default()
                }),
                ..NamedContext::default()
            }],
            current_context: Some(name.clone()),
            auth_infos: vec![NamedAuthInfo {
                name,
                auth_info: Some(AuthInfo {
                    token_file: Some(self.token_file().to_string_lossy().into_owned()),
                    ..AuthInfo::default()
                }),
                ..NamedAuthInfo::default()
            }],
            ..Kubeconfig::default()
        })
    }
}

/// Replaces a file in one step, readable by its owner alone.
fn write_privately(path: &Path, text: &str) -> Result<()> {
    let partial = path.with_extension("partial");
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&partial, path))
        .with_context(|| format!("could not write {}", path.display()))
}
