//! What the API server stores: one object of ours, Secrets of ours and of others, events. It guards as the real one does.
//!
//! Enters: calls that passed the fault plan, and deeds of users. Leaves: what is stored, and conflicts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use keysteward::api::{FINALIZER, ServiceAccountCredential, ServiceAccountCredentialStatus};
use keysteward::decide::records::{credential_in, object_of};
use keysteward::kubernetes::{Controller, Error, Event, ObjectKey};
use keysteward::model::secret::{SecretManifest, StoredSecret};
use keysteward::model::secret_text::SecretText;

use crate::tenant::CANARY;

pub(crate) const NAMESPACE: &str = "analytics";
pub(crate) const NAME: &str = "reporting-etl";
pub(crate) const OPERATOR_NAMESPACE: &str = "keysteward-system";

type Name = (String, String);

#[derive(Debug, Default)]
pub(crate) struct Etcd {
    pub(crate) object: Option<ServiceAccountCredential>,
    pub(crate) secrets: BTreeMap<Name, StoredSecret>,
    pub(crate) events: Vec<Event>,
    pub(crate) wrongs: Vec<String>,
    /// Secrets of others: as they must stay.
    foreign: BTreeMap<Name, StoredSecret>,
    versions: u64,
    lives: u32,
}

impl Etcd {
    fn version(&mut self) -> String {
        self.versions += 1;
        self.versions.to_string()
    }

    /// Somebody applies an object. The spec of one that is there is replaced.
    pub(crate) fn apply(&mut self, spec: &serde_json::Value, now: Timestamp) {
        if let Some(object) = &mut self.object {
            object.spec = serde_json::from_value(spec.clone()).unwrap();
            *object.metadata.generation.get_or_insert(1) += 1;
            return;
        }
        self.lives += 1;
        let mut object: ServiceAccountCredential = serde_json::from_value(serde_json::json!({
            "apiVersion": "keysteward.dev/v1alpha1",
            "kind": "ServiceAccountCredential",
            "metadata": {
                "namespace": NAMESPACE,
                "name": NAME,
                "uid": format!("uid-{}", self.lives),
                "generation": 1,
            },
            "spec": spec,
        }))
        .unwrap();
        object.metadata.creation_timestamp = Some(Time(now));
        self.object = Some(object);
    }

    /// Somebody deletes the object.
    pub(crate) fn delete_object(&mut self, now: Timestamp) {
        let Some(object) = &mut self.object else { return };
        if object.metadata.finalizers.as_ref().is_none_or(Vec::is_empty) {
            self.object = None;
        } else {
            object.metadata.deletion_timestamp.get_or_insert(Time(now));
            *object.metadata.generation.get_or_insert(1) += 1;
        }
    }

    pub(crate) fn key(&self) -> Option<ObjectKey> {
        let metadata = &self.object.as_ref()?.metadata;
        Some(ObjectKey {
            namespace: metadata.namespace.clone()?,
            name: metadata.name.clone()?,
            uid: metadata.uid.clone()?,
        })
    }

    /// Somebody else puts a Secret that is none of ours.
    pub(crate) fn put_foreign(&mut self, namespace: &str, name: &str, data: &[(&str, &str)]) {
        let stored = StoredSecret {
            namespace: namespace.into(),
            name: name.into(),
            uid: format!("foreign-{namespace}-{name}"),
            resource_version: self.version(),
            kind: Some("Opaque".into()),
            data: data.iter().map(|(k, v)| ((*k).into(), SecretText::new(*v))).collect(),
            ..StoredSecret::default()
        };
        let name = (namespace.to_owned(), name.to_owned());
        self.foreign.insert(name.clone(), stored.clone());
        self.secrets.insert(name, stored);
    }

    /// Somebody edits a Secret of ours.
    pub(crate) fn edit(&mut self, namespace: &str, name: &str, key: &str, value: &str) {
        let version = self.version();
        let at = (namespace.to_owned(), name.to_owned());
        let stored = self.secrets.get_mut(&at).expect("the test edits a Secret that exists");
        stored.data.insert(key.to_owned(), SecretText::new(value));
        stored.resource_version = version;
    }

