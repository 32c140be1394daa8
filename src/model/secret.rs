//! Kubernetes Secrets as values: as stored, and as to be written.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::object::ObjectKey;
use super::secret_text::SecretText;

/// A Secret as stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredSecret {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    pub resource_version: String,
    pub kind: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    /// The controller reference, if there is one.
    pub controller: Option<Controller>,
    /// What others attached besides; a replacement keeps it.
    pub attached: Attached,
    /// Values that are not UTF-8 are read lossily: they can only be somebody's edit.
    pub data: BTreeMap<String, SecretText>,
}

/// What others attached to a Secret: it stays through a replacement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attached {
    pub finalizers: Vec<String>,
    /// Owner references that are not the controller's.
    pub owners: Vec<OwnerReference>,
}

/// Who controls a Secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Controller {
    pub kind: String,
    pub name: String,
    pub uid: String,
}

/// A Secret to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct SecretManifest {
    pub namespace: String,
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    /// The `ServiceAccountCredential` that controls the Secret; None in the operator's namespace.
    pub controller: Option<ObjectKey>,
    pub data: BTreeMap<String, SecretText>,
}
