//! The table of the manual: which row fits, from the top.

use super::conditions::{Draft, draft};
use super::failure::{Gravity, failure_reason, failure_text, gravity, mint_refused};
use super::parts::{account, notes};
use crate::api::conditions::{ConditionType, Reason};
use crate::decide::condition::Verdict;
use crate::decide::drift;
use crate::decide::next::{Inputs, is_paced};
use crate::model::account::State;
use crate::model::seen::TokenCheck;
use crate::model::step::{Config, Lane, Outcome, Step, Upkeep};

const CORRECTING: &str = "a difference is being corrected: ";

/// The state of the published token at the end of the pass.
enum TokenState {
    NotWanted,
    Good,
    /// Past its end, or known dead.
    Dead(Reason, String),
    /// None was ever published, or it was taken away.
    None,
}

fn token_state(inputs: &Inputs<'_>, outcome: &Outcome) -> TokenState {
    if !matches!(inputs.desired, Ok(desired) if desired.token.is_some()) {
        return TokenState::NotWanted;
    }
    if let Lane::Settled(Upkeep::Dead { reason, message }) = &outcome.upkeep {
        return TokenState::Dead(*reason, message.clone());
    }
    let Some(record) = inputs.seen.token_record().filter(|record| record.intact) else {
        return TokenState::None;
    };
    let dead = |reason, message: &str| TokenState::Dead(reason, message.to_owned());
    if record.expires_at <= inputs.now {
        return dead(Reason::TokenExpired, "the token is expired and is being renewed");
    }
    if matches!(inputs.seen.carried.token_checked, Some(TokenCheck::Dead)) {
        return dead(Reason::TokenDead, "the token is dead before its time and is being renewed");
    }
    if orphaned(inputs, &record.client_id) {
        return dead(Reason::TokenDead, "the token is of a client that is gone");
    }
    TokenState::Good
}

/// Whether the published token is of a client that this object no longer has.
fn orphaned(inputs: &Inputs<'_>, client_id: &str) -> bool {
    let seen = inputs.seen;
    if let Some(copy) = seen.true_copy.ours() {
        return copy.credential.client_id != client_id;
    }
    let listed =
        |id: &str| seen.remote.list.as_ref().map(|list| list.marked.iter().any(|a| a.id.0 == id));
    listed(client_id) == Some(false)
}

/// The first fitting row.
pub(super) fn row(inputs: &Inputs<'_>, outcome: &Outcome) -> Draft {
    let draft = draft(credential_valid(outcome));
    if inputs.object.deleting_since.is_some() {
        let message = match (&outcome.config_failure, &outcome.config) {
            (Some(failure), _) => failure_text(failure),
            (None, Lane::Wait(wait)) => wait.message.clone(),
            (None, Lane::Do(_) | Lane::Settled(_) | Lane::Stuck(_)) => "being deleted".into(),
        };
        return draft.ready(Verdict::No, Reason::Deleting, message).reconciling();
    }
    let token = token_state(inputs, outcome);
    let good = matches!(token, TokenState::Good | TokenState::NotWanted);
    // A person is needed.
    if let Some((reason, message)) = person(inputs, outcome, good) {
        let draft = match token {
            TokenState::Dead(why, text) => draft.fresh(Verdict::No, why, text),
            TokenState::NotWanted | TokenState::Good | TokenState::None => draft,
        };
        return draft
            .ready(Verdict::No, reason, message.clone())
            .synced(Verdict::No, reason, message)
            .stalled();
    }
    // Held back after a refusal: nothing has changed until it is tried again.
    if outcome.done.is_empty() && stalled_and_held_back(inputs, outcome, good) {
        return draft.unchanged();
    }
    let draft = if matches!(outcome.config, Lane::Settled(Config::Suspended)) {
        draft.synced(
            Verdict::Unknown,
            Reason::Suspended,
            "spec.suspend is true: nothing is compared".into(),
        )
    } else {
        draft
    };
    not_ready(inputs, outcome, &token, draft.clone())
        .unwrap_or_else(|| ready(inputs, outcome, &token, draft))
}

