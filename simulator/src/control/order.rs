//! What a test orders: what enters are edits past the API, what leaves is the tenant changed as by somebody else.
//! It may not check the API's rules.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::client_view::{ClientEdit, ClientView, Credentials, NewClient};
use super::organization_view::OrganizationEdit;
use crate::genesys::rotate;
use crate::merge_patch::merge;
use crate::secret::SecretText;
use crate::tenant::client::{Client, ClientFields, ClientState};
use crate::tenant::clients::Record;
use crate::tenant::{Tenant, client_json, somebody_else};

/// An order that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    #[error("there is no client {0}")]
    NoSuchClient(String),
    #[error("the client would not be one any more: {0}")]
    BadClient(String),
}

/// Everything about the clients in truth.
pub(super) fn view_clients(tenant: &Tenant, now: Timestamp) -> Vec<ClientView> {
    let living = tenant.living_tokens(now);
    tenant
        .clients
        .all()
        .map(|(client, record)| {
            let live_tokens = living.get(&client.id).copied().unwrap_or(0);
            view(tenant, client, record, live_tokens)
        })
        .collect()
}

fn view(tenant: &Tenant, client: &Client, record: &Record, live_tokens: u64) -> ClientView {
    let fields = &client.fields;
    ClientView {
        id: client.id.to_string(),
        name: fields.name.clone(),
        description: fields.description.clone(),
        state: fields.state.name().to_owned(),
        authorized_grant_type: fields.grant_type.clone(),
        access_token_validity_seconds: fields.validity_seconds,
        role_divisions: fields.grants.clone(),
        scope: fields.scope.clone(),
        registered_redirect_uri: fields.redirect_uris.clone(),
        date_created: client.created,
        date_modified: client.modified,
        live_tokens,
        mints: tenant.mints.get(&client.id).copied().unwrap_or(0),
        secrets_issued: record.secrets_issued,
    }
}

pub(super) fn add_client(
    tenant: &mut Tenant,
    new: &NewClient,
    now: Timestamp,
) -> Result<Credentials, ControlError> {
    let fields = fields_of(serde_json::to_value(new))?;
    let id: Arc<str> = Uuid::new_v4().to_string().into();
    let secret = SecretText::random_secret();
    let credentials = Credentials { client_id: id.to_string(), client_secret: secret.clone() };
    let lag = tenant.settings.propagation.create;
    tenant.clients.create(Client::new(id, fields, somebody_else(), now), secret, lag, now);
    Ok(credentials)
}

pub(super) fn edit_client(
    tenant: &mut Tenant,
    id: &str,
    edit: &ClientEdit,
    now: Timestamp,
) -> Result<(), ControlError> {
    let current = current(tenant, id)?;
    let mut whole = current.to_json();
    let patch =
        serde_json::to_value(edit).map_err(|error| ControlError::BadClient(error.to_string()))?;
    merge(&mut whole, &patch);
    let changed = current.changed(fields_of(Ok(whole))?, somebody_else(), now);
    let lag = tenant.settings.propagation.update;
    tenant.clients.change(changed, lag, now);
    Ok(())
}

pub(super) fn rotate_secret(
    tenant: &mut Tenant,
    id: &str,
    now: Timestamp,
) -> Result<SecretText, ControlError> {
    let current = current(tenant, id)?;
    let secret = SecretText::random_secret();
    let client = current.changed(current.fields.clone(), somebody_else(), now);
    rotate(tenant, client, secret.clone(), now);
    Ok(secret)
}

pub(super) fn delete_client(
    tenant: &mut Tenant,
    id: &str,
    now: Timestamp,
) -> Result<(), ControlError> {
    current(tenant, id)?;
    let lag = tenant.settings.propagation.delete;
    tenant.clients.delete(id, lag, now);
    Ok(())
}

pub(super) fn end_tokens(tenant: &mut Tenant, id: &str) -> Result<(), ControlError> {
    current(tenant, id)?;
    tenant.clients.end_tokens(id);
    Ok(())
}

pub(super) fn edit_organization(tenant: &mut Tenant, edit: OrganizationEdit) {
    let organization = &mut tenant.organization;
    organization.version += 1;
    if let Some(id) = edit.id {
        organization.id = id;
    }
    if let Some(name) = edit.name {
        organization.name = name;
    }
    if let Some(state) = edit.state {
        organization.state = state;
    }
}

fn current(tenant: &Tenant, id: &str) -> Result<Arc<Client>, ControlError> {
    let client = tenant.clients.truth(id).cloned();
    client.ok_or_else(|| ControlError::NoSuchClient(id.to_owned()))
}

fn fields_of(client: serde_json::Result<Value>) -> Result<ClientFields, ControlError> {
    let mut client: Map<String, Value> = client
        .and_then(serde_json::from_value)
        .map_err(|error| ControlError::BadClient(error.to_string()))?;
    // The API may not write this state, but the platform does.
    let deleted = client.get("state").is_some_and(|state| state == "deleted");
    if deleted {
        client.remove("state");
    }
    let mut fields = client_json::fields(&client)
        .map_err(|malformed| ControlError::BadClient(format!("{malformed:?}")))?;
    if deleted {
        fields.state = ClientState::Deleted;
    }
    Ok(fields)
}