    /// Somebody deletes a Secret of ours.
    pub(crate) fn remove(&mut self, namespace: &str, name: &str) {
        let at = (namespace.to_owned(), name.to_owned());
        self.secrets.remove(&at).expect("the test deletes a Secret that exists");
    }

    pub(crate) fn secret(&self, namespace: &str, name: &str) -> Option<&StoredSecret> {
        self.secrets.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// Names of Secrets beside the object that say that they are of it, as the watch shows them.
    pub(crate) fn beside(&self) -> Vec<String> {
        let ours = self.secrets.values().filter(|stored| {
            stored.namespace == NAMESPACE
                && stored.labels.contains_key("keysteward.dev/owner")
                && object_of(&stored.annotations) == Some((NAMESPACE, NAME))
        });
        ours.map(|stored| stored.name.clone()).collect()
    }

    /// Client id and secret of every credential that is stored anywhere.
    pub(crate) fn stored_credentials(&self) -> impl Iterator<Item = (String, String)> {
        let ours = self.secrets.iter().filter(|(name, _)| !self.foreign.contains_key(*name));
        ours.filter_map(|(_, stored)| {
            let credential = credential_in(&stored.data)?;
            Some((credential.client_id, credential.client_secret.reveal().to_owned()))
        })
    }

    /// Every Secret that is not somebody else's.
    pub(crate) fn ours(&self) -> Vec<&StoredSecret> {
        let ours = self.secrets.iter().filter(|(name, _)| !self.foreign.contains_key(*name));
        ours.map(|(_, stored)| stored).collect()
    }

    pub(crate) fn foreign_untouched(&self) -> bool {
        self.foreign.iter().all(|(name, stored)| self.secrets.get(name) == Some(stored))
    }

    pub(crate) fn create(&mut self, manifest: &SecretManifest) -> Result<StoredSecret, Error> {
        let name = (manifest.namespace.clone(), manifest.name.clone());
        if self.secrets.contains_key(&name) {
            return Err(Error::Conflict(format!("Secret {} exists", manifest.name)));
        }
        let before = StoredSecret::default();
        let uid = format!("secret-{}", self.versions);
        Ok(self.store(&before, manifest, uid))
    }

    pub(crate) fn replace(
        &mut self,
        before: &StoredSecret,
        manifest: &SecretManifest,
    ) -> Result<StoredSecret, Error> {
        let name = (manifest.namespace.clone(), manifest.name.clone());
        let Some(stored) = self.secrets.get(&name).cloned() else {
            return Err(Error::Gone(format!("Secret {} is gone", manifest.name)));
        };
        if stored.uid != before.uid || stored.resource_version != before.resource_version {
            return Err(Error::Conflict(format!("Secret {} changed", manifest.name)));
        }
        let uid = stored.uid.clone();
        Ok(self.store(&stored, manifest, uid))
    }

    fn store(
        &mut self,
        before: &StoredSecret,
        manifest: &SecretManifest,
        uid: String,
    ) -> StoredSecret {
        let name = (manifest.namespace.clone(), manifest.name.clone());
        if self.foreign.contains_key(&name) {
            self.wrongs.push(format!("Secret {} of somebody else was written", manifest.name));
        }
        if manifest.namespace != OPERATOR_NAMESPACE && manifest.namespace != NAMESPACE {
            self.wrongs.push(format!("a Secret was written in {}", manifest.namespace));
        }
        let over = |stored: &BTreeMap<String, String>, ours: &BTreeMap<String, String>| {
            let mut merged = stored.clone();
            merged.retain(|key, _| !key.starts_with("keysteward.dev/"));
            merged.extend(ours.clone());
            merged
        };
        let stored = StoredSecret {
            namespace: manifest.namespace.clone(),
            name: manifest.name.clone(),
            uid,
            resource_version: self.version(),
            kind: Some("Opaque".into()),
            labels: over(&before.labels, &manifest.labels),
            annotations: over(&before.annotations, &manifest.annotations),
            controller: manifest.controller.as_ref().map(|object| Controller {
                kind: "ServiceAccountCredential".into(),
                name: object.name.clone(),
                uid: object.uid.clone(),
            }),
            attached: before.attached.clone(),
            data: manifest.data.clone(),
        };
        let open = format!("{:?}{:?}", stored.labels, stored.annotations);
        if open.contains(CANARY) {
            self.wrongs.push(format!("a label or annotation shows a secret: {open}"));
        }
        self.secrets.insert(name, stored.clone());
        stored
    }

    pub(crate) fn delete(&mut self, stored: &StoredSecret) -> Result<(), Error> {
        let name = (stored.namespace.clone(), stored.name.clone());
        let Some(found) = self.secrets.get(&name) else { return Ok(()) };
        if found.uid != stored.uid || found.resource_version != stored.resource_version {
            return Err(Error::Conflict(format!("Secret {} changed", stored.name)));
        }
        if self.foreign.contains_key(&name) {
            self.wrongs.push(format!("Secret {} of somebody else was deleted", stored.name));
        }
        self.secrets.remove(&name);
        Ok(())
    }

    /// The object in this very life.
    fn living(&mut self, key: &ObjectKey) -> Result<&mut ServiceAccountCredential, Error> {
        let found = self.object.as_mut();
        found
            .filter(|object| object.metadata.uid.as_deref() == Some(key.uid.as_str()))
            .ok_or_else(|| Error::Gone(format!("{key} is gone")))
    }

    pub(crate) fn hold(&mut self, key: &ObjectKey) -> Result<(), Error> {
        let object = self.living(key)?;
        if object.metadata.deletion_timestamp.is_some() {
            return Err(Error::Gone(format!("{key} is being deleted")));
        }
        object.metadata.finalizers = Some(vec![FINALIZER.into()]);
        Ok(())
    }

    pub(crate) fn release(&mut self, key: &ObjectKey) {
        let Ok(object) = self.living(key) else { return };
        object.metadata.finalizers = None;
        if object.metadata.deletion_timestamp.is_some() {
            self.object = None;
        }
    }

    pub(crate) fn write_status(
        &mut self,
        key: &ObjectKey,
        status: &ServiceAccountCredentialStatus,
    ) -> Result<String, Error> {
        let object = self.living(key)?;
        let before = object.status.replace(status.clone()).unwrap_or_default();
        let wrongs = wrongs_of(&before, status, object.metadata.generation);
        self.wrongs.extend(wrongs);
        Ok(self.version())
    }

    pub(crate) fn publish(&mut self, event: &Event) {
        let text = format!("{event:?}");
        if text.contains(CANARY) {
            self.wrongs.push(format!("an event shows a secret: {text}"));
        }
        self.events.push(event.clone());
    }
}

/// What must hold of every status ever written.
fn wrongs_of(
    before: &ServiceAccountCredentialStatus,
    after: &ServiceAccountCredentialStatus,
    generation: Option<i64>,
) -> Vec<String> {
    let mut wrongs = Vec::new();
    let text = serde_json::to_string(after).unwrap();
    if text.contains(CANARY) {
        wrongs.push(format!("a status shows a secret: {text}"));
    }
    if before == after {
        wrongs.push("a status was written that changes nothing".into());
    }
    let find = |status: &ServiceAccountCredentialStatus, kind: &str| -> Option<Condition> {
        status.conditions.iter().find(|condition| condition.type_ == kind).cloned()
    };
    for old in &before.conditions {
        if let Some(new) = find(after, &old.type_) {
            let (was, is) = (&old.last_transition_time, &new.last_transition_time);
            if (old.status == new.status && was != is) || is < was {
                wrongs.push(format!("the time of {} moved without its status", old.type_));
            }
        }
    }
    if after.conditions.is_empty() {
        return wrongs;
    }
    let is = |kind: &str| find(after, kind).is_some_and(|condition| condition.status == "True");
    let ready_false = find(after, "Ready").is_some_and(|condition| condition.status == "False");
    if ready_false != (is("Reconciling") != is("Stalled")) {
        wrongs
            .push(format!("Ready False must mean exactly one of Reconciling and Stalled: {text}"));
    }
    if is("Reconciling") && is("Stalled") {
        wrongs.push("Reconciling and Stalled at once".into());
    }
    for condition in &after.conditions {
        if condition.observed_generation > generation || condition.message.is_empty() {
            wrongs.push(format!("{} has a generation of its own or no message", condition.type_));
        }
    }
    wrongs
}
