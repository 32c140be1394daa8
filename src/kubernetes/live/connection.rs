//! The way to the API server: a kubeconfig, or the pod's own account.
//!
//! Enters: perhaps a path. Leaves: a client that repeats nothing by itself, whose calls are counted and whose token file
//! is read again when it changes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, header};
use kube::Client;
use kube::client::ClientBuilder;
use kube::config::{AuthInfo, Config, KubeConfigOptions, Kubeconfig};
use tower::util::option_layer;

use super::calls::{CallSink, CountCalls};
use super::token_file::TokenFile;
use crate::kubernetes::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client and what the configuration said besides.
#[derive(Clone)]
pub struct Connection {
    pub client: Client,
    /// The namespace of the pod, or of the kubeconfig's context.
    pub namespace: String,
    /// The address of the API server, for people.
    pub server: String,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { client: _, namespace, server } = self;
        f.debug_struct("Connection")
            .field("namespace", namespace)
            .field("server", server)
            .finish_non_exhaustive()
    }
}

/// Connects with this kubeconfig, or else with the one that `KUBECONFIG` or the home directory gives, or else as the
/// pod. Sends nothing yet.
pub async fn connect(
    kubeconfig: Option<&Path>,
    calls: Arc<impl CallSink>,
) -> Result<Connection, Error> {
    let config = match kubeconfig {
        Some(path) => from_file(path).await?,
        None => Config::infer().await.map_err(|error| {
            Error::Unavailable(format!(
                "could not find the API server: set KUBECONFIG, or run in a pod ({error})"
            ))
        })?,
    };
    connect_as(config, calls)
}

async fn from_file(path: &Path) -> Result<Config, Error> {
    let trouble = |why: &dyn std::fmt::Display| {
        Error::Unavailable(format!("could not use the kubeconfig {}: {why}", path.display()))
    };
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| trouble(&error))?;
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| trouble(&error))
}

/// Connects as this configuration says.
pub fn connect_as(mut config: Config, calls: Arc<impl CallSink>) -> Result<Connection, Error> {
    // The controller has its own back-off; the client's would hide an outage for minutes.
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    let agent = HeaderValue::from_static(concat!("keysteward/", env!("CARGO_PKG_VERSION")));
    config.headers.push((header::USER_AGENT, agent));
    let token_file = take_token_file(&mut config.auth_info)
        .map(|path| {
            TokenFile::open(Path::new(&path)).map_err(|error| {
                Error::Unavailable(format!("could not read the token file {path}: {error}"))
            })
        })
        .transpose()?;
    let namespace = config.default_namespace.clone();
    let server = config.cluster_url.to_string();
    let builder = ClientBuilder::try_from(config).map_err(|error| {
        Error::Unavailable(format!("could not prepare the connection to {server}: {error}"))
    })?;
    let client =
        builder.with_layer(&option_layer(token_file)).with_layer(&CountCalls(calls)).build();
    Ok(Connection { client, namespace, server })
}

/// The token file, where kube would use it: whatever else can prove who we are goes before it.
fn take_token_file(auth: &mut AuthInfo) -> Option<String> {
    let other = auth.auth_provider.is_some()
        || (auth.username.is_some() && auth.password.is_some())
        || auth.token.is_some();
    if other { None } else { auth.token_file.take() }
}

#[cfg(test)]
mod tests;
