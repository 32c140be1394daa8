//! The client-credentials grant of RFC 6749: its request, its answer, its refusals. Pure.
//!
//! Enters: the body of a token endpoint. Leaves: a [`Token`], the words of a refusal, or a sentence that says what
//! the body lacks. The sentence never shows the body.

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::http::{Body, Words};
use crate::model::{RefusalKind, SecretText, Token};

/// Longest lifetime that is believed: ten years.
const LONGEST_LIFETIME: i64 = 10 * 366 * 86_400;

/// The form of the grant. No `scope`: where it matters the platform takes the client's own.
pub(in crate::provider) fn grant_form() -> Body {
    Body::Form(vec![("grant_type", "client_credentials".to_owned())])
}

#[derive(Deserialize)]
struct RefusalDto {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

/// Reads the token out of a 200.
pub(in crate::provider) fn token(body: &[u8]) -> Result<Token, String> {
    let mut grant: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|_| "the body is not the JSON of a token".to_owned())?;
    let mut take = |name: &str| grant.remove(name).unwrap_or_default();
    let Value::String(access_token) = take("access_token") else {
        return Err("the body has no access_token".to_owned());
    };
    if access_token.is_empty() {
        return Err("access_token is empty".to_owned());
    }
    if !access_token.chars().all(|c| c.is_ascii_graphic()) {
        return Err("access_token holds characters that no header can carry".to_owned());
    }
    let token_type = match take("token_type") {
        Value::String(token_type) if !token_type.is_empty() => token_type,
        Value::Null => "Bearer".to_owned(),
        Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => return Err("token_type is not a name".to_owned()),
    };
    let seconds = match take("expires_in") {
        Value::Null => return Err("expires_in is missing".to_owned()),
        Value::Number(number) => {
            number.as_i64().ok_or("expires_in is not a whole number of seconds")?
        }
        Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            return Err("expires_in is not a number".to_owned());
        }
    };
    if seconds <= 0 {
        return Err(format!("expires_in is {seconds}, and a token must live for a while"));
    }
    if seconds > LONGEST_LIFETIME {
        return Err(format!("expires_in is {seconds}, which is longer than ten years"));
    }
    Ok(Token {
        access_token: SecretText::new(access_token),
        token_type,
        expires_in: SignedDuration::from_secs(seconds),
    })
}

