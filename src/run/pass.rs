//! One pass over one object: observe, then decide and execute step by step until both lanes rest, then report.

use std::sync::Arc;

use jiff::Timestamp;

use super::execute::execute;
use super::memory::{Memory, Written};
use super::observe::observe;
use crate::api::ServiceAccountCredentialStatus;
use crate::decide::next::{Inputs, config};
use crate::decide::pace::Retries;
use crate::decide::records::Place;
use crate::decide::status::{Report, remembered, report};
use crate::decide::upkeep::upkeep;
use crate::kubernetes::{Cluster, Error};
use crate::model::desired::{Desired, Invalid};
use crate::model::inventory::Inventory;
use crate::model::platform::PlatformSeen;
use crate::model::seen::{ObjectSeen, Seen};
use crate::model::step::{Because, Failure, Lane, Outcome, Step};
use crate::provider::Provider;

/// More steps than any pass needs: a bound against a platform that undoes what we do while we look.
const LONGEST_PASS: usize = 40;

/// Settings of this Keysteward.
#[derive(Clone, Debug)]
pub struct Settings {
    pub owner: String,
    pub operator_namespace: String,
}

/// A platform's session as one pass uses it.
#[derive(Debug)]
pub struct Session<P> {
    pub provider: Arc<P>,
    /// The newest list.
    pub inventory: Option<Arc<Inventory>>,
    /// When the last lists were begun.
    pub recent: Vec<Timestamp>,
}

/// Where and with what a pass works.
pub struct Scene<'a, P, K> {
    pub object: ObjectSeen,
    pub desired: &'a Result<Desired, Invalid>,
    pub platform: &'a PlatformSeen,
    pub session: Option<&'a Session<P>>,
    pub cluster: &'a K,
    /// Names of Secrets of ours beside the object, as the watch shows them.
    pub own_secrets: &'a [String],
    pub lost_claim: Option<&'a str>,
    pub settings: &'a Settings,
    pub clock: &'a (dyn Fn() -> Timestamp + Sync),
    /// Whether this process may still act: asked before each step.
    pub leads: &'a (dyn Fn() -> bool + Sync),
}

impl<P, K> std::fmt::Debug for Scene<'_, P, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scene").field("object", &self.object.key).finish_non_exhaustive()
    }
}

impl<P, K> Scene<'_, P, K> {
    pub(super) fn place(&self) -> Place<'_> {
        Place {
            owner: &self.settings.owner,
            operator_namespace: &self.settings.operator_namespace,
            object: &self.object.key,
        }
    }

    fn inputs<'a>(&'a self, seen: &'a Seen, memory: &Memory, retries: Retries) -> Inputs<'a> {
        Inputs {
            object: &self.object,
            desired: self.desired,
            platform: self.platform,
            seen,
            lost_claim: self.lost_claim,
            owner: &self.settings.owner,
            last_mint: memory.last_mint,
            retries,
            now: (self.clock)(),
        }
    }
}

/// What a pass came to.
#[derive(Debug)]
pub struct Passed {
    pub outcome: Outcome,
    pub report: Report,
    pub seen: Seen,
    /// The object has been let go: there is nothing left to report on.
    pub released: bool,
}

/// One pass. `Err` means that the Kubernetes API failed before anything could be decided, or at the report.
pub async fn pass<P: Provider, K: Cluster>(
    scene: &mut Scene<'_, P, K>,
    memory: &mut Memory,
) -> Result<Passed, Error> {
    let mut seen = observe(scene, memory).await?;
    let generation = scene.object.generation;
    let retries = match memory.retries {
        Some((of, retries)) if of == generation => retries,
        Some(_) => Retries::default(),
        None => remembered(&scene.object.status, generation),
    };
    let outcome = work(scene, memory, &mut seen, retries).await;
    let released = outcome.done.contains(&Step::Release)
        || (scene.object.deleting_since.is_some() && !scene.object.held);
    let report = report(&scene.inputs(&seen, memory, retries), &outcome);
    memory.retries = Some((generation, report.retries));
    if !released && report.status != scene.object.status && (scene.leads)() {
        let key = &scene.object.key;
        // Of an object that cannot be read the status may hold what is not understood either.
        let nothing = ServiceAccountCredentialStatus::default();
        let beside = scene.desired.is_err() && scene.object.status != nothing;
        let version = if beside {
            scene.cluster.write_conditions(key, &report.status).await?
        } else {
            scene.cluster.write_status(key, &report.status).await?
        };
        memory.written = Some(Written::new(report.status.clone(), version));
    }
    // What was not written is told by whoever writes it.
    for event in report.events.iter().filter(|_| (scene.leads)()) {
        scene.cluster.publish(&scene.object.key, event).await;
    }
    Ok(Passed { outcome, report, seen, released })
}

async fn work<P: Provider, K: Cluster>(
    scene: &mut Scene<'_, P, K>,
    memory: &mut Memory,
    seen: &mut Seen,
    retries: Retries,
) -> Outcome {
    let mut done = Vec::new();
    let (mut config_failure, mut upkeep_failure) = (None, None);
    loop {
        let inputs = scene.inputs(seen, memory, retries);
        let (first, second) = (config(&inputs), upkeep(&inputs));
        let config_step = match &first {
            Lane::Do(step) if config_failure.is_none() => Some(step.clone()),
            Lane::Do(_) | Lane::Wait(_) | Lane::Settled(_) | Lane::Stuck(_) => None,
        };
        let upkeep_step = match &second {
            Lane::Do(step) if upkeep_failure.is_none() => Some(step.clone()),
            Lane::Do(_) | Lane::Wait(_) | Lane::Settled(_) | Lane::Stuck(_) => None,
        };
        let of_config = config_step.is_some();
        let Some(step) = config_step.or(upkeep_step).filter(|_| done.len() < LONGEST_PASS) else {
            return Outcome { config: first, upkeep: second, config_failure, upkeep_failure, done };
        };
        // The only copy of a new secret is stored by whoever has it; all else is the leader's.
        let result = if step != Step::StoreAnswer && !(scene.leads)() {
            Err(Because::NotLeading)
        } else {
            execute(&step, scene, memory, seen).await
        };
        if matches!(step, Step::Mint | Step::Prove) && result.is_ok() {
            memory.last_mint = Some((scene.clock)());
        }
        match result {
            Ok(()) => done.push(step),
            Err(because) if of_config => config_failure = Some(Failure { step, because }),
            Err(because) => upkeep_failure = Some(Failure { step, because }),
        }
    }
}
