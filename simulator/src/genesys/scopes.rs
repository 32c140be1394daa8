//! `/api/v2/oauth/scopes`: what leaves is the catalogue of scopes, every one that an operation of the vendor's names.
//! It may not be changed.

use axum::extract::Path;
use axum::response::Response;
use serde_json::{Value, json};

use super::Refusal;
use super::body::json_response;

const SELF_URI: &str = "/api/v2/oauth/scopes";

fn all() -> impl Iterator<Item = &'static str> {
    include_str!("scopes.txt").lines()
}

/// Whether there is such a scope.
pub(super) fn exists(scope: &str) -> bool {
    all().any(|known| known == scope)
}

pub(super) async fn list() -> Response {
    let entities: Vec<Value> = all().map(shown).collect();
    let listing = json!({ "total": entities.len(), "entities": entities, "selfUri": SELF_URI });
    json_response(listing.to_string())
}

pub(super) async fn read(Path(id): Path<String>) -> Result<Response, Refusal> {
    if exists(&id) { Ok(json_response(shown(&id).to_string())) } else { Err(Refusal::not_found()) }
}

fn shown(scope: &str) -> Value {
    let (domain, access) = scope.split_once(':').unwrap_or((scope, "full"));
    json!({
        "id": scope,
        "description": format!("{access} access to {domain}"),
        "selfUri": format!("{SELF_URI}/{scope}"),
    })
}
