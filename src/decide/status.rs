//! What to say: the status, the events and the next look, from what a pass saw and did.
//!
//! The rows of [`row`] are those of the table in the manual; the first that fits wins.

mod conditions;
mod events;

use jiff::{SignedDuration, Timestamp};

use self::conditions::Draft;
pub use self::conditions::{draft, settle};
use super::condition::Verdict;
use super::next::Inputs;
use super::pace::{at_longest, back_off};
use super::records::{after, whole_seconds};
use super::{diff, drift, upkeep};
use crate::api::ServiceAccountCredentialStatus;
use crate::api::conditions::{ConditionType, Reason};
use crate::api::credential_status::{
    CredentialStatus, DriftStatus, RemoteStatus, RetryStatus, TokenStatus,
};
use crate::model::account::{Account, State};
use crate::model::event::Event;
use crate::model::fault::{Fault, RefusalKind};
use crate::model::platform::PlatformSeen;
use crate::model::seen::TokenCheck;
use crate::model::step::{Because, Config, Failure, Lane, Outcome, Step, Upkeep};

/// Tokens that live shorter do not show their end in status: it would change too often.
const SHOWN_LIFE: SignedDuration = SignedDuration::from_mins(15);
const SHOWN_ROLES: usize = 100;

/// What a pass leaves behind.
#[derive(Clone, Debug)]
pub struct Report {
    pub status: ServiceAccountCredentialStatus,
    pub events: Vec<Event>,
    /// When to look again, if nothing happens before.
    pub next_look: Option<Timestamp>,
}

/// The report on one pass.
pub fn report(inputs: &Inputs<'_>, outcome: &Outcome) -> Report {
    let before = &inputs.object.status;
    let mut status = before.clone();
    status.observed_generation = Some(inputs.object.generation);
    status.remote = remote(inputs);
    status.token = token(inputs);
    status.credential = credential(inputs);
    status.drift = drift_now(inputs, outcome);
    status.retry = retry(inputs, outcome);
    let row = row(inputs, outcome);
    let token_wanted = matches!(inputs.desired, Ok(desired) if desired.token.is_some());
    status.conditions = settle(
        &before.conditions,
        row,
        token_wanted || inputs.desired.is_err(),
        inputs.object.generation,
        inputs.now,
    );
    let events = events::events(inputs, outcome, &status);
    let next_look = next_look(inputs, outcome, &status);
    Report { status, events, next_look }
}

/// How serious a failure is for the object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Gravity {
    /// Only time or the platform's people can help; the platform object speaks of it.
    Unreachable,
    /// Tried again by itself.
    Retry,
    /// A person is needed.
    Person,
}

fn gravity(failure: &Failure) -> Gravity {
    match &failure.because {
        Because::Platform(Fault::NotSent(_) | Fault::Unknown(_)) => Gravity::Unreachable,
        Because::Platform(Fault::Refused(refusal)) => match refusal.kind {
            RefusalKind::Throttled | RefusalKind::Unauthorized => Gravity::Unreachable,
            RefusalKind::Conflict | RefusalKind::NotFound => Gravity::Retry,
            RefusalKind::Forbidden | RefusalKind::Invalid => Gravity::Person,
        },
        Because::Cluster(crate::kubernetes::Error::Invalid(_)) => Gravity::Person,
        Because::Cluster(_) | Because::NotLeading => Gravity::Retry,
    }
}

/// What a failure says to people.
pub fn failure_text(failure: &Failure) -> String {
    match &failure.because {
        Because::Platform(fault) => fault.to_string(),
        Because::Cluster(error) => error.to_string(),
        Because::NotLeading => format!("could not {}: another replica leads", failure.step.describe()),
    }
}

fn failure_reason(failure: &Failure) -> Reason {
    match &failure.because {
        Because::Platform(Fault::NotSent(_) | Fault::Unknown(_)) => Reason::Unreachable,
        Because::Platform(Fault::Refused(refusal)) => match refusal.kind {
            RefusalKind::Throttled => Reason::Throttled,
            RefusalKind::Conflict | RefusalKind::NotFound => Reason::ProgressingWithRetry,
            RefusalKind::Unauthorized | RefusalKind::Forbidden | RefusalKind::Invalid => Reason::Refused,
        },
        Because::Cluster(_) | Because::NotLeading => Reason::ProgressingWithRetry,
    }
}

