//! What to do next about the account's configuration: one step, or why there is none.
//!
//! A pass asks again after each step, with what the step brought; so a step is decided on what is known now, and a
//! crash between any two of them is only another pass.

mod keeping;
mod making;

use jiff::{SignedDuration, Timestamp};

pub(super) use self::keeping::{client_is_gone, remove};
use super::deletion;
use super::pace::{Retries, Retry};
use super::records::after;
use super::resolve::{Unresolved, resolve};
use crate::api::conditions::{ConditionType, Reason};
use crate::model::account::Wish;
use crate::model::desired::{Desired, Invalid};
use crate::model::marker::Marker;
use crate::model::platform::{PlatformSeen, PlatformView};
use crate::model::seen::{ObjectSeen, Seen, Slot};
use crate::model::step::{Config, Lane, Step, Stuck, Wait, Wants};

/// A missing platform object may still be on its way for so long.
const PLATFORM_GRACE: SignedDuration = SignedDuration::from_secs(30);

/// All that decides.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    pub object: &'a ObjectSeen,
    pub desired: &'a Result<Desired, Invalid>,
    pub platform: &'a PlatformSeen,
    pub seen: &'a Seen,
    /// Another object goes before this one for something that only one can have.
    pub lost_claim: Option<&'a str>,
    pub owner: &'a str,
    /// When a token was last minted by this process, whatever became of it.
    pub last_mint: Option<Timestamp>,
    /// The back-off of both lanes.
    pub retries: Retries,
    pub now: Timestamp,
}

/// Everything needed once spec, platform and names are in order.
pub(super) struct Ready<'a> {
    pub(super) desired: &'a Desired,
    pub(super) view: &'a PlatformView,
}

impl<'a> Inputs<'a> {
    pub(super) fn marker(&self) -> Marker {
        let key = &self.object.key;
        Marker {
            owner: self.owner.to_owned(),
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            uid: key.uid.clone(),
        }
    }

    /// Spec and platform, or why nothing can be said about the account.
    pub(super) fn ready(&self) -> Result<Ready<'a>, Lane<Config>> {
        let desired = self
            .desired
            .as_ref()
            .map_err(|invalid| stuck(Reason::InvalidSpec, invalid.to_string()))?;
        let view = match self.platform {
            PlatformSeen::Ready(view) => view,
            PlatformSeen::Missing => return Err(self.platform_missing(desired)),
            PlatformSeen::OtherSystem { is } => {
                return Err(stuck(
                    Reason::InvalidSpec,
                    format!(
                        "{} is a {is} platform and does not fit the block of this object: name another in spec.platformRef",
                        desired.platform
                    ),
                ));
            }
            PlatformSeen::NotReady { reason, message, .. } => {
                let text = format!("{} is not ready: {message}", desired.platform);
                if *reason == Reason::TenantChanged {
                    return Err(stuck(Reason::TenantChanged, text));
                }
                let until = after(self.now, SignedDuration::from_mins(5));
                return Err(wait(Reason::PlatformNotReady, text, until, Wants::Time));
            }
        };
        Ok(Ready { desired, view })
    }

    fn platform_missing(&self, desired: &Desired) -> Lane<Config> {
        let text =
            format!("{} does not exist: create it or correct spec.platformRef", desired.platform);
        let until = self.object.created_at.map(|at| after(at, PLATFORM_GRACE));
        match until {
            Some(until) if until > self.now => {
                wait(Reason::PlatformNotFound, text, until, Wants::Time)
            }
            _ => stuck(Reason::PlatformNotFound, text),
        }
    }
}

/// The next step for the account's configuration.
pub fn config(inputs: &Inputs<'_>) -> Lane<Config> {
    // The one copy of a new secret is in our hands: nothing goes before storing it.
    if inputs.seen.carried.answer.is_some() {
        return Lane::Do(Step::StoreAnswer);
    }
    let lane = if inputs.object.deleting_since.is_some() {
        deletion::config(inputs)
    } else {
        match allowed_to_work(inputs) {
            Ok((ready, wish)) => account(inputs, &ready, wish),
            Err(lane) => lane,
        }
    };
    let said = || last_said(inputs.object, ConditionType::Synced);
    paced(lane, inputs.retries.config, inputs.now, said)
}

/// Nothing remote is tried while the lane's own back-off runs: trouble with the account must not hold a token back, nor
/// trouble with tokens the account. What was said of the trouble stands meanwhile.
pub(super) fn paced<T>(
    lane: Lane<T>,
    retry: Option<Retry>,
    now: Timestamp,
    said: impl FnOnce() -> (Reason, String),
) -> Lane<T> {
    match (&lane, retry) {
        (Lane::Do(step), Some(retry)) if step.is_remote() && retry.until > now => {
            let (reason, message) = said();
            Lane::Wait(Wait { reason, message, until: retry.until, wants: Wants::Time })
        }
        _ => lane,
    }
}

/// Whether a lane rests because of its back-off.
pub(super) fn is_paced<T>(lane: &Lane<T>, retry: Option<Retry>) -> bool {
    matches!((lane, retry), (Lane::Wait(wait), Some(retry)) if wait.until == retry.until)
}

