//! The closed set of platforms as one type: it delegates, and nothing outside asks which one it is.

use std::collections::BTreeSet;

use super::genesys::Genesys;
use super::http::CallCounts;
use super::{Addresses, Capabilities, Created, Provider, Snapshot};
use crate::model::account::{Account, AccountId, Field, Wish};
use crate::model::inventory::{Catalog, CatalogPart};
use crate::model::{Credential, Fault, Introspection, SecretText, Token};

/// Any platform that Keysteward knows.
#[derive(Debug)]
pub enum AnyProvider {
    Genesys(Genesys),
}

impl AnyProvider {
    /// What came of all calls to this platform.
    pub fn counts(&self) -> &CallCounts {
        match self {
            Self::Genesys(genesys) => genesys.counts(),
        }
    }
}

impl Provider for AnyProvider {
    fn capabilities(&self) -> &Capabilities {
        match self {
            Self::Genesys(genesys) => genesys.capabilities(),
        }
    }

    async fn accounts(&self) -> Result<Vec<Account>, Fault> {
        match self {
            Self::Genesys(genesys) => genesys.accounts().await,
        }
    }

    async fn catalog(&self, part: CatalogPart, catalog: &mut Catalog) -> Result<(), Fault> {
        match self {
            Self::Genesys(genesys) => genesys.catalog(part, catalog).await,
        }
    }

    async fn read(&self, id: &AccountId) -> Result<Option<Snapshot>, Fault> {
        match self {
            Self::Genesys(genesys) => genesys.read(id).await,
        }
    }

    async fn create(&self, wish: &Wish) -> Result<Created, Fault> {
        match self {
            Self::Genesys(genesys) => genesys.create(wish).await,
        }
    }

    async fn update(
        &self,
        snapshot: &Snapshot,
        wish: &Wish,
        fields: &BTreeSet<Field>,
    ) -> Result<Account, Fault> {
        match self {
            Self::Genesys(genesys) => genesys.update(snapshot, wish, fields).await,
        }
    }

    async fn regenerate(&self, id: &AccountId) -> Result<Credential, Fault> {
        match self {
            Self::Genesys(genesys) => genesys.regenerate(id).await,
        }
    }

    async fn delete(&self, id: &AccountId) -> Result<(), Fault> {
        match self {
            Self::Genesys(genesys) => genesys.delete(id).await,
        }
    }

    async fn mint(&self, credential: &Credential) -> Result<Token, Fault> {
        match self {
            Self::Genesys(genesys) => genesys.mint(credential).await,
        }
    }

    async fn introspect(&self, access_token: &SecretText) -> Result<Introspection, Fault> {
        match self {
            Self::Genesys(genesys) => genesys.introspect(access_token).await,
        }
    }

    async fn revoke(&self, access_token: &SecretText) -> Result<(), Fault> {
        match self {
            Self::Genesys(genesys) => genesys.revoke(access_token).await,
        }
    }

    fn addresses(&self) -> Addresses {
        match self {
            Self::Genesys(genesys) => genesys.addresses(),
        }
    }
}
