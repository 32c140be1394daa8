//! How many calls went out and what came of them, for whoever shows metrics.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::model::{Fault, RefusalKind, TroubleKind};

/// What came of a call, by class.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum CallOutcome {
    Ok,
    NoConnection,
    NoAnswer,
    Garbled,
    ServerError,
    Withheld,
    Unauthorized,
    Forbidden,
    NotFound,
    Conflict,
    Throttled,
    Invalid,
}

/// One row of the counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallCount {
    /// Method and path with placeholders, for example `GET /api/v2/oauth/clients/{id}`.
    pub endpoint: &'static str,
    pub outcome: CallOutcome,
    pub calls: u64,
}

/// Counts of one sender since it was made.
#[derive(Debug, Default)]
pub struct CallCounts {
    counts: Mutex<BTreeMap<(&'static str, CallOutcome), u64>>,
}

impl CallCounts {
    /// Every count that is not zero, by endpoint and outcome.
    pub fn snapshot(&self) -> Vec<CallCount> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .iter()
            .map(|(&(endpoint, outcome), &calls)| CallCount { endpoint, outcome, calls })
            .collect()
    }

    pub(super) fn count(&self, endpoint: &'static str, outcome: CallOutcome) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((endpoint, outcome)).or_default() += 1;
    }
}

impl CallOutcome {
    /// The class as a metric label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoConnection => "no_connection",
            Self::NoAnswer => "no_answer",
            Self::Garbled => "garbled",
            Self::ServerError => "server_error",
            Self::Withheld => "withheld",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Throttled => "throttled",
            Self::Invalid => "invalid",
        }
    }
}

impl From<&Fault> for CallOutcome {
    fn from(fault: &Fault) -> Self {
        match fault {
            Fault::NotSent(trouble) | Fault::Unknown(trouble) => match trouble.kind {
                TroubleKind::Connect => Self::NoConnection,
                TroubleKind::NoAnswer => Self::NoAnswer,
                TroubleKind::Garbled => Self::Garbled,
                TroubleKind::Server(_) => Self::ServerError,
                TroubleKind::Withheld => Self::Withheld,
            },
            Fault::Refused(refusal) => match refusal.kind {
                RefusalKind::Unauthorized => Self::Unauthorized,
                RefusalKind::Forbidden => Self::Forbidden,
                RefusalKind::NotFound => Self::NotFound,
                RefusalKind::Conflict => Self::Conflict,
                RefusalKind::Throttled => Self::Throttled,
                RefusalKind::Invalid => Self::Invalid,
            },
        }
    }
}