/// The rows in which nothing reliable is published and no person is needed, or suspended with nothing published.
fn not_ready(
    inputs: &Inputs<'_>,
    outcome: &Outcome,
    token: &TokenState,
    draft: Draft,
) -> Option<Draft> {
    let suspended = matches!(outcome.config, Lane::Settled(Config::Suspended));
    if suspended {
        let published = match token {
            TokenState::Good | TokenState::Dead(..) => true,
            TokenState::NotWanted => inputs.seen.published.ours().is_some(),
            TokenState::None => false,
        };
        if !published {
            return Some(
                draft
                    .ready(
                        Verdict::No,
                        Reason::Suspended,
                        "suspended before anything was published: set spec.suspend to false".into(),
                    )
                    .fresh(Verdict::Unknown, Reason::Suspended, "suspended".into())
                    .stalled(),
            );
        }
    }
    if let TokenState::Dead(why, text) = token {
        let (reason, message) = trouble(outcome).unwrap_or((*why, text.clone()));
        return Some(
            draft
                .ready(Verdict::No, reason, message.clone())
                .fresh(Verdict::No, *why, message)
                .reconciling(),
        );
    }
    // Off is off when the token is taken away too.
    let off = matches!(outcome.config, Lane::Settled(Config::Off));
    let off_in_part = off && !matches!(outcome.upkeep, Lane::Settled(_));
    let agreed = drift::had_agreed(&inputs.object.status, inputs.object.generation);
    let first = config_unfinished(outcome) && !agreed;
    let bare = matches!(token, TokenState::None) && !off && !suspended;
    if off_in_part || first || bare {
        let (reason, message) = unfinished_text(outcome);
        return Some(
            draft
                .ready(Verdict::No, reason, message.clone())
                .synced(Verdict::Unknown, reason, message)
                .reconciling(),
        );
    }
    None
}

