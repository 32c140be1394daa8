//! In: kind, namespace and name. Out: the object as the API server has it, as JSON.
//! It reads as the administrator does.

use kube::Api;
use kube::api::{DeleteParams, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind, TypeMeta};
use serde_json::Value;

use super::World;

/// Group, version, kind and plural of what these tests look at.
const KINDS: [(&str, &str, &str, &str); 6] = [
    ("keysteward.dev", "v1alpha1", "ServiceAccountCredential", "serviceaccountcredentials"),
    ("keysteward.dev", "v1alpha1", "Platform", "platforms"),
    ("keysteward.dev", "v1alpha1", "ClusterPlatform", "clusterplatforms"),
    ("", "v1", "Secret", "secrets"),
    ("events.k8s.io", "v1", "Event", "events"),
    ("coordination.k8s.io", "v1", "Lease", "leases"),
];

fn resource(kind: &str) -> ApiResource {
    let found = KINDS.iter().find(|known| known.2 == kind);
    let (group, version, kind, plural) = found.unwrap_or_else(|| panic!("{kind} is not known"));
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}

impl World {
    /// The objects of a kind in a namespace; an empty one is for kinds without.
    pub(crate) fn api(&self, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let resource = resource(kind);
        if namespace.is_empty() {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), namespace, &resource)
        }
    }

    /// An object, if it is there.
    pub(crate) async fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let found = self.api(kind, namespace).get_opt(name).await.unwrap();
        found.map(|object| serde_json::to_value(object).unwrap())
    }

    /// All objects of a kind in a namespace.
    pub(crate) async fn list(&self, kind: &str, namespace: &str) -> Vec<Value> {
        let list = self.api(kind, namespace).list(&ListParams::default()).await.unwrap();
        let types = resource(kind);
        let whole = |mut object: DynamicObject| {
            // The items of a list do not say what they are.
            object.types =
                Some(TypeMeta { api_version: types.api_version.clone(), kind: types.kind.clone() });
            serde_json::to_value(object).unwrap()
        };
        list.items.into_iter().map(whole).collect()
    }

    /// Deletes an object; one that is not there counts as deleted.
    pub(crate) async fn delete(&self, kind: &str, namespace: &str, name: &str) {
        match self.api(kind, namespace).delete(name, &DeleteParams::default()).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => panic!("{kind} {namespace}/{name}: {error}"),
        }
    }

    /// Waits until an object is gone.
    pub(crate) async fn gone(&self, kind: &str, namespace: &str, name: &str) {
        self.until(&format!("{kind} {name} is gone"), async || {
            match self.get(kind, namespace, name).await {
                None => Ok(()),
                Some(object) => Err(super::summary(&object)),
            }
        })
        .await;
    }

    /// Reasons and notes of the events on an object, in any order.
    pub(crate) async fn events(&self, namespace: &str, name: &str) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let events = self.list("Event", namespace).await;
        events
            .iter()
            .filter(|event| event["regarding"]["name"] == name)
            .map(|event| (text(&event["reason"]), text(&event["note"])))
            .collect()
    }

    /// Waits for an event with this reason whose note contains a text.
    pub(crate) async fn event(&self, name: &str, reason: &str, part: &str) {
        self.until(&format!("an event {reason} with {part:?} on {name}"), async || {
            let events = self.events(&self.namespace, name).await;
            let found = events.iter().any(|(its, note)| its == reason && note.contains(part));
            found.then_some(()).ok_or_else(|| format!("{events:#?}"))
        })
        .await;
    }
}
