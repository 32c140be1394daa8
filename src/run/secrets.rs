//! An index of our own Secrets, from metadata-only watches: which object, which version, when to renew. No bytes.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::Event;

use crate::decide::records::{REFRESH_AT, RETAINED_AT, object_of};

/// Namespace and name.
pub type Name = (String, String);

/// What is known of one Secret of ours.
#[derive(Clone, Debug)]
struct Note {
    object: Name,
    refresh_at: Option<Timestamp>,
    retained_at: Option<Timestamp>,
}

/// A Secret of ours that changed.
#[derive(Clone, Debug)]
pub struct Change {
    pub object: Name,
    pub secret: Name,
    /// None: deleted.
    pub version: Option<String>,
}

/// All Secrets of ours that the watches show.
#[derive(Debug, Default)]
pub struct SecretIndex(Mutex<Notes>);

#[derive(Debug, Default)]
struct Notes {
    by_name: HashMap<Name, Note>,
    /// Few for each: a list is smaller than a tree.
    by_object: HashMap<Name, Vec<Name>>,
}

/// The part of one watch: which Secrets a fresh list has shown so far.
#[derive(Debug, Default)]
pub struct Listing(HashSet<Name>);

impl SecretIndex {
    /// Takes one event of one watch in; `covers` says which namespaces that watch shows. Returns what changed.
    pub fn take(
        &self,
        listing: &mut Listing,
        event: Event<PartialObjectMeta<Secret>>,
        operator_namespace: &str,
        covers: impl Fn(&str) -> bool,
    ) -> Vec<Change> {
        let mut notes = self.notes();
        match event {
            Event::Init => {
                listing.0.clear();
                Vec::new()
            }
            Event::InitApply(secret) => {
                listing.0.insert(name_of(&secret));
                notes.put(operator_namespace, &secret).into_iter().collect()
            }
            Event::Apply(secret) => notes.put(operator_namespace, &secret).into_iter().collect(),
            Event::Delete(secret) => notes.remove(&name_of(&secret)).into_iter().collect(),
            Event::InitDone => {
                let gone: Vec<Name> = notes
                    .by_name
                    .keys()
                    .filter(|name| covers(&name.0) && !listing.0.contains(*name))
                    .cloned()
                    .collect();
                listing.0 = HashSet::new();
                gone.iter().filter_map(|name| notes.remove(name)).collect()
            }
        }
    }

    /// Names of the Secrets beside an object.
    pub fn beside(&self, object: &Name) -> Vec<String> {
        let notes = self.notes();
        notes
            .by_object
            .get(object)
            .into_iter()
            .flatten()
            .filter(|name| name.0 == object.0)
            .map(|name| name.1.clone())
            .collect()
    }

    /// Objects whose token should have been renewed before `now`, with that time.
    pub fn overdue(&self, now: Timestamp) -> Vec<(Name, Timestamp)> {
        let notes = self.notes();
        let late = notes.by_name.values().filter_map(|note| Some((note, note.refresh_at?)));
        late.filter(|(_, at)| *at < now).map(|(note, at)| (note.object.clone(), at)).collect()
    }

    /// When a deletion left the client of this object behind.
    pub fn retained_at(&self, object: &Name) -> Option<Timestamp> {
        let notes = self.notes();
        notes
            .by_object
            .get(object)?
            .iter()
            .find_map(|name| notes.by_name.get(name).and_then(|note| note.retained_at))
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Notes {
    fn put(
        &mut self,
        operator_namespace: &str,
        secret: &PartialObjectMeta<Secret>,
    ) -> Option<Change> {
        let name = name_of(secret);
        let annotations = secret.annotations();
        // Only a Secret in its object's own namespace, or in the operator's, speaks for the object: labels can be copied.
        let heard = object_of(annotations)
            .filter(|(namespace, _)| name.0 == *namespace || name.0 == operator_namespace);
        let Some((namespace, object)) = heard else {
            // One of ours that has lost its notes: the object for which it was written looks.
            let object = self.by_name.get(&name)?.object.clone();
            return Some(Change { object, secret: name, version: secret.resource_version() });
        };
        let beside = name.0 == namespace;
        let object = (namespace.to_owned(), object.to_owned());
        let time = |key: &str, heard: bool| {
            annotations.get(key).filter(|_| heard).and_then(|text| text.parse().ok())
        };
        let note = Note {
            object: object.clone(),
            refresh_at: time(REFRESH_AT, beside),
            retained_at: time(RETAINED_AT, name.0 == operator_namespace),
        };
        if let Some(before) = self.by_name.insert(name.clone(), note)
            && before.object != object
        {
            self.unlink(&before.object, &name);
        }
        add(self.by_object.entry(object.clone()).or_default(), &name);
        Some(Change { object, secret: name, version: secret.resource_version() })
    }

    fn remove(&mut self, name: &Name) -> Option<Change> {
        let note = self.by_name.remove(name)?;
        self.unlink(&note.object, name);
        Some(Change { object: note.object, secret: name.clone(), version: None })
    }

    /// The Secret is no longer one of the object's.
    fn unlink(&mut self, object: &Name, secret: &Name) {
        if let Some(names) = self.by_object.get_mut(object) {
            names.retain(|other| other != secret);
            if names.is_empty() {
                self.by_object.remove(object);
            }
        }
    }
}

/// Adds a name to a list in order, once.
pub(super) fn add(names: &mut Vec<Name>, name: &Name) {
    if let Err(place) = names.binary_search(name) {
        names.insert(place, name.clone());
    }
}

fn name_of(secret: &PartialObjectMeta<Secret>) -> Name {
    (secret.namespace().unwrap_or_default(), secret.name_any())
}
