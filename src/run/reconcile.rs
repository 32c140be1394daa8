//! From a trigger to a pass: finds the object, the platform and what is remembered; skips what changed nothing.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::runtime::controller::Action;
use kube::{Resource, ResourceExt};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

use super::memory::{Left, Memory};
use super::metrics::Passed as How;
use super::objects::{Guarded, Rivalry, key_of};
use super::operator::{Operator, clock};
use super::pass::{Passed, Scene, pass};
use super::platforms::Found;
use super::secrets::Name;
use crate::api::conditions::Reason;
use crate::api::{FINALIZER, ServiceAccountCredential, ServiceAccountCredentialStatus};
use crate::decide::claims::{Claimant, winner};
use crate::kubernetes::Error;
use crate::model::account::AccountId;
use crate::model::desired::{Desired, Invalid, Policy, platform_key, policy};
use crate::model::object::ObjectKey;
use crate::model::platform::{Allowed, PlatformSeen};
use crate::model::seen::{ObjectSeen, Slot, TokenSlot};
use crate::model::step::{Config, Lane, Step, Upkeep, Wants};

/// A pass that looks again this soon looks at once: the queue is not for spinning.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// How long an object waits when its platform has no slot free.
const NO_SLOT: Duration = Duration::from_millis(250);

/// One trigger of one object.
pub async fn reconcile(guarded: Arc<Guarded>, operator: Arc<Operator>) -> Result<Action, Error> {
    let key = key_of(&*guarded);
    let name = (key.namespace.clone(), key.name.clone());
    let asked = match &guarded.0 {
        Ok(object) => Desired::parse(object, &key),
        Err(invalid) => Err(Invalid(format!("the object cannot be read: {}", invalid.error))),
    };
    let object = guarded.0.as_ref().ok();
    let (platform, session) = match find_platform(&operator, object, &key, &asked) {
        // A deletion is decided before any remote session.
        Found::Starting if guarded.meta().deletion_timestamp.is_some() => {
            let message = "its first sweep is not through".to_owned();
            let reason = Reason::Progressing;
            (PlatformSeen::NotReady { reason, message, credential_missing: false }, None)
        }
        Found::Starting => return Ok(Action::await_change()),
        Found::Seen(platform, session) => (platform, session),
    };
    let Some(_leave) = leave(&operator, object, &key) else {
        return Ok(Action::requeue(NO_SLOT));
    };
    let lost_claim = object.and_then(|object| lost_claim(&operator, object, &key));
    let mut memory = recall(&operator, &name, &key);
    let seen = object_seen(&guarded, &key, &mut memory);
    let now = clock();
    if let Some(pause) = nothing_new(&memory, &seen, now) {
        put_back(&operator, &name, memory);
        return Ok(pause);
    }
    memory.dirty = false;
    let started = tokio::time::Instant::now();
    let leads = || operator.leads();
    let own_secrets = operator.secrets.beside(&name);
    let mut scene = Scene {
        object: seen,
        desired: &asked,
        platform: &platform,
        session: session.as_ref(),
        cluster: &operator.live,
        own_secrets: &own_secrets,
        lost_claim: lost_claim.as_deref(),
        settings: &operator.options.settings,
        clock: &clock,
        leads: &leads,
    };
    let result = pass(&mut scene, &mut memory).await;
    let deleting = scene.object.deleting_since.is_some();
    let (generation, held) = (scene.object.generation, scene.object.held);
    drop(scene);
    let done = match result {
        Ok(done) => done,
        Err(error) => {
            operator.metrics.passed(How::Failed, started.elapsed());
            memory.dirty = true;
            put_back(&operator, &name, memory);
            return Err(error);
        }
    };
    super::account::account(&operator, &key, object, &done, started.elapsed());
    if done.released {
        operator.memories().remove(&name);
        operator.metrics.forget_object(&key);
        return Ok(Action::await_change());
    }
    want(&operator, object, &key, &done);
    memory.left = Some(left(&done, generation, deleting, held));
    memory.client_id = super::observe::client_id(&done.seen).map(|id| id.0);
    put_back(&operator, &name, memory);
    Ok(pause_until(done.report.next_look, clock()))
}

/// The platform's leave to work on one of its objects.
enum Leave {
    Slot {
        _taken: OwnedSemaphorePermit,
    },
    /// No platform is involved.
    Free,
}

/// None: as many objects of the platform as may be are under way.
fn leave(
    operator: &Operator,
    object: Option<&ServiceAccountCredential>,
    key: &ObjectKey,
) -> Option<Leave> {
    match object.and_then(|object| operator.platforms.get(&platform_key(object, key))) {
        Some(entry) => {
            Some(Leave::Slot { _taken: Arc::clone(&entry.slots).try_acquire_owned().ok()? })
        }
        None => Some(Leave::Free),
    }
}

