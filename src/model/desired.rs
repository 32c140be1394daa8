//! What a `ServiceAccountCredential` asks for. After parsing, what cannot be has no representation.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::object::{ObjectKey, PlatformKey};
use crate::api::ServiceAccountCredential;
use crate::api::credential::{
    GenesysGrantType, OnDelete, OnDrift, OnIdleTimeout, OnMissing, PlatformKind, PolicySpec,
    RoleInDivision, TokenKey,
};
use crate::api::duration::Span;

/// The grant type with which tokens can be minted without a person.
pub const CLIENT_CREDENTIALS: &str = "client_credentials";

/// What the spec asks for, names not yet resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    pub platform: PlatformKey,
    /// The remote system of the object's block.
    pub system: System,
    pub enabled: bool,
    pub client_name: String,
    /// RFC 7591 names.
    pub grant_types: BTreeSet<String>,
    pub roles: Vec<RoleWish>,
    pub scopes: BTreeSet<String>,
    pub redirect_uris: BTreeSet<String>,
    pub access_token_lifetime: Option<SignedDuration>,
    pub token: Option<TokenWish>,
    pub credential_secret: Option<String>,
    pub policy: Policy,
    pub suspend: bool,
}

/// The remote systems that Keysteward knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum System {
    GenesysCloud,
}

/// A role as the spec names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoleWish {
    pub role: Named,
    /// Name or id of the division; `*` is every division.
    pub division: String,
}

/// By name or by id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Named {
    Name(String),
    Id(String),
}

/// How the token is to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenWish {
    pub secret_name: String,
    pub refresh_after_percent: u8,
    /// Empty: the keys that the platform's own tools read.
    pub data: Vec<TokenKey>,
    pub on_idle_timeout: OnIdleTimeout,
}

/// How far Keysteward may go, with every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub drift: OnDrift,
    pub on_missing: OnMissing,
    pub on_delete: OnDelete,
    pub deletion_deadline: SignedDuration,
}

/// The spec cannot be carried out as written. The text names the field and what to write instead.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

impl Desired {
    /// Reads the spec. Says again what CEL says, for objects that were stored before a rule existed.
    pub fn parse(object: &ServiceAccountCredential, key: &ObjectKey) -> Result<Self, Invalid> {
        let spec = &object.spec;
        let block = spec.genesys_cloud.as_ref().ok_or_else(|| {
            invalid("spec.genesysCloud must be set: it says what the account should be")
        })?;
        let grant_types: BTreeSet<String> =
            block.grant_types.iter().map(|grant| rfc7591(*grant).to_owned()).collect();
        if grant_types.len() != 1 || block.grant_types.len() != 1 {
            return Err(invalid(
                "spec.genesysCloud.grantTypes must name exactly one grant type: a Genesys Cloud client has one",
            ));
        }
        let machine = grant_types.contains(CLIENT_CREDENTIALS);
        let roles = block.roles.iter().map(role).collect::<Result<Vec<_>, _>>()?;
        if machine && roles.is_empty() {
            return Err(invalid(
                "spec.genesysCloud.roles must name at least one role with client_credentials: the platform refuses a client without",
            ));
        }
        if !machine && !roles.is_empty() {
            return Err(invalid(
                "spec.genesysCloud.roles must be empty unless the grant type is client_credentials: other grants act with a person's roles",
            ));
        }
        if machine && !block.scopes.is_empty() {
            return Err(invalid(
                "spec.genesysCloud.scopes must be empty with client_credentials: roles decide what its tokens may do",
            ));
        }
        let access_token_lifetime =
            block.access_token_lifetime.as_ref().map(lifetime).transpose()?;
        let token = spec.token.as_ref().map(|token| TokenWish {
            secret_name: token.secret_name.clone(),
            refresh_after_percent: token.refresh_after_percent.clamp(10, 90),
            data: token.data.clone(),
            on_idle_timeout: token.on_idle_timeout.unwrap_or_default(),
        });
        if token.is_some() && !machine {
            return Err(invalid(
                "spec.token needs the grant type client_credentials: no other grant mints tokens without a person",
            ));
        }
        let credential_secret = spec.credential.as_ref().map(|c| c.secret_name.clone());
        if let (Some(token), Some(credential)) = (&token, &credential_secret)
            && token.secret_name == *credential
        {
            return Err(invalid(
                "spec.token.secretName and spec.credential.secretName must differ: each Secret is written as a whole",
            ));
        }
        Ok(Self {
            platform: platform_key(object, key),
            system: System::GenesysCloud,
            enabled: spec.enabled,
            client_name: block.client.name.clone(),
            grant_types,
            roles,
            scopes: block.scopes.iter().cloned().collect(),
            redirect_uris: block.redirect_uris.iter().cloned().collect(),
            access_token_lifetime,
            token,
            credential_secret,
            policy: policy(object)?,
            suspend: spec.suspend,
        })
    }
}

/// The platform object that the spec names.
pub fn platform_key(object: &ServiceAccountCredential, key: &ObjectKey) -> PlatformKey {
    let named = &object.spec.platform_ref;
    let namespace = match named.kind {
        PlatformKind::Platform => key.namespace.clone(),
        PlatformKind::ClusterPlatform => String::new(),
    };
    PlatformKey { kind: named.kind, namespace, name: named.name.clone() }
}

/// The policy alone: what a deletion needs, even when the rest of the spec is broken.
pub fn policy(object: &ServiceAccountCredential) -> Result<Policy, Invalid> {
    let PolicySpec { drift, on_missing, on_delete, deletion_deadline } =
        object.spec.policy.clone().unwrap_or_default();
    let deletion_deadline = match deletion_deadline {
        None => SignedDuration::from_hours(24),
        Some(text) => text
            .parse()
            .map_err(|error| Invalid(format!("spec.policy.deletionDeadline: {error}")))?,
    };
    Ok(Policy {
        drift: drift.unwrap_or_default(),
        on_missing: on_missing.unwrap_or_default(),
        on_delete: on_delete.unwrap_or_default(),
        deletion_deadline,
    })
}

const fn rfc7591(grant: GenesysGrantType) -> &'static str {
    match grant {
        GenesysGrantType::ClientCredentials => CLIENT_CREDENTIALS,
        GenesysGrantType::AuthorizationCode => "authorization_code",
        GenesysGrantType::Implicit => "implicit",
        GenesysGrantType::Password => "password",
        GenesysGrantType::Saml2Bearer => "urn:ietf:params:oauth:grant-type:saml2-bearer",
    }
}

fn role(written: &RoleInDivision) -> Result<RoleWish, Invalid> {
    let role = match (&written.name, &written.id) {
        (Some(name), None) => Named::Name(name.clone()),
        (None, Some(id)) => Named::Id(id.clone()),
        (Some(_), Some(_)) | (None, None) => {
            return Err(invalid(
                "each of spec.genesysCloud.roles must have exactly one of name and id",
            ));
        }
    };
    Ok(RoleWish { role, division: written.division.clone() })
}

fn lifetime(text: &Span) -> Result<SignedDuration, Invalid> {
    let field = "spec.genesysCloud.accessTokenLifetime";
    let span = text.parse().map_err(|error| Invalid(format!("{field}: {error}")))?;
    if !(300..=172_800).contains(&span.as_secs()) {
        return Err(Invalid(format!("{field} must be between 300s and 48h, not {text}")));
    }
    Ok(span)
}

fn invalid(text: &str) -> Invalid {
    Invalid(text.to_owned())
}
