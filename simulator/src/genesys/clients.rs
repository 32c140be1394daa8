//! `/api/v2/oauth/clients`: what enters are the operations on OAuth clients, what leaves are clients and their refusals.
//! It may not show a secret but in the answer that made it.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::authentication::require;
use super::body::{json_object, json_response};
use super::client_checks::{check_create, check_update, parse};
use super::gate::StaleList;
use super::{Genesys, Refusal};
use crate::clock::later;
use crate::secret::SecretText;
use crate::settings::choices::{Choices, DeletedClient, OmittedFields};
use crate::tenant::client::{Client, ClientFields, ClientState};
use crate::tenant::grant::all_covered;
use crate::tenant::{Caller, Tenant};

const SELF_URI: &str = "/api/v2/oauth/clients";

/// The page asked for; the operation has no parameters, but its answer may lead to further pages.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    page_number: Option<usize>,
}

pub(super) async fn list(
    State(genesys): State<Arc<Genesys>>,
    Extension(caller): Extension<Caller>,
    stale: Option<Extension<StaleList>>,
    Query(page): Query<Page>,
) -> Result<Response, Refusal> {
    let mut tenant = genesys.tenant();
    require(&tenant, &caller, &["oauth:client:view"])?;
    if let Some(Extension(StaleList(body))) = stale {
        return Ok(json_response(body));
    }
    Ok(json_response(listing(&mut tenant, page.page_number.unwrap_or(1), genesys.now())))
}

/// The list's answer as of now.
pub(crate) fn listing(tenant: &mut Tenant, page: usize, now: Timestamp) -> Bytes {
    let page_size = tenant.settings.choices.list_page_size;
    if page_size.is_none()
        && let Some(body) = tenant.clients.cached_list(now)
    {
        return body;
    }
    let (clients, valid_until) = tenant.clients.listed(now);
    let body = render_list(&clients, page, page_size);
    if page_size.is_none() {
        tenant.clients.cache_list(body.clone(), valid_until);
    }
    body
}

fn render_list(clients: &[Arc<Client>], page: usize, page_size: Option<usize>) -> Bytes {
    let total = clients.len();
    let page_size = page_size.unwrap_or_else(|| total.max(1)).max(1);
    let page_count = total.div_ceil(page_size).max(1);
    let first = page.max(1).saturating_sub(1).saturating_mul(page_size).min(total);
    let shown = &clients[first..(first + page_size).min(total)];

    let bytes: usize = shown.iter().map(|client| client.shown.len() + 1).sum();
    let mut body = Vec::with_capacity(bytes + 512);
    body.extend_from_slice(b"{\"entities\":[");
    for (index, client) in shown.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&client.shown);
    }
    let tail = format!(
        "],\"pageSize\":{page_size},\"pageNumber\":{page},\"total\":{total},\"pageCount\":{page_count}"
    );
    body.extend_from_slice(tail.as_bytes());
    let mut link = |name: &str, page: usize| {
        body.extend_from_slice(format!(",\"{name}\":\"{SELF_URI}?pageNumber={page}\"").as_bytes());
    };
    link("selfUri", page);
    link("firstUri", 1);
    link("lastUri", page_count);
    if page < page_count {
        link("nextUri", page + 1);
    }
    if page > 1 {
        link("previousUri", page - 1);
    }
    body.push(b'}');
    body.into()
}