fn mint_refused(outcome: &Outcome) -> Option<&Failure> {
    let failures = [&outcome.upkeep_failure, &outcome.config_failure];
    failures.into_iter().flatten().find(|failure| {
        matches!(failure.step, Step::Mint | Step::Prove | Step::Introspect)
            && matches!(&failure.because, Because::Platform(Fault::Refused(refusal))
                if matches!(refusal.kind, RefusalKind::Unauthorized | RefusalKind::Forbidden | RefusalKind::Invalid))
    })
}

/// The state of the published token at the end of the pass.
enum TokenState {
    NotWanted,
    Good,
    /// Past its end, or known dead.
    Dead,
    /// None was ever published, or it was taken away.
    None,
}

fn token_state(inputs: &Inputs<'_>, outcome: &Outcome) -> TokenState {
    if !matches!(inputs.desired, Ok(desired) if desired.token.is_some()) {
        return TokenState::NotWanted;
    }
    if matches!(outcome.upkeep, Lane::Settled(Upkeep::Dead { .. })) {
        return TokenState::Dead;
    }
    match inputs.seen.token_record() {
        None => TokenState::None,
        Some(record) if !record.intact => TokenState::None,
        Some(record) if record.expires_at <= inputs.now => TokenState::Dead,
        Some(_) if matches!(inputs.seen.carried.token_checked, Some(TokenCheck::Dead)) => TokenState::Dead,
        Some(_) => TokenState::Good,
    }
}

/// The first fitting row.
fn row(inputs: &Inputs<'_>, outcome: &Outcome) -> Draft {
    let agreed = drift::had_agreed(&inputs.object.status, inputs.object.generation);
    let token = token_state(inputs, outcome);
    let good = matches!(token, TokenState::Good | TokenState::NotWanted);
    let notes = notes(inputs);
    let credential = credential_valid(outcome);
    let mut draft = draft(credential);

    if inputs.object.deleting_since.is_some() {
        let message = match (&outcome.config_failure, &outcome.config) {
            (Some(failure), _) => failure_text(failure),
            (None, Lane::Wait(wait)) => wait.message.clone(),
            _ => "being deleted".into(),
        };
        return draft.ready(Verdict::No, Reason::Deleting, message).reconciling();
    }
    // A person is needed.
    if let Some((reason, message)) = person(inputs, outcome, good) {
        return draft
            .ready(Verdict::No, reason, message.clone())
            .synced(Verdict::No, reason, message)
            .stalled();
    }
    let suspended = matches!(outcome.config, Lane::Settled(Config::Suspended));
    let published = match token {
        TokenState::Good => true,
        TokenState::NotWanted => inputs.seen.published.ours().is_some(),
        TokenState::Dead | TokenState::None => false,
    };
    if suspended {
        draft = draft.synced(Verdict::Unknown, Reason::Suspended, "spec.suspend is true: nothing is compared".into());
        if !published && !matches!(token, TokenState::Dead) {
            return draft
                .ready(Verdict::No, Reason::Suspended, "suspended before anything was published: set spec.suspend to false".into())
                .fresh(Verdict::Unknown, Reason::Suspended, "suspended".into())
                .stalled();
        }
    }
    let trouble = trouble(outcome);
    if matches!(token, TokenState::Dead) {
        let (reason, message) = trouble
            .clone()
            .unwrap_or((Reason::TokenExpired, "the token is expired or dead and is being renewed".into()));
        return draft
            .ready(Verdict::No, reason, message.clone())
            .fresh(Verdict::No, Reason::TokenExpired, message)
            .reconciling();
    }
    let off = matches!(outcome.config, Lane::Settled(Config::Off));
    let unfinished = config_unfinished(outcome);
    if (unfinished && !agreed) || (matches!(token, TokenState::None) && !off && !suspended) {
        let (reason, message) = unfinished_text(outcome);
        return draft
            .ready(Verdict::No, reason, message.clone())
            .synced(Verdict::Unknown, reason, message)
            .reconciling();
    }
    if suspended {
        return draft
            .ready(Verdict::Yes, Reason::Suspended, "suspended; what is published works".into())
            .fresh(Verdict::Yes, Reason::Succeeded, "renewed in time".into());
    }
    if off {
        let message = format!("switched off as written; tokens that others minted may live on until they expire{notes}");
        return draft
            .ready(Verdict::Yes, Reason::Disabled, message.clone())
            .synced(Verdict::Yes, Reason::Disabled, message)
            .fresh(Verdict::No, Reason::Disabled, "spec.enabled is false".into());
    }
    if let Some((reason, message)) = differs(inputs, outcome) {
        return draft
            .ready(Verdict::Yes, Reason::Succeeded, format!("what is published works; {message}"))
            .synced(Verdict::No, reason, message)
            .fresh(Verdict::Yes, Reason::Succeeded, "renewed in time".into());
    }
    if let Some(message) = refresh_failing(outcome) {
        return draft
            .ready(Verdict::Yes, Reason::Succeeded, format!("the published token works; its renewal fails: {message}"))
            .synced(Verdict::Yes, Reason::Succeeded, format!("the client is as written{notes}"))
            .fresh(Verdict::No, Reason::RefreshFailing, message);
    }
    if unfinished {
        // The platform is out of reach and what is published works: only the platform object speaks.
        return draft.unchanged();
    }
    let what = match token {
        TokenState::NotWanted => "the client is as written",
        TokenState::Good | TokenState::Dead | TokenState::None => "the client is as written and its token is fresh",
    };
    draft
        .ready(Verdict::Yes, Reason::Succeeded, format!("{what}{notes}"))
        .synced(Verdict::Yes, Reason::Succeeded, "the client is as written".into())
        .fresh(Verdict::Yes, Reason::Succeeded, "renewed in time".into())
}

