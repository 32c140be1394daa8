//! Labels of namespaces, for the selectors of `ClusterPlatform`, from a metadata-only watch.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::Event;

/// Labels by namespace.
#[derive(Debug, Default)]
pub struct NamespaceIndex(RwLock<HashMap<String, BTreeMap<String, String>>>);

impl NamespaceIndex {
    /// Takes one event in. Returns the namespace whose labels changed.
    pub fn take(&self, event: &Event<PartialObjectMeta<Namespace>>) -> Option<String> {
        let mut labels = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Apply(namespace) | Event::InitApply(namespace) => {
                let name = namespace.name_any();
                let now = namespace.labels().clone();
                let before = labels.insert(name.clone(), now.clone());
                (before.as_ref() != Some(&now)).then_some(name)
            }
            Event::Delete(namespace) => {
                let name = namespace.name_any();
                labels.remove(&name).map(|_| name)
            }
            Event::Init | Event::InitDone => None,
        }
    }

    /// The labels of a namespace; None: the watch has not shown it.
    pub fn labels(&self, namespace: &str) -> Option<BTreeMap<String, String>> {
        let labels = self.0.read().unwrap_or_else(PoisonError::into_inner);
        labels.get(namespace).cloned()
    }
}
