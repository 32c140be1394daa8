//! The login host: what enters are token requests, what leaves are tokens or errors in the login host's own shape.
//! It may not answer with the API host's `ErrorBody`.

use std::sync::Arc;

use axum::Extension;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::Genesys;
use super::body::{is_media_type, json_response};
use super::gate::ClockAhead;
use crate::secret::SecretText;
use crate::settings::choices::{TokenRefusal, TokenRefusals};
use crate::tenant::mint::Wish;

/// Grant types the server knows beside client credentials; each needs a client of another kind.
const OTHER_GRANTS: [&str; 3] =
    ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:saml2-bearer"];
const LARGEST_FORM: usize = 64 * 1024;

/// The fields of a token request.
struct Form(Vec<(String, String)>);

impl Form {
    fn get(&self, wanted: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(key, _)| key == wanted)?;
        (!value.is_empty()).then_some(value)
    }
}

pub(super) async fn token(
    State(genesys): State<Arc<Genesys>>,
    ahead: Option<Extension<ClockAhead>>,
    request: Request,
) -> Response {
    let ahead = ahead.map_or(0, |Extension(ClockAhead(seconds))| seconds);
    match answer(&genesys, ahead, request).await {
        Ok(response) => response,
        Err(refusal) => refused(&refusal),
    }
}

async fn answer(
    genesys: &Genesys,
    clock_ahead_seconds: i64,
    request: Request,
) -> Result<Response, TokenRefusal> {
    let refusal = |which: fn(&TokenRefusals) -> &TokenRefusal| {
        which(&genesys.tenant().settings.choices.token_refusals).clone()
    };
    if !is_media_type(&request, "application/x-www-form-urlencoded") {
        return Err(refusal(|all| &all.not_a_form));
    }
    let basic = basic_credentials(request.headers());
    let body = to_bytes(request.into_body(), LARGEST_FORM)
        .await
        .map_err(|_| refusal(|all| &all.not_a_form))?;
    let form = Form(url::form_urlencoded::parse(&body).into_owned().collect());
    let grant_type =
        form.get("grant_type").ok_or_else(|| refusal(|all| &all.grant_type_missing))?;
    if grant_type != "client_credentials" && !OTHER_GRANTS.contains(&grant_type) {
        return Err(refusal(|all| &all.unsupported_grant_type));
    }
    let in_form = || Some((form.get("client_id")?.to_owned(), form.get("client_secret")?.into()));
    let (client_id, secret) =
        basic.or_else(in_form).ok_or_else(|| refusal(|all| &all.credentials_missing))?;
    let wish = Wish {
        client_id: &client_id,
        secret,
        grant_type,
        scope: form.get("scope"),
        clock_ahead_seconds,
    };
    let minted = genesys.tenant().mint(&wish, genesys.now())?;
    let body = json!({
        "access_token": minted.token.reveal(),
        "token_type": "bearer",
        "expires_in": minted.expires_in,
    });
    let mut response = json_response(body.to_string());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Client id and secret of an `Authorization: Basic` header.
pub(crate) fn basic_credentials(headers: &HeaderMap) -> Option<(String, SecretText)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.into()))
}

fn refused(refusal: &TokenRefusal) -> Response {
    let body = json!({
        "error": refusal.error,
        "description": refusal.description,
        "error_description": refusal.description,
    });
    let mut response = json_response(body.to_string());
    *response.status_mut() =
        StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    response
}

/// The document that tells who the login host is and what it can.
pub(super) async fn metadata(headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let issuer = format!("http://{host}");
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth/authorize"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            "authorization_code",
            "client_credentials",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:saml2-bearer",
        ],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "service_documentation": "https://developer.genesys.cloud/authorization",
    });
    json_response(document.to_string())
}

/// The login host has no such path.
pub(super) async fn not_found() -> Response {
    refused(&TokenRefusal::new(404, "not_found", "the login host has no such path"))
}