/// After the Kubernetes API failed: a little later.
#[expect(clippy::needless_pass_by_value, reason = "the signature that the controller wants")]
pub fn error_policy(guarded: Arc<Guarded>, error: &Error, _: Arc<Operator>) -> Action {
    tracing::warn!(
        namespace = guarded.namespace().unwrap_or_default(),
        name = guarded.name_any(),
        %error,
        "a pass failed"
    );
    match error {
        Error::Gone(_) => Action::await_change(),
        Error::Conflict(_) => Action::requeue(Duration::from_millis(500)),
        Error::Forbidden(_) | Error::Invalid(_) | Error::Unavailable(_) => {
            Action::requeue(Duration::from_secs(5))
        }
    }
}

fn find_platform(
    operator: &Operator,
    object: Option<&ServiceAccountCredential>,
    key: &ObjectKey,
    parsed: &Result<Desired, Invalid>,
) -> Found {
    let Some(object) = object else { return Found::Seen(PlatformSeen::Missing, None) };
    let labels = operator.namespaces.labels(&key.namespace);
    let system = parsed.as_ref().ok().map(|desired| desired.system);
    operator.platforms.find(&platform_key(object, key), system, &key.namespace, labels.as_ref())
}

fn lost_claim(
    operator: &Operator,
    object: &ServiceAccountCredential,
    key: &ObjectKey,
) -> Option<String> {
    let tenant_of = |platform: &_| operator.platforms.tenant_of(platform);
    let may_claim = |other: &ServiceAccountCredential| {
        let key = key_of(other);
        let labels = operator.namespaces.labels(&key.namespace);
        let found = operator.platforms.find(
            &platform_key(other, &key),
            None,
            &key.namespace,
            labels.as_ref(),
        );
        !matches!(found, Found::Seen(PlatformSeen::Ready(view), _) if view.allowed == Allowed::Nothing)
    };
    let holds_name = |other: &ServiceAccountCredential, name: &str| {
        let id = other.status.as_ref()?.remote.as_ref()?.client_id.clone()?;
        let entry = operator.platforms.get(&platform_key(other, &key_of(other)))?;
        let inventory = entry.live()?.inventory.clone()?;
        Some(inventory.get(&AccountId(id))?.settings.name == name)
    };
    let view = Rivalry { tenant_of: &tenant_of, may_claim: &may_claim, holds_name: &holds_name };
    operator.objects.rivals(object, &view).iter().find_map(|(claim, claimants)| {
        let me: &Claimant = claimants.iter().find(|claimant| claimant.object.uid == key.uid)?;
        let first = winner(me, claimants)?;
        Some(format!(
            "{} is {}'s, which came first or holds it already: choose another name, or delete one of the two objects",
            claim.describe(),
            first.object
        ))
    })
}

/// What is remembered of this life of the object.
fn recall(operator: &Operator, name: &Name, key: &ObjectKey) -> Memory {
    let running = Memory::running();
    let mut memory = operator.memories().insert(name.clone(), running).unwrap_or_default();
    if memory.uid != key.uid {
        memory = Memory::default();
        memory.uid.clone_from(&key.uid);
        memory.dirty = true;
    }
    memory
}

/// What came during the pass is kept: a wake, and what the watch showed that is not our own doing.
fn put_back(operator: &Operator, name: &Name, mut memory: Memory) {
    let mut memories = operator.memories();
    let meanwhile = memories.remove(name).unwrap_or_default();
    let news = memory.left.as_ref().is_some_and(|left| {
        meanwhile.meanwhile.iter().any(|(secret, version)| left.is_news(secret, version.as_deref()))
    });
    memory.dirty |= meanwhile.dirty || news;
    let Some(object) = operator.objects.get(name) else { return };
    memory.shown(object.resource_version().as_deref());
    memories.insert(name.clone(), memory);
    drop(memories);
    if news {
        operator.trigger(name);
    }
}

fn object_seen(guarded: &Guarded, key: &ObjectKey, memory: &mut Memory) -> ObjectSeen {
    let metadata = guarded.meta();
    let on_watch = guarded.finalizers().iter().any(|finalizer| finalizer == FINALIZER);
    if on_watch {
        memory.held = false;
    }
    ObjectSeen {
        key: key.clone(),
        generation: metadata.generation.unwrap_or(0),
        created_at: metadata.creation_timestamp.as_ref().map(|time| time.0),
        held: on_watch || memory.held,
        deleting_since: metadata.deletion_timestamp.as_ref().map(|time| time.0),
        status: memory.status(shown_status(guarded), metadata.resource_version.as_deref()),
        policy: guarded
            .0
            .as_ref()
            .ok()
            .and_then(|object| policy(object).ok())
            .unwrap_or_else(retain),
    }
}

