//! A remote service account with its OAuth client: as seen, as wished, and the fields between the two.

use std::collections::BTreeSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::marker::Marker;

/// The platform's id of an account: on Genesys Cloud the client id.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AccountId(pub String);

/// A role where it is held: on Genesys Cloud in a division (`*` is every division). Both are ids.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RoleGrant {
    pub role: String,
    pub division: String,
}

/// What can be compared between both sides. Everything is in the platform-neutral spelling of the API.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    pub name: String,
    /// RFC 7591 names.
    pub grant_types: BTreeSet<String>,
    pub roles: BTreeSet<RoleGrant>,
    pub scopes: BTreeSet<String>,
    pub redirect_uris: BTreeSet<String>,
    /// None: the platform's default.
    pub access_token_lifetime: Option<SignedDuration>,
}

/// Whether the account can be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum State {
    Active,
    Inactive,
    /// Switched off by the vendor; only the vendor can switch it on.
    DisabledByVendor,
    Deleted,
    /// A state that the platform's documents do not name.
    Other(String),
}

/// A remote account as last read.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub id: AccountId,
    pub settings: Settings,
    pub state: State,
    pub marker: Option<Marker>,
    /// The description carries `keysteward:hold`.
    pub held: bool,
    pub created_at: Option<Timestamp>,
    /// When the platform says that it will delete the account.
    pub deletes_at: Option<Timestamp>,
}

/// What the account should be, with every name resolved to an id.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    pub settings: Settings,
    pub enabled: bool,
    pub marker: Marker,
}

/// The fields that can differ, named as in the spec.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Field {
    Enabled,
    GrantTypes,
    Roles,
    Scopes,
    RedirectUris,
    AccessTokenLifetime,
    Name,
    Marker,
}

impl Field {
    pub const ALL: [Self; 8] = [
        Self::Enabled,
        Self::GrantTypes,
        Self::Roles,
        Self::Scopes,
        Self::RedirectUris,
        Self::AccessTokenLifetime,
        Self::Name,
        Self::Marker,
    ];

    /// The field of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == name)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::GrantTypes => "grantTypes",
            Self::Roles => "roles",
            Self::Scopes => "scopes",
            Self::RedirectUris => "redirectUris",
            Self::AccessTokenLifetime => "accessTokenLifetime",
            Self::Name => "client.name",
            Self::Marker => "marker",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl State {
    pub const fn as_str(&self) -> &str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::DisabledByVendor => "disabled",
            Self::Deleted => "deleted",
            Self::Other(text) => text.as_str(),
        }
    }
}
