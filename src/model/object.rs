//! Which Kubernetes object is meant.

use std::fmt;

use crate::api::credential::PlatformKind;

/// A `ServiceAccountCredential` in one of its lives.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ObjectKey {
    pub namespace: String,
    pub name: String,
    pub uid: String,
}

/// A platform object. The namespace is empty for a `ClusterPlatform`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PlatformKey {
    pub kind: PlatformKind,
    pub namespace: String,
    pub name: String,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl fmt::Display for PlatformKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            PlatformKind::Platform => write!(f, "Platform {}/{}", self.namespace, self.name),
            PlatformKind::ClusterPlatform => write!(f, "ClusterPlatform {}", self.name),
        }
    }
}
