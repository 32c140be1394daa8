//! What to say: the status, the events and the next look, from what a pass saw and did.
//!
//! The rows of [`row`] are those of the table in the manual; the first that fits wins.

mod conditions;
mod events;
mod failure;
mod parts;
mod retries;
mod row;

use jiff::Timestamp;

use self::conditions::settle;
pub use self::failure::failure_text;
pub use self::retries::remembered;
use super::next::Inputs;
use super::pace::Retries;
use super::records::whole_seconds;
use crate::api::ServiceAccountCredentialStatus;
use crate::api::conditions::{ConditionType, Reason};
use crate::model::event::Event;
use crate::model::step::Outcome;

/// What a pass leaves behind.
#[derive(Clone, Debug)]
pub struct Report {
    pub status: ServiceAccountCredentialStatus,
    pub events: Vec<Event>,
    /// When to look again, if nothing happens before.
    pub next_look: Option<Timestamp>,
    /// The back-off from here on.
    pub retries: Retries,
}

/// The report on one pass.
pub fn report(inputs: &Inputs<'_>, outcome: &Outcome) -> Report {
    let before = &inputs.object.status;
    let retries = retries::retries(inputs, outcome);
    let mut status = before.clone();
    status.observed_generation = Some(inputs.object.generation);
    // What a spec that cannot be read is about cannot be told: all but the conditions stays as it was.
    if inputs.desired.is_ok() {
        status.remote = parts::remote(inputs);
        status.token = parts::token(inputs);
        status.credential = parts::credential(inputs);
        status.drift = parts::drift(inputs, outcome);
        status.retry = retries::shown(before.retry.as_ref(), &retries);
    }
    let row = row::row(inputs, outcome);
    let fresh = ConditionType::TokenFresh.as_str();
    let token_wanted = match inputs.desired {
        Ok(desired) => desired.token.is_some(),
        // What cannot be read cannot be told: it stays as it was.
        Err(_) => before.conditions.iter().any(|condition| condition.type_ == fresh),
    };
    status.conditions =
        settle(&before.conditions, row, token_wanted, inputs.object.generation, inputs.now);
    let events = events::events(inputs, outcome, &status);
    let next_look = retries::next_look(inputs, outcome, &retries, &status);
    Report { status, events, next_look, retries }
}

/// The status with the watchdog's word that a token is late; None if `TokenFresh` does not claim otherwise.
pub fn late(
    before: &ServiceAccountCredentialStatus,
    message: &str,
    now: Timestamp,
) -> Option<ServiceAccountCredentialStatus> {
    let mut status = before.clone();
    let fresh = status.conditions.iter_mut().find(|condition| {
        condition.type_ == ConditionType::TokenFresh.as_str() && condition.status == "True"
    })?;
    fresh.status = "False".into();
    fresh.reason = Reason::RefreshLate.as_str().into();
    message.clone_into(&mut fresh.message);
    fresh.last_transition_time =
        k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(whole_seconds(now));
    Some(status)
}
