//! What to do next about the account's configuration: one step, or why there is none.
//!
//! A pass asks again after each step, with what the step brought; so a step is decided on what is known now, and a
//! crash between any two of them is only another pass.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::diff::{self, Change, diff};
use super::records::{after, credential_in};
use super::resolve::{Unresolved, resolve};
use super::{deletion, drift};
use crate::api::conditions::{ConditionType, Reason};
use crate::api::credential::{OnDrift, OnMissing};
use crate::model::account::{Account, AccountId, Field, State, Wish};
use crate::model::desired::{CLIENT_CREDENTIALS, Desired, Invalid};
use crate::model::marker::Marker;
use crate::model::platform::{PlatformSeen, PlatformView};
use crate::model::seen::{Answer, ListView, ObjectSeen, Reservation, Seen, Slot, TrueCopy};
use crate::model::step::{Config, Lane, Step, Stuck, Wait, Wants};

/// How often a create whose outcome stayed unknown is begun, the first time included.
const CREATES: u32 = 3;
/// How often a new credential is tried, and how long after each refusal.
const PROOFS: [i64; 5] = [15, 30, 60, 120, 120];
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
                let reason = match reason {
                    Reason::TenantChanged => return Err(stuck(Reason::TenantChanged, text)),
                    _ => Reason::PlatformNotReady,
                };
                return Err(wait(reason, text, after(self.now, SignedDuration::from_secs(30)), Wants::Time));
            }
        };
        Ok(Ready { desired, view })
    }

    fn platform_missing(&self, desired: &Desired) -> Lane<Config> {
        let text = format!(
            "{} does not exist: create it or correct spec.platformRef",
            desired.platform
        );
        let until = self.object.created_at.map(|at| after(at, PLATFORM_GRACE));
        match until {
            Some(until) if until > self.now => wait(Reason::PlatformNotFound, text, until, Wants::Time),
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
    paced(lane, inputs)
}

/// Nothing remote is tried while a back-off runs, unless the spec changed.
pub(super) fn paced<T>(lane: Lane<T>, inputs: &Inputs<'_>) -> Lane<T> {
    let Lane::Do(step) = &lane else { return lane };
    let status = &inputs.object.status;
    let until = status.retry.as_ref().and_then(|retry| retry.next_attempt_at);
    match until {
        Some(until)
            if step.is_remote()
                && until > inputs.now
                && status.observed_generation == Some(inputs.object.generation) =>
        {
            let message = last_message(inputs.object);
            Lane::Wait(Wait { reason: Reason::ProgressingWithRetry, message, until, wants: Wants::Time })
        }
        _ => lane,
    }
}

fn last_message(object: &ObjectSeen) -> String {
    object
        .status
        .conditions
        .iter()
        .find(|condition| condition.type_ == ConditionType::Ready.as_str())
        .map_or_else(|| "tried again later".into(), |condition| condition.message.clone())
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
    let slots = [
        (foreign(&seen.true_copy), "the operator's own Secret"),
        (foreign(&seen.reservation), "the operator's own Secret"),
        (foreign(&seen.published), "the Secret of spec.credential.secretName"),
        (foreign(&seen.token), "the Secret of spec.token.secretName"),
    ];
    for (whose, what) in slots {
        if let Some(whose) = whose {
            return Err(stuck(
                Reason::SecretNotOurs,
                format!("{what} belongs to {whose} and is left untouched: choose another name or remove it"),
            ));
        }
    }
    let wish = resolve(desired, view, inputs.marker(), inputs.now).map_err(|unresolved| match unresolved {
        Unresolved::Wait(wait) => Lane::Wait(wait),
        Unresolved::Stuck(stuck) => Lane::Stuck(stuck),
    })?;
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
    if desired.suspend {
        return Err(Lane::Settled(Config::Suspended));
    }
    if !inputs.object.held {
        return Err(Lane::Do(Step::Hold));
    }
    if let Some(trouble) = &view.trouble {
        return Err(wait(
            Reason::Unreachable,
            trouble.clone(),
            after(inputs.now, view.sweep_every),
            Wants::Time,
        ));
    }
    Ok((ready, wish))
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
            known(inputs, ready, wish, copy, list)
        }
        (_, Slot::Ours(reservation)) => match &reservation.answer {
            Some(answer) => proof(inputs, ready, wish, answer, list),
            None => begun(inputs, ready, wish, reservation, list),
        },
        _ => fresh_start(inputs, ready, list),
    }
}

/// Neither a credential nor a reservation: look for a client of ours before making one.
fn fresh_start(inputs: &Inputs<'_>, ready: &Ready<'_>, list: &ListView) -> Lane<Config> {
    if let Some(client) = list.marked.first() {
        let published = inputs.seen.published.ours().and_then(|stored| credential_in(&stored.data));
        if let Some(published) = published
            && list.marked.iter().any(|client| client.id.0 == published.client_id)
        {
            return Lane::Do(Step::Restore);
        }
        if somebody_may_hold(inputs.object, &client.id) {
            return stuck(
                Reason::CredentialLost,
                format!(
                    "the true copy of the credential of client {} is gone, and a new secret would cut off whoever holds the old one: restore the Secret, or delete the client on the platform",
                    client.id
                ),
            );
        }
    } else if !ready.desired.enabled {
        return Lane::Settled(Config::Off);
    }
    Lane::Do(Step::Reserve { attempt: 1 })
}

