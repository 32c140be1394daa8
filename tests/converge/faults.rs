//! What can go wrong at one call, and the plan of where it does.
//!
//! Enters: numbers of calls. Leaves: what happens to each. Nothing here knows what a call is for.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use keysteward::kubernetes::Error;
use keysteward::model::fault::{Fault, Refusal, RefusalKind, Trouble, TroubleKind};

/// What happens to one call.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Mishap {
    /// It has its effect, and nobody hears of it.
    AnswerLost,
    /// It never leaves.
    NotSent,
    /// The other side fails before it does anything.
    ServerError,
    /// The other side wants us to slow down; a conflict at the Kubernetes API.
    Refused,
    /// It has its effect, and the process dies.
    Death,
}

impl Mishap {
    pub(crate) const ALL: [Self; 5] =
        [Self::AnswerLost, Self::NotSent, Self::ServerError, Self::Refused, Self::Death];

    /// Whether the call has its effect all the same.
    pub(crate) const fn has_effect(self) -> bool {
        matches!(self, Self::AnswerLost | Self::Death)
    }

    /// What a caller of the platform gets to hear.
    pub(crate) fn at_the_platform(self, tried: &str) -> Fault {
        let trouble = |kind| Trouble { kind, text: format!("could not {tried}: {kind:?}") };
        match self {
            Self::AnswerLost | Self::Death => Fault::Unknown(trouble(TroubleKind::NoAnswer)),
            Self::NotSent => Fault::NotSent(trouble(TroubleKind::Connect)),
            Self::ServerError => Fault::Unknown(trouble(TroubleKind::Server(503))),
            Self::Refused => Fault::Refused(Refusal {
                kind: RefusalKind::Throttled,
                tried: tried.to_owned(),
                status: 429,
                code: Some("too.many.requests".into()),
                message: "slow down".into(),
                correlation_id: Some("c-1".into()),
                retry_after: Some(SignedDuration::from_secs(7)),
            }),
        }
    }

    /// What a caller of the Kubernetes API gets to hear.
    pub(crate) fn at_the_cluster(self, tried: &str) -> Error {
        match self {
            Self::AnswerLost | Self::Death | Self::NotSent | Self::ServerError => {
                Error::Unavailable(format!("could not {tried}: no answer"))
            }
            Self::Refused => Error::Conflict(format!("could not {tried}: it changed")),
        }
    }
}

/// Which calls go wrong, by number from 1 after the plan was made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan(BTreeMap<u64, Mishap>);

impl Plan {
    pub(crate) fn none() -> Self {
        Self::default()
    }

    pub(crate) fn at(call: u64, mishap: Mishap) -> Self {
        Self(BTreeMap::from([(call, mishap)]))
    }

    pub(crate) fn of(mishaps: impl IntoIterator<Item = (u64, Mishap)>) -> Self {
        Self(mishaps.into_iter().collect())
    }

    /// Whether debug texts are searched for secrets in a telling with this plan: in each without mishaps, and in some with.
    pub(crate) fn is_listened_to(&self) -> bool {
        self.0.keys().all(|call| call % 5 == 0)
    }

    pub(crate) fn take(&mut self, call: u64) -> Option<Mishap> {
        self.0.remove(&call)
    }
}
