//! The long-lived proof, the short-lived token, and what the platform says of a token.

use jiff::{SignedDuration, Timestamp};

use super::account::State;
use super::secret_text::SecretText;

/// Client id and secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credential {
    pub client_id: String,
    pub client_secret: SecretText,
}

/// An access token as the token endpoint gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub access_token: SecretText,
    pub token_type: String,
    /// Lifetime from the moment of minting; always positive.
    pub expires_in: SignedDuration,
}

/// What the platform says of a token that is presented to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Introspection {
    /// Id of the tenant to which the token belongs.
    pub tenant_id: Option<String>,
    /// State of the account to which the token belongs.
    pub state: Option<State>,
    /// When the token dies if nobody uses it.
    pub idles_at: Option<Timestamp>,
}