/// A client whose credential once worked may have holders; one whose credential was never stored has none.
fn somebody_may_hold(object: &ObjectSeen, id: &AccountId) -> bool {
    let known = object.status.remote.as_ref().and_then(|remote| remote.client_id.as_deref());
    known == Some(id.0.as_str())
        && object.status.conditions.iter().any(|condition| {
            condition.type_ == ConditionType::CredentialValid.as_str() && condition.status != "Unknown"
        })
}

/// A create was begun. In this pass: send it. Else its outcome is unknown: look before repeating.
fn begun(
    inputs: &Inputs<'_>,
    ready: &Ready<'_>,
    wish: Wish,
    reservation: &Reservation,
    list: &ListView,
) -> Lane<Config> {
    if let Some(client) = list.marked.first() {
        return Lane::Do(Step::Regenerate(client.id.clone()));
    }
    if inputs.seen.carried.reserved {
        return Lane::Do(Step::Create(Box::new(wish)));
    }
    let looked_until = after(reservation.begun_at, ready.view.capabilities.create_lag);
    if list.lists_since_begun < 2 || list.taken_at < looked_until {
        return wait(
            Reason::Progressing,
            "a create was begun and its answer was not received: looking for the client before repeating".into(),
            looked_until.max(after(inputs.now, SignedDuration::from_secs(1))),
            Wants::List,
        );
    }
    if reservation.attempt >= CREATES {
        return stuck(
            Reason::CreateUnresolved,
            format!(
                "{} creates were sent and none was answered or found: look for client {:?} on the platform, then delete Secret {}/{} to try again",
                reservation.attempt,
                wish.settings.name,
                reservation.stored.namespace,
                reservation.stored.name
            ),
        );
    }
    Lane::Do(Step::Reserve { attempt: reservation.attempt + 1 })
}

/// A new credential is in the reservation: prove it before anybody gets it.
fn proof(
    inputs: &Inputs<'_>,
    ready: &Ready<'_>,
    wish: Wish,
    answer: &Answer,
    list: &ListView,
) -> Lane<Config> {
    let id = AccountId(answer.credential.client_id.clone());
    let shown = inputs
        .seen
        .remote
        .mine
        .as_ref()
        .or_else(|| list.marked.iter().find(|account| account.id == id));
    if !ready.desired.enabled {
        return match shown {
            Some(account) if account.state == State::Active => Lane::Do(Step::SwitchOff(id)),
            _ => Lane::Settled(Config::Off),
        };
    }
    let machine = ready.desired.grant_types.contains(CLIENT_CREDENTIALS);
    if inputs.seen.carried.proven || !machine {
        return Lane::Do(Step::Promote);
    }
    if let Some(account) = shown {
        // What the spec says now may differ from what the create said: an inactive client proves nothing.
        let changes = diff(&wish, account, &ready.view.catalog);
        if !changes.is_empty() && !account.held && !inputs.seen.carried.updated {
            return correct(inputs, ready, wish, account, &diff::fields(&changes));
        }
    }
    let delay = answer.tries.checked_sub(1).map(|last| {
        PROOFS.get(last as usize).copied().unwrap_or(PROOFS[PROOFS.len() - 1])
    });
    let next = match (answer.tried_at, delay) {
        (Some(tried_at), Some(seconds)) => after(tried_at, SignedDuration::from_secs(seconds)),
        _ => after(answer.at, ready.view.capabilities.settle),
    };
    let exhausted = answer.tries as usize >= PROOFS.len();
    if exhausted {
        let again = after(answer.tried_at.unwrap_or(answer.at), ready.view.sweep_every);
        if inputs.now < again {
            return stuck(
                Reason::CredentialUnproven,
                format!(
                    "the new credential of client {id} was refused {} times and is not published; it is tried again at {again}",
                    answer.tries
                ),
            );
        }
        return Lane::Do(Step::Prove);
    }
    if inputs.now < next {
        return wait(
            Reason::Progressing,
            format!("client {id} is made; its credential is tried after the platform has settled"),
            next,
            Wants::Time,
        );
    }
    Lane::Do(Step::Prove)
}

