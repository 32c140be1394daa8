//! Reads answers and sorts what went wrong by its effect: not sent, unknown, refused.
//!
//! Enters: a response or the error in its place. Leaves: a body within its cap, or a [`Fault`] without any of it.

use std::error::Error;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use super::call::{Asked, Words};
use super::redaction::Redaction;
use crate::model::{Fault, Refusal, RefusalKind, Trouble, TroubleKind};

/// Characters kept of a platform's message.
const MESSAGE_LIMIT: usize = 200;
/// Characters kept of a code, a content type, a correlation id, a cause.
const WORD_LIMIT: usize = 100;

/// A 2xx answer, read to its end.
pub(in crate::provider) struct Answer {
    status: StatusCode,
    content_type: Option<String>,
    pub(in crate::provider) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON of this form. The sentence names no value: it might be a secret.
    pub(in crate::provider) fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let wrong = match error.classify() {
                Category::Data => "JSON without the fields that belong there",
                Category::Eof if self.body.is_empty() => "nothing",
                Category::Eof => "JSON that breaks off",
                Category::Syntax | Category::Io => "no JSON",
            };
            format!("the body is {wrong}")
        })
    }

    /// Accepts an answer of which nothing is wanted: empty or JSON. A page of some portal is no word that it was done.
    pub(in crate::provider) fn nothing(&self) -> Result<(), String> {
        if self.body.trim_ascii().is_empty() { Ok(()) } else { self.json::<IgnoredAny>().map(drop) }
    }

    pub(super) fn garbled(&self, asked: Asked<'_>, wrong: &str) -> Fault {
        garbled(asked, self.status, self.content_type.as_deref(), wrong)
    }
}

/// What it means that a request got no answer.
pub(super) fn no_answer(asked: Asked<'_>, error: reqwest::Error) -> Fault {
    let error = error.without_url();
    let cause = asked.redaction().clean(&deepest_cause(&error), MESSAGE_LIMIT);
    if error.is_connect() || error.is_builder() {
        let kind = if error.is_connect() { TroubleKind::Connect } else { TroubleKind::Withheld };
        let cause = if error.is_timeout() { "no connection in time".to_owned() } else { cause };
        let authority = if cause.contains("certificate") {
            "; a private authority belongs into spec.caBundleRef"
        } else {
            ""
        };
        return asked.not_sent(kind, &format!("{cause}; {}{authority}", asked.call.check));
    }
    let came = if error.is_timeout() {
        "no answer in time".to_owned()
    } else {
        format!("the connection broke ({cause})")
    };
    let text = format!("could not {}: {} got no answer: {came}", asked.call.tried, asked.place());
    Fault::Unknown(Trouble { kind: TroubleKind::NoAnswer, text })
}

/// Reads a response within the call's cap and sorts it.
pub(super) async fn receive(asked: Asked<'_>, mut response: Response) -> Result<Answer, Fault> {
    let status = response.status();
    let headers = response.headers().clone();
    let content_type = header(&headers, CONTENT_TYPE.as_str());
    let mut body = Vec::new();
    loop {
        let chunk = match response.chunk().await {
            Ok(chunk) => chunk,
            // The status already says what a refusal means; its words are lost.
            Err(_) if !status.is_success() => break,
            Err(error) => return Err(no_answer(asked, error)),
        };
        let Some(chunk) = chunk else { break };
        if body.len() + chunk.len() > asked.call.cap {
            if !status.is_success() {
                break;
            }
            let wrong = format!("the body is larger than {} KiB", asked.call.cap >> 10);
            return Err(garbled(asked, status, content_type.as_deref(), &wrong));
        }
        body.extend_from_slice(&chunk);
    }
    if status.is_success() {
        return Ok(Answer { status, content_type, body });
    }
    Err(refused(asked, status, &headers, content_type.as_deref(), &body))
}

