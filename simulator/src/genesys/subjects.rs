//! `/api/v2/authorization/subjects/me`: what leaves are the caller's own grants.
//! It may not show those of others: they come with users.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::body::json_response;
use super::{Genesys, divisions};
use crate::clock::iso;
use crate::tenant::grant::{ALL_DIVISIONS, RoleDivision};
use crate::tenant::role::Role;
use crate::tenant::{Caller, Tenant};

pub(super) async fn me(
    State(genesys): State<Arc<Genesys>>,
    Extension(caller): Extension<Caller>,
) -> Response {
    let tenant = genesys.tenant();
    let client = &caller.client;
    let grants: Vec<Value> = client
        .fields
        .grants
        .iter()
        .filter_map(|grant| {
            Some(json!({
                "subjectId": &*client.id,
                "division": division(&tenant, grant)?,
                "role": role(tenant.role(&grant.role_id)?),
                "grantMadeAt": iso(client.granted),
            }))
        })
        .collect();
    let subject = json!({
        "id": &*client.id,
        "name": client.fields.name,
        "grants": grants,
        "version": 1,
        "selfUri": format!("/api/v2/authorization/subjects/{}", client.id),
    });
    json_response(subject.to_string())
}

fn division(tenant: &Tenant, grant: &RoleDivision) -> Option<Value> {
    if grant.division_id == ALL_DIVISIONS {
        return Some(json!({
            "id": ALL_DIVISIONS,
            "name": ALL_DIVISIONS,
            "description": "",
            "homeDivision": false,
            "selfUri": "/api/v2/authorization/divisions/*",
        }));
    }
    tenant.division(&grant.division_id).map(divisions::shown)
}

fn role(role: &Role) -> Value {
    let policies: Vec<Value> = role
        .permission_policies
        .iter()
        .map(|policy| {
            json!({
                "domain": policy.domain,
                "entityName": policy.entity_name,
                "actions": policy.action_set,
            })
        })
        .collect();
    json!({
        "id": role.id,
        "name": role.name,
        "description": role.description,
        "policies": policies,
        "default": role.is_default(),
        "selfUri": format!("/api/v2/authorization/roles/{}", role.id),
    })
}
