//! In: a namespace full of objects. Out: how long it took until the last of them was ready.
//! It follows them by a watch: asking again and again would take the server's time from the operator.

use std::collections::HashSet;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DynamicObject, ListParams};
use kube::runtime::{WatchStreamExt, watcher};

use super::cluster::{Cluster, holds, objects};
use super::platform::Platform;

/// Seconds from `since` until every object of the namespace was ready.
pub(crate) async fn all(
    cluster: &Cluster,
    namespace: &str,
    number: usize,
    since: Instant,
) -> Result<f64> {
    let patience = Duration::from_mins(2) + Duration::from_secs(2) * u32::try_from(number)?;
    let mut ready = HashSet::new();
    let waited = tokio::time::timeout(patience, follow(cluster, namespace, number, &mut ready));
    let done = waited.await;
    done.map_err(|_| {
        anyhow::anyhow!("{} of {number} objects were ready after {patience:?}", ready.len())
    })??;
    Ok(since.elapsed().as_secs_f64())
}

async fn follow(
    cluster: &Cluster,
    namespace: &str,
    number: usize,
    ready: &mut HashSet<String>,
) -> Result<()> {
    let api = objects(&cluster.server.client(), namespace);
    let mut events = pin!(watcher(api, watcher::Config::default()).applied_objects());
    let mut told = 0;
    while let Some(object) = events.try_next().await? {
        let name = object.metadata.name.clone().unwrap_or_default();
        if is_ready(&object) {
            ready.insert(name);
        } else {
            ready.remove(&name);
        }
        if ready.len() / 100 > told {
            told = ready.len() / 100;
            cluster.size.say(&format!("{} of {number} ready", ready.len()));
        }
        if ready.len() == number {
            return Ok(());
        }
    }
    anyhow::bail!("the watch ended")
}

fn is_ready(object: &DynamicObject) -> bool {
    let status = &object.data["status"];
    status["observedGeneration"].as_i64() == object.metadata.generation && holds(status, "Ready")
}

/// Fails unless the token that each object publishes lives on the platform, for a client of its own.
pub(crate) async fn tokens_live(
    cluster: &Cluster,
    namespace: &str,
    number: usize,
    platform: &Platform,
) -> Result<()> {
    let api = Api::<Secret>::namespaced(cluster.server.client(), namespace);
    let label = ListParams::default().labels("app.kubernetes.io/managed-by=keysteward");
    let secrets = api.list(&label).await?.items;
    let tokens: Vec<String> = secrets
        .into_iter()
        .filter_map(|secret| secret.data?.remove("GENESYSCLOUD_ACCESS_TOKEN"))
        .map(|token| String::from_utf8(token.0).context("a token is not text"))
        .collect::<Result<_>>()?;
    let owners: HashSet<String> = stream::iter(tokens.iter())
        .map(|token| async move {
            platform.control.token_owner(token).await?.context("a published token is dead")
        })
        .buffer_unordered(8)
        .try_collect()
        .await?;
    let (found, own) = (tokens.len(), owners.len());
    anyhow::ensure!(own == number, "{number} objects published {found} tokens of {own} clients");
    Ok(())
}

/// Text as `data` of a Secret has it.
pub(crate) fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}
