//! The control endpoints under `/_simulator`: what enters are a test's orders over HTTP, what leaves are the handle's answers.
//! It may not do anything that the handle cannot.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client_view::{ClientEdit, ClientView, Credentials, NewClient};
use super::counters::Counters;
use super::faults::{Fault, FaultId, FaultView};
use super::handle::Control;
use super::order::ControlError;
use super::organization_view::OrganizationEdit;
use crate::genesys::Genesys;
use crate::secret::SecretText;
use crate::settings::Settings;
use crate::tenant::division::Division;
use crate::tenant::role::Role;

/// A refused order.
#[derive(Debug)]
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

impl From<ControlError> for Refused {
    fn from(error: ControlError) -> Self {
        let status = match error {
            ControlError::NoSuchClient(_) => StatusCode::NOT_FOUND,
            ControlError::BadClient(_) => StatusCode::BAD_REQUEST,
        };
        Self(status, error.to_string())
    }
}

type Shared = State<Arc<Genesys>>;

fn control_of(genesys: Arc<Genesys>) -> Control {
    Control::new(genesys)
}

/// All control endpoints, relative to `/_simulator`.
pub(crate) fn control() -> Router<Arc<Genesys>> {
    Router::new()
        .route("/health", get(|| async { Json(json!({ "ok": true })) }))
        .route("/faults", get(faults).post(inject).delete(clear_faults))
        .route("/faults/{id}", delete(clear_fault))
        .route("/settings", get(settings).patch(patch_settings))
        .route("/counters", get(counters).delete(reset_counters))
        .route("/clients", get(clients).post(add_client))
        .route("/clients/{id}", patch(edit_client).delete(delete_client))
        .route("/clients/{id}/secret", post(rotate_secret))
        .route("/clients/{id}/secret/verify", post(verify_secret))
        .route("/clients/{id}/tokens", delete(end_tokens))
        .route("/tokens/verify", post(verify_token))
        .route("/organization", patch(edit_organization))
        .route("/idle-timeout", put(set_idle_timeout))
        .route("/roles", put(put_role))
        .route("/roles/{id}", delete(remove_role))
        .route("/divisions", put(put_division))
        .route("/divisions/{id}", delete(remove_division))
        .route("/clock/advance", post(advance))
        .route("/reset", post(reset))
}

/// Control answers are never to be cached.
pub(crate) async fn never_cached(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn faults(State(genesys): Shared) -> Json<Vec<FaultView>> {
    Json(control_of(genesys).faults())
}

/// The number of a new fault.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Injected {
    pub id: FaultId,
}

async fn inject(
    State(genesys): Shared,
    Json(fault): Json<Fault>,
) -> Result<Json<Injected>, Refused> {
    match control_of(genesys).inject(fault) {
        Ok(id) => Ok(Json(Injected { id })),
        Err(error) => Err(Refused(StatusCode::BAD_REQUEST, error.to_string())),
    }
}

async fn clear_faults(State(genesys): Shared) -> StatusCode {
    control_of(genesys).clear_faults();
    StatusCode::NO_CONTENT
}

async fn clear_fault(State(genesys): Shared, Path(id): Path<u64>) -> Result<StatusCode, Refused> {
    found(control_of(genesys).clear_fault(FaultId(id)), "fault")
}

fn found(found: bool, what: &str) -> Result<StatusCode, Refused> {
    if found {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refused(StatusCode::NOT_FOUND, format!("there is no such {what}")))
    }
}

async fn settings(State(genesys): Shared) -> Json<Settings> {
    Json(control_of(genesys).settings())
}

async fn patch_settings(
    State(genesys): Shared,
    Json(change): Json<Value>,
) -> Result<Json<Settings>, Refused> {
    let settings = control_of(genesys).patch_settings(&change);
    settings.map(Json).map_err(|error| Refused(StatusCode::BAD_REQUEST, error.to_string()))
}

async fn counters(State(genesys): Shared) -> Json<Counters> {
    Json(control_of(genesys).counters())
}

