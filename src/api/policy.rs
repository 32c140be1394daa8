//! `spec.policy`: how far Keysteward may go. No schema defaults: unset falls to the built-in choice.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::Span;
use super::schema::span_between;

/// How far Keysteward may go.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicySpec {
    /// What to do about a difference that appeared after both sides agreed. Unset: Correct.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "OnDrift")]
    pub drift: Option<OnDrift>,
    /// What to do when the client was deleted behind our back. Unset: Report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "OnMissing")]
    pub on_missing: Option<OnMissing>,
    /// What becomes of the remote client when this object is deleted. Unset: Retain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "OnDelete")]
    pub on_delete: Option<OnDelete>,
    /// After this long a Disable or Delete that cannot be done becomes Retain: 1m to 720h. Unset: 24h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(
        validation = Rule::new(span_between("1m", "720h"))
            .message("must be at least 1m and at most 720h"),
    )]
    pub deletion_deadline: Option<Span>,
}

/// What to do about a difference.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum OnDrift {
    /// Set it back to what is written.
    #[default]
    Correct,
    /// Only say so.
    Report,
}

/// What to do when the client is gone.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum OnMissing {
    /// Make a new one; its client id differs.
    Recreate,
    /// Only say so.
    #[default]
    Report,
}

/// What becomes of the remote client when the object goes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum OnDelete {
    /// It stays as it is, and its credential stays in the operator's namespace.
    #[default]
    Retain,
    /// It is switched off.
    Disable,
    /// It is deleted.
    Delete,
}