/// The rows in which what is published can be relied upon, or is meant to be nothing.
fn ready(inputs: &Inputs<'_>, outcome: &Outcome, token: &TokenState, draft: Draft) -> Draft {
    let notes = notes(inputs);
    let renewed = || "renewed in time".to_owned();
    if matches!(outcome.config, Lane::Settled(Config::Suspended)) {
        return draft
            .ready(Verdict::Yes, Reason::Suspended, "suspended; what is published works".into())
            .fresh(Verdict::Yes, Reason::Succeeded, renewed());
    }
    if matches!(outcome.config, Lane::Settled(Config::Off)) {
        let message = format!(
            "switched off as written; tokens that others minted may live on until they expire{notes}"
        );
        return draft
            .ready(Verdict::Yes, Reason::Disabled, message.clone())
            .synced(Verdict::Yes, Reason::Disabled, message)
            .fresh(Verdict::No, Reason::Disabled, "spec.enabled is false".into());
    }
    if let Some((reason, message)) = differs(inputs, outcome) {
        return draft
            .ready(Verdict::Yes, Reason::Succeeded, format!("what is published works; {message}"))
            .synced(Verdict::No, reason, message)
            .fresh(Verdict::Yes, Reason::Succeeded, renewed());
    }
    if let Some(message) = refresh_failing(outcome) {
        return draft
            .ready(
                Verdict::Yes,
                Reason::Succeeded,
                format!("the published token works; its renewal fails: {message}"),
            )
            .synced(Verdict::Yes, Reason::Succeeded, format!("the client is as written{notes}"))
            .fresh(Verdict::No, Reason::RefreshFailing, message);
    }
    if config_unfinished(outcome) {
        // The platform is out of reach and what is published works: only the platform object speaks. But a token that
        // was just renewed is no longer expired.
        if !outcome.done.contains(&Step::WriteToken) {
            return draft.unchanged();
        }
        return draft
            .ready(Verdict::Yes, Reason::Succeeded, "what is published works".into())
            .fresh(Verdict::Yes, Reason::Succeeded, renewed());
    }
    let what = match token {
        TokenState::NotWanted => "the client is as written",
        TokenState::Good | TokenState::Dead(..) | TokenState::None => {
            "the client is as written and its token is fresh"
        }
    };
    draft
        .ready(Verdict::Yes, Reason::Succeeded, format!("{what}{notes}"))
        .synced(Verdict::Yes, Reason::Succeeded, "the client is as written".into())
        .fresh(Verdict::Yes, Reason::Succeeded, renewed())
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
    if let Some(said) = useless(inputs, outcome) {
        return Some(said);
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

/// Whether a person was needed for the very lane that waits for its next try.
fn stalled_and_held_back(inputs: &Inputs<'_>, outcome: &Outcome, good: bool) -> bool {
    let conditions = &inputs.object.status.conditions;
    let Some(stalled) = conditions.iter().find(|c| c.type_ == ConditionType::Stalled.as_str())
    else {
        return false;
    };
    let of_credential = stalled.reason == Reason::CredentialRefused.as_str();
    (!of_credential && is_paced(&outcome.config, inputs.retries.config))
        || (of_credential && !good && is_paced(&outcome.upkeep, inputs.retries.upkeep))
}

/// Without a token there is only the credential, and it is of no use while its client cannot be used.
fn useless(inputs: &Inputs<'_>, outcome: &Outcome) -> Option<(Reason, String)> {
    let desired = inputs.desired.as_ref().ok()?;
    let (
        Lane::Settled(
            Config::Reported { message }
            | Config::Fighting { message }
            | Config::Held { message, .. }
            | Config::Vendor { message },
        ),
        None,
        true,
    ) = (&outcome.config, &desired.token, desired.enabled)
    else {
        return None;
    };
    let account = account(inputs)?;
    let broken = match account.state {
        State::Active => false,
        State::Inactive | State::DisabledByVendor | State::Deleted | State::Other(_) => true,
    };
    let (reason, _) = differs(inputs, outcome)?;
    broken.then(|| (reason, message.clone()))
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
        Lane::Settled(Config::Reported { message }) => {
            Some((Reason::DriftDetected, message.clone()))
        }
        Lane::Settled(Config::Fighting { message }) => {
            Some((Reason::FightingAnotherWriter, message.clone()))
        }
        Lane::Settled(Config::Held { message, differs: true }) => {
            Some((Reason::Held, message.clone()))
        }
        Lane::Settled(Config::Vendor { message }) => {
            Some((Reason::DisabledByVendor, message.clone()))
        }
        Lane::Settled(
            Config::Synced
            | Config::Suspended
            | Config::Off
            | Config::Released
            | Config::Held { .. },
        )
        | Lane::Do(_)
        | Lane::Wait(_)
        | Lane::Stuck(_) => {
            let open =
                inputs.object.status.drift.as_ref().is_some_and(|drift| {
                    drift.detected_at.is_some() && drift.corrected_at.is_none()
                });
            (open && config_unfinished(outcome)).then(|| {
                let (_, why) = unfinished_text(outcome);
                let why = why.strip_prefix(CORRECTING).unwrap_or(&why);
                (Reason::DriftDetected, format!("{CORRECTING}{why}"))
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
        Lane::Wait(_) | Lane::Do(_) | Lane::Settled(_) | Lane::Stuck(_) => None,
    }
}

fn credential_valid(outcome: &Outcome) -> Option<(Verdict, Reason, String)> {
    if let Some(failure) = mint_refused(outcome) {
        return Some((Verdict::No, Reason::CredentialRefused, failure_text(failure)));
    }
    let tried =
        outcome.done.iter().any(|step| matches!(step, Step::Mint | Step::Prove | Step::WriteToken));
    tried.then(|| (Verdict::Yes, Reason::Succeeded, "the last authentication succeeded".into()))
}
