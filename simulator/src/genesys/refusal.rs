//! Refusals of the API host: what enters is an error code of the vendor's, what leaves is its `ErrorBody`.
//! It may not be used on the login host, whose errors have another shape.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::body::json_response;

/// One error answer; its body is written by the gate, which knows the correlation id.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    text: Box<Text>,
}

/// What an error answer says beside its status.
#[derive(Clone, Debug)]
struct Text {
    code: String,
    message: String,
    params: Vec<(&'static str, String)>,
    retry_after_seconds: Option<i64>,
    limit: Option<Value>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let text = Text {
            code: code.to_owned(),
            message: message.into(),
            params: Vec::new(),
            retry_after_seconds: None,
            limit: None,
        };
        Self { status, text: Box::new(text) }
    }

    pub(crate) fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// The body is not what the operation takes.
    pub(crate) fn bad_request() -> Self {
        Self::bad(
            "bad.request",
            "The request could not be understood by the server due to malformed syntax.",
        )
    }

    pub(crate) fn invalid_value(value: &str, field: &str, allowed: &str) -> Self {
        let message = format!(
            "Value [{value}] is not valid for field type [{field}]. Allowable values are: {allowed}"
        );
        Self::bad("invalid.value", message)
            .with_param("value", value)
            .with_param("fieldType", field)
            .with_param("allowableValues", allowed)
    }

    pub(crate) fn invalid_query(value: &str, parameter: &str, allowed: &str) -> Self {
        let message = format!(
            "Value [{value}] is not valid for parameter [{parameter}]. Allowable values are: {allowed}"
        );
        Self::bad("invalid.query.param.value", message)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not.found", "The requested resource was not found.")
    }

    pub(crate) fn client_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "client.not.found", "Client was not found.")
    }

    pub(crate) fn conflict() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "request.conflict",
            "The request conflicts with the current state of the target resource.",
        )
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "authentication.required",
            "No authentication bearer token specified in authorization header.",
        )
    }

    pub(crate) fn bad_token(code: &str) -> Self {
        let message = if code == "credentials.expired" {
            "The supplied credentials are expired and cannot be used."
        } else {
            "Invalid login credentials."
        };
        Self::new(StatusCode::UNAUTHORIZED, code, message)
    }

    pub(crate) fn missing_permissions(any_of: &[&str]) -> Self {
        let permissions = any_of.join(", ");
        let message = format!(
            "Unable to perform the requested action. You must have at least one of the following \
             permissions assigned: [{permissions}]"
        );
        Self::new(StatusCode::FORBIDDEN, "missing.any.permissions", message)
            .with_param("permissions", &permissions)
    }

    pub(crate) fn too_large(bytes: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "request.entity.too.large",
            format!("The request is over the size limit. Maximum bytes: {bytes}"),
        )
    }

    pub(crate) fn not_json() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported.media.type",
            "Unsupported Media Type - Unsupported or incorrect media type, such as an incorrect \
             Content-Type value in the header.",
        )
    }

    pub(crate) fn rate_limited(allowed: u32, seconds: i64) -> Self {
        let mut refusal = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too.many.requests.retry.after",
            format!("Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds"),
        )
        .with_param("retryAfterSeconds", &seconds.to_string());
        refusal.text.retry_after_seconds = Some(seconds);
        refusal.text.limit = Some(json!({
            "key": "client.credentials.token.rate.per.minute",
            "namespace": "platform.api",
            "value": allowed,
        }));
        refusal
    }

    fn with_param(mut self, key: &'static str, value: &str) -> Self {
        self.text.params.push((key, value.to_owned()));
        self
    }

    /// The whole answer.
    pub(crate) fn answer(&self, context_id: &str) -> Response {
        let params: serde_json::Map<String, Value> = self
            .text
            .params
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.as_str().into()))
            .collect();
        let mut body = json!({
            "message": self.text.message,
            "code": self.text.code,
            "status": self.status.as_u16(),
            "messageParams": params,
            "contextId": context_id,
            "details": [],
            "errors": [],
        });
        if let Some(limit) = &self.text.limit {
            body["limit"] = limit.clone();
        }
        let mut response = json_response(body.to_string());
        *response.status_mut() = self.status;
        if let Some(seconds) = self.text.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

/// No operation has this path.
pub(super) async fn not_found() -> Refusal {
    Refusal::not_found()
}

/// The path exists, but not for this method.
pub(super) async fn method_not_allowed() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method.not.allowed",
        "The method is not allowed for the requested resource.",
    )
}