/// There is a true copy: compare its client with the spec.
fn known(
    inputs: &Inputs<'_>,
    ready: &Ready<'_>,
    wish: Wish,
    copy: &TrueCopy,
    list: &ListView,
) -> Lane<Config> {
    let id = AccountId(copy.credential.client_id.clone());
    if let Some(surplus) = list.marked.iter().find(|account| account.id != id && !account.held) {
        return Lane::Do(remove(ready.view, surplus));
    }
    let remote = &inputs.seen.remote;
    let account = match (&remote.snapshot, &remote.mine) {
        (Some(snapshot), _) => Some(&snapshot.account),
        (None, Some(mine)) => Some(mine),
        (None, None) => None,
    };
    let Some(account) = account.filter(|account| account.state != State::Deleted) else {
        if !remote.absent_now {
            return Lane::Do(Step::Read(id));
        }
        return missing(inputs, ready, &id);
    };
    if let Some(marker) = &account.marker
        && !marker.same_object(&wish.marker)
    {
        return stuck(
            Reason::ClaimedByAnother,
            format!("client {id} carries the marker of {}/{} (owner {})", marker.namespace, marker.name, marker.owner),
        );
    }
    let changes = diff(&wish, account, &ready.view.catalog);
    if account.held {
        return Lane::Settled(Config::Held {
            message: format!(
                "the description of client {id} carries keysteward:hold: nothing is written{}",
                if changes.is_empty() { String::new() } else { format!("; {}", diff::sentence(&changes)) }
            ),
            differs: !changes.is_empty(),
        });
    }
    if account.state == State::DisabledByVendor {
        return Lane::Settled(Config::Vendor {
            message: format!(
                "{} itself has disabled client {id}: only its support can enable it",
                ready.view.capabilities.platform
            ),
        });
    }
    if changes.is_empty() {
        return Lane::Settled(if ready.desired.enabled { Config::Synced } else { Config::Off });
    }
    if inputs.seen.carried.updated {
        return wait(
            Reason::ProgressingWithRetry,
            format!("the platform took the update but still shows the old values: {}", diff::sentence(&changes)),
            after(inputs.now, ready.view.sweep_every),
            Wants::List,
        );
    }
    differing(inputs, ready, wish, account, &changes)
}

fn differing(
    inputs: &Inputs<'_>,
    ready: &Ready<'_>,
    wish: Wish,
    account: &Account,
    changes: &[Change],
) -> Lane<Config> {
    let status = &inputs.object.status;
    let mut fields = diff::fields(changes);
    if drift::had_agreed(status, inputs.object.generation) {
        // Written down before it is corrected: a fight is then counted even if we die in between.
        if !inputs.seen.carried.drift_recorded
            && let Some(record) = drift::record(status.drift.as_ref(), changes, inputs.now)
        {
            return Lane::Do(Step::RecordDrift(Box::new(record)));
        }
        if ready.desired.policy.drift == OnDrift::Report {
            return Lane::Settled(Config::Reported {
                message: format!("{}; spec.policy.drift is Report", diff::sentence(changes)),
            });
        }
        let fought = drift::fought(status.drift.as_ref(), inputs.now);
        fields.retain(|field| !fought.contains(field.as_str()));
        if fields.is_empty() {
            return Lane::Settled(Config::Fighting {
                message: format!(
                    "{}; another writer set it back three times, so it is left alone: stop that writer, or change the spec",
                    diff::sentence(changes)
                ),
            });
        }
    }
    correct(inputs, ready, wish, account, &fields)
}

fn correct(
    inputs: &Inputs<'_>,
    ready: &Ready<'_>,
    wish: Wish,
    account: &Account,
    fields: &BTreeSet<Field>,
) -> Lane<Config> {
    if inputs.seen.remote.snapshot.is_none() {
        return Lane::Do(Step::Read(account.id.clone()));
    }
    // Whether tokens outlive a switched-off client is not documented: doubt it first, so that a crash after the
    // update cannot leave a dead token that looks fresh.
    let revives = fields.contains(&Field::Enabled) && wish.enabled;
    let token = inputs.seen.token_record().filter(|record| record.doubted_at.is_none());
    if revives && token.is_some() && ready.desired.token.is_some() {
        return Lane::Do(Step::DoubtToken);
    }
    Lane::Do(Step::Update(Box::new(wish), fields.clone()))
}

fn missing(inputs: &Inputs<'_>, ready: &Ready<'_>, id: &AccountId) -> Lane<Config> {
    if inputs.seen.remote.misses < 2 {
        return wait(
            Reason::ProgressingWithRetry,
            format!("client {id} was not found; it counts as missing if the next sweep does not find it either"),
            after(inputs.now, ready.view.sweep_every),
            Wants::List,
        );
    }
    match ready.desired.policy.on_missing {
        OnMissing::Recreate if ready.desired.enabled => Lane::Do(Step::Forget),
        OnMissing::Recreate => Lane::Settled(Config::Off),
        OnMissing::Report => stuck(
            Reason::ClientMissing,
            format!(
                "client {id} was deleted on the platform; spec.policy.onMissing is Report: set it to Recreate for a new client with a new id and secret"
            ),
        ),
    }
}

/// The step by which an account of ours goes: off first where the platform wants that.
pub(super) fn remove(view: &PlatformView, account: &Account) -> Step {
    if view.capabilities.inactive_before_delete && account.state == State::Active {
        Step::SwitchOff(account.id.clone())
    } else {
        Step::Delete(account.id.clone())
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
