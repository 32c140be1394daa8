//! An object of the watch that may not be readable: its metadata always is.
//!
//! Enters: what the API server sent. Leaves: the object, or the field that cannot be read and its metadata, so that one
//! object of another version does not stop the watch of all others. kube's own guard does not name the field.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::PartialObjectMeta;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An object, or why it cannot be read.
#[derive(Clone, Debug)]
pub struct Guard<K>(pub Result<K, Unreadable>);

/// An object that cannot be read.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// The field, and what is wrong with it.
    pub error: String,
    pub metadata: ObjectMeta,
    /// Its status as it stands; null where there is none.
    pub status: Value,
}

impl<'de, K> Deserialize<'de> for Guard<K>
where
    K: serde::de::DeserializeOwned + Resource,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut whole = Value::deserialize(deserializer)?;
        if let Ok(object) = K::deserialize(&whole) {
            return Ok(Self(Ok(object)));
        }
        // Read once more, now with an eye on where it is: that costs, and is rarely needed.
        let error = match serde_path_to_error::deserialize::<_, K>(&whole) {
            Ok(object) => return Ok(Self(Ok(object))),
            Err(error) => error.to_string(),
        };
        let PartialObjectMeta { metadata, .. } =
            PartialObjectMeta::<K>::deserialize(&whole).map_err(D::Error::custom)?;
        let status = whole.get_mut("status").map(Value::take).unwrap_or_default();
        Ok(Self(Err(Unreadable { error, metadata, status })))
    }
}

impl<K: Resource> Resource for Guard<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(of: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(of)
    }

    fn group(of: &Self::DynamicType) -> Cow<'_, str> {
        K::group(of)
    }

    fn version(of: &Self::DynamicType) -> Cow<'_, str> {
        K::version(of)
    }

    fn plural(of: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(of)
    }

    fn meta(&self) -> &ObjectMeta {
        self.0.as_ref().map_or_else(|unreadable| &unreadable.metadata, K::meta)
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.as_mut().map_or_else(|unreadable| &mut unreadable.metadata, K::meta_mut)
    }
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt;
    use serde_json::json;

    use super::*;
    use crate::api::ServiceAccountCredential;

    fn read(grant_types: &Value) -> Guard<ServiceAccountCredential> {
        serde_json::from_value(json!({
            "apiVersion": "keysteward.dev/v1alpha1",
            "kind": "ServiceAccountCredential",
            "metadata": { "name": "etl", "namespace": "team", "uid": "u-1" },
            "spec": {
                "platformRef": { "kind": "Platform", "name": "p" },
                "genesysCloud": { "client": { "name": "etl" }, "grantTypes": grant_types },
            },
        }))
        .unwrap()
    }

    #[test]
    fn an_object_that_can_be_read_is_itself() {
        assert_eq!(read(&json!(["client_credentials"])).0.unwrap().name_any(), "etl");
    }

    #[test]
    fn of_one_that_cannot_the_field_is_named_and_the_metadata_is_known() {
        let guard = read(&json!("client_credentials"));
        assert_eq!((guard.name_any(), guard.namespace()), ("etl".into(), Some("team".into())));
        let error = guard.0.unwrap_err().error;
        assert!(error.starts_with("spec.genesysCloud.grantTypes: invalid type"), "{error}");
    }

    #[test]
    fn what_has_no_metadata_is_no_object() {
        assert!(
            serde_json::from_value::<Guard<ServiceAccountCredential>>(json!({ "metadata": 7 }))
                .is_err()
        );
    }
}
