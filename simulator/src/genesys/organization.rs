//! `/api/v2/organizations`: what leaves are the organization and its limits.
//! It may not change them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::body::json_response;
use super::{Genesys, Refusal};
use crate::settings::Limits;
use crate::tenant::organization::OrganizationState;

pub(super) async fn me(State(genesys): State<Arc<Genesys>>) -> Response {
    let organization = genesys.tenant().organization.clone();
    let short = organization.name.to_lowercase().replace(' ', "-");
    let state = match organization.state {
        OrganizationState::Active => "active",
        OrganizationState::Inactive => "inactive",
        OrganizationState::Deleted => "deleted",
    };
    let shown = json!({
        "id": organization.id,
        "name": organization.name,
        "defaultLanguage": "en-us",
        "defaultCountryCode": "US",
        "thirdPartyOrgName": short,
        "domain": format!("{short}.example.com"),
        "features": { "purecloud": true },
        "version": organization.version,
        "state": state,
        "voicemailEnabled": false,
        "productPlatform": "PureCloud",
        "selfUri": "/api/v2/organizations/me",
    });
    json_response(shown.to_string())
}

/// The limits in effect; those that are switched off are left out.
pub(super) async fn limits(
    State(genesys): State<Arc<Genesys>>,
    Path(namespace): Path<String>,
) -> Result<Response, Refusal> {
    let limits = genesys.tenant().settings.limits;
    namespace_limits(&namespace, limits)
}

/// The limits a new organization has.
pub(super) async fn default_limits(Path(namespace): Path<String>) -> Result<Response, Refusal> {
    namespace_limits(&namespace, Limits::default())
}

fn namespace_limits(namespace: &str, limits: Limits) -> Result<Response, Refusal> {
    let requests = limits.requests_per_minute.map(u64::from);
    let tokens = limits.token_requests_per_minute.map(u64::from);
    let clients = limits.clients.and_then(|clients| u64::try_from(clients).ok());
    let bytes = limits.request_bytes.and_then(|bytes| u64::try_from(bytes).ok());
    let known: &[(&str, Option<u64>)] = match namespace {
        "platform.api" => &[
            ("client.credentials.token.rate.per.minute", requests),
            ("token.rate.per.minute", requests),
            ("org.app.user.rate.per.minute", requests.map(|rate| rate * 10)),
            ("request.size.bytes", bytes),
        ],
        "auth.api" => &[("oauth.clients", clients), ("token.requests.rate.per.minute", tokens)],
        _ => {
            return Err(Refusal::bad(
                "invalid.value",
                "The provided namespace is not valid or does not have any viewable limits",
            ));
        }
    };
    let entities: Vec<Value> = known
        .iter()
        .filter_map(|(key, value)| {
            value.map(|value| json!({ "key": key, "namespace": namespace, "value": value }))
        })
        .collect();
    Ok(json_response(json!({ "entities": entities }).to_string()))
}
