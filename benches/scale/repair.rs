//! In: clients that somebody changes on the platform. Out: how long until each is as written and its object says so.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use keysteward_simulator::{ClientEdit, ClientView};
use tokio::time::sleep;

use super::cluster::{Cluster, holds};
use super::platform::Platform;

/// Of each kind, each on a client of its own.
const ROUNDS: usize = 5;
const KINDS: [Kind; 3] = [Kind::State, Kind::Role, Kind::GrantType];
const SWEEP: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone, Copy, Debug)]
enum Kind {
    State,
    Role,
    GrantType,
}

/// Seconds of every repair. They begin at different moments between two sweeps, the worst one included.
pub(crate) async fn all(cluster: &Cluster, platform: &Platform) -> Result<Vec<f64>> {
    let clients = cluster.client_ids().await?;
    let last = (ROUNDS * KINDS.len()).min(clients.len());
    let mut repairs = Vec::new();
    for (number, client) in clients.iter().enumerate().take(last) {
        platform.after_sweeps(1).await?;
        sleep(SWEEP * u32::try_from(number)? / u32::try_from(last)?).await;
        let kind = KINDS[number % KINDS.len()];
        let seconds = one(cluster, platform, number, client, kind).await?;
        cluster.size.say(&format!("{kind:?} repaired after {seconds:.2} s"));
        repairs.push(seconds);
    }
    Ok(repairs)
}

async fn one(
    cluster: &Cluster,
    platform: &Platform,
    number: usize,
    id: &str,
    kind: Kind,
) -> Result<f64> {
    let before = platform.client(id).await?;
    let edit = match kind {
        Kind::State => ClientEdit::state("inactive"),
        Kind::Role => ClientEdit::roles(before.role_divisions[..1].to_vec()),
        Kind::GrantType => ClientEdit::field("authorizedGrantType", "CODE"),
    };
    platform.control.edit_client(id, &edit).await?;
    let begun = Instant::now();
    loop {
        let status = cluster.status(number).await?;
        let corrected = status["drift"]["correctedAt"].is_string();
        if corrected && holds(&status, "Ready") && holds(&status, "Synced") {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "{kind:?} was not repaired in {PATIENCE:?}: {status}");
        sleep(Duration::from_millis(50)).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let after = platform.client(id).await?;
    ensure!(written(&before) == written(&after), "{kind:?} is said to be repaired, and is not");
    Ok(seconds)
}

/// What the object says of its client.
fn written(client: &ClientView) -> (String, String, Vec<String>) {
    let mut roles: Vec<String> =
        client.role_divisions.iter().map(|role| format!("{role:?}")).collect();
    roles.sort();
    (client.state.clone(), client.authorized_grant_type.clone(), roles)
}
