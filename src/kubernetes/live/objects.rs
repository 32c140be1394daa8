//! Our own objects: the finalizer and the status.
//!
//! Enters: an object in one of its lives and a status. Leaves: nothing but success or an [`Error`].
//! Every write is a JSON patch that first tests the UID: on the status subresource of a custom resource the API server
//! puts the stored metadata over what was sent before it validates, so a UID in a server-side apply guards nothing.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::request::{CLUSTER_PLATFORM, CREDENTIAL, PLATFORM, Target};
use super::{FIELD_MANAGER, Live, STATUS_MANAGER};
use crate::api::credential::PlatformKind;
use crate::api::{FINALIZER, PlatformStatus, ServiceAccountCredentialStatus};
use crate::kubernetes::{Error, ObjectKey};
use crate::model::object::PlatformKey;

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    metadata: ObjectMeta,
}

impl Live {
    /// Writes the whole status of a platform object. Guarded by the UID.
    pub async fn write_platform_status(
        &self,
        platform: &PlatformKey,
        uid: &str,
        status: &PlatformStatus,
    ) -> Result<(), Error> {
        self.put_status(platform_target(platform), uid, status).await.map(drop)
    }

    pub(super) async fn put_credential_status(
        &self,
        object: &ObjectKey,
        status: &ServiceAccountCredentialStatus,
    ) -> Result<String, Error> {
        self.put_status(credential_target(object), &object.uid, status).await
    }

    pub(super) async fn put_credential_conditions(
        &self,
        object: &ObjectKey,
        status: &ServiceAccountCredentialStatus,
    ) -> Result<String, Error> {
        let ServiceAccountCredentialStatus { observed_generation, conditions, .. } = status;
        let operations = json!([
            {"op": "test", "path": "/metadata/uid", "value": object.uid},
            {"op": "add", "path": "/status/observedGeneration", "value": observed_generation},
            {"op": "add", "path": "/status/conditions", "value": conditions},
        ]);
        self.patch_status(credential_target(object), &operations).await
    }

    async fn put_status(
        &self,
        target: Target<'_>,
        uid: &str,
        status: &impl Serialize,
    ) -> Result<String, Error> {
        let operations = json!([
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "add", "path": "/status", "value": status},
        ]);
        self.patch_status(target, &operations).await
    }

    /// The version of the object with the new status.
    async fn patch_status(&self, target: Target<'_>, operations: &Value) -> Result<String, Error> {
        let mut ask = target.patch("write the status of", "/status", operations, STATUS_MANAGER);
        ask.metadata_only();
        let Metadata { metadata } = self.ask(ask).await?;
        Ok(metadata.resource_version.unwrap_or_default())
    }

    /// One request where there is no finalizer yet, as on almost every object; else a look and one more.
    pub(super) async fn add_finalizer(&self, object: &ObjectKey) -> Result<(), Error> {
        let first = json!([
            {"op": "test", "path": "/metadata/uid", "value": object.uid},
            {"op": "test", "path": "/metadata/finalizers", "value": null},
            {"op": "add", "path": "/metadata/finalizers", "value": [FINALIZER]},
        ]);
        match self.patch_finalizers("add the finalizer to", object, &first).await {
            Err(Error::Conflict(_) | Error::Invalid(_)) => {}
            done => return done,
        }
        let target = credential_target(object);
        let Metadata { metadata } = self.ask(target.get_metadata()).await?;
        if metadata.uid.as_deref() != Some(object.uid.as_str()) {
            return Err(Error::Gone(format!(
                "could not add the finalizer to {target}: the object was deleted and another has its name"
            )));
        }
        let finalizers = metadata.finalizers.unwrap_or_default();
        if finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
            return Ok(());
        }
        if metadata.deletion_timestamp.is_some() {
            return Err(Error::Gone(format!(
                "could not add the finalizer to {target}: the object is being deleted"
            )));
        }
        let value = if finalizers.is_empty() { Value::Null } else { json!(finalizers) };
        let mut all = finalizers;
        all.push(FINALIZER.into());
        let second = json!([
            {"op": "test", "path": "/metadata/uid", "value": object.uid},
            {"op": "test", "path": "/metadata/finalizers", "value": value},
            {"op": "add", "path": "/metadata/finalizers", "value": all},
        ]);
        self.patch_finalizers("add the finalizer to", object, &second).await
    }

    pub(super) async fn remove_finalizer(&self, object: &ObjectKey) -> Result<(), Error> {
        let target = credential_target(object);
        let Some(Metadata { metadata }) = self.ask_if_any(target.get_metadata()).await? else {
            return Ok(());
        };
        if metadata.uid.as_deref() != Some(object.uid.as_str()) {
            return Ok(());
        }
        let finalizers = metadata.finalizers.unwrap_or_default();
        let Some(place) = finalizers.iter().position(|finalizer| finalizer == FINALIZER) else {
            return Ok(());
        };
        let path = format!("/metadata/finalizers/{place}");
        let operations = json!([
            {"op": "test", "path": "/metadata/uid", "value": object.uid},
            {"op": "test", "path": path, "value": FINALIZER},
            {"op": "remove", "path": path},
        ]);
        match self.patch_finalizers("remove the finalizer from", object, &operations).await {
            Err(Error::Gone(_)) => Ok(()),
            done => done,
        }
    }

    async fn patch_finalizers(
        &self,
        doing: &str,
        object: &ObjectKey,
        operations: &Value,
    ) -> Result<(), Error> {
        let mut ask = credential_target(object).patch(doing, "", operations, FIELD_MANAGER);
        ask.metadata_only();
        self.ask::<Value>(ask).await.map(drop)
    }
}

fn credential_target(object: &ObjectKey) -> Target<'_> {
    Target::new(CREDENTIAL, &object.namespace, &object.name)
}

fn platform_target(platform: &PlatformKey) -> Target<'_> {
    match platform.kind {
        PlatformKind::Platform => Target::new(PLATFORM, &platform.namespace, &platform.name),
        PlatformKind::ClusterPlatform => Target::new(CLUSTER_PLATFORM, "", &platform.name),
    }
}

#[cfg(test)]
mod tests;
