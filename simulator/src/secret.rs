//! Secret text: what enters is a client secret or a token, what leaves is the same text to those who ask for it by name.
//! It may not be printed by `Debug` or `Display`.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A client secret or a token.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(Arc<str>);

impl SecretText {
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A new client secret: 43 characters.
    pub(crate) fn random_secret() -> Self {
        let mut bytes = [0; 32];
        for half in bytes.chunks_exact_mut(16) {
            half.copy_from_slice(Uuid::new_v4().as_bytes());
        }
        Self::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// A new opaque access token: 86 characters.
    pub(crate) fn random_token() -> Self {
        let mut bytes = [0; 64];
        for quarter in bytes.chunks_exact_mut(16) {
            quarter.copy_from_slice(Uuid::new_v4().as_bytes());
        }
        Self::new(URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretText(…)")
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::SecretText;

    #[test]
    fn debug_does_not_show_the_text() {
        assert_eq!(format!("{:?}", SecretText::from("hunter2")), "SecretText(…)");
    }

    #[test]
    fn secrets_and_tokens_have_the_length_of_the_real_ones() {
        assert_eq!(SecretText::random_secret().reveal().len(), 43);
        assert_eq!(SecretText::random_token().reveal().len(), 86);
    }
}
