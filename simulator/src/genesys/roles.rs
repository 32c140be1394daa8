//! `/api/v2/authorization/roles`: what leaves are the organization's roles and their permission policies.
//! It may not change them.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::authentication::require;
use super::body::json_response;
use super::paging::Paging;
use super::{Genesys, Refusal};
use crate::tenant::Caller;
use crate::tenant::role::Role;

const SELF_URI: &str = "/api/v2/authorization/roles";
/// How many `id` parameters the list takes.
const MOST_IDS: usize = 100;

pub(super) async fn list(
    State(genesys): State<Arc<Genesys>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let tenant = genesys.tenant();
    require(&tenant, &caller, &["authorization:role:view"])?;
    let paging = Paging::parse(query.as_deref(), &tenant.settings.choices)?;
    if paging.ids.len() > MOST_IDS {
        return Err(Refusal::bad("max.role.ids", "Only 100 roles can be requested at a time."));
    }
    let filter = tenant.settings.choices.name_filter;
    let mut wanted: Vec<&Role> =
        tenant.roles.iter().filter(|role| paging.wants(&role.id, &role.name, filter)).collect();
    wanted.sort_by_key(|role| role.name.to_lowercase());
    let counted = paging.flag("userCount").unwrap_or(true);
    Ok(json_response(paging.page(SELF_URI, &wanted, |role| shown(role, counted)).to_string()))
}

pub(super) async fn read(
    State(genesys): State<Arc<Genesys>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let tenant = genesys.tenant();
    require(&tenant, &caller, &["authorization:role:view"])?;
    let counted = Paging::parse(query.as_deref(), &tenant.settings.choices)?
        .flag("userCount")
        .unwrap_or(true);
    let role = tenant.role(&id).ok_or_else(Refusal::not_found)?;
    Ok(json_response(shown(role, counted).to_string()))
}

fn shown(role: &Role, counted: bool) -> Value {
    let policies: Vec<Value> = role
        .permission_policies
        .iter()
        .map(|policy| {
            json!({
                "domain": policy.domain,
                "entityName": policy.entity_name,
                "actionSet": policy.action_set,
                "namedResources": [],
                "allowConditions": false,
            })
        })
        .collect();
    let mut shown = json!({
        "id": role.id,
        "name": role.name,
        "description": role.description,
        "permissions": [],
        "permissionPolicies": policies,
        "roleNeedsUpdate": false,
        "base": role.is_default(),
        "default": role.is_default(),
        "selfUri": format!("{SELF_URI}/{}", role.id),
    });
    if let Some(id) = &role.default_role_id {
        shown["defaultRoleId"] = id.as_str().into();
    }
    if counted {
        // Users are not part of the twin yet, so no user has any role.
        shown["userCount"] = 0.into();
    }
    shown
}
