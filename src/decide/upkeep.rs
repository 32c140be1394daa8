//! What to do next about the Secrets: the published credential and the token.

use jiff::{SignedDuration, Timestamp};

use super::next::{Inputs, client_is_gone, last_said, paced, stuck, wait};
use super::pace::{BETWEEN_MINTS, SHORTEST_TOKEN};
use super::records::{Place, after, published_agrees, shape};
use super::resolve::{Unresolved, beyond, resolve};
use crate::api::conditions::{ConditionType, Reason};
use crate::api::credential::OnIdleTimeout;
use crate::model::account::{Account, State};
use crate::model::desired::{CLIENT_CREDENTIALS, Desired, TokenWish};
use crate::model::platform::PlatformView;
use crate::model::seen::{Minted, Slot, TokenCheck, TokenRecord, TokenSlot, TrueCopy};
use crate::model::step::{Lane, Step, Stuck, Upkeep, Wants};

/// The next step for the Secrets of an object that stays.
pub fn upkeep(inputs: &Inputs<'_>) -> Lane<Upkeep> {
    let said = || last_said(inputs.object, ConditionType::TokenFresh);
    paced(unpaced(inputs), inputs.retries.upkeep, inputs.now, said)
}

fn unpaced(inputs: &Inputs<'_>) -> Lane<Upkeep> {
    let seen = inputs.seen;
    // An answer that is not stored, a deletion, a spec or platform that is not in order: nothing to keep up.
    if seen.carried.answer.is_some() || inputs.object.deleting_since.is_some() {
        return Lane::Settled(Upkeep::Idle);
    }
    let Ok(ready) = inputs.ready() else { return Lane::Settled(Upkeep::Idle) };
    let (desired, view) = (ready.desired, ready.view);
    if forbidden(inputs, desired, view) {
        let name = desired.token.as_ref().filter(|_| seen.token.ours().is_some());
        let name =
            name.map(|wish| &wish.secret_name).or(seen.stale.first().map(|stored| &stored.name));
        return match name {
            Some(name) => Lane::Do(Step::DeleteSecret(name.clone())),
            None => Lane::Settled(Upkeep::Idle),
        };
    }
    let lane = wanted(inputs, desired, view);
    // What a renamed Secret held is of use until its successor is there.
    let replaced = match &lane {
        Lane::Settled(Upkeep::Idle) => {
            seen.true_copy.ours().is_some()
                || (desired.token.is_none() && desired.credential_secret.is_none())
        }
        Lane::Settled(_) => true,
        Lane::Do(_) | Lane::Wait(_) | Lane::Stuck(_) => false,
    };
    match seen.stale.first().filter(|_| replaced) {
        Some(stale) => Lane::Do(Step::DeleteSecret(stale.name.clone())),
        None => lane,
    }
}

/// The next step for the Secrets that the spec names.
fn wanted(inputs: &Inputs<'_>, desired: &Desired, view: &PlatformView) -> Lane<Upkeep> {
    let seen = inputs.seen;
    if view.other_tenant.is_some() || inputs.lost_claim.is_some() {
        return Lane::Settled(Upkeep::Idle);
    }
    let Some(copy) = seen.true_copy.ours() else { return Lane::Settled(Upkeep::Idle) };
    let of_another_tenant = !copy.tenant_id.is_empty() && copy.tenant_id != view.tenant.id;
    if copy.uid != inputs.object.key.uid || copy.retained_at.is_some() || of_another_tenant {
        return Lane::Settled(Upkeep::Idle);
    }
    if let Some(name) = &desired.credential_secret {
        let place =
            Place { owner: inputs.owner, operator_namespace: "", object: &inputs.object.key };
        let manifest = place.published(name, &copy.credential);
        let agrees =
            seen.published.ours().is_some_and(|stored| published_agrees(stored, &manifest));
        if !agrees && !matches!(seen.published, Slot::Foreign(_)) {
            return Lane::Do(Step::Publish);
        }
    }
    match &desired.token {
        None => Lane::Settled(Upkeep::Idle),
        Some(_) if matches!(seen.token, Slot::Foreign(_)) => Lane::Settled(Upkeep::Idle),
        Some(_) if !desired.enabled => switched_off(inputs),
        Some(wish) => token(inputs, wish, view, copy),
    }
}

/// Whether the platform no longer allows what the object asks for, or what it keeps by being suspended.
fn forbidden(inputs: &Inputs<'_>, desired: &Desired, view: &PlatformView) -> bool {
    matches!(
        resolve(desired, view, inputs.marker(), inputs.now),
        Err(Unresolved::Stuck(Stuck { reason: Reason::NotAllowed, .. }))
    ) || (desired.suspend
        && inputs.seen.remote.mine.as_ref().is_some_and(|account| beyond(account, view).is_some()))
}

