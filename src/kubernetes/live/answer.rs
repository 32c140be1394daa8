//! What the API server answered, in our words.
//!
//! Enters: an answer, or the client's error. Leaves: a value, or an [`Error`] that says what was tried.
//! Takes only reason, message and code: no `Debug` dump, no body, no value from a Secret.

use kube::runtime::watcher;
use serde::de::DeserializeOwned;

use super::cut;
use crate::kubernetes::Error;

/// What the API server says when a `test` of a JSON patch fails.
const TEST_FAILED: &str = "the server rejected our request due to an error in our request";
/// What kube says when an error answer is not a Kubernetes `Status`; its message is then the whole body.
const NOT_A_STATUS: &str = "Failed to parse error data";
/// Bytes of the API server's message that are kept.
const MESSAGE: usize = 600;

pub(super) fn decode<T: DeserializeOwned>(tried: &str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| {
        // The error's own text may quote a value.
        Error::Unavailable(format!(
            "could not {tried}: the answer cannot be read (line {}, column {})",
            error.line(),
            error.column()
        ))
    })
}

pub(super) fn refused(tried: &str, error: &kube::Error) -> Error {
    if matches!(error, kube::Error::SerdeError(_) | kube::Error::FromUtf8(_)) {
        return Error::Unavailable(format!("could not {tried}: the answer cannot be read"));
    }
    let kube::Error::Api(status) = error else {
        let cause = cut(root_cause(error), MESSAGE);
        return Error::Unavailable(format!("could not {tried}: {cause}"));
    };
    let code = status.code;
    let text = if status.reason == NOT_A_STATUS {
        format!("could not {tried}: the answer {code} is not from a Kubernetes API server")
    } else if status.reason.is_empty() {
        format!("could not {tried}: {} ({code})", cut(status.message.clone(), MESSAGE))
    } else {
        let message = cut(status.message.clone(), MESSAGE);
        format!("could not {tried}: {message} ({}, {code})", status.reason)
    };
    match code {
        409 => Error::Conflict(text),
        404 | 410 => Error::Gone(text),
        403 => Error::Forbidden(text),
        422 if status.message.starts_with(TEST_FAILED) => {
            Error::Conflict(format!("could not {tried}: it is not the object that was read before"))
        }
        400 | 405 | 406 | 413 | 415 | 422 => Error::Invalid(text),
        _ => Error::Unavailable(text),
    }
}

/// What keeps a watch from going on, in our words.
pub fn watch_refused(what: &str, error: &watcher::Error) -> Error {
    let tried = format!("watch {what}");
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => refused(&tried, error),
        watcher::Error::WatchError(status) => refused(&tried, &kube::Error::Api(status.clone())),
        watcher::Error::NoResourceVersion => {
            Error::Unavailable(format!("could not {tried}: the answer has no resource version"))
        }
    }
}

/// The last error of the chain: the ones before it repeat it, or name layers of the client.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    fn answer(code: u16, reason: &str, message: &str) -> Error {
        let status = Status::failure(message, reason).with_code(code);
        refused("replace Secret team-a/etl", &kube::Error::Api(status.boxed()))
    }

    #[test]
    fn an_error_says_what_was_tried_what_came_and_nothing_twice() {
        let error =
            answer(403, "Forbidden", "secrets \"etl\" is forbidden: User \"x\" cannot update");
        assert_eq!(
            error.to_string(),
            "could not replace Secret team-a/etl: secrets \"etl\" is forbidden: User \"x\" cannot update \
             (Forbidden, 403)"
        );
    }

    #[test]
    fn each_code_becomes_the_question_it_answers() {
        let kind = |code, reason| match answer(code, reason, "x") {
            Error::Conflict(_) => "conflict",
            Error::Gone(_) => "gone",
            Error::Forbidden(_) => "forbidden",
            Error::Invalid(_) => "invalid",
            Error::Unavailable(_) => "unavailable",
        };
        for (code, reason, expected) in [
            (409, "AlreadyExists", "conflict"),
            (409, "Conflict", "conflict"),
            (404, "NotFound", "gone"),
            (410, "Gone", "gone"),
            (403, "Forbidden", "forbidden"),
            (400, "BadRequest", "invalid"),
            (413, "RequestEntityTooLarge", "invalid"),
            (422, "Invalid", "invalid"),
            // Our own login is renewed by itself: trying again helps.
            (401, "Unauthorized", "unavailable"),
            (429, "TooManyRequests", "unavailable"),
            (500, "InternalError", "unavailable"),
            (503, "ServiceUnavailable", "unavailable"),
            (504, "Timeout", "unavailable"),
        ] {
            assert_eq!(kind(code, reason), expected, "{code} {reason}");
        }
    }

    #[test]
    fn a_failed_test_of_a_patch_is_a_conflict() {
        let error = answer(422, "Invalid", TEST_FAILED);
        assert!(matches!(error, Error::Conflict(_)), "{error:?}");
    }

    #[test]
    fn a_foreign_page_is_not_repeated() {
        let error = answer(502, NOT_A_STATUS, "<html>canary</html>");
        assert!(!error.to_string().contains("canary"), "{error}");
        assert!(matches!(error, Error::Unavailable(_)));
    }

    #[test]
    fn an_unreadable_answer_is_not_quoted() {
        let error = decode::<u8>("read Secret a/b", "\"canary\"").unwrap_err();
        assert_eq!(
            error.to_string(),
            "could not read Secret a/b: the answer cannot be read (line 1, column 8)"
        );
    }
}
