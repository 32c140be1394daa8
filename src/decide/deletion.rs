//! What to do next about an object that is being deleted: retain, disable or delete the client, then let go.

use jiff::SignedDuration;

use super::next::{Inputs, remove, wait};
use super::records::after;
use crate::api::conditions::Reason;
use crate::api::credential::OnDelete;
use crate::model::account::{Account, AccountId, State};
use crate::model::platform::{PlatformSeen, PlatformView};
use crate::model::seen::{Slot, TokenSlot};
use crate::model::step::{Config, Lane, Step, Wants};

/// The next step of a deletion. A broken spec, a missing platform or credential never block it.
pub(super) fn config(inputs: &Inputs<'_>) -> Lane<Config> {
    if !inputs.object.held {
        return Lane::Settled(Config::Released);
    }
    let remote = match effective(inputs) {
        OnDelete::Retain => Ok(()),
        asked @ (OnDelete::Disable | OnDelete::Delete) => settle_remote(inputs, asked),
    };
    if let Err(lane) = remote {
        return lane;
    }
    let keeps_credential = effective(inputs) != OnDelete::Delete;
    local(inputs, keeps_credential)
}

/// What is asked, or Retain where there is nothing to ask or the time is up.
fn effective(inputs: &Inputs<'_>) -> OnDelete {
    let asked = inputs.object.on_delete();
    let since = inputs.object.deleting_since.unwrap_or(inputs.now);
    let late = inputs.now >= after(since, inputs.object.policy.deletion_deadline);
    let nobody_to_ask = match inputs.platform {
        PlatformSeen::Missing | PlatformSeen::OtherSystem { .. } => true,
        PlatformSeen::NotReady { credential_missing, .. } => *credential_missing,
        PlatformSeen::Ready(view) => view.credential_missing,
    };
    if late || nobody_to_ask { OnDelete::Retain } else { asked }
}

/// Brings the remote side to where the deletion wants it; Ok when it is there.
fn settle_remote(inputs: &Inputs<'_>, asked: OnDelete) -> Result<(), Lane<Config>> {
    let seen = inputs.seen;
    let nothing_ever_made = seen.true_copy.ours().is_none() && seen.reservation.ours().is_none();
    let view = match inputs.platform {
        PlatformSeen::Ready(view) => view,
        PlatformSeen::NotReady { message, .. } => return Err(later(inputs, message)),
        PlatformSeen::Missing | PlatformSeen::OtherSystem { .. } => return Ok(()),
    };
    if view.other_tenant.is_some() {
        return Err(later(inputs, "another tenant answers behind the platform object"));
    }
    if let Some(trouble) = &view.trouble {
        return Err(later(inputs, trouble));
    }
    let Some(list) = &seen.remote.list else {
        return Err(wait(
            Reason::Deleting,
            "waiting for a list of the platform's clients".into(),
            after(inputs.now, SignedDuration::from_secs(2)),
            Wants::List,
        ));
    };
    if let Some(record) = seen.token_record()
        && !seen.carried.revoked
        && record.expires_at > inputs.now
        && !nothing_ever_made
    {
        return Err(Lane::Do(Step::RevokeToken));
    }
    for account in &list.marked {
        at_rest(inputs, view, asked, account)?;
    }
    let stored = seen
        .true_copy
        .ours()
        .map(|copy| &copy.credential)
        .or_else(|| Some(&seen.reservation.ours()?.answer.as_ref()?.credential));
    if let Some(credential) = stored {
        let id = AccountId(credential.client_id.clone());
        let shown = seen.remote.snapshot.as_ref().map(|s| &s.account).or(seen.remote.mine.as_ref());
        match shown {
            Some(account) => at_rest(inputs, view, asked, account)?,
            None if seen.remote.absent_now => {}
            None => return Err(Lane::Do(Step::Read(id))),
        }
        return Ok(());
    }
    // A create without an answer may still appear.
    if let Some(reservation) = seen.reservation.ours() {
        let looked_until = after(reservation.begun_at, view.capabilities.create_lag);
        if list.marked.is_empty() && (list.lists_since_begun < 2 || list.taken_at < looked_until) {
            return Err(wait(
                Reason::Deleting,
                "a create was begun and its answer was not received: looking for the client".into(),
                looked_until.max(after(inputs.now, SignedDuration::from_secs(1))),
                Wants::List,
            ));
        }
    }
    Ok(())
}

fn at_rest(
    inputs: &Inputs<'_>,
    view: &PlatformView,
    asked: OnDelete,
    account: &Account,
) -> Result<(), Lane<Config>> {
    if account.state == State::Deleted {
        return Ok(());
    }
    if account.held {
        return Err(later(inputs, "the client's description carries keysteward:hold"));
    }
    let step = match asked {
        OnDelete::Retain => return Ok(()),
        OnDelete::Disable if account.state != State::Active => return Ok(()),
        OnDelete::Disable => Step::SwitchOff(account.id.clone()),
        OnDelete::Delete => remove(view, account),
    };
    Err(Lane::Do(step))
}

/// Our Secrets go, the credential of a client that stays is kept, and then the object may go.
fn local(inputs: &Inputs<'_>, keeps_credential: bool) -> Lane<Config> {
    let seen = inputs.seen;
    match (&seen.true_copy, &seen.reservation) {
        (Slot::Ours(copy), _) if keeps_credential && copy.retained_at.is_none() => {
            return Lane::Do(Step::Retain);
        }
        (Slot::Ours(_), _) if !keeps_credential => return Lane::Do(Step::Forget),
        (Slot::Missing, Slot::Ours(reservation))
            if keeps_credential && reservation.answer.is_some() =>
        {
            return Lane::Do(Step::Promote);
        }
        (_, Slot::Ours(_)) => return Lane::Do(Step::DropReservation),
        _ => {}
    }
    let token = seen.token.ours().map(|slot| match slot {
        TokenSlot::Empty(stored) => stored,
        TokenSlot::Token(record) => &record.stored,
    });
    let published = seen.published.ours();
    if let Some(stored) = token.or(published).or_else(|| seen.stale.first()) {
        return Lane::Do(Step::DeleteSecret(stored.name.clone()));
    }
    Lane::Do(Step::Release)
}

fn later(inputs: &Inputs<'_>, why: &str) -> Lane<Config> {
    let since = inputs.object.deleting_since.unwrap_or(inputs.now);
    let deadline = after(since, inputs.object.policy.deletion_deadline);
    wait(
        Reason::Deleting,
        format!(
            "{why}; tried again until {deadline}, then the client is retained and listed as an orphan of the platform"
        ),
        deadline.min(after(inputs.now, SignedDuration::from_secs(30))),
        Wants::Time,
    )
}
