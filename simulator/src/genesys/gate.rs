//! The gate every request passes: what enters is a request, what leaves is its answer as faults and headers change it.
//! It may not look into the tenant's state.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::stream;
use jiff::SignedDuration;
use serde_json::Value;
use uuid::Uuid;

use super::body::json_response;
use super::{Genesys, Refusal};
use crate::clock::{http_date, later};
use crate::control::fault_book::Struck;
use crate::control::faults::Effect;
use crate::merge_patch::merge;
use crate::server::DropConnection;

/// By how much a matched request's server clock is ahead, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClockAhead(pub i64);

/// The list as it was when the fault was made.
#[derive(Clone, Debug)]
pub(super) struct StaleList(pub Bytes);

/// Counts the request, lets faults act before and after its effect, and dates the answer.
pub(super) async fn pass(
    State(genesys): State<Arc<Genesys>>,
    mut request: Request,
    next: Next,
) -> Response {
    let context_id = Uuid::new_v4().to_string();
    let template = request.extensions().get::<MatchedPath>().cloned();
    genesys.counters.count(request.method(), template.as_ref().map(MatchedPath::as_str));

    let struck =
        genesys.faults.strike(&genesys, request.method(), request.uri().path(), request.headers());
    let mut clock_ahead = 0;
    for fault in &struck {
        if let Effect::ClockSkew { seconds } = &fault.effect {
            clock_ahead = *seconds;
            request.extensions_mut().insert(ClockAhead(*seconds));
        }
        if let Some(list) = &fault.list_before {
            request.extensions_mut().insert(StaleList(list.clone()));
        }
    }
    let mut response = answered(&genesys, request, next, &struck).await;
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        let headers = std::mem::take(response.headers_mut());
        response = refusal.answer(&context_id);
        response.headers_mut().extend(headers);
    }
    for fault in struck {
        response = after(&genesys, fault, response).await;
    }
    stamp(response.headers_mut(), &genesys, clock_ahead, &context_id);
    genesys.counters.answered(response.status());
    response
}

/// The answer of the first fault that answers itself, else that of the operation.
async fn answered(genesys: &Genesys, request: Request, next: Next, struck: &[Struck]) -> Response {
    for fault in struck {
        match &fault.effect {
            Effect::Delay { milliseconds } => {
                tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
            }
            Effect::Hang { after_effect: false } => {
                genesys.faults.hang(fault.id, &genesys.stopping).await;
                return dropped();
            }
            Effect::Status { status, headers, body } => {
                return given(*status, headers, body.as_ref());
            }
            Effect::Html { body } => return html(body.as_deref()),
            Effect::Json { status, body } => {
                let mut response = json_response(body.to_string());
                *response.status_mut() = status_code(*status);
                return response;
            }
            Effect::Hang { after_effect: true }
            | Effect::LostAnswer
            | Effect::CutBody
            | Effect::Merge { .. }
            | Effect::StaleList
            | Effect::ClockSkew { .. } => {}
        }
    }
    next.run(request).await
}

/// What a fault does to an answer after the effect has happened.
async fn after(genesys: &Genesys, fault: Struck, response: Response) -> Response {
    match fault.effect {
        Effect::LostAnswer => dropped(),
        Effect::Hang { after_effect: true } => {
            genesys.faults.hang(fault.id, &genesys.stopping).await;
            dropped()
        }
        Effect::CutBody => cut(response).await,
        Effect::Merge { body } => merged(response, &body).await,
        Effect::Hang { after_effect: false }
        | Effect::Status { .. }
        | Effect::Json { .. }
        | Effect::Html { .. }
        | Effect::Delay { .. }
        | Effect::StaleList
        | Effect::ClockSkew { .. } => response,
    }
}

/// An answer whose connection is closed without a byte of it.
fn dropped() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(DropConnection);
    response
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn given(status: u16, headers: &BTreeMap<String, String>, body: Option<&Value>) -> Response {
    let mut response = match body {
        None => Response::new(Body::empty()),
        Some(Value::String(text)) => {
            let mut response = Response::new(Body::from(text.clone()));
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, plain);
            response
        }
        Some(body) => json_response(body.to_string()),
    };
    *response.status_mut() = status_code(status);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn html(body: Option<&str>) -> Response {
    let page =
        body.unwrap_or("<!DOCTYPE html><html><body><h1>Sign in to the network</h1></body></html>");
    let mut response = Response::new(Body::from(page.to_owned()));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    response
}

/// The same answer announced in full length, but only its first half is sent before the connection closes.
async fn cut(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(whole) = to_bytes(body, usize::MAX).await else {
        return dropped();
    };
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len().max(2)));
    let half = whole.slice(..whole.len() / 2);
    let pieces = stream::unfold(Some(half), |half| async move {
        if let Some(half) = half {
            return Some((Ok(half), None));
        }
        // The first half has to leave before the error closes the connection.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some((Err(std::io::Error::other("the body is cut")), None))
    });
    Response::from_parts(parts, Body::from_stream(pieces))
}

async fn merged(response: Response, patch: &Value) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let mut json = serde_json::from_slice(&whole).unwrap_or(Value::Null);
    merge(&mut json, patch);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(json.to_string()))
}

fn stamp(headers: &mut HeaderMap, genesys: &Genesys, ahead: i64, context_id: &str) {
    let date = http_date(later(genesys.now(), SignedDuration::from_secs(ahead)));
    let values = [("date", date.as_str()), ("inin-correlation-id", context_id)];
    for (name, value) in values {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
}
