//! The labels of the metrics.
//!
//! Enters: platforms, objects, fields. Leaves: label sets. A platform is `NAMESPACE/NAME`, a cluster-wide one its name.

use prometheus_client::encoding::EncodeLabelSet;

use crate::kubernetes::ObjectKey;
use crate::model::account::Field;
use crate::model::object::PlatformKey;

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Outcome {
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct KubernetesCall {
    pub(super) verb: &'static str,
    pub(super) resource: String,
    pub(super) code: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Verb {
    pub(super) verb: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct RemoteCall {
    pub(super) platform: String,
    pub(super) endpoint: &'static str,
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct PlatformLabel {
    pub(super) platform: String,
}

/// Something done on a platform, and how it ended.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Swept {
    pub(super) platform: String,
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct State {
    pub(super) state: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct FieldLabel {
    pub(super) field: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct ObjectLabel {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Swept {
    pub(super) fn new(platform: &PlatformKey, outcome: &'static str) -> Self {
        let PlatformLabel { platform } = platform.into();
        Self { platform, outcome }
    }
}

impl From<&PlatformKey> for PlatformLabel {
    fn from(key: &PlatformKey) -> Self {
        let PlatformKey { kind: _, namespace, name } = key;
        let platform =
            if namespace.is_empty() { name.clone() } else { format!("{namespace}/{name}") };
        Self { platform }
    }
}

impl From<&ObjectKey> for ObjectLabel {
    fn from(key: &ObjectKey) -> Self {
        let ObjectKey { namespace, name, uid: _ } = key;
        Self { namespace: namespace.clone(), name: name.clone() }
    }
}

impl From<Field> for FieldLabel {
    fn from(field: Field) -> Self {
        Self { field: field.as_str() }
    }
}
