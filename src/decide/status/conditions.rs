//! Conditions as values: a row of the table laid over what was there before.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::conditions::{ConditionType, Reason};
use crate::decide::condition::{Said, Verdict, lay};

/// What a row says. What it leaves out stays as it was.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    ready: Option<Said>,
    synced: Option<Said>,
    credential: Option<Said>,
    fresh: Option<Said>,
    abnormal: Option<ConditionType>,
    keep_abnormal: bool,
}

/// A row that says nothing yet but how the last authentication went.
pub(super) fn draft(credential: Option<Said>) -> Draft {
    Draft {
        ready: None,
        synced: None,
        credential,
        fresh: None,
        abnormal: None,
        keep_abnormal: false,
    }
}

impl Draft {
    #[must_use]
    pub(super) fn ready(mut self, verdict: Verdict, reason: Reason, message: String) -> Self {
        self.ready = Some((verdict, reason, message));
        self
    }

    #[must_use]
    pub(super) fn synced(mut self, verdict: Verdict, reason: Reason, message: String) -> Self {
        self.synced = Some((verdict, reason, message));
        self
    }

    #[must_use]
    pub(super) fn fresh(mut self, verdict: Verdict, reason: Reason, message: String) -> Self {
        self.fresh = Some((verdict, reason, message));
        self
    }

    #[must_use]
    pub(super) fn reconciling(mut self) -> Self {
        self.abnormal = Some(ConditionType::Reconciling);
        self
    }

    #[must_use]
    pub(super) fn stalled(mut self) -> Self {
        self.abnormal = Some(ConditionType::Stalled);
        self
    }

    #[must_use]
    pub(super) fn unchanged(mut self) -> Self {
        self.keep_abnormal = true;
        self
    }
}

/// Lays a row over the conditions that were there. Times move only when a status moves.
pub(super) fn settle(
    before: &[Condition],
    draft: Draft,
    token_wanted: bool,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let Draft { ready, synced, credential, fresh, abnormal, keep_abnormal } = draft;
    let set = |kind, said| lay(before, kind, said, generation, now);
    let told = ready.clone();
    let mut conditions = vec![
        set(ConditionType::Ready, ready),
        set(ConditionType::Synced, synced),
        set(ConditionType::CredentialValid, credential),
    ];
    if token_wanted {
        conditions.push(set(ConditionType::TokenFresh, fresh));
    }
    for kind in [ConditionType::Reconciling, ConditionType::Stalled] {
        if abnormal == Some(kind) {
            let said = told.clone().map(|(_, reason, message)| (Verdict::Yes, reason, message));
            conditions.push(set(kind, said));
        } else if keep_abnormal && before.iter().any(|c| c.type_ == kind.as_str()) {
            conditions.push(set(kind, None));
        }
    }
    conditions
}
