//! The one type that holds secret text. It cannot print; [`SecretText::reveal`] is the one way out.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// Text that must never reach a status, event, log, metric or error. Zeroed when dropped.
#[derive(Clone)]
pub struct SecretText(SecretString);

impl SecretText {
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself. Callers hand it to a wire or to a Secret's data and nowhere else.
    #[expect(clippy::disallowed_methods, reason = "the one place where secret text is revealed")]
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("«redacted»")
    }
}

impl PartialEq for SecretText {
    fn eq(&self, other: &Self) -> bool {
        self.reveal() == other.reveal()
    }
}

impl Eq for SecretText {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_text() {
        assert_eq!(format!("{:?}", SecretText::new("canary")), "«redacted»");
    }
}
