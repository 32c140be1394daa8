//! In: the same number of objects in a namespace of their own. Out: how long until they are ready with every default:
//! the waits that the platform needs, 240 requests a minute, and a platform that allows 300.

use anyhow::Result;

use super::cluster::Cluster;
use super::operator::Operator;
use super::platform::{Limits, Platform};
use super::ready;

const TEAM: &str = "team-with-defaults";

/// Seconds until all are ready.
pub(crate) async fn ready(cluster: &Cluster) -> Result<f64> {
    let platform = Platform::start(Limits::AsDocumented).await?;
    let objects = cluster.size.objects;
    cluster.namespace(TEAM).await?;
    cluster.add_team(TEAM, &platform, true).await?;
    cluster.accounts(TEAM, objects).await?;
    let mut operator = Operator::with_defaults(cluster, TEAM).await?;
    let seconds = ready::all(cluster, TEAM, objects, operator.started_at()).await?;
    ready::tokens_live(cluster, TEAM, objects, &platform).await?;
    operator.end().await?;
    Ok(seconds)
}
