//! An OAuth client at one moment: what enters are its fields, what leaves is the client as the API shows it.
//! It may not hold the secret: no answer but that of a create or a new secret shows one.

use std::sync::Arc;

use axum::body::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::grant::RoleDivision;
use crate::clock::iso;

/// The grant type under which a client gets tokens of its own.
pub(crate) const CLIENT_CREDENTIALS: &str = "CLIENT-CREDENTIALS";
/// Every grant type a client can have.
pub(crate) const GRANT_TYPES: [&str; 5] =
    ["CODE", "TOKEN", "SAML2-BEARER", "PASSWORD", CLIENT_CREDENTIALS];
/// Seconds a token lives when the client does not say.
pub(crate) const DEFAULT_VALIDITY_SECONDS: i64 = 86_400;

/// Whether a client may mint; `deleted` is not in the vendor's enumeration but clients test for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientState {
    Active,
    Inactive,
    Disabled,
    Deleted,
}

impl ClientState {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "active" => Some(Self::Active),
            "inactive" => Some(Self::Inactive),
            "disabled" => Some(Self::Disabled),
            "deleted" => Some(Self::Deleted),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }
}

/// Who wrote a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Author {
    pub id: Arc<str>,
    pub name: Arc<str>,
    pub kind: AuthorKind,
}

/// What kind of writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthorKind {
    Client,
    User,
}

impl Author {
    fn shown(&self) -> Value {
        let collection = match self.kind {
            AuthorKind::Client => "oauth/clients",
            AuthorKind::User => "users",
        };
        json!({
            "id": &*self.id,
            "name": &*self.name,
            "selfUri": format!("/api/v2/{collection}/{}", self.id),
        })
    }
}

/// What a writer can set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClientFields {
    pub name: String,
    pub grant_type: String,
    pub validity_seconds: i64,
    pub description: Option<String>,
    pub redirect_uris: Vec<String>,
    pub scope: Vec<String>,
    pub grants: Vec<RoleDivision>,
    pub state: ClientState,
    pub date_to_delete: Option<Timestamp>,
    /// Fields the twin does not know, as they were sent.
    pub unknown: Map<String, Value>,
}

/// A client at one moment; it never changes.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub id: Arc<str>,
    pub fields: ClientFields,
    pub created: Timestamp,
    pub created_by: Author,
    pub modified: Timestamp,
    pub modified_by: Author,
    pub granted: Timestamp,
    /// The answer to a GET.
    pub shown: Bytes,
}

impl Client {
    pub(crate) fn new(id: Arc<str>, fields: ClientFields, by: Author, at: Timestamp) -> Self {
        let mut client = Self {
            id,
            fields,
            created: at,
            created_by: by.clone(),
            modified: at,
            modified_by: by,
            granted: at,
            shown: Bytes::new(),
        };
        client.shown = client.render();
        client
    }

    /// The client after a write.
    pub(crate) fn changed(&self, fields: ClientFields, by: Author, at: Timestamp) -> Self {
        let mut client = self.clone();
        if client.fields.grants != fields.grants {
            client.granted = at;
        }
        client.fields = fields;
        client.modified = at;
        client.modified_by = by;
        client.shown = client.render();
        client
    }

    fn render(&self) -> Bytes {
        self.to_json().to_string().into()
    }

    /// The client as the API shows it.
    pub(crate) fn to_json(&self) -> Value {
        let mut shown = self.introspected();
        if let Value::Object(members) = &mut shown {
            for (key, value) in &self.fields.unknown {
                members.entry(key.as_str()).or_insert_with(|| value.clone());
            }
            members.insert(
                "accessTokenValiditySeconds".to_owned(),
                self.fields.validity_seconds.into(),
            );
            if let Some(description) = &self.fields.description {
                members.insert("description".to_owned(), description.as_str().into());
            }
            members.insert("registeredRedirectUri".to_owned(), json!(self.fields.redirect_uris));
            members
                .insert("selfUri".to_owned(), format!("/api/v2/oauth/clients/{}", self.id).into());
        }
        shown
    }

    /// The fields that the token's introspection shows too.
    pub(crate) fn introspected(&self) -> Value {
        let fields = &self.fields;
        let mut shown = json!({
            "id": &*self.id,
            "name": fields.name,
            "dateCreated": iso(self.created),
            "dateModified": iso(self.modified),
            "createdBy": self.created_by.shown(),
            "modifiedBy": self.modified_by.shown(),
            "authorizedGrantType": fields.grant_type,
            "scope": fields.scope,
            "roleDivisions": fields.grants,
            "state": fields.state.name(),
        });
        if let Some(at) = fields.date_to_delete {
            shown["dateToDelete"] = iso(at).into();
        }
        shown
    }
}
