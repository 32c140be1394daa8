//! A client's fields as JSON: what enters is the body of a create or an update, what leaves are the fields or what is wrong.
//! It may not know who sends it, nor what the tenant holds.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::client::{ClientFields, ClientState, DEFAULT_VALIDITY_SECONDS};
use super::grant::RoleDivision;
use super::seed::HOME_DIVISION;

/// What the platform sets itself and ignores in a body.
const READ_ONLY: [&str; 7] =
    ["id", "secret", "dateCreated", "dateModified", "createdBy", "modifiedBy", "selfUri"];

/// What is wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    NameMissing,
    GrantTypeMissing,
    /// A field has the wrong JSON type.
    WrongType(&'static str),
    /// A text is none of those allowed.
    WrongValue {
        field: &'static str,
        value: String,
        allowed: &'static str,
    },
    WrongDate,
}

/// Reads the fields; what is left out gets its default.
pub(crate) fn fields(body: &Map<String, Value>) -> Result<ClientFields, Malformed> {
    let mut rest: Map<String, Value> = body
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    for key in READ_ONLY {
        rest.remove(key);
    }
    let name = text(&mut rest, "name")?
        .filter(|name| !name.trim().is_empty())
        .ok_or(Malformed::NameMissing)?;
    let grant_type = text(&mut rest, "authorizedGrantType")?
        .filter(|grant_type| !grant_type.is_empty())
        .ok_or(Malformed::GrantTypeMissing)?;
    let validity_seconds = match rest.remove("accessTokenValiditySeconds") {
        None => DEFAULT_VALIDITY_SECONDS,
        Some(value) => value.as_i64().ok_or(Malformed::WrongType("accessTokenValiditySeconds"))?,
    };
    Ok(ClientFields {
        name,
        grant_type,
        validity_seconds,
        description: text(&mut rest, "description")?,
        redirect_uris: redirect_uris(&mut rest)?,
        scope: texts(&mut rest, "scope")?.unwrap_or_default(),
        grants: grants(&mut rest)?,
        state: state(&mut rest)?,
        date_to_delete: date_to_delete(&mut rest)?,
        unknown: rest,
    })
}

fn text(body: &mut Map<String, Value>, key: &'static str) -> Result<Option<String>, Malformed> {
    match body.remove(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Malformed::WrongType(key)),
    }
}

fn texts(
    body: &mut Map<String, Value>,
    key: &'static str,
) -> Result<Option<Vec<String>>, Malformed> {
    let Some(value) = body.remove(key) else {
        return Ok(None);
    };
    serde_json::from_value(value).map(Some).map_err(|_| Malformed::WrongType(key))
}

fn redirect_uris(body: &mut Map<String, Value>) -> Result<Vec<String>, Malformed> {
    let field = "registeredRedirectUri";
    let uris = texts(body, field)?.unwrap_or_default();
    match uris.iter().find(|uri| url::Url::parse(uri).is_err()) {
        None => Ok(uris),
        Some(bad) => {
            Err(Malformed::WrongValue { field, value: bad.clone(), allowed: "absolute URIs" })
        }
    }
}

/// The pairs, each once; the deprecated `roleIds` counts in the home division and only without pairs.
fn grants(body: &mut Map<String, Value>) -> Result<Vec<RoleDivision>, Malformed> {
    let role_ids = texts(body, "roleIds")?;
    let sent: Vec<RoleDivision> = match (body.remove("roleDivisions"), role_ids) {
        (Some(pairs), _) => {
            serde_json::from_value(pairs).map_err(|_| Malformed::WrongType("roleDivisions"))?
        }
        (None, Some(ids)) => {
            ids.into_iter().map(|id| RoleDivision::new(id, HOME_DIVISION)).collect()
        }
        (None, None) => Vec::new(),
    };
    let mut grants: Vec<RoleDivision> = Vec::with_capacity(sent.len());
    for grant in sent {
        if !grants.contains(&grant) {
            grants.push(grant);
        }
    }
    Ok(grants)
}

fn state(body: &mut Map<String, Value>) -> Result<ClientState, Malformed> {
    match text(body, "state")? {
        None => Ok(ClientState::Active),
        Some(state) => ClientState::parse(&state)
            .filter(|state| *state != ClientState::Deleted)
            .ok_or(Malformed::WrongValue {
                field: "state",
                value: state,
                allowed: "active, disabled, inactive",
            }),
    }
}

fn date_to_delete(body: &mut Map<String, Value>) -> Result<Option<Timestamp>, Malformed> {
    match text(body, "dateToDelete")? {
        None => Ok(None),
        Some(date) => date.parse().map(Some).map_err(|_| Malformed::WrongDate),
    }
}
