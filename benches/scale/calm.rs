//! In: an operator with nothing to do. Out: what that costs: memory, calls of the platform, writes to the API server.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{MissedTickBehavior, interval};

use super::cluster::Cluster;
use super::figures::median;
use super::operator::Operator;
use super::platform::Platform;

/// Of the look, and so the unit of `kube_writes_per_minute`.
const SECONDS: u32 = 60;
const SWEEPS: u64 = 10;
/// As often as the platform is swept.
const PAGE_EVERY: u32 = 5;

/// What rest costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calm {
    pub(crate) rss_mib: f64,
    pub(crate) peak_rss_mib: f64,
    pub(crate) remote_calls_per_sweep: f64,
    pub(crate) kube_writes_per_minute: usize,
    pub(crate) sweep_seconds: f64,
}

/// Lets two sweeps pass, then looks for a minute.
pub(crate) async fn look(
    cluster: &Cluster,
    operator: &mut Operator,
    platform: &Platform,
) -> Result<Calm> {
    // The list that is being read now may have been begun before the last change.
    platform.after_sweeps(3).await?;
    let begun = cluster.mark()?;
    let ((rss_mib, sweep_seconds), remote_calls_per_sweep) =
        tokio::try_join!(minute(operator), calls(platform))?;
    let writes = cluster.writes_since(begun)?;
    if writes.total() > 0 {
        cluster.size.say(&format!("writes at rest: {:?}", writes.0));
    }
    Ok(Calm {
        rss_mib,
        peak_rss_mib: operator.peak_rss_mib()?,
        remote_calls_per_sweep,
        kube_writes_per_minute: writes.total(),
        sweep_seconds,
    })
}

/// Medians of the memory and of the time of a sweep.
async fn minute(operator: &mut Operator) -> Result<(f64, f64)> {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut memory, mut sweeps) = (Vec::new(), Vec::new());
    seconds.tick().await;
    for second in 1..=SECONDS {
        seconds.tick().await;
        if second % PAGE_EVERY == 0 {
            sweeps.push(operator.metric("keysteward_sweep_duration_seconds").await?);
        }
        memory.push(operator.rss_mib()?);
    }
    Ok((median(&memory), median(&sweeps)))
}

/// The mean over whole sweeps.
async fn calls(platform: &Platform) -> Result<f64> {
    let before = platform.after_sweeps(1).await?.total();
    let after = platform.after_sweeps(SWEEPS).await?.total();
    let calls = u32::try_from(after - before)?;
    Ok(f64::from(calls) / f64::from(u32::try_from(SWEEPS)?))
}
