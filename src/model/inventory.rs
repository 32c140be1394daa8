//! What one sweep of a platform saw, and the names that the platform knows.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::account::{Account, AccountId, RoleGrant};
use super::marker::Marker;

/// The accounts of a platform at one moment. Immutable once built and shared.
#[derive(Clone, Debug)]
pub struct Inventory {
    /// When the reading began: what was written later may be missing.
    pub taken_at: Timestamp,
    /// Number of the sweep, from 1.
    pub sweep: u64,
    accounts: HashMap<AccountId, Account>,
    by_object: HashMap<(String, String), Vec<AccountId>>,
    by_name: HashMap<String, Vec<AccountId>>,
}

impl Inventory {
    /// Indexes the accounts; `owner` says which markers are ours.
    pub fn new(taken_at: Timestamp, sweep: u64, owner: &str, accounts: Vec<Account>) -> Self {
        let mut by_object: HashMap<_, Vec<_>> = HashMap::new();
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        let mut all = HashMap::with_capacity(accounts.len());
        for account in accounts {
            if let Some(marker) = account.marker.as_ref().filter(|marker| marker.owner == owner) {
                by_object
                    .entry((marker.namespace.clone(), marker.name.clone()))
                    .or_default()
                    .push(account.id.clone());
            } else {
                by_name.entry(account.settings.name.clone()).or_default().push(account.id.clone());
            }
            all.insert(account.id.clone(), account);
        }
        Self { taken_at, sweep, accounts: all, by_object, by_name }
    }

    pub fn get(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// The accounts that carry our marker for this object, whatever its life.
    pub fn marked(&self, namespace: &str, name: &str) -> impl Iterator<Item = &Account> {
        self.by_object
            .get(&(namespace.to_owned(), name.to_owned()))
            .into_iter()
            .flatten()
            .filter_map(|id| self.accounts.get(id))
    }

    /// The accounts of that name that do not carry a marker of ours.
    pub fn strangers_named(&self, name: &str) -> impl Iterator<Item = &Account> {
        self.by_name.get(name).into_iter().flatten().filter_map(|id| self.accounts.get(id))
    }

    /// Every account with a marker of ours.
    pub fn ours(&self) -> impl Iterator<Item = (&Marker, &Account)> {
        self.by_object.values().flatten().filter_map(|id| {
            let account = self.accounts.get(id)?;
            Some((account.marker.as_ref()?, account))
        })
    }

    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }
}

/// The names a platform knows, read in rotation: they change rarely.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    pub tenant: Option<Tenant>,
    pub roles: Option<Vec<Named>>,
    pub divisions: Option<Vec<Named>>,
    /// The role grants of the managing client itself.
    pub own_grants: Option<BTreeSet<RoleGrant>>,
    /// How long an unused token lives; the inner None: as long as any other.
    pub idle_timeout: Option<Option<SignedDuration>>,
    /// When each part was last read.
    pub read_at: HashMap<CatalogPart, Timestamp>,
}

/// Something with an id and a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Named {
    pub id: String,
    pub name: String,
}

/// The tenant behind a platform.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tenant {
    pub id: String,
    pub name: String,
}

/// The parts of a [`Catalog`], each read by its own call.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum CatalogPart {
    Tenant,
    Roles,
    Divisions,
    OwnGrants,
    IdleTimeout,
}
