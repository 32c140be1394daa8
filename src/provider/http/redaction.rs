//! Takes secrets out of text that came from outside.
//!
//! Enters: the secrets of one request, and words of a platform or a library. Leaves: text that may be shown.

use url::form_urlencoded;

use crate::model::SecretText;

const GONE: &str = "«redacted»";
/// From this length on a word of letters and digits is taken for a token.
const TOKEN_LENGTH: usize = 32;

/// What one request must not see again in any text.
#[derive(Clone, Debug, Default)]
pub(super) struct Redaction {
    secrets: Vec<SecretText>,
}

impl Redaction {
    pub(super) fn of<'a>(secrets: impl IntoIterator<Item = &'a SecretText>) -> Self {
        let mut forms = Vec::new();
        for secret in secrets.into_iter().filter(|secret| !secret.reveal().is_empty()) {
            let encoded: String =
                form_urlencoded::byte_serialize(secret.reveal().as_bytes()).collect();
            if encoded != secret.reveal() {
                forms.push(SecretText::new(encoded));
            }
            forms.push(secret.clone());
        }
        Self { secrets: forms }
    }

    /// One line of at most `limit` characters without the secrets and without anything that looks like a token.
    pub(super) fn clean(&self, text: &str, limit: usize) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.reveal(), GONE);
        }
        let mut line = String::with_capacity(text.len());
        let mut after_scheme = false;
        for word in text.split_whitespace() {
            if !line.is_empty() {
                line.push(' ');
            }
            if after_scheme {
                line.push_str(GONE);
            } else {
                push_without_tokens(&mut line, word);
            }
            let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
            after_scheme =
                ["bearer", "basic"].iter().any(|scheme| bare.eq_ignore_ascii_case(scheme));
        }
        line.chars().filter(|c| !c.is_control()).take(limit).collect()
    }
}

fn push_without_tokens(line: &mut String, word: &str) {
    if word.contains("://") {
        line.push_str(word.split(['?', '#']).next().unwrap_or_default());
        return;
    }
    let is_token_part = |c: char| c.is_ascii_alphanumeric() || "-_.~+/=".contains(c);
    let mut rest = word;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !is_token_part(c)).unwrap_or(rest.len());
        let (part, tail) = rest.split_at(end);
        line.push_str(if looks_like_token(part) { GONE } else { part });
        let next = tail.chars().next().map_or(0, char::len_utf8);
        line.push_str(&tail[..next]);
        rest = &tail[next..];
    }
}

fn looks_like_token(part: &str) -> bool {
    part.len() >= TOKEN_LENGTH
        && part.contains(|c: char| c.is_ascii_digit())
        && part.contains(|c: char| c.is_ascii_alphabetic())
        && !is_uuid(part)
}

/// Ids of roles, clients and policies are UUIDs: people need them.
fn is_uuid(part: &str) -> bool {
    let groups: Vec<&str> = part.trim_matches('.').split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.chars().all(|c| c.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("no s3cret/value here", "no «redacted» here")]
    #[case("sent s3cret%2Fvalue", "sent «redacted»")]
    #[case("Authorization: Bearer abc", "Authorization: Bearer «redacted»")]
    #[case("\"basic\" Zm9v", "\"basic\" «redacted»")]
    #[case("token=abcdefghijklmnopqrstuvwxyz0123456789, sorry", "«redacted», sorry")]
    #[case(
        "Policy ID(s): [0b3f9a0e-0f3c-4d58-9c0e-3f2f1a2b3c4d]",
        "Policy ID(s): [0b3f9a0e-0f3c-4d58-9c0e-3f2f1a2b3c4d]"
    )]
    #[case("two\nlines\tand\u{7}bell", "two lines andbell")]
    #[case(
        "see https://help.example.com/articles/1234567890?t=x",
        "see https://help.example.com/articles/1234567890"
    )]
    fn secrets_go_and_words_stay(#[case] text: &str, #[case] cleaned: &str) {
        let secret = SecretText::new("s3cret/value");
        assert_eq!(Redaction::of([&secret]).clean(text, 200), cleaned);
    }

    #[test]
    fn text_is_cut_at_a_character() {
        assert_eq!(Redaction::default().clean(&"ü".repeat(300), 200).chars().count(), 200);
    }

    #[test]
    fn debug_shows_no_secret() {
        let redaction = Redaction::of([&SecretText::new("canary")]);
        assert!(!format!("{redaction:?}").contains("canary"));
    }
}