fn person(inputs: &Inputs<'_>, outcome: &Outcome, good: bool) -> Option<(Reason, String)> {
    if let Lane::Stuck(stuck) = &outcome.config {
        return Some((stuck.reason, stuck.message.clone()));
    }
    if let Some(failure) = &outcome.config_failure
        && gravity(failure) == Gravity::Person
    {
        return Some((failure_reason(failure), failure_text(failure)));
    }
    if let Lane::Stuck(stuck) = &outcome.upkeep {
        return Some((stuck.reason, stuck.message.clone()));
    }
    if let Lane::Settled(Upkeep::Dead { reason, message }) = &outcome.upkeep {
        // Drift that is about to be corrected needs nobody.
        let mended = config_unfinished(outcome);
        if !mended {
            return Some((*reason, message.clone()));
        }
    }
    // While the last token is good a refusal is a failing refresh, not yet a stand-still.
    let never = inputs.seen.true_copy.ours().is_none();
    if let Some(failure) = mint_refused(outcome)
        && !good
        && !never
    {
        return Some((Reason::CredentialRefused, failure_text(failure)));
    }
    None
}

fn config_unfinished(outcome: &Outcome) -> bool {
    outcome.config_failure.is_some() || matches!(outcome.config, Lane::Wait(_) | Lane::Do(_))
}

fn trouble(outcome: &Outcome) -> Option<(Reason, String)> {
    if let Some(failure) = outcome.upkeep_failure.as_ref().or(outcome.config_failure.as_ref()) {
        return Some((failure_reason(failure), failure_text(failure)));
    }
    match (&outcome.upkeep, &outcome.config) {
        (Lane::Wait(wait), _) | (_, Lane::Wait(wait)) => Some((wait.reason, wait.message.clone())),
        _ => None,
    }
}

fn unfinished_text(outcome: &Outcome) -> (Reason, String) {
    let failure = outcome.config_failure.as_ref().or(outcome.upkeep_failure.as_ref());
    if let Some(failure) = failure {
        return (failure_reason(failure), failure_text(failure));
    }
    match (&outcome.config, &outcome.upkeep) {
        (Lane::Wait(wait), _) | (_, Lane::Wait(wait)) => (wait.reason, wait.message.clone()),
        _ => (Reason::Progressing, "under way".into()),
    }
}

