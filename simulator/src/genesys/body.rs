//! Bodies: what enters are bytes of a request, what leaves is a JSON object or the refusal for it; and JSON answers.
//! It may not know what the fields mean.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde_json::{Map, Value};

use super::{Genesys, Refusal};

/// The request's body as a JSON object.
pub(super) async fn json_object(
    genesys: &Genesys,
    request: Request,
) -> Result<Map<String, Value>, Refusal> {
    if !is_media_type(&request, "application/json") {
        return Err(Refusal::not_json());
    }
    let limit = genesys.tenant().settings.limits.request_bytes.unwrap_or(usize::MAX);
    let bytes =
        to_bytes(request.into_body(), limit).await.map_err(|_| Refusal::too_large(limit))?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::bad_request())
}

/// Whether the request's body is declared to be of this type.
pub(super) fn is_media_type(request: &Request, wanted: &str) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case(wanted))
}

/// A 200 answer with a JSON body.
pub(crate) fn json_response(body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