fn switched_off(inputs: &Inputs<'_>) -> Lane<Upkeep> {
    match inputs.seen.token_record() {
        Some(record) if !inputs.seen.carried.revoked && record.expires_at > inputs.now => {
            Lane::Do(Step::RevokeToken)
        }
        Some(_) => Lane::Do(Step::ClearToken),
        None => match inputs.seen.token.ours() {
            Some(TokenSlot::Empty(stored)) if !stored.data.is_empty() => Lane::Do(Step::ClearToken),
            _ => Lane::Settled(Upkeep::Off),
        },
    }
}

fn token(
    inputs: &Inputs<'_>,
    wish: &TokenWish,
    view: &PlatformView,
    copy: &TrueCopy,
) -> Lane<Upkeep> {
    let carried = &inputs.seen.carried;
    if let Some(minted) =
        carried.minted.as_ref().filter(|m| m.client_id == copy.credential.client_id)
    {
        return publish(minted, view);
    }
    let record = inputs.seen.token_record();
    let current = record.filter(|record| {
        record.client_id == copy.credential.client_id
            && record.intact
            && record.shape == shape(wish, &view.addresses)
    });
    if let Some(current) = current {
        let dead = matches!(carried.token_checked, Some(TokenCheck::Dead));
        let refresh_at = refresh_at(wish, current);
        let due = inputs.now >= refresh_at;
        if !due && let Some(lane) = usable(inputs, current) {
            return lane;
        }
        if dead && !due && wish.on_idle_timeout == OnIdleTimeout::Report {
            return Lane::Settled(Upkeep::Dead {
                reason: Reason::TokenIdledOut,
                message: "the platform let the unused token die; spec.token.onIdleTimeout is Report: use the token more often, or set Remint".into(),
            });
        }
        if !dead && !due {
            if let Some(lane) = doubted(inputs, view, current) {
                return lane;
            }
            return match idle_look(inputs, wish, current) {
                Some(step) => Lane::Do(step),
                None => Lane::Settled(Upkeep::Fresh { refresh_at }),
            };
        }
    }
    if let Some(lane) = cannot_mint(inputs, view, record) {
        return lane;
    }
    // What became of the last one does not matter: a token that is deleted in a loop must not be minted in a loop.
    let of_record = record
        .filter(|record| record.client_id == copy.credential.client_id)
        .map(|record| record.minted_at);
    let next = of_record.max(inputs.last_mint).map(|at| after(at, BETWEEN_MINTS));
    if let Some(next) = next.filter(|next| *next > inputs.now) {
        let message = "a new token is due; the last one was minted less than 30 s ago";
        return wait(Reason::Progressing, message.into(), next, Wants::Time);
    }
    Lane::Do(Step::Mint)
}

/// When the token is due. One that was minted to be let die when unused is not, once the spec says Remint.
fn refresh_at(wish: &TokenWish, record: &TokenRecord) -> Timestamp {
    match (wish.on_idle_timeout, record.idles_at) {
        (OnIdleTimeout::Remint, Some(idles_at)) => record.refresh_at.min(idles_at),
        (OnIdleTimeout::Remint, None) | (OnIdleTimeout::Report, _) => record.refresh_at,
    }
}

fn publish(minted: &Minted, view: &PlatformView) -> Lane<Upkeep> {
    if minted.token.expires_in < SHORTEST_TOKEN {
        return stuck(
            Reason::TokenTooShort,
            format!(
                "tokens of client {} live {} s, too short to be kept fresh: raise accessTokenLifetime to 300s or more",
                minted.client_id,
                minted.token.expires_in.as_secs()
            ),
        );
    }
    match &minted.introspected {
        None => Lane::Do(Step::Introspect),
        Some(seen) => match &seen.tenant_id {
            Some(tenant) if *tenant != view.tenant.id => stuck(
                Reason::TenantChanged,
                format!(
                    "the token belongs to tenant {tenant}, the platform object stands for {}: it is not published",
                    view.tenant.id
                ),
            ),
            _ => Lane::Do(Step::WriteToken),
        },
    }
}

/// Something may have killed the token: ask, once the platform has settled and while the account can be used at all.
fn doubted(inputs: &Inputs<'_>, view: &PlatformView, record: &TokenRecord) -> Option<Lane<Upkeep>> {
    let since = record.doubted_at?;
    if inputs.seen.remote.mine.as_ref().is_some_and(|account| account.state != State::Active) {
        return None;
    }
    Some(match inputs.seen.carried.token_checked {
        Some(TokenCheck::Alive(_)) => Lane::Do(Step::TrustToken),
        // A dead one is renewed instead.
        Some(TokenCheck::Dead) => return None,
        None => {
            let settled = after(since, view.capabilities.settle);
            if inputs.now < settled {
                let message = "the account was switched on again; its token is looked at once the platform has settled";
                wait(Reason::Progressing, message.into(), settled, Wants::Time)
            } else {
                Lane::Do(Step::CheckToken)
            }
        }
    })
}

