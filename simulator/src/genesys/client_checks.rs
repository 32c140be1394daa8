//! The rules of creating and editing OAuth clients: what enters are parsed fields, what leaves is the vendor's refusal or none.
//! It may not change anything.

use serde_json::{Map, Value};

use super::Refusal;
use super::scopes;
use crate::tenant::client::{CLIENT_CREDENTIALS, Client, ClientFields, ClientState, GRANT_TYPES};
use crate::tenant::client_json::{self, Malformed};
use crate::tenant::grant::all_covered;
use crate::tenant::seed::SCIM_INTEGRATION;
use crate::tenant::{Caller, Tenant};

const SHORTEST_SECONDS: i64 = 300;
const LONGEST_SECONDS: i64 = 172_800;
/// 450 days, for holders of the SCIM Integration role.
const LONGEST_SCIM_SECONDS: i64 = 38_880_000;

/// Reads a request's fields.
pub(super) fn parse(body: &Map<String, Value>) -> Result<ClientFields, Refusal> {
    client_json::fields(body).map_err(|malformed| match malformed {
        Malformed::NameMissing => {
            Refusal::bad("constraint.validation", "name: the field is required")
        }
        Malformed::GrantTypeMissing => {
            Refusal::bad("grant.type.required", "Grant type is required.")
        }
        Malformed::WrongType(_) => Refusal::bad_request(),
        Malformed::WrongValue { field, value, allowed } => {
            Refusal::invalid_value(&value, field, allowed)
        }
        Malformed::WrongDate => Refusal::bad(
            "invalid.date",
            "Dates must be specified as ISO-8601 strings. For example: yyyy-MM-ddTHH:mm:ss.SSSZ",
        ),
    })
}

/// Whether the caller may create such a client.
pub(super) fn check_create(
    tenant: &Tenant,
    caller: &Caller,
    fields: &ClientFields,
) -> Result<(), Refusal> {
    check_grant_type(fields)?;
    if fields.state != ClientState::Active {
        return Err(Refusal::bad("bad.client.state", "New clients can only have an active state"));
    }
    check_fields(fields)?;
    if !fields.scope.iter().all(|scope| scopes::exists(scope)) {
        return Err(Refusal::bad("auth.invalid.scope", "Client has invalid scope"));
    }
    check_grants(tenant, caller, fields)?;
    check_name(tenant, fields, None)?;
    match tenant.settings.limits.clients {
        Some(most) if tenant.clients.reach(most) => Err(Refusal::bad(
            "auth.too.many.clients",
            "Too many clients exist in this organization.",
        )),
        _ => Ok(()),
    }
}

/// Whether the caller may turn the client into such a one.
pub(super) fn check_update(
    tenant: &Tenant,
    caller: &Caller,
    current: &Client,
    fields: &ClientFields,
) -> Result<(), Refusal> {
    let choices = &tenant.settings.choices;
    let disables = fields.state == ClientState::Disabled && !choices.put_disabled_accepted;
    if current.fields.state == ClientState::Disabled || disables {
        return Err(Refusal::bad("bad.client.state", "Client is disabled."));
    }
    check_grant_type(fields)?;
    check_fields(fields)?;
    // Unlike a create, an update declares no code of its own for scopes.
    if let Some(scope) = fields.scope.iter().find(|scope| !scopes::exists(scope)) {
        return Err(Refusal::invalid_value(scope, "scope", "see /api/v2/oauth/scopes"));
    }
    if choices.edit_needs_current_roles
        && !all_covered(&caller.client.fields.grants, &current.fields.grants)
    {
        return Err(bad_role());
    }
    check_grants(tenant, caller, fields)?;
    check_name(tenant, fields, Some(current))
}

fn bad_role() -> Refusal {
    Refusal::bad("bad.client.role", "Client role is invalid.")
}

fn check_grant_type(fields: &ClientFields) -> Result<(), Refusal> {
    if GRANT_TYPES.contains(&fields.grant_type.as_str()) {
        Ok(())
    } else {
        Err(Refusal::bad("bad.grant.type", "Invalid grant type."))
    }
}

fn check_fields(fields: &ClientFields) -> Result<(), Refusal> {
    let scim = fields.grants.iter().any(|grant| grant.role_id == SCIM_INTEGRATION);
    let longest = if scim { LONGEST_SCIM_SECONDS } else { LONGEST_SECONDS };
    if !(SHORTEST_SECONDS..=longest).contains(&fields.validity_seconds) {
        return Err(Refusal::bad(
            "constraint.validation",
            format!("accessTokenValiditySeconds: must be between {SHORTEST_SECONDS} and {longest}"),
        ));
    }
    if fields.grant_type != CLIENT_CREDENTIALS && fields.scope.is_empty() {
        return Err(Refusal::bad("missing.client.scope", "Client scope is missing."));
    }
    if fields.grant_type == CLIENT_CREDENTIALS && fields.grants.is_empty() {
        return Err(Refusal::bad(
            "missing.client.roles",
            "Client roles and divisions are missing.",
        ));
    }
    Ok(())
}

/// Only grants that exist, and only those the caller has itself.
fn check_grants(tenant: &Tenant, caller: &Caller, fields: &ClientFields) -> Result<(), Refusal> {
    let exist = fields.grants.iter().all(|grant| tenant.grantable(grant));
    if exist && all_covered(&caller.client.fields.grants, &fields.grants) {
        Ok(())
    } else {
        Err(bad_role())
    }
}

fn check_name(
    tenant: &Tenant,
    fields: &ClientFields,
    current: Option<&Client>,
) -> Result<(), Refusal> {
    let taken = tenant.settings.choices.names_are_unique
        && tenant.clients.all().any(|(other, _)| {
            other.fields.name == fields.name && current.is_none_or(|own| own.id != other.id)
        });
    if taken { Err(Refusal::conflict()) } else { Ok(()) }
}
