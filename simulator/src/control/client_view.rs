//! OAuth clients as tests see and change them past the API: what enters are edits, what leaves are views.
//! It may not show a secret but to who made it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::secret::SecretText;
use crate::tenant::grant::RoleDivision;

/// A client in truth, however long the API still shows it otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientView {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub description: Option<String>,
    /// `active`, `inactive`, `disabled` or `deleted`.
    pub state: String,
    pub authorized_grant_type: String,
    pub access_token_validity_seconds: i64,
    pub role_divisions: Vec<RoleDivision>,
    pub scope: Vec<String>,
    pub registered_redirect_uri: Vec<String>,
    pub date_created: Timestamp,
    pub date_modified: Timestamp,
    /// Tokens that would be accepted now.
    pub live_tokens: u64,
    /// Tokens made since the counters were reset.
    pub mints: u64,
    /// Secrets made since the client was created, the first included.
    pub secrets_issued: u64,
}

/// A client id and its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    pub client_id: String,
    pub client_secret: SecretText,
}

/// A client that somebody else makes; no rule of the API is checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewClient {
    pub name: String,
    #[serde(default = "client_credentials")]
    pub authorized_grant_type: String,
    /// Every other field of the API's client.
    #[serde(flatten)]
    pub fields: ClientEdit,
}

fn client_credentials() -> String {
    crate::tenant::client::CLIENT_CREDENTIALS.to_owned()
}

impl NewClient {
    /// An active client with the grant type `CLIENT-CREDENTIALS` and no roles.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            authorized_grant_type: client_credentials(),
            fields: ClientEdit::default(),
        }
    }

    #[must_use]
    pub fn with(self, fields: ClientEdit) -> Self {
        Self { fields, ..self }
    }
}

/// What somebody else changes about a client; no rule of the API is checked, so `disabled` is possible.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClientEdit {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_divisions: Option<Vec<RoleDivision>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_validity_seconds: Option<i64>,
    /// Any other field by its API name; null removes it.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ClientEdit {
    pub fn state(state: &str) -> Self {
        Self { state: Some(state.to_owned()), ..Self::default() }
    }

    pub fn roles(roles: Vec<RoleDivision>) -> Self {
        Self { role_divisions: Some(roles), ..Self::default() }
    }

    pub fn description(description: &str) -> Self {
        Self { description: Some(description.to_owned()), ..Self::default() }
    }

    /// Any field by its API name, such as `authorizedGrantType`.
    pub fn field(name: &str, value: impl Into<Value>) -> Self {
        Self::default().and(name, value)
    }

    #[must_use]
    pub fn and(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.other.insert(name.to_owned(), value.into());
        self
    }
}
