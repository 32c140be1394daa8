//! What to do next about a client whose credential is known: compare it with the spec.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{Inputs, Ready, stuck, wait};
use crate::api::conditions::{ConditionType, Reason};
use crate::api::credential::{OnDrift, OnMissing};
use crate::decide::diff::{self, Change, diff};
use crate::decide::drift;
use crate::decide::records::after;
use crate::model::account::{Account, AccountId, Field, State, Wish};
use crate::model::platform::PlatformView;
use crate::model::seen::{ListView, TrueCopy};
use crate::model::step::{Config, Lane, Step, Wants};

/// There is a true copy: compare its client with the spec.
pub(super) fn known(
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
        return missing(inputs, ready, copy, &id);
    };
    if let Some(marker) = &account.marker
        && !marker.same_object(&wish.marker)
    {
        return stuck(
            Reason::ClaimedByAnother,
            format!(
                "client {id} carries the marker of {}/{} (owner {})",
                marker.namespace, marker.name, marker.owner
            ),
        );
    }
    let changes = diff(&wish, account, &ready.view.catalog);
    if account.held {
        return Lane::Settled(Config::Held {
            message: format!(
                "the description of client {id} carries keysteward:hold: nothing is written{}",
                if changes.is_empty() {
                    String::new()
                } else {
                    format!("; {}", diff::sentence(&changes))
                }
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
            format!(
                "the platform took the update but still shows the old values: {}",
                diff::sentence(&changes)
            ),
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
        // A list from before our last correction shows what was before it: another process may have made it.
        let shown_at = inputs.seen.remote.list.as_ref().map(|list| list.taken_at);
        let corrected_at = status.drift.as_ref().and_then(|drift| drift.corrected_at);
        let shows_by = corrected_at.map(|at| after(at, ready.view.capabilities.write_lag));
        if let (Some(shown_at), Some(shows_by)) = (shown_at, shows_by)
            && shown_at <= shows_by
        {
            return wait(
                Reason::Progressing,
                "waiting for a list that is newer than the last correction".into(),
                after(shows_by.max(inputs.now), SignedDuration::from_secs(1)),
                Wants::List,
            );
        }
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

pub(super) fn correct(
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

/// Whether the client of the stored credential counts as deleted: read by id in two sweeps and not found.
pub(in crate::decide) fn client_is_gone(inputs: &Inputs<'_>) -> bool {
    // What an earlier process found twice needs to be found only once more.
    let known = inputs.object.status.conditions.iter().any(|condition| {
        condition.type_ == ConditionType::Synced.as_str()
            && condition.reason == Reason::ClientMissing.as_str()
    });
    inputs.seen.remote.misses >= if known { 1 } else { 2 }
}

fn missing(
    inputs: &Inputs<'_>,
    ready: &Ready<'_>,
    copy: &TrueCopy,
    id: &AccountId,
) -> Lane<Config> {
    // A client that was made a moment ago need not show yet, whoever asks.
    let shows_by = copy.made_at.map(|at| after(at, ready.view.capabilities.create_lag));
    if !client_is_gone(inputs) || shows_by.is_some_and(|at| inputs.now < at) {
        return wait(
            Reason::ProgressingWithRetry,
            format!(
                "client {id} was not found; it counts as missing if the next sweep does not find it either"
            ),
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
pub(in crate::decide) fn remove(view: &PlatformView, account: &Account) -> Step {
    if view.capabilities.inactive_before_delete && account.state == State::Active {
        Step::SwitchOff(account.id.clone())
    } else {
        Step::Delete(account.id.clone())
    }
}
