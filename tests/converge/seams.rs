//! The world behind both seams: every call passes the plan of mishaps and reaches the tenant or the API server.

use std::collections::BTreeSet;

use keysteward::api::ServiceAccountCredentialStatus;
use keysteward::kubernetes::{Cluster, Error, Event, ObjectKey};
use keysteward::model::account::{Account, AccountId, Field, Wish};
use keysteward::model::fault::Fault;
use keysteward::model::inventory::{Catalog, CatalogPart, Named, Tenant};
use keysteward::model::platform::{Addresses, Capabilities};
use keysteward::model::secret::{SecretManifest, StoredSecret};
use keysteward::model::secret_text::SecretText;
use keysteward::model::token::{Credential, Introspection, Token};
use keysteward::provider::{Created, Provider, Snapshot};

use crate::faults::Mishap;
use crate::tenant::role;
use crate::world::{Kind, State, World};

/// Roles of the tenant; the managing client holds all but the last.
pub(crate) const ROLES: [&str; 3] = ["Reporting Viewer", "Reporting Editor", "Admin"];

impl World {
    async fn remote<T>(
        &self,
        what: String,
        kind: Kind,
        effect: impl FnOnce(&mut State) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let asked = what.clone();
        let effect = move |state: &mut State| match state.tenant.outages.of(&asked) {
            Some(fault) => Err(fault),
            None => effect(state),
        };
        self.call(what, kind, Mishap::at_the_platform, effect).await
    }

    async fn cluster<T>(
        &self,
        what: String,
        kind: Kind,
        effect: impl FnOnce(&mut State) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.call(what, kind, Mishap::at_the_cluster, effect).await
    }
}

impl Provider for World {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn accounts(&self) -> Result<Vec<Account>, Fault> {
        let list = |state: &mut State| Ok(state.tenant.list(state.now));
        self.remote("list clients".into(), Kind::RemoteRead, list).await
    }

    async fn catalog(&self, part: CatalogPart, catalog: &mut Catalog) -> Result<(), Fault> {
        let what = format!("read {part:?}");
        let id = self.remote(what, Kind::RemoteRead, |state| Ok(state.tenant.id.clone())).await?;
        let named = |name: &str| Named { id: format!("id-of-{name}"), name: name.into() };
        match part {
            CatalogPart::Tenant => catalog.tenant = Some(Tenant { id, name: "Acme".into() }),
            CatalogPart::Roles => catalog.roles = Some(ROLES.map(named).into()),
            CatalogPart::Divisions => catalog.divisions = Some(vec![named("Home")]),
            CatalogPart::OwnGrants => {
                catalog.own_grants = Some(ROLES[..2].iter().map(|name| role(name)).collect());
            }
            CatalogPart::IdleTimeout => {
                catalog.idle_timeout = Some(self.state().tenant.idle_timeout);
            }
        }
        Ok(())
    }

    async fn read(&self, id: &AccountId) -> Result<Option<Snapshot>, Fault> {
        let effect = |state: &mut State| Ok(state.tenant.read(&id.0, state.now));
        self.remote(format!("read {id}"), Kind::RemoteRead, effect).await
    }

    async fn create(&self, wish: &Wish) -> Result<Created, Fault> {
        let effect = |state: &mut State| Ok(state.tenant.create(wish, state.now));
        self.remote("create a client".into(), Kind::RemoteWrite, effect).await
    }

    async fn update(
        &self,
        snapshot: &Snapshot,
        wish: &Wish,
        fields: &BTreeSet<Field>,
    ) -> Result<Account, Fault> {
        let what = format!("update {} {fields:?}", snapshot.account.id);
        self.remote(what, Kind::RemoteWrite, |state| {
            let now = state.now;
            state.tenant.update(snapshot, wish, fields, now)
        })
        .await
    }

    async fn regenerate(&self, id: &AccountId) -> Result<Credential, Fault> {
        self.remote(format!("regenerate {id}"), Kind::RemoteWrite, |state| {
            let now = state.now;
            state.tenant.regenerate(&id.0, now)
        })
        .await
    }

    async fn delete(&self, id: &AccountId) -> Result<(), Fault> {
        self.remote(format!("delete {id}"), Kind::RemoteWrite, |state| {
            let now = state.now;
            state.tenant.delete(&id.0, now)
        })
        .await
    }

    async fn mint(&self, credential: &Credential) -> Result<Token, Fault> {
        self.remote(format!("mint with {}", credential.client_id), Kind::RemoteWrite, |state| {
            let now = state.now;
            state.tenant.mint(credential, now)
        })
        .await
    }

    async fn introspect(&self, access_token: &SecretText) -> Result<Introspection, Fault> {
        self.remote("introspect".into(), Kind::RemoteRead, |state| {
            state.tenant.introspect(access_token.reveal(), state.now)
        })
        .await
    }

    async fn revoke(&self, access_token: &SecretText) -> Result<(), Fault> {
        self.remote("revoke".into(), Kind::RemoteWrite, |state| {
            state.tenant.revoke(access_token.reveal());
            Ok(())
        })
        .await
    }

    fn addresses(&self) -> Addresses {
        addresses()
    }
}

pub(crate) fn addresses() -> Addresses {
    Addresses {
        region: "eu-central-1".into(),
        api: "https://api.example".into(),
        login: "https://login.example".into(),
    }
}

impl Cluster for World {
    async fn secret(&self, namespace: &str, name: &str) -> Result<Option<StoredSecret>, Error> {
        let effect = |state: &mut State| Ok(state.etcd.secret(namespace, name).cloned());
        self.cluster(format!("get Secret {name}"), Kind::KubernetesRead, effect).await
    }

    async fn create_secret(&self, manifest: &SecretManifest) -> Result<StoredSecret, Error> {
        let what = format!("create Secret {}", manifest.name);
        self.cluster(what, Kind::KubernetesWrite, |state| state.etcd.create(manifest)).await
    }

    async fn replace_secret(
        &self,
        stored: &StoredSecret,
        manifest: &SecretManifest,
    ) -> Result<StoredSecret, Error> {
        let what = format!("replace Secret {}", manifest.name);
        self.cluster(what, Kind::KubernetesWrite, |state| state.etcd.replace(stored, manifest))
            .await
    }

    async fn delete_secret(&self, stored: &StoredSecret) -> Result<(), Error> {
        self.cluster(format!("delete Secret {}", stored.name), Kind::KubernetesWrite, |state| {
            state.etcd.delete(stored)
        })
        .await
    }

    async fn hold(&self, object: &ObjectKey) -> Result<(), Error> {
        self.cluster("hold".into(), Kind::KubernetesWrite, |state| state.etcd.hold(object)).await
    }

    async fn release(&self, object: &ObjectKey) -> Result<(), Error> {
        self.cluster("release".into(), Kind::KubernetesWrite, |state| {
            state.etcd.release(object);
            Ok(())
        })
        .await
    }

    async fn write_status(
        &self,
        object: &ObjectKey,
        status: &ServiceAccountCredentialStatus,
    ) -> Result<String, Error> {
        let effect = |state: &mut State| state.etcd.write_status(object, status);
        self.cluster("write status".into(), Kind::KubernetesWrite, effect).await
    }

    async fn write_conditions(
        &self,
        object: &ObjectKey,
        status: &ServiceAccountCredentialStatus,
    ) -> Result<String, Error> {
        // The stories' objects can be read: whatever else is in their status is in this one too.
        self.write_status(object, status).await
    }

    async fn publish(&self, _object: &ObjectKey, event: &Event) {
        self.state().etcd.publish(event);
    }
}
