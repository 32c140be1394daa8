//! The wire types of Genesys Cloud, lenient: unknown fields are ignored, unknown values kept, secrets not decoded.
//!
//! Enters: JSON. Leaves: model types at once. Fields and enums: the vendor's swagger, `OAuthClient` and neighbours.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::model::account::{Account, AccountId, RoleGrant, Settings, State};
use crate::model::inventory::{Named, Tenant};
use crate::model::marker::is_held;
use crate::model::{Credential, Introspection, Marker, RefusalKind, SecretText};
use crate::provider::http::Words;

/// The grant that stands for itself: its clients have roles, all others scopes.
pub(super) const CLIENT_CREDENTIALS: &str = "client_credentials";

/// Spellings of a grant type: the platform's of today, RFC 7591's, the platform's of before.
const GRANT_TYPES: [(&str, &str, &str); 5] = [
    ("CLIENT-CREDENTIALS", CLIENT_CREDENTIALS, "CLIENT_CREDENTIALS"),
    ("CODE", "authorization_code", "CODE"),
    ("TOKEN", "implicit", "TOKEN"),
    ("SAML2-BEARER", "urn:ietf:params:oauth:grant-type:saml2-bearer", "SAML2BEARER"),
    ("PASSWORD", "password", "PASSWORD"),
];

/// `OAuthClient` without its secret.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClientDto {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    authorized_grant_type: Option<String>,
    #[serde(default)]
    access_token_validity_seconds: Option<i64>,
    #[serde(default)]
    registered_redirect_uri: Option<Vec<String>>,
    #[serde(default)]
    scope: Option<Vec<String>>,
    #[serde(default)]
    role_divisions: Option<Vec<RoleDivisionDto>>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    date_created: Option<String>,
    #[serde(default)]
    date_to_delete: Option<String>,
}

/// `RoleDivision`. The deprecated `roleIds` say nothing of divisions and are not read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleDivisionDto {
    role_id: String,
    division_id: String,
}

/// What a create and a regenerate must show: the secret is in no other answer.
#[derive(Deserialize)]
pub(super) struct SecretDto {
    id: String,
    secret: String,
}

/// A page of any list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageDto<T> {
    pub(super) entities: Vec<T>,
    #[serde(default)]
    pub(super) page_count: Option<u64>,
    #[serde(default)]
    pub(super) next_uri: Option<String>,
}

/// A role, a division, an organization.
#[derive(Debug, Deserialize)]
pub(super) struct NamedDto {
    id: String,
    #[serde(default)]
    name: Option<String>,
}

/// `AuthzSubject`: direct grants and those of groups alike.
#[derive(Debug, Deserialize)]
pub(super) struct SubjectDto {
    grants: Vec<GrantDto>,
}

#[derive(Debug, Deserialize)]
struct GrantDto {
    #[serde(default)]
    role: Option<IdDto>,
    #[serde(default)]
    division: Option<IdDto>,
}

#[derive(Debug, Deserialize)]
struct IdDto {
    id: String,
}

/// `IdleTokenTimeout`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IdleTimeoutDto {
    #[serde(default)]
    idle_token_timeout_seconds: Option<i64>,
    #[serde(default)]
    enable_idle_token_timeout: Option<bool>,
}

/// `TokenInfo`. The capital O is the vendor's.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenInfoDto {
    #[serde(default)]
    organization: Option<IdDto>,
    #[serde(default, rename = "OAuthClient")]
    client: Option<TokenClientDto>,
    #[serde(default)]
    date_token_idles: Option<String>,
}

#[derive(Debug, Deserialize)]
struct TokenClientDto {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    organization: Option<IdDto>,
}

/// `ErrorBody`.
#[derive(Debug, Deserialize)]
struct ErrorDto {
    code: String,
    #[serde(default)]
    message: Option<String>,
}

// === grant types and states ===

/// A grant type in RFC 7591's spelling; an unknown one in small letters.
pub(super) fn grant_type_from(wire: &str) -> String {
    GRANT_TYPES
        .iter()
        .find(|(now, _, before)| wire == *now || wire == *before)
        .map_or_else(|| wire.to_ascii_lowercase(), |(_, neutral, _)| (*neutral).to_owned())
}

/// A grant type in the platform's spelling; an unknown one in capitals.
pub(super) fn grant_type_to(neutral: &str) -> String {
    GRANT_TYPES
        .iter()
        .find(|(_, known, _)| neutral == *known)
        .map_or_else(|| neutral.to_ascii_uppercase(), |(now, ..)| (*now).to_owned())
}

