//! What a step that did not succeed means for the object.

use crate::api::conditions::Reason;
use crate::model::fault::{Fault, RefusalKind};
use crate::model::step::{Because, Failure, Outcome, Step};

/// How serious a failure is for the object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Gravity {
    /// Only time or the platform's people can help; the platform object speaks of it.
    Unreachable,
    /// Tried again by itself.
    Retry,
    /// A person is needed.
    Person,
}

pub(super) fn gravity(failure: &Failure) -> Gravity {
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
        Because::NotLeading => {
            format!("could not {}: another replica leads", failure.step.describe())
        }
    }
}

pub(super) fn failure_reason(failure: &Failure) -> Reason {
    match &failure.because {
        Because::Platform(Fault::NotSent(_) | Fault::Unknown(_)) => Reason::Unreachable,
        Because::Platform(Fault::Refused(refusal)) => match refusal.kind {
            RefusalKind::Throttled => Reason::Throttled,
            RefusalKind::Conflict | RefusalKind::NotFound => Reason::ProgressingWithRetry,
            RefusalKind::Unauthorized | RefusalKind::Forbidden | RefusalKind::Invalid => {
                Reason::Refused
            }
        },
        Because::Cluster(_) | Because::NotLeading => Reason::ProgressingWithRetry,
    }
}

/// Whether a failure counts for the back-off: not what a second look mends.
pub(super) fn counts(failure: &Failure) -> bool {
    match &failure.because {
        Because::Platform(_) => true,
        Because::Cluster(error) => !matches!(
            error,
            crate::kubernetes::Error::Conflict(_) | crate::kubernetes::Error::Gone(_)
        ),
        Because::NotLeading => false,
    }
}

/// The credential was judged and refused in this pass.
pub(super) fn mint_refused(outcome: &Outcome) -> Option<&Failure> {
    let failures = [&outcome.upkeep_failure, &outcome.config_failure];
    failures.into_iter().flatten().find(|failure| {
        matches!(failure.step, Step::Mint | Step::Prove | Step::Introspect)
            && matches!(&failure.because, Because::Platform(Fault::Refused(refusal))
                if matches!(refusal.kind, RefusalKind::Unauthorized | RefusalKind::Forbidden | RefusalKind::Invalid))
    })
}