/// What a condition says of a trouble that goes on.
pub(super) fn last_said(object: &ObjectSeen, kind: ConditionType) -> (Reason, String) {
    let of = |kind: ConditionType| {
        object.status.conditions.iter().find(move |condition| condition.type_ == kind.as_str())
    };
    let said = of(kind)
        .filter(|condition| condition.status != "True")
        .or_else(|| of(ConditionType::Ready));
    let Some(said) = said else {
        return (Reason::ProgressingWithRetry, "tried again later".into());
    };
    let known =
        [Reason::Unreachable, Reason::Throttled, Reason::Refused, Reason::CredentialRefused];
    let reason = known.into_iter().find(|reason| said.reason == reason.as_str());
    (reason.unwrap_or(Reason::ProgressingWithRetry), said.message.clone())
}

/// The gates before any work, most fundamental first.
fn allowed_to_work<'a>(inputs: &Inputs<'a>) -> Result<(Ready<'a>, Wish), Lane<Config>> {
    let ready = inputs.ready()?;
    let Ready { desired, view } = &ready;
    if let Some(other) = &view.other_tenant {
        return Err(tenant_changed(desired, view, &other.id));
    }
    if let Some(message) = inputs.lost_claim {
        return Err(stuck(Reason::ClaimedByAnother, message.to_owned()));
    }
    let seen = inputs.seen;
    if let Some(whose) = foreign(&seen.true_copy).or(foreign(&seen.reservation)) {
        return Err(stuck(
            Reason::SecretNotOurs,
            format!(
                "the place of this object's credential in the operator's namespace is taken: {whose}"
            ),
        ));
    }
    let slots = [
        (foreign(&seen.published), "spec.credential.secretName"),
        (foreign(&seen.token), "spec.token.secretName"),
    ];
    for (whose, field) in slots {
        if let Some(whose) = whose {
            return Err(stuck(
                Reason::SecretNotOurs,
                format!(
                    "the Secret of {field} belongs to {whose} and is left untouched: choose another name or remove it"
                ),
            ));
        }
    }
    let wish =
        resolve(desired, view, inputs.marker(), inputs.now).map_err(
            |unresolved| match unresolved {
                // Names that cannot be read because the platform fails: its trouble is the cause, and its pace.
                Unresolved::Wait(wait) => {
                    troubled(inputs, desired, view).unwrap_or(Lane::Wait(wait))
                }
                Unresolved::Stuck(stuck) => Lane::Stuck(stuck),
            },
        )?;
    if let Some(copy) = seen.true_copy.ours() {
        if !copy.tenant_id.is_empty() && copy.tenant_id != view.tenant.id {
            return Err(tenant_changed(desired, view, &view.tenant.id));
        }
        if view.managing_clients.contains(&copy.credential.client_id) {
            return Err(stuck(
                Reason::NotAllowed,
                format!(
                    "client {} manages a platform and can never be managed itself",
                    copy.credential.client_id
                ),
            ));
        }
    }
    if making::restorable(inputs) {
        return Err(Lane::Do(Step::Restore));
    }
    if desired.suspend {
        return Err(Lane::Settled(Config::Suspended));
    }
    if !inputs.object.held {
        return Err(Lane::Do(Step::Hold));
    }
    match troubled(inputs, desired, view) {
        Some(lane) => Err(lane),
        None => Ok((ready, wish)),
    }
}

/// The wait while the platform's admin API cannot be used.
fn troubled(inputs: &Inputs<'_>, desired: &Desired, view: &PlatformView) -> Option<Lane<Config>> {
    let trouble = view.trouble.as_ref()?;
    let (reason, text) = if view.credential_missing {
        (Reason::PlatformNotReady, format!("{} is not ready: {trouble}", desired.platform))
    } else {
        (Reason::Unreachable, trouble.clone())
    };
    Some(wait(reason, text, after(inputs.now, view.sweep_every), Wants::Time))
}

fn tenant_changed(desired: &Desired, view: &PlatformView, answers: &str) -> Lane<Config> {
    stuck(
        Reason::TenantChanged,
        format!(
            "{} stands for tenant {} but this object's account and the answers are of another ({answers}): nothing is written until they agree",
            desired.platform, view.tenant.id
        ),
    )
}

fn account(inputs: &Inputs<'_>, ready: &Ready<'_>, wish: Wish) -> Lane<Config> {
    let Some(list) = &inputs.seen.remote.list else {
        return wait(
            Reason::Progressing,
            "waiting for a list of the platform's clients that is newer than the last write".into(),
            after(inputs.now, SignedDuration::from_secs(2)),
            Wants::List,
        );
    };
    match (&inputs.seen.true_copy, &inputs.seen.reservation) {
        (Slot::Ours(copy), reservation) => {
            if copy.uid != inputs.object.key.uid || copy.retained_at.is_some() {
                return Lane::Do(Step::TakeBack);
            }
            if reservation.ours().is_some() {
                return Lane::Do(Step::DropReservation);
            }
            keeping::known(inputs, ready, wish, copy, list)
        }
        (_, Slot::Ours(reservation)) => match &reservation.answer {
            Some(answer) => making::proof(inputs, ready, wish, answer, list),
            None => making::begun(inputs, ready, wish, reservation, list),
        },
        _ => making::fresh_start(inputs, ready, list),
    }
}

fn foreign<T>(slot: &Slot<T>) -> Option<&str> {
    match slot {
        Slot::Foreign(whose) => Some(whose),
        Slot::Missing | Slot::Ours(_) => None,
    }
}

pub(super) fn wait<T>(reason: Reason, message: String, until: Timestamp, wants: Wants) -> Lane<T> {
    Lane::Wait(Wait { reason, message, until, wants })
}

pub(super) fn stuck<T>(reason: Reason, message: String) -> Lane<T> {
    Lane::Stuck(Stuck { reason, message })
}