/// Drift that is corrected, reported, fought over or held.
fn differs(inputs: &Inputs<'_>, outcome: &Outcome) -> Option<(Reason, String)> {
    match &outcome.config {
        Lane::Settled(Config::Reported { message }) => Some((Reason::DriftDetected, message.clone())),
        Lane::Settled(Config::Fighting { message }) => {
            Some((Reason::FightingAnotherWriter, message.clone()))
        }
        Lane::Settled(Config::Held { message, differs: true }) => Some((Reason::Held, message.clone())),
        Lane::Settled(Config::Vendor { message }) => Some((Reason::DisabledByVendor, message.clone())),
        _ => {
            let open = inputs
                .object
                .status
                .drift
                .as_ref()
                .is_some_and(|drift| drift.detected_at.is_some() && drift.corrected_at.is_none());
            (open && config_unfinished(outcome)).then(|| {
                let (_, why) = unfinished_text(outcome);
                (Reason::DriftDetected, format!("a difference is being corrected: {why}"))
            })
        }
    }
}

fn refresh_failing(outcome: &Outcome) -> Option<String> {
    if let Some(failure) = &outcome.upkeep_failure {
        return Some(failure_text(failure));
    }
    match &outcome.upkeep {
        Lane::Wait(wait) if wait.reason != Reason::Progressing => Some(wait.message.clone()),
        _ => None,
    }
}

fn credential_valid(outcome: &Outcome) -> Option<(Verdict, Reason, String)> {
    if let Some(failure) = mint_refused(outcome) {
        return Some((Verdict::No, Reason::CredentialRefused, failure_text(failure)));
    }
    let tried = outcome.done.iter().any(|step| matches!(step, Step::Mint | Step::Prove | Step::WriteToken));
    tried.then(|| (Verdict::Yes, Reason::Succeeded, "the last authentication succeeded".into()))
}

/// What else people should know, appended to the message.
fn notes(inputs: &Inputs<'_>) -> String {
    let mut text = String::new();
    if let Some(list) = &inputs.seen.remote.list
        && !list.strangers.is_empty()
    {
        text.push_str("; another client of that name without our marker is left alone: ");
        text.push_str(&list.strangers.join(", "));
    }
    if let Some(at) = account(inputs).and_then(|account| account.deletes_at) {
        text.push_str("; the platform plans to delete the client at ");
        text.push_str(&whole_seconds(at).to_string());
    }
    text
}

fn account<'a>(inputs: &Inputs<'a>) -> Option<&'a Account> {
    let remote = &inputs.seen.remote;
    remote.snapshot.as_ref().map(|snapshot| &snapshot.account).or(remote.mine.as_ref())
}

fn remote(inputs: &Inputs<'_>) -> Option<RemoteStatus> {
    let before = inputs.object.status.remote.clone();
    let PlatformSeen::Ready(view) = inputs.platform else { return before };
    let Some(account) = account(inputs) else { return before };
    // Without the catalog there are no names: keep what was shown rather than show ids for a while.
    let named = view.catalog.roles.is_some() && view.catalog.divisions.is_some();
    let roles = if named {
        let mut names = diff::role_names(&account.settings.roles, &view.catalog);
        names.truncate(SHOWN_ROLES);
        names
    } else {
        before.map(|status| status.roles).unwrap_or_default()
    };
    Some(RemoteStatus {
        tenant_id: Some(view.tenant.id.clone()),
        client_id: Some(account.id.0.clone()),
        enabled: Some(account.state == State::Active),
        grant_types: account.settings.grant_types.iter().cloned().collect(),
        roles,
        deletes_at: account.deletes_at.map(whole_seconds),
    })
}

fn token(inputs: &Inputs<'_>) -> Option<TokenStatus> {
    let record = inputs.seen.token_record()?;
    let life = record.expires_at.duration_since(record.minted_at);
    Some(TokenStatus {
        secret_name: record.stored.name.clone(),
        expires_at: (life >= SHOWN_LIFE).then(|| whole_seconds(record.expires_at)),
    })
}

fn credential(inputs: &Inputs<'_>) -> Option<CredentialStatus> {
    let stored = inputs.seen.published.ours()?;
    Some(CredentialStatus { secret_name: stored.name.clone() })
}

fn drift_now(inputs: &Inputs<'_>, outcome: &Outcome) -> Option<DriftStatus> {
    let mut drift = inputs.object.status.drift.clone()?;
    if inputs.object.status.observed_generation != Some(inputs.object.generation) {
        // The spec changed: what others did before is no fight over what it says now.
        drift.undone.clear();
    }
    let agrees = matches!(outcome.config, Lane::Settled(Config::Synced | Config::Off));
    if agrees && drift.detected_at.is_some() && drift.corrected_at.is_none() {
        drift.corrected_at = Some(whole_seconds(inputs.now));
    }
    Some(drift)
}