/// The token is in its time. None if it is alive as far as anybody knows.
fn usable(inputs: &Inputs<'_>, record: &TokenRecord) -> Option<Lane<Upkeep>> {
    let dead = |reason, message| Some(Lane::Settled(Upkeep::Dead { reason, message }));
    let id = &record.client_id;
    let Some(account) = inputs.seen.remote.mine.as_ref() else {
        let gone = inputs.seen.remote.absent_now && client_is_gone(inputs);
        return gone
            .then(|| {
                dead(
                    Reason::ClientMissing,
                    format!("client {id} was deleted on the platform, and its token with it"),
                )
            })
            .flatten();
    };
    match account.state {
        State::DisabledByVendor => dead(
            Reason::DisabledByVendor,
            format!("the vendor has disabled client {id}: its tokens are invalid"),
        ),
        // Nobody documents whether a token outlives its client's activity: ask.
        State::Inactive => match inputs.seen.carried.token_checked {
            None => Some(Lane::Do(Step::CheckToken)),
            Some(TokenCheck::Dead) => {
                dead(Reason::TokenDead, format!("client {id} is inactive and its token is dead"))
            }
            Some(TokenCheck::Alive(_)) => None,
        },
        State::Active | State::Deleted | State::Other(_) => None,
    }
}

fn cannot_mint(
    inputs: &Inputs<'_>,
    view: &PlatformView,
    record: Option<&TokenRecord>,
) -> Option<Lane<Upkeep>> {
    let remote = &inputs.seen.remote;
    let why = match &remote.mine {
        Some(account) => unfit(account).or_else(|| exceeds(account, view))?,
        None if remote.absent_now && client_is_gone(inputs) => {
            (Reason::ClientMissing, "the client was deleted on the platform".to_owned())
        }
        None => return None,
    };
    let (reason, message) = why;
    let alive = record.filter(|record| {
        record.intact && record.expires_at > inputs.now && reason != Reason::DisabledByVendor
    });
    Some(match alive {
        // The last good value stays until a better one can be had.
        Some(record) => wait(
            reason,
            format!("a new token is due and cannot be minted: {message}"),
            record.expires_at.min(after(inputs.now, SignedDuration::from_mins(5))),
            Wants::Time,
        ),
        None => Lane::Settled(Upkeep::Dead { reason, message }),
    })
}

fn unfit(account: &Account) -> Option<(Reason, String)> {
    match &account.state {
        State::DisabledByVendor => Some((
            Reason::DisabledByVendor,
            format!("the vendor has disabled client {}", account.id),
        )),
        State::Inactive => {
            Some((Reason::DriftDetected, format!("client {} is inactive", account.id)))
        }
        State::Deleted => {
            Some((Reason::ClientMissing, format!("client {} is deleted", account.id)))
        }
        State::Active | State::Other(_) => (!account
            .settings
            .grant_types
            .contains(CLIENT_CREDENTIALS))
        .then(|| {
            (
                Reason::DriftDetected,
                format!("client {} does not have the grant type client_credentials", account.id),
            )
        }),
    }
}

/// The client holds what the platform object does not allow, whatever the spec says: its tokens would too.
fn exceeds(account: &Account, view: &PlatformView) -> Option<(Reason, String)> {
    let role = beyond(account, view)?;
    let id = &account.id;
    let message =
        format!("client {id} holds {role}, which spec.allow of the platform object does not name");
    Some((Reason::NotAllowed, message))
}

/// Where unused tokens die and the spec only wants to hear of it: look once the time has passed.
fn idle_look(inputs: &Inputs<'_>, wish: &TokenWish, record: &TokenRecord) -> Option<Step> {
    if wish.on_idle_timeout != OnIdleTimeout::Report || inputs.seen.carried.token_checked.is_some()
    {
        return None;
    }
    record.idles_at.filter(|at| *at <= inputs.now).map(|_| Step::CheckToken)
}

/// When the Secrets want the next look, if nothing else happens.
pub fn next_look(inputs: &Inputs<'_>, lane: &Lane<Upkeep>) -> Option<Timestamp> {
    let record = inputs.seen.token_record();
    match lane {
        Lane::Wait(wait) => Some(wait.until),
        Lane::Settled(Upkeep::Fresh { refresh_at }) => {
            let reports = inputs
                .desired
                .as_ref()
                .ok()
                .and_then(|desired| desired.token.as_ref())
                .is_some_and(|wish| wish.on_idle_timeout == OnIdleTimeout::Report);
            let idles_at = match (&inputs.seen.carried.token_checked, record) {
                // Not at once again, whatever the two clocks say.
                (Some(TokenCheck::Alive(seen)), _) => {
                    seen.idles_at.map(|at| at.max(after(inputs.now, SignedDuration::from_mins(1))))
                }
                (_, Some(record)) => record.idles_at,
                (_, None) => None,
            };
            Some(match idles_at.filter(|_| reports) {
                Some(at) => at.min(*refresh_at),
                None => *refresh_at,
            })
        }
        // Dead for now: when the next one is due, it is minted all the same.
        Lane::Settled(Upkeep::Dead { .. }) => {
            record.map(|record| record.refresh_at).filter(|at| *at > inputs.now)
        }
        Lane::Settled(Upkeep::Idle | Upkeep::Off) | Lane::Stuck(_) | Lane::Do(_) => None,
    }
}
