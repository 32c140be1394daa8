//! `/api/v2/tokens`: what enters are questions about tokens and their idle timeout, what leaves is what they are worth.
//! It may not mint: that is the login host's.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::authentication::require;
use super::body::{json_object, json_response};
use super::{Genesys, Refusal};
use crate::clock::iso;
use crate::tenant::Caller;
use crate::tenant::organization::IdleTokenTimeout;

pub(super) async fn introspect(
    State(genesys): State<Arc<Genesys>>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Refusal> {
    let now = genesys.now();
    let mut tenant = genesys.tenant();
    let idle = tenant.idle.seconds();
    let token = tenant
        .tokens
        .living(&caller.token, idle, now)
        .map_err(|_| Refusal::bad_token("bad.credentials"))?;
    let (ends, scope) = (token.ends(idle), token.scope.clone());
    let organization = json!({
        "id": tenant.organization.id,
        "name": tenant.organization.name,
    });
    let mut client = caller.client.introspected();
    client["organization"] = organization.clone();
    let mut info = json!({
        "organization": organization,
        "homeOrganization": organization,
        "authorizedScope": scope,
        "OAuthClient": client,
    });
    if idle.is_some() || tenant.settings.choices.token_idles_at_expiry {
        info["dateTokenIdles"] = iso(ends).into();
    }
    Ok(json_response(info.to_string()))
}

pub(super) async fn verify() -> StatusCode {
    StatusCode::OK
}

pub(super) async fn revoke(
    State(genesys): State<Arc<Genesys>>,
    Extension(caller): Extension<Caller>,
) -> StatusCode {
    genesys.tenant().tokens.remove(&caller.token);
    StatusCode::OK
}

/// Ends all tokens of a user, or of a client if the choices say so; there are no users yet.
pub(super) async fn revoke_all(
    State(genesys): State<Arc<Genesys>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let mut tenant = genesys.tenant();
    require(&tenant, &caller, &["oauth:token:delete"])?;
    if !tenant.settings.choices.delete_tokens_of_client || tenant.clients.truth(&id).is_none() {
        return Err(Refusal::not_found());
    }
    tenant.clients.end_tokens(&id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn timeout(State(genesys): State<Arc<Genesys>>) -> Response {
    json_response(shown(&genesys.tenant().idle).to_string())
}

pub(super) async fn set_timeout(
    State(genesys): State<Arc<Genesys>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Refusal> {
    require(&genesys.tenant(), &caller, &["directory:organization:admin"])?;
    let body = json_object(&genesys, request).await?;
    let mut tenant = genesys.tenant();
    let mut timeout = tenant.idle.clone();
    if let Some(seconds) = body.get("idleTokenTimeoutSeconds") {
        timeout.idle_token_timeout_seconds = seconds
            .as_i64()
            .and_then(|seconds| i32::try_from(seconds).ok())
            .ok_or_else(Refusal::bad_request)?;
    }
    if let Some(enabled) = body.get("enableIdleTokenTimeout") {
        timeout.enable_idle_token_timeout = enabled.as_bool().ok_or_else(Refusal::bad_request)?;
    }
    if !(300..=28_800).contains(&timeout.idle_token_timeout_seconds) {
        return Err(Refusal::bad(
            "token.timeout.exceeded",
            "When HIPAA is not enabled timeout must be between 300 and 28800 seconds",
        ));
    }
    let answer = json_response(shown(&timeout).to_string());
    tenant.idle = timeout;
    Ok(answer)
}

fn shown(timeout: &IdleTokenTimeout) -> Value {
    json!({
        "idleTokenTimeoutSeconds": timeout.idle_token_timeout_seconds,
        "enableIdleTokenTimeout": timeout.enable_idle_token_timeout,
        "inactivityTimeoutUnit": "Minutes",
        "inactivityTimeoutGroupsEnabled": false,
        "inactivityTimeoutGroupBundles": [],
    })
}
