//! In: an operator at rest. Out: what a restart costs, once orderly and once by a crash.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::time::sleep;

use super::cluster::Cluster;
use super::operator::Operator;
use super::platform::Platform;

/// What restarts cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restart {
    /// Tokens made though all lived, in both restarts.
    pub(crate) mints: u64,
    /// Writes, in both restarts.
    pub(crate) writes: usize,
    /// Until every object was looked at again, after the orderly one.
    pub(crate) seconds: f64,
    /// After the crash, two sweeps later.
    pub(crate) rss_mib: f64,
}

/// Restarts it as a rollout does, then as a lost node does.
pub(crate) async fn twice(
    cluster: &Cluster,
    operator: &mut Operator,
    platform: &Platform,
) -> Result<Restart> {
    platform.after_sweeps(3).await?;
    let mints = platform.mints().await?;
    let begun = cluster.mark()?;
    operator.roll().await?;
    let seconds = looked_at(cluster, operator).await?;
    platform.after_sweeps(2).await?;
    operator.crash()?;
    looked_at(cluster, operator).await?;
    platform.after_sweeps(2).await?;
    let writes = cluster.writes_since(begun)?;
    if writes.total() > 0 {
        cluster.size.say(&format!("writes after restarts: {:?}", writes.0));
    }
    Ok(Restart {
        mints: platform.mints().await? - mints,
        writes: writes.total(),
        seconds,
        rss_mib: operator.rss_mib()?,
    })
}

/// Seconds from its start until it has looked at every object.
async fn looked_at(cluster: &Cluster, operator: &mut Operator) -> Result<f64> {
    let wanted = f64::from(u32::try_from(cluster.size.objects)?);
    let patience =
        Duration::from_mins(2) + Duration::from_millis(100) * u32::try_from(cluster.size.objects)?;
    let begun = Instant::now();
    loop {
        // Not before it listens.
        let passes = operator.metric("keysteward_reconcile_total").await.unwrap_or_default();
        if passes >= wanted {
            return Ok(operator.started_at().elapsed().as_secs_f64());
        }
        ensure!(
            begun.elapsed() < patience,
            "{passes} of {wanted} objects looked at in {patience:?}"
        );
        sleep(Duration::from_millis(100)).await;
    }
}
