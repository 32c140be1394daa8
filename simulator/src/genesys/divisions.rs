//! `/api/v2/authorization/divisions`: what leaves are the organization's divisions.
//! It may not change them, and it needs no permission.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::body::json_response;
use super::paging::Paging;
use super::{Genesys, Refusal};
use crate::tenant::division::Division;

const SELF_URI: &str = "/api/v2/authorization/divisions";

pub(super) async fn list(
    State(genesys): State<Arc<Genesys>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let tenant = genesys.tenant();
    let paging = Paging::parse(query.as_deref(), &tenant.settings.choices)?;
    let filter = tenant.settings.choices.name_filter;
    let mut wanted: Vec<&Division> = tenant
        .divisions
        .iter()
        .filter(|division| paging.wants(&division.id, &division.name, filter))
        .collect();
    wanted.sort_by_key(|division| division.name.to_lowercase());
    Ok(json_response(paging.page(SELF_URI, &wanted, |division| shown(division)).to_string()))
}

pub(super) async fn home(State(genesys): State<Arc<Genesys>>) -> Result<Response, Refusal> {
    let tenant = genesys.tenant();
    let home = tenant.divisions.iter().find(|division| division.home_division);
    home.map(|division| json_response(shown(division).to_string())).ok_or_else(Refusal::not_found)
}

pub(super) async fn read(
    State(genesys): State<Arc<Genesys>>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let tenant = genesys.tenant();
    let division = tenant.division(&id).ok_or_else(Refusal::not_found)?;
    Ok(json_response(shown(division).to_string()))
}

pub(super) fn shown(division: &Division) -> Value {
    json!({
        "id": division.id,
        "name": division.name,
        "description": division.description,
        "homeDivision": division.home_division,
        "selfUri": format!("{SELF_URI}/{}", division.id),
    })
}