fn state_from(wire: Option<&str>) -> State {
    match wire {
        // "This is the default state."
        None | Some("active") => State::Active,
        Some("inactive") => State::Inactive,
        Some("disabled") => State::DisabledByVendor,
        Some("deleted") => State::Deleted,
        Some(other) => State::Other(other.chars().take(40).collect()),
    }
}

/// The words of an API host's refusal; None when the body is not its `ErrorBody`.
pub(super) fn words(_status: u16, body: &[u8]) -> Option<Words> {
    let ErrorDto { code, message } = serde_json::from_slice(body).ok()?;
    let kind = match code.as_str() {
        "too.many.requests" | "too.many.requests.retry.after" => Some(RefusalKind::Throttled),
        "general.conflict" | "request.conflict" => Some(RefusalKind::Conflict),
        _ => None,
    };
    Some(Words { kind, code: Some(code), message: message.unwrap_or_default() })
}

// === into the model ===

impl From<ClientDto> for Account {
    fn from(client: ClientDto) -> Self {
        let grant_type = client.authorized_grant_type.as_deref().map(grant_type_from);
        let with_roles = grant_type.as_deref() == Some(CLIENT_CREDENTIALS);
        // What the grant type does not use may linger in the document and means nothing.
        let scoped = |list: Option<Vec<String>>| -> BTreeSet<String> {
            list.into_iter().flatten().filter(|_| !with_roles).collect()
        };
        let roles = client.role_divisions.into_iter().flatten().filter(|_| with_roles);
        let description = client.description.as_deref().unwrap_or_default();
        Self {
            id: AccountId(client.id),
            state: state_from(client.state.as_deref()),
            marker: Marker::find(description),
            held: is_held(description),
            created_at: instant(client.date_created.as_deref()),
            deletes_at: instant(client.date_to_delete.as_deref()),
            settings: Settings {
                name: client.name.unwrap_or_default(),
                grant_types: grant_type.into_iter().collect(),
                roles: roles.map(RoleGrant::from).collect(),
                scopes: scoped(client.scope),
                redirect_uris: scoped(client.registered_redirect_uri),
                access_token_lifetime: client
                    .access_token_validity_seconds
                    .map(SignedDuration::from_secs),
            },
        }
    }
}

impl From<RoleDivisionDto> for RoleGrant {
    fn from(pair: RoleDivisionDto) -> Self {
        Self { role: pair.role_id, division: pair.division_id }
    }
}

impl SecretDto {
    /// The credential, unless id or secret is empty.
    pub(super) fn into_credential(self) -> Option<Credential> {
        let Self { id, secret } = self;
        (!id.is_empty() && !secret.is_empty())
            .then(|| Credential { client_id: id, client_secret: SecretText::new(secret) })
    }
}

impl ClientDto {
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl NamedDto {
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl From<NamedDto> for Named {
    fn from(named: NamedDto) -> Self {
        Self { id: named.id, name: named.name.unwrap_or_default() }
    }
}

impl From<NamedDto> for Tenant {
    fn from(named: NamedDto) -> Self {
        Self { id: named.id, name: named.name.unwrap_or_default() }
    }
}

impl From<SubjectDto> for BTreeSet<RoleGrant> {
    fn from(subject: SubjectDto) -> Self {
        let grants = subject.grants.into_iter();
        grants
            .filter_map(|GrantDto { role, division }| {
                Some(RoleGrant { role: role?.id, division: division?.id })
            })
            .collect()
    }
}

impl IdleTimeoutDto {
    /// How long an unused token lives; None: as long as any other.
    pub(super) fn span(&self) -> Result<Option<SignedDuration>, String> {
        match (self.enable_idle_token_timeout, self.idle_token_timeout_seconds) {
            (Some(true), Some(seconds)) if seconds > 0 => {
                Ok(Some(SignedDuration::from_secs(seconds)))
            }
            (Some(true), _) | (None, None) => {
                Err("the body does not say the idle timeout".to_owned())
            }
            (Some(false), _) | (None, Some(_)) => Ok(None),
        }
    }
}

impl TokenInfoDto {
    pub(super) fn introspection(self) -> Result<Introspection, String> {
        let (state, owner) = self.client.map_or((None, None), |client| {
            let state = client.state.as_deref();
            (state.map(|state| state_from(Some(state))), client.organization)
        });
        let organization = self.organization.or(owner);
        let organization =
            organization.ok_or_else(|| "the body does not name the organization".to_owned())?;
        Ok(Introspection {
            tenant_id: Some(organization.id),
            state,
            idles_at: instant(self.date_token_idles.as_deref()),
        })
    }
}

fn instant(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}