fn counts(failure: &Failure) -> bool {
    match &failure.because {
        Because::Platform(_) => true,
        Because::Cluster(error) => !matches!(
            error,
            crate::kubernetes::Error::Conflict(_) | crate::kubernetes::Error::Gone(_)
        ),
        Because::NotLeading => false,
    }
}

fn retry(inputs: &Inputs<'_>, outcome: &Outcome) -> Option<RetryStatus> {
    let before = inputs.object.status.retry.clone();
    let failures: Vec<&Failure> =
        [&outcome.config_failure, &outcome.upkeep_failure].into_iter().flatten().collect();
    if failures.iter().any(|failure| counts(failure)) {
        let asked = failures
            .iter()
            .filter_map(|failure| match &failure.because {
                Because::Platform(fault) => fault.retry_after(),
                Because::Cluster(_) | Because::NotLeading => None,
            })
            .max();
        let count = before.as_ref().map_or(0, |retry| retry.failures).saturating_add(1);
        if let Some(before) = &before
            && at_longest(before.failures)
        {
            return Some(before.clone());
        }
        let delay = back_off(count).max(asked.unwrap_or_default());
        return Some(RetryStatus {
            failures: count,
            next_attempt_at: Some(whole_seconds(after(inputs.now, delay))),
        });
    }
    // Still waiting for the back-off of an earlier pass: it stands.
    let waits = before.as_ref().and_then(|retry| retry.next_attempt_at).is_some_and(|at| {
        at > inputs.now && inputs.object.status.observed_generation == Some(inputs.object.generation)
    });
    let held_back = matches!(&outcome.config, Lane::Wait(wait) if wait.reason == Reason::ProgressingWithRetry)
        || matches!(&outcome.upkeep, Lane::Wait(wait) if wait.reason == Reason::ProgressingWithRetry);
    if waits && held_back { before } else { None }
}

fn next_look(
    inputs: &Inputs<'_>,
    outcome: &Outcome,
    status: &ServiceAccountCredentialStatus,
) -> Option<Timestamp> {
    let mut looks: Vec<Timestamp> = Vec::new();
    if let Lane::Wait(wait) = &outcome.config {
        looks.push(wait.until);
    }
    looks.extend(upkeep::next_look(inputs, &outcome.upkeep));
    for failure in [&outcome.config_failure, &outcome.upkeep_failure].into_iter().flatten() {
        let delay = match &status.retry {
            Some(retry) if counts(failure) => retry
                .next_attempt_at
                .filter(|at| *at > inputs.now)
                .unwrap_or_else(|| after(inputs.now, back_off(retry.failures))),
            _ => after(inputs.now, SignedDuration::from_secs(1)),
        };
        looks.push(delay);
    }
    // A person is needed: look now and then all the same, what was missing may have come.
    let stuck = matches!(outcome.config, Lane::Stuck(_)) || matches!(outcome.upkeep, Lane::Stuck(_));
    if stuck && let PlatformSeen::Ready(view) = inputs.platform {
        looks.push(after(inputs.now, view.sweep_every));
    }
    // The end of the token is a moment at which the truth changes, whatever waits.
    if let Some(record) = inputs.seen.token_record()
        && record.expires_at > inputs.now
        && status.conditions.iter().any(|c| c.type_ == ConditionType::TokenFresh.as_str() && c.status != "True")
    {
        looks.push(record.expires_at);
    }
    looks.into_iter().min()
}

/// The status with the watchdog's word that a token is late; None if `TokenFresh` does not claim otherwise.
pub fn late(
    before: &ServiceAccountCredentialStatus,
    message: &str,
    now: Timestamp,
) -> Option<ServiceAccountCredentialStatus> {
    let mut status = before.clone();
    let fresh = status
        .conditions
        .iter_mut()
        .find(|condition| condition.type_ == ConditionType::TokenFresh.as_str() && condition.status == "True")?;
    fresh.status = "False".into();
    fresh.reason = Reason::RefreshLate.as_str().into();
    fresh.message = message.to_owned();
    fresh.last_transition_time =
        k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(whole_seconds(now));
    Some(status)
}
