//! The back-off of both lanes, as kept and as shown, and when to look again.

use jiff::{SignedDuration, Timestamp};

use super::failure::counts;
use crate::api::ServiceAccountCredentialStatus;
use crate::api::conditions::ConditionType;
use crate::api::credential_status::RetryStatus;
use crate::decide::next::{Inputs, is_paced};
use crate::decide::pace::{Retries, Retry, at_longest};
use crate::decide::records::{after, whole_seconds};
use crate::decide::upkeep;
use crate::model::platform::PlatformSeen;
use crate::model::step::{Because, Failure, Lane, Outcome};

/// What a new process takes over. The status tells one back-off and not whose, and tokens must go on: it paces the
/// configuration alone, and trouble with tokens is counted anew.
pub fn remembered(status: &ServiceAccountCredentialStatus, generation: i64) -> Retries {
    let Some(shown) =
        status.retry.as_ref().filter(|_| status.observed_generation == Some(generation))
    else {
        return Retries::default();
    };
    let until = shown.next_attempt_at.unwrap_or(Timestamp::UNIX_EPOCH);
    Retries { config: Some(Retry { failures: shown.failures, until }), upkeep: None }
}

/// The back-off from here on.
pub(super) fn retries(inputs: &Inputs<'_>, outcome: &Outcome) -> Retries {
    let (config, upkeep) = (inputs.retries.config, inputs.retries.upkeep);
    Retries {
        config: next(
            config,
            outcome.config_failure.as_ref(),
            is_paced(&outcome.config, config),
            inputs.now,
        ),
        upkeep: next(
            upkeep,
            outcome.upkeep_failure.as_ref(),
            is_paced(&outcome.upkeep, upkeep),
            inputs.now,
        ),
    }
}

fn next(
    before: Option<Retry>,
    failure: Option<&Failure>,
    paced: bool,
    now: Timestamp,
) -> Option<Retry> {
    match failure {
        Some(failure) if counts(failure) => {
            let asked = match &failure.because {
                Because::Platform(fault) => fault.retry_after(),
                Because::Cluster(_) | Because::NotLeading => None,
            };
            Some(Retry::next(before, asked, now))
        }
        // Nothing was tried that could have told whether it works again.
        Some(_) => before,
        None => before.filter(|retry| paced && retry.until > now),
    }
}

/// The worse of both, for people and for the next process. Once the delay has stopped growing it is no longer written.
pub(super) fn shown(before: Option<&RetryStatus>, retries: &Retries) -> Option<RetryStatus> {
    let worse =
        retries.config.into_iter().chain(retries.upkeep).max_by_key(|retry| retry.failures)?;
    if let Some(before) = before
        && at_longest(before.failures)
        && before.failures == worse.failures
    {
        return Some(before.clone());
    }
    Some(RetryStatus {
        failures: worse.failures,
        next_attempt_at: Some(whole_seconds(worse.until)),
    })
}

/// When to look again, if nothing happens before.
pub(super) fn next_look(
    inputs: &Inputs<'_>,
    outcome: &Outcome,
    retries: &Retries,
    status: &ServiceAccountCredentialStatus,
) -> Option<Timestamp> {
    let mut looks: Vec<Timestamp> = Vec::new();
    if let Lane::Wait(wait) = &outcome.config {
        looks.push(wait.until);
    }
    looks.extend(upkeep::next_look(inputs, &outcome.upkeep));
    let soon = after(inputs.now, SignedDuration::from_secs(1));
    let lanes = [
        (&outcome.config_failure, retries.config, matches!(outcome.config, Lane::Do(_))),
        (&outcome.upkeep_failure, retries.upkeep, matches!(outcome.upkeep, Lane::Do(_))),
    ];
    for (failure, retry, unfinished) in lanes {
        match (failure, retry) {
            (Some(failure), Some(retry)) if counts(failure) => looks.push(retry.until),
            (Some(_), _) => looks.push(soon),
            (None, _) if unfinished => looks.push(soon),
            (None, _) => {}
        }
    }
    // A deletion must not wait longer than it may.
    if let Some(since) = inputs.object.deleting_since {
        let deadline = after(since, inputs.object.policy.deletion_deadline);
        looks.extend((deadline > inputs.now).then_some(deadline));
    }
    // A person is needed: look now and then all the same, what was missing may have come.
    let stuck =
        matches!(outcome.config, Lane::Stuck(_)) || matches!(outcome.upkeep, Lane::Stuck(_));
    if stuck && let PlatformSeen::Ready(view) = inputs.platform {
        looks.push(after(inputs.now, view.sweep_every));
    }
    // The end of the token is a moment at which the truth changes, whatever waits.
    if let Some(record) = inputs.seen.token_record()
        && record.expires_at > inputs.now
        && status
            .conditions
            .iter()
            .any(|c| c.type_ == ConditionType::TokenFresh.as_str() && c.status != "True")
    {
        looks.push(record.expires_at);
    }
    looks.into_iter().min()
}