/// The last of an error's sources: the others only say that there is one.
pub(super) fn deepest_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn refused(
    asked: Asked<'_>,
    status: StatusCode,
    headers: &HeaderMap,
    content_type: Option<&str>,
    body: &[u8],
) -> Fault {
    let redaction = asked.redaction();
    let correlation_id = ["inin-correlation-id", "genesys-correlation-id"]
        .iter()
        .find_map(|name| header(headers, name))
        .map(|id| redaction.clean(&id, WORD_LIMIT));
    let words = (asked.call.words)(status.as_u16(), body);
    // 408: the platform gave up waiting, perhaps for a part of itself.
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        return server_trouble(
            asked,
            status,
            words.as_ref(),
            correlation_id.as_deref(),
            &redaction,
        );
    }
    if status == StatusCode::NOT_FOUND && words.is_none() {
        // A proxy or another site says 404 too: that is no word about the account.
        return garbled(asked, status, content_type, "the body is not the platform's");
    }
    let Words { kind, code, message } = words.unwrap_or_default();
    let kind = kind.unwrap_or(match status {
        StatusCode::UNAUTHORIZED => RefusalKind::Unauthorized,
        StatusCode::FORBIDDEN => RefusalKind::Forbidden,
        StatusCode::NOT_FOUND => RefusalKind::NotFound,
        StatusCode::CONFLICT => RefusalKind::Conflict,
        StatusCode::TOO_MANY_REQUESTS => RefusalKind::Throttled,
        _ => RefusalKind::Invalid,
    });
    let message = if status.is_redirection() {
        format!("redirects are not followed; {}", asked.call.check)
    } else {
        redaction.clean(&message, MESSAGE_LIMIT)
    };
    Fault::Refused(Refusal {
        kind,
        tried: asked.call.tried.clone(),
        status: status.as_u16(),
        code: code.map(|code| redaction.clean(&code, WORD_LIMIT)),
        message,
        correlation_id,
        retry_after: retry_after(headers),
    })
}

fn server_trouble(
    asked: Asked<'_>,
    status: StatusCode,
    words: Option<&Words>,
    correlation_id: Option<&str>,
    redaction: &Redaction,
) -> Fault {
    let mut text =
        format!("could not {}: {} answered {}", asked.call.tried, asked.place(), status.as_u16());
    if let Some(words) = words {
        let said = match &words.code {
            Some(code) => format!("{code} {}", words.message),
            None => words.message.clone(),
        };
        let said = redaction.clean(&said, MESSAGE_LIMIT);
        if !said.is_empty() {
            text = format!("{text} ({said})");
        }
    }
    if let Some(id) = correlation_id {
        text = format!("{text} (correlation id {id})");
    }
    Fault::Unknown(Trouble { kind: TroubleKind::Server(status.as_u16()), text })
}

fn garbled(asked: Asked<'_>, status: StatusCode, content_type: Option<&str>, wrong: &str) -> Fault {
    let content_type = content_type.map_or_else(
        || "no content type".to_owned(),
        |content_type| asked.redaction().clean(content_type, WORD_LIMIT),
    );
    let text = format!(
        "could not {}: {} answered {} with {content_type}, but {wrong}; {}",
        asked.call.tried,
        asked.place(),
        status.as_u16(),
        asked.call.check
    );
    Fault::Unknown(Trouble { kind: TroubleKind::Garbled, text })
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// `Retry-After` as a span. A date is held against the answer's own `Date`, so that clocks need not agree.
fn retry_after(headers: &HeaderMap) -> Option<SignedDuration> {
    // Nothing waits for longer than this because of one header: a gateway may send any number.
    const LONGEST: SignedDuration = SignedDuration::from_hours(1);
    let text = header(headers, RETRY_AFTER.as_str())?;
    if let Ok(seconds) = text.trim().parse::<u64>() {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        return Some(SignedDuration::from_secs(seconds).min(LONGEST));
    }
    let instant = |text: &str| -> Option<Timestamp> {
        rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()
    };
    let wait = instant(&text)?.duration_since(instant(&header(headers, DATE.as_str())?)?);
    Some(wait.clamp(SignedDuration::ZERO, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("42", Some(42))]
    #[case(" 0 ", Some(0))]
    #[case("Sat, 21 Nov 2026 10:00:30 GMT", Some(30))]
    #[case("Sat, 21 Nov 2026 09:00:00 GMT", Some(0))]
    #[case::an_hour("3600", Some(3600))]
    #[case::two_hours("7200", Some(3600))]
    #[case::a_lifetime("4294967295", Some(3600))]
    #[case::the_largest_number("18446744073709551615", Some(3600))]
    #[case::next_year("Sun, 21 Nov 2027 10:00:00 GMT", Some(3600))]
    #[case("-5", None)]
    #[case("+-5", None)]
    #[case("1.5", None)]
    #[case("", None)]
    #[case("soon", None)]
    #[case::no_number_at_all("99999999999999999999999", None)]
    #[case::another_form("Saturday, 21-Nov-26 10:00:30 GMT", None)]
    #[case::no_such_day("Sat, 31 Feb 2026 10:00:30 GMT", None)]
    fn retry_after_is_seconds_or_a_date(#[case] text: &str, #[case] seconds: Option<i64>) {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        headers.insert(DATE, "Sat, 21 Nov 2026 10:00:00 GMT".parse().unwrap());
        assert_eq!(retry_after(&headers), seconds.map(SignedDuration::from_secs));
    }

    #[test]
    fn a_date_without_the_answers_own_is_no_span() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "Sat, 21 Nov 2026 10:00:30 GMT".parse().unwrap());
        assert_eq!(retry_after(&headers), None);
        headers.insert(DATE, "some day".parse().unwrap());
        assert_eq!(retry_after(&headers), None);
    }
}
