//! The organization and its token timeout: what enters are an administrator's settings, what leaves is how the org stands.
//! It may not know clients or tokens.

use serde::{Deserialize, Serialize};

/// The organization behind the two hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Organization {
    pub id: String,
    pub name: String,
    pub state: OrganizationState,
    pub version: i32,
}

/// Whether the organization works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrganizationState {
    Active,
    Inactive,
    Deleted,
}

/// How long a token may stay unused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IdleTokenTimeout {
    /// Seconds, 300…28800.
    pub idle_token_timeout_seconds: i32,
    pub enable_idle_token_timeout: bool,
}

impl IdleTokenTimeout {
    /// The limit in seconds while it is on.
    pub(crate) fn seconds(&self) -> Option<i64> {
        self.enable_idle_token_timeout.then_some(i64::from(self.idle_token_timeout_seconds))
    }
}

impl Default for IdleTokenTimeout {
    fn default() -> Self {
        Self { idle_token_timeout_seconds: 28_800, enable_idle_token_timeout: false }
    }
}
