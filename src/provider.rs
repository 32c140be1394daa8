//! Seam 1: the remote platforms. The only HTTP to a platform goes out from here, through `http`.
//!
//! Enters: ids, wishes, credentials. Leaves: model values, or a [`Fault`] that says whether it happened.
//! A platform's wire types stay inside its own module; nothing outside asks which platform it is.

pub mod any;
pub mod genesys;
pub mod http;
pub mod oauth;

use std::collections::BTreeSet;
use std::future::Future;

use crate::model::account::{Account, AccountId, Field, Wish};
use crate::model::fault::Fault;
use crate::model::inventory::{Catalog, CatalogPart};
pub use crate::model::platform::{Addresses, Capabilities};
use crate::model::secret_text::SecretText;
use crate::model::token::{Credential, Introspection, Token};

/// One account as read a moment ago, with everything the platform said, so that a write can send unknown fields back.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub account: Account,
    /// The platform's own document, without any secret. Opaque outside the provider.
    pub document: serde_json::Value,
}

/// An account just made. The platform shows the secret this once.
#[derive(Clone, Debug)]
pub struct Created {
    pub account: Account,
    pub credential: Credential,
}

/// What goes first when the request budget is short.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Priority {
    Token,
    Repair,
    Sweep,
}

/// One platform with a session of the managing credential. Every call is one or a few HTTP requests, bounded in time,
/// and is counted against the platform's request budget.
pub trait Provider: Send + Sync {
    fn capabilities(&self) -> &Capabilities;

    /// Every account of the tenant, secrets dropped while decoding.
    fn accounts(&self) -> impl Future<Output = Result<Vec<Account>, Fault>> + Send;

    /// Reads one part of the catalog into `catalog` (all pages).
    fn catalog(
        &self,
        part: CatalogPart,
        catalog: &mut Catalog,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// One account by id; None after the platform said that there is none (404, or state deleted).
    fn read(&self, id: &AccountId) -> impl Future<Output = Result<Option<Snapshot>, Fault>> + Send;

    /// Makes an account. Not repeated by the sender, whatever comes back.
    fn create(&self, wish: &Wish) -> impl Future<Output = Result<Created, Fault>> + Send;

    /// Sets these fields of an account as wished and leaves everything else as the snapshot shows it.
    fn update(
        &self,
        snapshot: &Snapshot,
        wish: &Wish,
        fields: &BTreeSet<Field>,
    ) -> impl Future<Output = Result<Account, Fault>> + Send;

    /// Gives an account a new secret; the old one ends. Not repeated by the sender.
    fn regenerate(&self, id: &AccountId) -> impl Future<Output = Result<Credential, Fault>> + Send;

    /// Deletes an account that is already switched off where that is needed. An absent one counts as deleted.
    fn delete(&self, id: &AccountId) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Mints a token with an account's own credential.
    fn mint(&self, credential: &Credential) -> impl Future<Output = Result<Token, Fault>> + Send;

    /// Asks the platform about a token without prolonging its idle time.
    fn introspect(
        &self,
        access_token: &SecretText,
    ) -> impl Future<Output = Result<Introspection, Fault>> + Send;

    /// Ends a token. One that is already dead counts as ended.
    fn revoke(&self, access_token: &SecretText) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Addresses for consumers of tokens.
    fn addresses(&self) -> Addresses;
}