async fn reset_counters(State(genesys): Shared) -> StatusCode {
    control_of(genesys).reset_counters();
    StatusCode::NO_CONTENT
}

async fn clients(State(genesys): Shared) -> Json<Vec<ClientView>> {
    Json(control_of(genesys).clients())
}

async fn add_client(
    State(genesys): Shared,
    Json(new): Json<NewClient>,
) -> Result<Json<Credentials>, Refused> {
    Ok(Json(control_of(genesys).add_client(&new)?))
}

async fn edit_client(
    State(genesys): Shared,
    Path(id): Path<String>,
    Json(edit): Json<ClientEdit>,
) -> Result<StatusCode, Refused> {
    control_of(genesys).edit_client(&id, &edit)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete_client(
    State(genesys): Shared,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    control_of(genesys).delete_client(&id)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn rotate_secret(
    State(genesys): Shared,
    Path(id): Path<String>,
) -> Result<Json<Credentials>, Refused> {
    let client_secret = control_of(genesys).rotate_secret(&id)?;
    Ok(Json(Credentials { client_id: id, client_secret }))
}

/// A secret to be compared.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SecretClaim {
    pub secret: SecretText,
}

/// Whether it is the client's.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub matches: bool,
}

async fn verify_secret(
    State(genesys): Shared,
    Path(id): Path<String>,
    Json(claim): Json<SecretClaim>,
) -> Json<Verdict> {
    Json(Verdict { matches: control_of(genesys).secret_is(&id, claim.secret.reveal()) })
}

async fn end_tokens(State(genesys): Shared, Path(id): Path<String>) -> Result<StatusCode, Refused> {
    control_of(genesys).end_tokens(&id)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A token to be looked at.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TokenClaim {
    pub token: SecretText,
}

/// The client whose living token it is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenOwner {
    pub client_id: Option<String>,
}

async fn verify_token(State(genesys): Shared, Json(claim): Json<TokenClaim>) -> Json<TokenOwner> {
    Json(TokenOwner { client_id: control_of(genesys).token_owner(claim.token.reveal()) })
}

async fn edit_organization(
    State(genesys): Shared,
    Json(edit): Json<OrganizationEdit>,
) -> StatusCode {
    control_of(genesys).edit_organization(edit);
    StatusCode::NO_CONTENT
}

/// Seconds of the idle timeout; none switches it off.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IdleTimeout {
    pub seconds: Option<u64>,
}

async fn set_idle_timeout(State(genesys): Shared, Json(timeout): Json<IdleTimeout>) -> StatusCode {
    control_of(genesys).set_idle_timeout(timeout.seconds.map(Duration::from_secs));
    StatusCode::NO_CONTENT
}

async fn put_role(State(genesys): Shared, Json(role): Json<Role>) -> StatusCode {
    control_of(genesys).put_role(role);
    StatusCode::NO_CONTENT
}

async fn remove_role(
    State(genesys): Shared,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    found(control_of(genesys).remove_role(&id), "role")
}

async fn put_division(State(genesys): Shared, Json(division): Json<Division>) -> StatusCode {
    control_of(genesys).put_division(division);
    StatusCode::NO_CONTENT
}

async fn remove_division(
    State(genesys): Shared,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    found(control_of(genesys).remove_division(&id), "division")
}

/// How much time passes at once.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Advance {
    pub seconds: f64,
}

async fn advance(State(genesys): Shared, Json(by): Json<Advance>) -> Result<StatusCode, Refused> {
    match Duration::try_from_secs_f64(by.seconds) {
        Ok(by) => {
            control_of(genesys).advance(by);
            Ok(StatusCode::NO_CONTENT)
        }
        Err(error) => Err(Refused(StatusCode::BAD_REQUEST, format!("seconds: {error}"))),
    }
}

async fn reset(State(genesys): Shared) -> StatusCode {
    control_of(genesys).reset();
    StatusCode::NO_CONTENT
}
