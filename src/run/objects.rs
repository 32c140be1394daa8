//! The objects that the watches show, and who claims what.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use kube::ResourceExt;
use kube::runtime::reflector::{ObjectRef, Store};

use super::guard::Guard;
use super::secrets::{Name, add};
use crate::api::ServiceAccountCredential;
use crate::decide::claims::{Claim, Claimant};
use crate::model::desired::platform_key;
use crate::model::object::{ObjectKey, PlatformKey};

/// An object, or what is left of one that cannot be read.
pub type Guarded = Guard<ServiceAccountCredential>;

/// All objects that this process looks after.
#[derive(Debug, Default)]
pub struct Objects {
    stores: OnceLock<Vec<Store<Guarded>>>,
    /// Who wants it, in order. Almost always one: a list is smaller than a tree.
    claims: Mutex<HashMap<Wanted, Vec<Name>>>,
    /// Watches whose first list is in.
    listed: AtomicUsize,
}

/// What of the platforms a claim depends on.
pub struct Rivalry<'a> {
    /// The tenant behind a platform object, or the object itself while that is unknown.
    pub tenant_of: &'a dyn Fn(&PlatformKey) -> String,
    /// Whether the platform allows the object's namespace: who may not work may not claim.
    pub may_claim: &'a dyn Fn(&ServiceAccountCredential) -> bool,
    /// Whether the object's client has this name now; None: it has none, or no list shows it.
    pub holds_name: &'a dyn Fn(&ServiceAccountCredential, &str) -> Option<bool>,
}

impl std::fmt::Debug for Rivalry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rivalry").finish_non_exhaustive()
    }
}

/// A thing of which there is one: the tenant is not part of it, for it is known only later.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Wanted {
    ClientName(String),
    Secret(Name),
}

impl Objects {
    /// Hands over the stores, once, before any pass.
    pub fn attach(&self, stores: Vec<Store<Guarded>>) {
        self.stores.set(stores).unwrap_or_else(|_| tracing::debug!("stores are attached once"));
    }

    /// The first list of one more watch is in.
    pub fn first_list(&self) {
        self.listed.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether every watch has listed: before that an object that is not here may only not be here yet.
    pub fn complete(&self) -> bool {
        self.listed.load(Ordering::Relaxed) >= self.stores.get().map_or(usize::MAX, Vec::len)
    }

    /// One object.
    pub fn get(&self, name: &Name) -> Option<Arc<Guarded>> {
        let reference = ObjectRef::new(&name.1).within(&name.0);
        self.stores().find_map(|store| store.get(&reference))
    }

    /// Every object that can be read.
    pub fn all(&self) -> Vec<Arc<Guarded>> {
        self.stores().flat_map(Store::state).collect()
    }

    /// Objects on a platform.
    pub fn on(&self, platform: &PlatformKey) -> Vec<Name> {
        self.all()
            .iter()
            .filter_map(|object| {
                let object = object.0.as_ref().ok()?;
                let key = key_of(object);
                (platform_key(object, &key) == *platform).then_some((key.namespace, key.name))
            })
            .collect()
    }

    fn stores(&self) -> impl Iterator<Item = &Store<Guarded>> {
        self.stores.get().into_iter().flatten()
    }

    /// Notes what an object claims. Returns the others that claim one of these things.
    pub fn note(&self, object: &ServiceAccountCredential) -> Vec<Name> {
        let name = (object.namespace().unwrap_or_default(), object.name_any());
        let mut claims = self.claims();
        let mut rivals = Vec::new();
        for wanted in wanted_by(object) {
            let claimants = claims.entry(wanted).or_insert_with(|| Vec::with_capacity(1));
            add(claimants, &name);
            rivals.extend(claimants.iter().filter(|other| **other != name).cloned());
        }
        rivals
    }

    /// An object is gone. Returns the others that claimed one of its things.
    pub fn forget(&self, name: &Name) -> Vec<Name> {
        let mut rivals = Vec::new();
        self.claims().retain(|_, claimants| {
            if let Ok(place) = claimants.binary_search(name) {
                claimants.remove(place);
                rivals.extend(claimants.iter().cloned());
            }
            !claimants.is_empty()
        });
        rivals
    }

    /// The claims of an object, each with everybody who makes it, itself included.
    pub fn rivals(
        &self,
        object: &ServiceAccountCredential,
        view: &Rivalry<'_>,
    ) -> Vec<(Claim, Vec<Claimant>)> {
        let Rivalry { tenant_of, may_claim, holds_name } = view;
        let tenant = tenant_of(&platform_key(object, &key_of(object)));
        let mut found = Vec::new();
        for wanted in wanted_by(object) {
            let names: Vec<Name> =
                self.claims().get(&wanted).into_iter().flatten().cloned().collect();
            if names.len() < 2 {
                continue;
            }
            let others = names.iter().filter_map(|name| self.get(name));
            let claimants = others
                .filter_map(|guarded| {
                    let other = guarded.0.as_ref().ok()?;
                    let same_tenant = tenant_of(&platform_key(other, &key_of(other))) == tenant;
                    let still_wants = wanted_by(other).contains(&wanted);
                    let relevant = match &wanted {
                        Wanted::ClientName(_) => same_tenant,
                        Wanted::Secret(_) => true,
                    };
                    (relevant && still_wants && may_claim(other))
                        .then(|| claimant(other, &wanted, holds_name))
                })
                .collect();
            let claim = match wanted {
                Wanted::ClientName(name) => Claim::ClientName { tenant: tenant.clone(), name },
                Wanted::Secret((namespace, name)) => Claim::Secret { namespace, name },
            };
            found.push((claim, claimants));
        }
        found
    }

    fn claims(&self) -> MutexGuard<'_, HashMap<Wanted, Vec<Name>>> {
        self.claims.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Who an object is.
pub fn key_of(object: &impl ResourceExt) -> ObjectKey {
    ObjectKey {
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
        uid: object.uid().unwrap_or_default(),
    }
}

fn wanted_by(object: &ServiceAccountCredential) -> Vec<Wanted> {
    let namespace = object.namespace().unwrap_or_default();
    let secret = |name: &String| Wanted::Secret((namespace.clone(), name.clone()));
    let spec = &object.spec;
    let name =
        spec.genesys_cloud.as_ref().map(|block| Wanted::ClientName(block.client.name.clone()));
    name.into_iter()
        .chain(spec.token.as_ref().map(|token| secret(&token.secret_name)))
        .chain(spec.credential.as_ref().map(|credential| secret(&credential.secret_name)))
        .collect()
}

fn claimant(
    object: &ServiceAccountCredential,
    wanted: &Wanted,
    holds_name: &dyn Fn(&ServiceAccountCredential, &str) -> Option<bool>,
) -> Claimant {
    let status = object.status.as_ref();
    let holds = match wanted {
        Wanted::ClientName(name) => holds_name(object, name).unwrap_or(false),
        Wanted::Secret((_, name)) => status.is_some_and(|status| {
            status.token.as_ref().is_some_and(|token| token.secret_name == *name)
                || status.credential.as_ref().is_some_and(|c| c.secret_name == *name)
        }),
    };
    Claimant {
        object: key_of(object),
        created_at: object.creation_timestamp().map(|time| time.0),
        holds,
    }
}
