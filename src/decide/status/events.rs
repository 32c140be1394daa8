//! Events: what happened in this pass, once, in words.

use crate::api::ServiceAccountCredentialStatus;
use crate::api::conditions::{ConditionType, Reason};
use crate::decide::drift::sentence;
use crate::decide::next::Inputs;
use crate::model::event::{Event, Severity};
use crate::model::step::{Outcome, Step};

/// The events of one pass: what was done to the account, and where Ready moved.
pub(super) fn events(
    inputs: &Inputs<'_>,
    outcome: &Outcome,
    after: &ServiceAccountCredentialStatus,
) -> Vec<Event> {
    let mut events: Vec<Event> =
        outcome.done.iter().filter_map(|step| done(inputs, step)).collect();
    let before = &inputs.object.status;
    let corrected = |status: &ServiceAccountCredentialStatus| {
        status.drift.as_ref().and_then(|drift| drift.corrected_at)
    };
    if let (false, Some(drift)) = (corrected(before) == corrected(after), &after.drift)
        && drift.corrected_at.is_some()
    {
        let fields: Vec<&str> = drift.changes.iter().map(|change| change.field.as_str()).collect();
        events.push(event(
            Severity::Normal,
            "DriftCorrected",
            "Correct",
            format!("{} as written again", fields.join(", ")),
        ));
    }
    let ready = |status: &ServiceAccountCredentialStatus| {
        status.conditions.iter().find(|c| c.type_ == ConditionType::Ready.as_str()).cloned()
    };
    if let Some(now) = ready(after) {
        let moved =
            ready(before).is_none_or(|old| old.status != now.status || old.reason != now.reason);
        let quiet =
            now.reason == Reason::Progressing.as_str() || now.reason == Reason::Deleting.as_str();
        if moved && !quiet {
            let severity = if now.status == "True" { Severity::Normal } else { Severity::Warning };
            events.push(event(severity, &now.reason, "Reconcile", now.message));
        }
    }
    events
}

fn done(inputs: &Inputs<'_>, step: &Step) -> Option<Event> {
    let normal = |reason: &str, action: &str, note: String| {
        Some(event(Severity::Normal, reason, action, note))
    };
    match step {
        Step::Create(wish) => {
            normal("ClientCreated", "Create", format!("made client {:?}", wish.settings.name))
        }
        Step::Regenerate(id) => normal(
            "SecretRegenerated",
            "Regenerate",
            format!(
                "client {id} was found with our marker and without a stored secret: it has a new one"
            ),
        ),
        Step::RecordDrift(drift) => {
            // Events of one reason and action become one series with the words of the first: other fields, other action.
            let fields: Vec<&str> =
                drift.changes.iter().map(|change| change.field.as_str()).collect();
            let action = format!("Compare:{}", fields.join(","));
            Some(event(Severity::Warning, Reason::DriftDetected.as_str(), &action, sentence(drift)))
        }
        Step::SwitchOff(id) => {
            normal("ClientSwitchedOff", "SwitchOff", format!("switched client {id} off"))
        }
        Step::Delete(id) => normal("ClientDeleted", "Delete", format!("deleted client {id}")),
        Step::Publish if inputs.object.status.credential.is_some() => normal(
            "CredentialRepaired",
            "Publish",
            "the published credential was written again from the true copy".into(),
        ),
        Step::Retain => normal(
            "ClientRetained",
            "Retain",
            "the client stays on the platform; its credential is kept in the operator's namespace"
                .into(),
        ),
        Step::TakeBack => normal(
            "CredentialTakenBack",
            "TakeBack",
            "the client and credential that an earlier object of this name left are in use again"
                .into(),
        ),
        Step::Update(..)
        | Step::Hold
        | Step::Reserve { .. }
        | Step::StoreAnswer
        | Step::Prove
        | Step::Promote
        | Step::DropReservation
        | Step::Restore
        | Step::Read(_)
        | Step::Forget
        | Step::Publish
        | Step::DeleteSecret(_)
        | Step::DoubtToken
        | Step::TrustToken
        | Step::CheckToken
        | Step::Mint
        | Step::Introspect
        | Step::WriteToken
        | Step::RevokeToken
        | Step::ClearToken
        | Step::Release => None,
    }
}

fn event(severity: Severity, reason: &str, action: &str, note: String) -> Event {
    Event { severity, reason: reason.to_owned(), action: action.to_owned(), note }
}