/// The status on the watch; of an object that cannot be read as much as can be.
fn shown_status(guarded: &Guarded) -> ServiceAccountCredentialStatus {
    let raw = match &guarded.0 {
        Ok(object) => return object.status.clone().unwrap_or_default(),
        Err(unreadable) => &unreadable.status,
    };
    ServiceAccountCredentialStatus::deserialize(raw).unwrap_or_else(|_| {
        ServiceAccountCredentialStatus {
            observed_generation: raw["observedGeneration"].as_i64(),
            conditions: Deserialize::deserialize(&raw["conditions"]).unwrap_or_default(),
            ..ServiceAccountCredentialStatus::default()
        }
    })
}

/// What an object that cannot be read asks of its deletion.
fn retain() -> Policy {
    Policy {
        drift: crate::api::credential::OnDrift::default(),
        on_missing: crate::api::credential::OnMissing::default(),
        on_delete: crate::api::credential::OnDelete::Retain,
        deletion_deadline: jiff::SignedDuration::from_hours(24),
    }
}

/// Whether all is as the last pass left it: events of our own making end here.
fn nothing_new(memory: &Memory, seen: &ObjectSeen, now: Timestamp) -> Option<Action> {
    let left = memory.left.as_ref()?;
    if left.held && !seen.held {
        return None;
    }
    let due = left.next_look.is_some_and(|at| at <= now);
    let same_object =
        left.generation == seen.generation && left.deleting == seen.deleting_since.is_some();
    (!memory.dirty && !due && same_object).then(|| pause_until(left.next_look, now))
}

fn left(passed: &Passed, generation: i64, deleting: bool, held: bool) -> Left {
    let seen = &passed.seen;
    let token = seen.token.ours().map(|slot| match slot {
        TokenSlot::Empty(stored) => stored,
        TokenSlot::Token(record) => &record.stored,
    });
    let copy = match &seen.true_copy {
        Slot::Ours(copy) => Some(&copy.stored),
        Slot::Missing | Slot::Foreign(_) => None,
    };
    let reservation = seen.reservation.ours().map(|reservation| &reservation.stored);
    let stored = token.into_iter().chain(copy).chain(reservation).chain(seen.published.ours());
    let outcome = &passed.outcome;
    let wants = |wants: Wants| wants != Wants::Time;
    let settled = matches!(outcome.config, Lane::Settled(_))
        && matches!(outcome.upkeep, Lane::Settled(_))
        && outcome.config_failure.is_none()
        && outcome.upkeep_failure.is_none();
    Left {
        generation,
        deleting,
        held,
        secrets: stored
            .map(|s| ((s.namespace.clone(), s.name.clone()), s.resource_version.clone()))
            .collect(),
        next_look: passed.report.next_look,
        settled,
        differs: differs(passed),
        wants_list: matches!(&outcome.config, Lane::Wait(wait) if wants(wait.wants)),
    }
}

/// Whether the pass saw something wrong that it left as it is.
fn differs(passed: &Passed) -> bool {
    let config = match &passed.outcome.config {
        Lane::Settled(
            Config::Reported { .. }
            | Config::Fighting { .. }
            | Config::Held { differs: true, .. }
            | Config::Vendor { .. },
        ) => true,
        Lane::Settled(
            Config::Synced
            | Config::Suspended
            | Config::Off
            | Config::Held { differs: false, .. }
            | Config::Released,
        )
        | Lane::Do(_)
        | Lane::Wait(_)
        | Lane::Stuck(_) => false,
    };
    config || matches!(passed.outcome.upkeep, Lane::Settled(Upkeep::Dead { .. }))
}

/// Tells the sweeper what a pass waits for.
fn want(
    operator: &Operator,
    object: Option<&ServiceAccountCredential>,
    key: &ObjectKey,
    passed: &Passed,
) {
    let Some(object) = object else { return };
    if let Lane::Wait(wait) = &passed.outcome.config
        && wait.wants != Wants::Time
        && let Some(entry) = operator.platforms.get(&platform_key(object, key))
    {
        entry.want(wait.wants, wait.until);
    }
    // What others wait for may now be free.
    if passed.outcome.done.contains(&Step::Release) {
        for rival in operator.objects.forget(&(key.namespace.clone(), key.name.clone())) {
            operator.wake(&rival);
        }
    }
}

fn pause_until(at: Option<Timestamp>, now: Timestamp) -> Action {
    match at {
        Some(at) => {
            let pause = Duration::try_from(at.duration_since(now));
            Action::requeue(pause.unwrap_or_default().max(SHORTEST_PAUSE))
        }
        None => Action::await_change(),
    }
}
