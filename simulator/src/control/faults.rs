//! Faults: what enters is what a test wants to go wrong and when, what leaves are values the gate acts on.
//! It may not act itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that goes wrong with the requests that match.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Fault {
    /// `GET`, `POST` …; none: every method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The whole path, or its beginning followed by `*`; none: every path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A regular expression that the path must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_regex: Option<String>,
    /// The client that must be asking: by its Basic header, or as the owner of the bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// How many matching requests go well first.
    #[serde(default)]
    pub skip: u32,
    /// How many matching requests fail after that; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    pub effect: Effect,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    deny_unknown_fields,
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Effect {
    /// This answer instead; nothing happens. A text body is sent as it is, any other as JSON.
    Status {
        status: u16,
        #[serde(default)]
        headers: BTreeMap<String, String>,
        #[serde(default)]
        body: Option<Value>,
    },
    /// This JSON instead; nothing happens.
    Json {
        #[serde(default = "ok")]
        status: u16,
        body: Value,
    },
    /// A page of HTML with status 200 instead, as a proxy sends; nothing happens.
    Html {
        #[serde(default)]
        body: Option<String>,
    },
    /// The answer comes later.
    Delay { milliseconds: u64 },
    /// No answer until the fault is cleared, then the connection closes.
    Hang {
        /// Whether the request takes effect before that.
        #[serde(default)]
        after_effect: bool,
    },
    /// The request takes effect, but the connection closes without an answer.
    LostAnswer,
    /// The request takes effect, but only half of the body arrives.
    CutBody,
    /// The request takes effect, and its JSON answer is changed by this merge patch: null removes a member.
    Merge { body: Value },
    /// The list of clients shows the state from when the fault was made.
    StaleList,
    /// The server's clock is ahead: its `Date` is later and tokens die earlier than `expires_in` says.
    ClockSkew { seconds: i64 },
}

fn ok() -> u16 {
    200
}

/// A fault's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultId(pub u64);

/// A fault and how often it has acted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultView {
    pub id: FaultId,
    /// Requests that failed by it.
    pub struck: u32,
    pub fault: Fault,
}

/// A fault that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum BadFault {
    #[error("pathRegex is not a regular expression: {0}")]
    Regex(#[from] regex_lite::Error),
    #[error("effect.status {0} is not an HTTP status: use 100 to 999")]
    Status(u16),
    #[error("effect.headers cannot hold {0:?}: it is no header name or value")]
    Header(String),
}

impl Fault {
    /// A fault of every request with this method and path.
    pub fn new(method: &str, path: &str, effect: Effect) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: Some(path.to_owned()),
            path_regex: None,
            client_id: None,
            skip: 0,
            times: None,
            effect,
        }
    }

    /// A fault of every request.
    pub fn everywhere(effect: Effect) -> Self {
        Self { method: None, path: None, ..Self::new("", "", effect) }
    }

    /// An answer with this status and no effect.
    pub fn status(method: &str, path: &str, status: u16) -> Self {
        let effect = Effect::Status { status, headers: BTreeMap::new(), body: None };
        Self::new(method, path, effect)
    }

    /// The effect happens and the connection closes without an answer.
    pub fn lost_answer(method: &str, path: &str) -> Self {
        Self::new(method, path, Effect::LostAnswer)
    }

    /// The list of clients stays as it is now.
    pub fn stale_list() -> Self {
        Self::new("GET", "/api/v2/oauth/clients", Effect::StaleList)
    }

    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Lets this many matching requests go well first.
    #[must_use]
    pub fn after(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    /// Only requests of this client.
    #[must_use]
    pub fn of_client(self, client_id: &str) -> Self {
        Self { client_id: Some(client_id.to_owned()), ..self }
    }

    /// Paths that contain this regular expression, instead of one path.
    #[must_use]
    pub fn matching(self, path_regex: &str) -> Self {
        Self { path: None, path_regex: Some(path_regex.to_owned()), ..self }
    }
}
