//! What to say of a platform object.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::condition::{Said, Verdict, lay};
use crate::api::conditions::{ConditionType, Reason};
use crate::model::fault::{Fault, RefusalKind, Trouble, TroubleKind};

/// How a platform is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Health {
    Well,
    /// Another tenant answers than the one that the object stands for.
    OtherTenant {
        other: String,
        pinned: String,
    },
    /// The object or its credential is not in order: nothing was asked.
    NotConnected {
        reason: Reason,
        message: String,
    },
    /// The platform does not accept the managing credential.
    CredentialRefused(String),
    /// The platform accepts the credential but refuses what a sweep asks.
    Refused(String),
    /// No usable answer.
    Unreachable(String),
    /// It asked us to slow down.
    Throttled(String),
}

impl Health {
    /// What a failed sweep says of the platform.
    pub fn of(fault: &Fault) -> Self {
        let text = fault.to_string();
        if let Fault::NotSent(Trouble { kind: TroubleKind::Withheld, .. }) = fault {
            return Self::Throttled(text);
        }
        match fault.refusal() {
            None => Self::Unreachable(text),
            Some(RefusalKind::Throttled) => Self::Throttled(text),
            Some(RefusalKind::Unauthorized) => Self::CredentialRefused(format!(
                "{text}; check the Secret of spec.credentialsSecretRef, and the region or address: elsewhere its client is unknown"
            )),
            Some(
                RefusalKind::Forbidden
                | RefusalKind::NotFound
                | RefusalKind::Conflict
                | RefusalKind::Invalid,
            ) => Self::Refused(text),
        }
    }

    /// What is wrong, in a sentence.
    pub fn message(&self) -> String {
        match self {
            Self::Well => "swept as planned".into(),
            Self::OtherTenant { other, pinned } => format!(
                "tenant {other} answers, this object stands for {pinned}: nothing is written; point it back, or make a new platform object"
            ),
            Self::NotConnected { message, .. }
            | Self::CredentialRefused(message)
            | Self::Refused(message)
            | Self::Unreachable(message)
            | Self::Throttled(message) => message.clone(),
        }
    }
}

/// The three conditions of a platform. Times move only when a status moves.
pub fn conditions(
    before: &[Condition],
    health: &Health,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let yes = |message: &str| -> Option<Said> {
        Some((Verdict::Yes, Reason::Succeeded, message.to_owned()))
    };
    let no = |reason: Reason, message: &String| -> Option<Said> {
        Some((Verdict::No, reason, message.clone()))
    };
    let answers = yes("the platform answers");
    let accepted = yes("the managing credential is accepted");
    let message = health.message();
    let (ready, reachable, credential) = match health {
        Health::Well => (yes(&message), answers, accepted),
        Health::OtherTenant { .. } => (no(Reason::TenantChanged, &message), answers, accepted),
        Health::NotConnected { reason: reason @ Reason::CredentialMissing, .. } => {
            (no(*reason, &message), None, no(*reason, &message))
        }
        Health::NotConnected { reason, .. } => (no(*reason, &message), None, None),
        Health::CredentialRefused(_) => {
            let refused = no(Reason::CredentialRefused, &message);
            (refused.clone(), answers, refused)
        }
        Health::Refused(_) => (no(Reason::Refused, &message), answers, accepted),
        Health::Unreachable(_) => {
            let unreachable = no(Reason::Unreachable, &message);
            (unreachable.clone(), unreachable, None)
        }
        Health::Throttled(_) => (no(Reason::Throttled, &message), answers, None),
    };
    let set = |kind, said| lay(before, kind, said, generation, now);
    vec![
        set(ConditionType::Ready, ready),
        set(ConditionType::Reachable, reachable),
        set(ConditionType::CredentialValid, credential),
    ]
}
