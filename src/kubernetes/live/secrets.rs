//! Secrets: read, made, replaced and deleted as they were read.
//!
//! Enters: manifests. Leaves: what is stored. Writes `data`, never `stringData`: dropped keys would stay.
//! What others attached to a Secret (labels, annotations, finalizers, owners) is sent back unchanged.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::json;

use super::request::{SECRET, Target};
use super::{FIELD_MANAGER, Live};
use crate::api::{GROUP, VERSION};
use crate::kubernetes::{Controller, Error, ObjectKey, SecretManifest, StoredSecret};
use crate::model::secret::Attached;
use crate::model::secret_text::SecretText;

/// Labels and annotations with this prefix are ours alone.
const OUR_PREFIX: &str = "keysteward.dev/";

impl Live {
    pub(super) async fn read_secret(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<StoredSecret>, Error> {
        let found = self.ask_if_any(Target::new(SECRET, namespace, name).get()).await?;
        Ok(found.map(stored))
    }

    pub(super) async fn post_secret(
        &self,
        manifest: &SecretManifest,
    ) -> Result<StoredSecret, Error> {
        let secret = secret(manifest, None);
        let ask = target(&manifest.namespace, &manifest.name).create(&secret, FIELD_MANAGER);
        self.ask(ask).await.map(stored).map_err(|error| redacted(error, manifest))
    }

    pub(super) async fn put_secret(
        &self,
        before: &StoredSecret,
        manifest: &SecretManifest,
    ) -> Result<StoredSecret, Error> {
        let secret = secret(manifest, Some(before));
        let ask = target(&manifest.namespace, &manifest.name).replace(&secret, FIELD_MANAGER);
        self.ask(ask).await.map(stored).map_err(|error| redacted(error, manifest))
    }

    pub(super) async fn remove_secret(&self, stored: &StoredSecret) -> Result<(), Error> {
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": stored.uid, "resourceVersion": stored.resource_version},
        });
        let ask = target(&stored.namespace, &stored.name).delete(&options);
        self.ask_if_any::<serde_json::Value>(ask).await.map(drop)
    }
}

fn target<'a>(namespace: &'a str, name: &'a str) -> Target<'a> {
    Target::new(SECRET, namespace, name)
}

/// The document to be written, over what is stored.
fn secret(manifest: &SecretManifest, before: Option<&StoredSecret>) -> Secret {
    let attached = before.map(|before| before.attached.clone()).unwrap_or_default();
    let nothing = BTreeMap::new();
    let (labels, annotations) =
        before.map_or((&nothing, &nothing), |before| (&before.labels, &before.annotations));
    let mut owners = attached.owners;
    owners.extend(manifest.controller.as_ref().map(controller_reference));
    Secret {
        metadata: ObjectMeta {
            namespace: Some(manifest.namespace.clone()),
            name: Some(manifest.name.clone()),
            uid: before.map(|before| before.uid.clone()),
            resource_version: before.map(|before| before.resource_version.clone()),
            labels: Some(over(labels, &manifest.labels)),
            annotations: Some(over(annotations, &manifest.annotations)),
            finalizers: (!attached.finalizers.is_empty()).then_some(attached.finalizers),
            owner_references: (!owners.is_empty()).then_some(owners),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".into()),
        data: Some(
            manifest
                .data
                .iter()
                .map(|(key, value)| (key.clone(), ByteString(value.reveal().as_bytes().to_vec())))
                .collect(),
        ),
        ..Secret::default()
    }
}

/// What others wrote, and ours as the manifest has it.
fn over(
    stored: &BTreeMap<String, String>,
    ours: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut merged = stored.clone();
    merged.retain(|key, _| !key.starts_with(OUR_PREFIX));
    merged.extend(ours.clone());
    merged
}

fn controller_reference(object: &ObjectKey) -> OwnerReference {
    OwnerReference {
        api_version: format!("{GROUP}/{VERSION}"),
        kind: "ServiceAccountCredential".into(),
        name: object.name.clone(),
        uid: object.uid.clone(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

fn stored(secret: Secret) -> StoredSecret {
    let ObjectMeta {
        namespace,
        name,
        uid,
        resource_version,
        labels,
        annotations,
        owner_references,
        finalizers,
        ..
    } = secret.metadata;
    let (controllers, owners): (Vec<_>, Vec<_>) = owner_references
        .unwrap_or_default()
        .into_iter()
        .partition(|owner| owner.controller == Some(true));
    let controller = controllers
        .into_iter()
        .next()
        .map(|OwnerReference { kind, name, uid, .. }| Controller { kind, name, uid });
    StoredSecret {
        namespace: namespace.unwrap_or_default(),
        name: name.unwrap_or_default(),
        uid: uid.unwrap_or_default(),
        resource_version: resource_version.unwrap_or_default(),
        kind: secret.type_,
        labels: labels.unwrap_or_default(),
        annotations: annotations.unwrap_or_default(),
        controller,
        attached: Attached { finalizers: finalizers.unwrap_or_default(), owners },
        data: secret
            .data
            .unwrap_or_default()
            .into_iter()
            .map(|(key, ByteString(value))| (key, SecretText::new(String::from_utf8_lossy(&value))))
            .collect(),
    }
}

/// An admission webhook may quote what it was shown: its words are dropped if they contain a value.
fn redacted(error: Error, manifest: &SecretManifest) -> Error {
    let text = error.to_string();
    let quotes = |value: &SecretText| {
        let value = value.reveal();
        value.len() >= 4 && (text.contains(value) || text.contains(&encoded(value)))
    };
    if !manifest.data.values().any(quotes) {
        return error;
    }
    let text = format!(
        "could not write Secret {}/{}: the answer quoted the Secret's data and is not shown",
        manifest.namespace, manifest.name
    );
    match error {
        Error::Conflict(_) => Error::Conflict(text),
        Error::Gone(_) => Error::Gone(text),
        Error::Forbidden(_) => Error::Forbidden(text),
        Error::Invalid(_) => Error::Invalid(text),
        Error::Unavailable(_) => Error::Unavailable(text),
    }
}

/// The value as `data` writes it.
fn encoded(value: &str) -> String {
    let bytes = ByteString(value.as_bytes().to_vec());
    match serde_json::to_value(&bytes) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
