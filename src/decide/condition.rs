//! One condition, laid over what was there before.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::records::whole_seconds;
use crate::api::conditions::{ConditionType, Reason};

const LONGEST_MESSAGE: usize = 1024;

/// True, False or Unknown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    Yes,
    No,
    Unknown,
}

/// What a condition is to say.
pub type Said = (Verdict, Reason, String);

impl Verdict {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "True",
            Self::No => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// The condition of this type: as it is to be, else as it was, else not tried yet. Its time moves only when its status
/// moves.
pub fn lay(
    before: &[Condition],
    kind: ConditionType,
    said: Option<Said>,
    generation: i64,
    now: Timestamp,
) -> Condition {
    let old = before.iter().find(|condition| condition.type_ == kind.as_str());
    let (status, reason, message) = match (said, old) {
        (Some((verdict, reason, message)), _) => {
            (verdict.as_str().to_owned(), reason.as_str().to_owned(), cut(&message))
        }
        (None, Some(old)) => (old.status.clone(), old.reason.clone(), old.message.clone()),
        (None, None) => (
            Verdict::Unknown.as_str().to_owned(),
            Reason::NotTried.as_str().to_owned(),
            "not tried yet".to_owned(),
        ),
    };
    // Every attempt has a correlation id of its own: that alone is nothing new to say.
    let message = match old {
        Some(old) if old.reason == reason && nameless(&old.message) == nameless(&message) => {
            old.message.clone()
        }
        _ => message,
    };
    let since = match old {
        Some(old) if old.status == status => old.last_transition_time.clone(),
        _ => Time(whole_seconds(now)),
    };
    Condition {
        type_: kind.as_str().to_owned(),
        status,
        reason,
        message,
        observed_generation: Some(generation),
        last_transition_time: since,
    }
}

fn nameless(message: &str) -> (&str, &str) {
    match message.split_once(" (correlation id ") {
        Some((before, rest)) => (before, rest.split_once(')').map_or("", |(_, after)| after)),
        None => (message, ""),
    }
}

fn cut(message: &str) -> String {
    if message.chars().count() <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    let mut text: String = message.chars().take(LONGEST_MESSAGE - 1).collect();
    text.push('…');
    text
}
