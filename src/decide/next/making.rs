//! What to do next about a client that is not made yet, or whose credential is not proven yet.

use jiff::SignedDuration;

use super::{Inputs, Ready, keeping, stuck, wait};
use crate::api::conditions::{ConditionType, Reason};
use crate::decide::diff::{self, diff};
use crate::decide::records::{after, credential_in, published_intact};
use crate::model::account::{Account, AccountId, State, Wish};
use crate::model::desired::CLIENT_CREDENTIALS;
use crate::model::seen::{Answer, ListView, ObjectSeen, Reservation, Slot};
use crate::model::step::{Config, Lane, Step, Wants};

/// How often a create whose outcome stayed unknown is begun, the first time included.
const CREATES: u32 = 3;
/// How often a new credential is tried, and how long after each refusal.
const PROOFS: [i64; 5] = [15, 30, 60, 120, 120];

/// Whether the true copy is lost and can be had again from the published one. That is a repair: neither a suspended
/// object nor a platform out of reach has to wait for it.
pub(super) fn restorable(inputs: &Inputs<'_>) -> bool {
    let seen = inputs.seen;
    if !matches!((&seen.true_copy, &seen.reservation), (Slot::Missing, Slot::Missing)) {
        return false;
    }
    // Only what we ourselves wrote: an edited copy is nobody's credential.
    let published = seen.published.ours().filter(|stored| published_intact(stored));
    let Some(credential) = published.and_then(|stored| credential_in(&stored.data)) else {
        return false;
    };
    if let Some(list) = &seen.remote.list {
        return list.marked.iter().any(|client| client.id.0 == credential.client_id);
    }
    let known = inputs.object.status.remote.as_ref();
    known.is_some_and(|remote| remote.client_id.as_ref() == Some(&credential.client_id))
}

/// Neither a credential nor a reservation: look for a client of ours before making one.
pub(super) fn fresh_start(inputs: &Inputs<'_>, ready: &Ready<'_>, list: &ListView) -> Lane<Config> {
    if let Some(client) = ours(list) {
        if client.held {
            return held(client);
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

/// The client that is kept if there are several: the oldest that may be written.
fn ours(list: &ListView) -> Option<&Account> {
    list.marked.iter().find(|client| !client.held).or_else(|| list.marked.first())
}

fn held(client: &Account) -> Lane<Config> {
    stuck(
        Reason::Held,
        format!(
            "client {} carries keysteward:hold in its description and its credential is not stored: nothing is written until the hold is lifted",
            client.id
        ),
    )
}

/// A client whose credential once worked may have holders; one whose credential was never stored has none.
fn somebody_may_hold(object: &ObjectSeen, id: &AccountId) -> bool {
    let known = object.status.remote.as_ref().and_then(|remote| remote.client_id.as_deref());
    known == Some(id.0.as_str())
        && object.status.conditions.iter().any(|condition| {
            condition.type_ == ConditionType::CredentialValid.as_str()
                && condition.status != "Unknown"
        })
}

/// A create was begun. In this pass: send it. Else its outcome is unknown: look before repeating.
pub(super) fn begun(
    inputs: &Inputs<'_>,
    ready: &Ready<'_>,
    wish: Wish,
    reservation: &Reservation,
    list: &ListView,
) -> Lane<Config> {
    if let Some(client) = ours(list) {
        if client.held {
            return held(client);
        }
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
pub(super) fn proof(
    inputs: &Inputs<'_>,
    ready: &Ready<'_>,
    wish: Wish,
    answer: &Answer,
    list: &ListView,
) -> Lane<Config> {
    let id = AccountId(answer.credential.client_id.clone());
    let remote = &inputs.seen.remote;
    let listed = || list.marked.iter().find(|account| account.id == id);
    let shown = remote.mine.as_ref().or_else(listed).filter(|_| !remote.absent_now);
    if !ready.desired.enabled {
        return match shown {
            Some(account) if account.state == State::Active && !account.held => {
                Lane::Do(Step::SwitchOff(id))
            }
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
            return keeping::correct(inputs, ready, wish, account, &diff::fields(&changes));
        }
    }
    let delay = answer
        .tries
        .checked_sub(1)
        .map(|last| PROOFS.get(last as usize).copied().unwrap_or(PROOFS[PROOFS.len() - 1]));
    let next = match (answer.tried_at, delay) {
        (Some(tried_at), Some(seconds)) => after(tried_at, SignedDuration::from_secs(seconds)),
        _ => after(answer.at, ready.view.capabilities.settle),
    };
    let exhausted = answer.tries as usize >= PROOFS.len();
    if exhausted {
        // Nobody ever had it: a client that is gone before its credential worked is simply made anew.
        if shown.is_none() && !remote.absent_now {
            return Lane::Do(Step::Read(id));
        }
        if remote.absent_now && keeping::client_is_gone(inputs) {
            return Lane::Do(Step::DropReservation);
        }
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