/// The words of a token endpoint's refusal; None when the body is not the JSON of RFC 6749 §5.2. The kind follows the
/// error, not the status: platforms answer 400 and 401 alike.
pub(in crate::provider) fn refusal(status: u16, body: &[u8]) -> Option<Words> {
    let RefusalDto { error, error_description, description } = serde_json::from_slice(body).ok()?;
    let message = error_description.or(description).unwrap_or_default();
    let kind = match error.as_str() {
        _ if status == 429 => Some(RefusalKind::Throttled),
        // Genesys Cloud throttles its token endpoint with 400 `invalid_request` "rate limit exceeded; …".
        "invalid_request" if message.to_ascii_lowercase().starts_with("rate limit exceeded") => {
            Some(RefusalKind::Throttled)
        }
        "invalid_client" => Some(RefusalKind::Unauthorized),
        "access_denied" => Some(RefusalKind::Forbidden),
        "unauthorized_client"
        | "unsupported_grant_type"
        | "invalid_grant"
        | "invalid_request"
        | "invalid_scope" => Some(RefusalKind::Invalid),
        _ => None,
    };
    Some(Words { kind, code: Some(error), message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_with_its_lifetime() {
        let body =
            br#"{"access_token":"canary","token_type":"bearer","expires_in":86399,"more":1}"#;
        let token = token(body).unwrap();
        assert_eq!(token.access_token.reveal(), "canary");
        assert_eq!(token.token_type, "bearer");
        assert_eq!(token.expires_in, SignedDuration::from_secs(86_399));
        assert!(!format!("{token:?}").contains("canary"));
    }

    #[test]
    fn a_token_without_type_is_a_bearer_token() {
        let token = token(br#"{"access_token":"x","expires_in":60}"#).unwrap();
        assert_eq!(token.token_type, "Bearer");
    }

    #[rstest::rstest]
    #[case("<html>Sign in</html>", "the body is not the JSON of a token")]
    #[case("", "the body is not the JSON of a token")]
    #[case(r#"["x"]"#, "the body is not the JSON of a token")]
    #[case(r#"{"access_token":"ca"#, "the body is not the JSON of a token")]
    #[case(r#"{"token_type":"bearer","expires_in":60}"#, "the body has no access_token")]
    #[case(r#"{"access_token":null,"expires_in":60}"#, "the body has no access_token")]
    #[case(r#"{"access_token":"","expires_in":60}"#, "access_token is empty")]
    #[case(
        r#"{"access_token":"a\r\nb","expires_in":60}"#,
        "access_token holds characters that no header can carry"
    )]
    #[case(r#"{"access_token":"x","token_type":7,"expires_in":60}"#, "token_type is not a name")]
    #[case(r#"{"access_token":"x"}"#, "expires_in is missing")]
    #[case(r#"{"access_token":"x","expires_in":null}"#, "expires_in is missing")]
    #[case(r#"{"access_token":"x","expires_in":"3600"}"#, "expires_in is not a number")]
    #[case(
        r#"{"access_token":"x","expires_in":1.5}"#,
        "expires_in is not a whole number of seconds"
    )]
    #[case(
        r#"{"access_token":"x","expires_in":0}"#,
        "expires_in is 0, and a token must live for a while"
    )]
    #[case(
        r#"{"access_token":"x","expires_in":-1}"#,
        "expires_in is -1, and a token must live for a while"
    )]
    #[case(
        r#"{"access_token":"x","expires_in":9000000000}"#,
        "expires_in is 9000000000, which is longer than ten years"
    )]
    fn what_is_no_token_is_said(#[case] body: &str, #[case] said: &str) {
        assert_eq!(token(body.as_bytes()).unwrap_err(), said);
    }

    #[rstest::rstest]
    #[case(400, "invalid_client", "client not found", Some(RefusalKind::Unauthorized))]
    #[case(401, "invalid_client", "authentication failed", Some(RefusalKind::Unauthorized))]
    #[case(400, "invalid_request", "rate limit exceeded; wait", Some(RefusalKind::Throttled))]
    #[case(400, "invalid_request", "no grant_type", Some(RefusalKind::Invalid))]
    #[case(429, "slow_down", "", Some(RefusalKind::Throttled))]
    #[case(400, "unauthorized_client", "", Some(RefusalKind::Invalid))]
    #[case(400, "unsupported_grant_type", "", Some(RefusalKind::Invalid))]
    #[case(400, "invalid_grant", "", Some(RefusalKind::Invalid))]
    #[case(400, "invalid_scope", "", Some(RefusalKind::Invalid))]
    #[case(403, "access_denied", "", Some(RefusalKind::Forbidden))]
    #[case(401, "unauthorized", "Invalid grant type", None)]
    fn refusals_are_sorted_by_their_error(
        #[case] status: u16,
        #[case] error: &str,
        #[case] description: &str,
        #[case] kind: Option<RefusalKind>,
    ) {
        let body = format!(r#"{{"error":"{error}","error_description":"{description}"}}"#);
        let words = Words { kind, code: Some(error.into()), message: description.into() };
        assert_eq!(refusal(status, body.as_bytes()), Some(words));
    }

    #[test]
    fn genesys_description_stands_in_for_error_description() {
        let words = refusal(400, br#"{"error":"invalid_client","description":"client not found"}"#);
        assert_eq!(words.unwrap().message, "client not found");
    }

    #[rstest::rstest]
    #[case("<html></html>")]
    #[case(r#"{"code":"bad.credentials","message":"no"}"#)]
    #[case(r#"{"error":{"code":7}}"#)]
    fn other_bodies_are_not_taken_for_words(#[case] body: &str) {
        assert_eq!(refusal(401, body.as_bytes()), None);
    }
}