pub(super) async fn create(
    State(genesys): State<Arc<Genesys>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Refusal> {
    require(&genesys.tenant(), &caller, &["oauth:client:add"])?;
    let body = json_object(&genesys, request).await?;
    let fields = parse(&body)?;

    let now = genesys.now();
    let mut tenant = genesys.tenant();
    check_create(&tenant, &caller, &fields)?;
    let id: Arc<str> = Uuid::new_v4().to_string().into();
    let client = Client::new(id, fields, caller.author(), now);
    let secret = SecretText::random_secret();
    let answer = with_secret(&client, &secret);
    let lag = tenant.settings.propagation.create;
    tenant.clients.create(client, secret, lag, now);
    Ok(answer)
}

pub(super) async fn read(
    State(genesys): State<Arc<Genesys>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let mut tenant = genesys.tenant();
    require(&tenant, &caller, &["oauth:client:view"])?;
    let client = tenant.clients.read(&id, genesys.now()).ok_or_else(Refusal::client_not_found)?;
    Ok(json_response(client.shown.clone()))
}

pub(super) async fn update(
    State(genesys): State<Arc<Genesys>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    require(&genesys.tenant(), &caller, &["oauth:client:edit"])?;
    let mut body = json_object(&genesys, request).await?;

    let now = genesys.now();
    let mut tenant = genesys.tenant();
    let current = existing(&tenant, &id)?;
    if tenant.settings.choices.put_omitted_fields == OmittedFields::Keep
        && let Value::Object(before) = current.to_json()
    {
        for (key, value) in before {
            body.entry(key).or_insert(value);
        }
    }
    let mut fields = parse(&body)?;
    check_update(&tenant, &caller, &current, &fields)?;
    plan_deletion(&tenant.settings.choices, &current, &mut fields, now);
    let client = current.changed(fields, caller.author(), now);
    let answer = json_response(client.shown.clone());
    let lag = tenant.settings.propagation.update;
    tenant.clients.change(client, lag, now);
    Ok(answer)
}

/// An inactive client is deleted by itself after some days, if the choices say so; an active one is not.
fn plan_deletion(choices: &Choices, before: &Client, fields: &mut ClientFields, now: Timestamp) {
    if fields.state == ClientState::Active {
        fields.date_to_delete = None;
    } else if let Some(days) = choices.inactive_deleted_after_days
        && before.fields.state == ClientState::Active
    {
        let days = SignedDuration::from_hours(24 * i64::from(days));
        fields.date_to_delete.get_or_insert_with(|| later(now, days));
    }
}

pub(super) async fn delete(
    State(genesys): State<Arc<Genesys>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let now = genesys.now();
    let mut tenant = genesys.tenant();
    require(&tenant, &caller, &["oauth:client:delete"])?;
    let current = existing(&tenant, &id)?;
    if current.fields.state != ClientState::Inactive {
        return Err(Refusal::bad(
            "cannot.delete.client",
            "Clients must be marked as inactive to be eligible for deletion.",
        ));
    }
    let lag = tenant.settings.propagation.delete;
    match tenant.settings.choices.deleted_client {
        DeletedClient::NotFound => tenant.clients.delete(&id, lag, now),
        DeletedClient::StateDeleted => {
            let fields = ClientFields {
                state: ClientState::Deleted,
                date_to_delete: Some(later(now, SignedDuration::from_secs(30))),
                ..current.fields.clone()
            };
            let deleted = current.changed(fields, caller.author(), now);
            tenant.clients.change(deleted, lag, now);
        }
    }
    let status = tenant.settings.choices.delete_status;
    Ok(StatusCode::from_u16(status).unwrap_or(StatusCode::NO_CONTENT).into_response())
}

pub(super) async fn new_secret(
    State(genesys): State<Arc<Genesys>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let now = genesys.now();
    let mut tenant = genesys.tenant();
    require(&tenant, &caller, &["oauth:client:edit"])?;
    // The vendor declares no code of its own for an unknown client here.
    let current = existing(&tenant, &id).map_err(|_| Refusal::not_found())?;
    if !all_covered(&caller.client.fields.grants, &current.fields.grants) {
        return Err(Refusal::bad(
            "bad.client.role",
            "The caller does not have all the roles assigned to this client.",
        ));
    }
    let client = current.changed(current.fields.clone(), caller.author(), now);
    let secret = SecretText::random_secret();
    let answer = with_secret(&client, &secret);
    rotate(&mut tenant, client, secret, now);
    Ok(answer)
}

/// Puts the new secret in place and ends what it ends.
pub(crate) fn rotate(tenant: &mut Tenant, client: Client, secret: SecretText, now: Timestamp) {
    let id = Arc::clone(&client.id);
    let grace = i64::from(tenant.settings.choices.old_secret_grace_seconds);
    let lag = tenant.settings.propagation.secret;
    tenant.clients.replace_secret(client, secret, lag, SignedDuration::from_secs(grace), now);
    if !tenant.settings.choices.tokens_survive_new_secret {
        tenant.clients.end_tokens(&id);
    }
}

fn existing(tenant: &Tenant, id: &str) -> Result<Arc<Client>, Refusal> {
    tenant
        .clients
        .truth(id)
        .filter(|client| client.fields.state != ClientState::Deleted)
        .cloned()
        .ok_or_else(Refusal::client_not_found)
}

fn with_secret(client: &Client, secret: &SecretText) -> Response {
    let mut shown = client.to_json();
    shown["secret"] = secret.reveal().into();
    json_response(shown.to_string())
}
