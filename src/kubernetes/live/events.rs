//! Events for `kubectl describe`, through one shared recorder.
//!
//! Enters: what happened, and to which object. Leaves: nothing: an event that cannot be written is a line in the log.
//! The recorder folds repeats of one reason into a series and does not compare notes: a new text needs a new reason.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event as KubeEvent, EventType};
use tracing::debug;

use super::{Live, answer, cut};
use crate::api::credential::PlatformKind;
use crate::api::{GROUP, VERSION};
use crate::kubernetes::{Event, ObjectKey, Severity};
use crate::model::object::PlatformKey;

/// Bytes that the API server takes for a note, and for reason and action.
const NOTE: usize = 1024;
const WORD: usize = 128;

impl Live {
    /// Publishes an event on a platform object; those of a `ClusterPlatform` are found in the namespace `default`.
    pub async fn publish_for_platform(&self, platform: &PlatformKey, uid: &str, event: &Event) {
        let (kind, namespace) = match platform.kind {
            PlatformKind::Platform => ("Platform", Some(platform.namespace.clone())),
            PlatformKind::ClusterPlatform => ("ClusterPlatform", None),
        };
        self.publish_for(reference(kind, namespace, &platform.name, uid), event).await;
    }

    pub(super) async fn publish_for_credential(&self, object: &ObjectKey, event: &Event) {
        let namespace = Some(object.namespace.clone());
        let regarding = reference("ServiceAccountCredential", namespace, &object.name, &object.uid);
        self.publish_for(regarding, event).await;
    }

    async fn publish_for(&self, regarding: ObjectReference, event: &Event) {
        let Event { severity, reason, action, note } = event;
        let written = KubeEvent {
            type_: match severity {
                Severity::Normal => EventType::Normal,
                Severity::Warning => EventType::Warning,
            },
            reason: cut(reason.clone(), WORD),
            action: cut(action.clone(), WORD),
            note: Some(cut(note.clone(), NOTE)),
            secondary: None,
        };
        let recorder = self.recorder.for_one();
        let publishing = recorder.publish(&written, &regarding);
        let trouble = match tokio::time::timeout(self.deadline, publishing).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => answer::refused("publish an event", &error).to_string(),
            Err(_) => "could not publish an event: the API server did not answer".to_owned(),
        };
        debug!(
            reason = reason.as_str(),
            namespace = regarding.namespace,
            name = regarding.name,
            trouble,
            "event not published"
        );
    }
}

fn reference(kind: &str, namespace: Option<String>, name: &str, uid: &str) -> ObjectReference {
    ObjectReference {
        api_version: Some(format!("{GROUP}/{VERSION}")),
        kind: Some(kind.into()),
        namespace,
        name: Some(name.into()),
        // `kubectl describe` looks events up by UID.
        uid: Some(uid.into()),
        ..ObjectReference::default()
    }
}

#[cfg(test)]
mod tests;
