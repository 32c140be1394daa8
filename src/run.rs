//! The wiring: watch, sweep, observe, decide, execute, report.
//!
//! Enters: watches, timers, what a sweep saw. Leaves: statuses, events, metrics. The only place that spawns,
//! sleeps and reads the clock.

pub mod account;
pub mod admin;
pub mod controller;
pub mod execute;
pub mod gate;
pub mod guard;
pub mod lease;
pub mod memory;
pub mod metrics;
pub mod namespaces;
pub mod objects;
pub mod observe;
pub mod operator;
pub mod pass;
pub mod platforms;
pub mod reconcile;
pub mod secrets;
pub mod shutdown;
pub mod supervise;
pub mod sweep;
pub mod telemetry;
pub mod watchdog;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use anyhow::Context;
use kube::Client;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::admin::{Admin, Readiness};
use self::controller::vital;
use self::gate::Gate;
use self::lease::{Election, KubernetesLease, Leadership, Pace};
use self::metrics::Metrics;
use self::operator::{Operator, Options};
use self::shutdown::Unfinished;
use crate::kubernetes::live::Live;

/// What a process is started with.
#[derive(Debug)]
pub struct Start {
    pub options: Options,
    /// Where `/livez`, `/readyz` and `/metrics` are served.
    pub admin: TcpListener,
    /// None: this is the only replica, and no Lease is used.
    pub election: Option<(String, Pace)>,
    /// Name of this replica: the pod's.
    pub instance: String,
}

/// Runs until `stop`, or until this replica no longer leads.
pub async fn run(
    client: Client,
    metrics: Arc<Metrics>,
    start: Start,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let Start { options, admin, election, instance } = start;
    let live = Live::new(client.clone(), instance.clone());
    let tasks = TaskTracker::new();
    let last = CancellationToken::new();
    let operator_namespace = options.settings.operator_namespace.clone();
    let leadership = match election {
        None => Leadership::undisputed(),
        Some((name, pace)) => {
            let lease = KubernetesLease::new(live.clone(), operator_namespace, name);
            Election::new(lease, lease::identity(&instance), pace).start(&tasks, last.clone())
        }
    };
    let readiness = Readiness::default();
    let pages = Admin {
        metrics: Arc::clone(&metrics),
        readiness: readiness.clone(),
        leadership: leadership.clone(),
    };
    let serving = CancellationToken::new();
    let server = tasks.spawn(admin::serve(admin, pages, serving.clone()));
    let worked = lead(client, live, options, leadership, metrics, readiness, &stop).await;
    if worked.as_ref().is_err_and(anyhow::Error::is::<Unfinished>) {
        // The Lease is not given up beside work that goes on: it runs out after this process has ended.
        return worked;
    }
    // The Lease is given up after the last work, so that the next replica begins at once and not beside us.
    last.cancel();
    serving.cancel();
    tasks.close();
    tasks.wait().await;
    server.await.context("the admin server stopped")?.context("the admin server failed")?;
    worked
}

/// Waits for leadership, works, and ends when it is lost.
async fn lead(
    client: Client,
    live: Live,
    options: Options,
    mut leadership: Leadership,
    metrics: Arc<Metrics>,
    readiness: Readiness,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let gained = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        gained = leadership.gained() => gained,
    };
    anyhow::ensure!(gained, "the election ended");
    tracing::info!("leading");
    let work = stop.child_token();
    let tasks = TaskTracker::new();
    let operator =
        Arc::new(Operator::new(live, options, leadership.clone(), metrics, work.clone()));
    start_watches(&client, &operator, &readiness, &tasks, &work);
    let result = tokio::select! {
        () = work.cancelled() => {
            anyhow::ensure!(stop.is_cancelled(), "a part of the operator ended by itself: see the log");
            Ok(())
        }
        () = leadership.lost() => Err(anyhow::anyhow!("the Lease was lost: another replica may lead")),
    };
    work.cancel();
    shutdown::ended(&tasks).await?;
    result
}

fn start_watches(
    client: &Client,
    operator: &Arc<Operator>,
    readiness: &Readiness,
    tasks: &TaskTracker,
    work: &CancellationToken,
) {
    let (scopes, wakers) = controller::scopes(&operator.options.namespaces);
    operator.attach(wakers);
    operator.objects.attach(scopes.iter().map(controller::Scope::store).collect());
    let namespaces: Vec<Option<String>> =
        scopes.iter().map(|scope| scope.namespace.clone()).collect();
    let mut secrets_of = namespaces.clone();
    let own = &operator.options.settings.operator_namespace;
    let shown = secrets_of.iter().any(|namespace| namespace.as_ref().is_none_or(|n| n == own));
    if !shown {
        secrets_of.push(Some(own.clone()));
    }
    let mut before_work = Vec::new();
    let mut awaited = |what: &'static str| {
        let (gate, opened) = Gate::new(readiness, what);
        before_work.push(opened);
        gate
    };
    for namespace in secrets_of {
        let (client, operator) = (client.clone(), Arc::clone(operator));
        let listed = awaited("the first list of Secrets");
        let own = controller::watch_own_secrets(
            client.clone(),
            namespace.clone(),
            Arc::clone(&operator),
            listed,
            work.clone(),
        );
        vital(tasks, work, "own Secrets", own);
        let input = controller::watch_input_secrets(client, namespace, operator, work.clone());
        vital(tasks, work, "input Secrets", input);
    }
    let listed = awaited("the first list of namespaces");
    let labels =
        controller::watch_namespaces(client.clone(), Arc::clone(operator), listed, work.clone());
    vital(tasks, work, "namespaces", labels);
    let listed = awaited("the first list of platforms");
    let platforms = supervise::run(
        client.clone(),
        namespaces,
        Arc::clone(operator),
        tasks.clone(),
        listed,
        work.clone(),
    );
    vital(tasks, work, "platforms", platforms);
    vital(tasks, work, "watchdog", watchdog::run(Arc::clone(operator), work.clone()));
    for scope in scopes {
        let (client, operator, before_work) =
            (client.clone(), Arc::clone(operator), before_work.clone());
        let stop = work.clone();
        vital(tasks, work, "objects", async move {
            // Before these lists are in, a missing platform or Secret could not be told from one not yet seen.
            for mut listed in before_work {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = listed.wait_for(|listed| *listed) => {}
                }
            }
            scope.run(client, operator, stop).await;
        });
    }
}
