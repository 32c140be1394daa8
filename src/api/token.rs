//! `spec.token`: how access tokens are minted and what their Secret holds.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema::{DATA_KEY, OBJECT_NAME};

/// How tokens are minted and published.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenSpec {
    /// Name of the Secret that holds the token, in this object's namespace.
    #[schemars(length(min = 1, max = 240), regex(pattern = OBJECT_NAME))]
    pub secret_name: String,
    /// When to mint the next token, in percent of the lifetime of the token really received.
    #[serde(default = "two_thirds")]
    #[schemars(range(min = 10, max = 90))]
    pub refresh_after_percent: u8,
    /// The keys of the Secret. Unset: the keys that the platform's own tools read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["key".into()]))]
    pub data: Vec<TokenKey>,
    /// What to do where the platform lets unused tokens die before their time. Unset: Remint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "OnIdleTimeout")]
    pub on_idle_timeout: Option<OnIdleTimeout>,
}

/// One key of the token Secret.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenKey {
    /// The key in the Secret.
    #[schemars(length(min = 1, max = 253), regex(pattern = DATA_KEY))]
    pub key: String,
    /// What is put there.
    pub from: TokenSource,
    /// Text around the value, with {} exactly once where the value goes, for example "Bearer {}".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 256))]
    #[x_kube(
        validation = Rule::new("self.contains('{}') && self.indexOf('{}') == self.lastIndexOf('{}')")
            .message("must contain {} exactly once, for example \"Bearer {}\""),
    )]
    pub format: Option<String>,
}

/// What a key of the token Secret can hold.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum TokenSource {
    /// The access token.
    AccessToken,
    /// The type of the token, for example bearer.
    TokenType,
    /// When the token ends, in RFC 3339.
    ExpiresAt,
    /// The region of the platform, as its own tools want it.
    Region,
    /// Base of the API host.
    ApiUrl,
    /// Base of the login host.
    LoginUrl,
}

/// What to do where the platform lets unused tokens die.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum OnIdleTimeout {
    /// Mint a new token before an unused one can have died.
    #[default]
    Remint,
    /// Let it die and say so.
    Report,
}

fn two_thirds() -> u8 {
    66
}
