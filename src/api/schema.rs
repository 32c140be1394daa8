//! Pieces of schema that several kinds share, and the last touches before an API server sees a schema.
//!
//! Enters: what schemars derived. Leaves: a structural schema whose every field is bounded. Nothing
//! here knows a kind by name.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

/// A name as Kubernetes wants it for Secrets, ConfigMaps and most objects (DNS-1123 subdomain).
pub(super) const OBJECT_NAME: &str =
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// A key of a Secret or `ConfigMap`.
pub(super) const DATA_KEY: &str = r"^[-._a-zA-Z0-9]+$";
/// A namespace (DNS-1123 label).
pub(super) const NAMESPACE: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
/// A host name, without port.
pub(super) const HOST: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$";
/// Addresses of an endpoint: scheme, host and perhaps a port, nothing else.
pub(super) const ORIGIN: &str =
    r"^https?://([a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?$";
/// A span of time: one to three parts of up to six digits and h, m or s.
pub(super) const SPAN: &str = r"^([0-9]{1,6}(h|m|s)){1,3}$";
/// `credential-next.NAMESPACE.NAME` must be a name too: 253 characters less 16, 63 and 1.
pub(super) const NAME_LENGTH: u32 = 173;
pub(super) const NAME_MESSAGE: &str =
    "metadata.name must be at most 173 characters long: names of other objects are made from it";

/// The rule that bounds the object's own name.
pub(super) fn name_fits() -> String {
    format!("size(self.metadata.name) <= {NAME_LENGTH}")
}

/// A rule that bounds a span. What is no span at all is left to its pattern, which says so better.
pub(super) fn span_between(shortest: &str, longest: &str) -> String {
    format!(
        "!self.matches(r'{SPAN}') || (duration(self) >= duration('{shortest}') && duration(self) <= duration('{longest}'))"
    )
}

/// `status.conditions` with the bounds of `metav1.Condition`, which k8s-openapi's own schema lacks.
pub(super) fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "description": "One aspect of the object.",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {
                    "type": "string",
                    "description": "The aspect, for example Ready.",
                    "maxLength": 316,
                    "pattern": r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
                },
                "status": {
                    "type": "string",
                    "description": "True, False or Unknown.",
                    "enum": ["True", "False", "Unknown"],
                },
                "observedGeneration": {
                    "type": "integer",
                    "format": "int64",
                    "description": "The generation of the spec that this condition speaks of.",
                    "minimum": 0,
                },
                "lastTransitionTime": {
                    "type": "string",
                    "format": "date-time",
                    "description": "When status last changed.",
                },
                "reason": {
                    "type": "string",
                    "description": "Why, in one word for columns and alerts.",
                    "minLength": 1,
                    "maxLength": 1024,
                    "pattern": r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
                },
                "message": {
                    "type": "string",
                    "description": "Why, in a sentence: what was tried, what came of it, what to do.",
                    "maxLength": 32768,
                },
            },
        },
    })
}

/// A label selector with bounds.
pub(super) fn label_selector(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "properties": {
            "matchLabels": {
                "type": "object",
                "description": "Labels with the values that they must have. All of them must match.",
                "maxProperties": 16,
                "additionalProperties": { "type": "string", "maxLength": 63 },
            },
            "matchExpressions": {
                "type": "array",
                "description": "Requirements on labels. All of them must match.",
                "maxItems": 16,
                "x-kubernetes-list-type": "atomic",
                "items": {
                    "type": "object",
                    "description": "A requirement on one label.",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": {
                            "type": "string",
                            "description": "The label.",
                            "minLength": 1,
                            "maxLength": 317,
                        },
                        "operator": {
                            "type": "string",
                            "description": "How the label relates to the values.",
                            "enum": ["In", "NotIn", "Exists", "DoesNotExist"],
                        },
                        "values": {
                            "type": "array",
                            "description": "The values. Required for In and NotIn, forbidden otherwise.",
                            "maxItems": 64,
                            "x-kubernetes-list-type": "atomic",
                            "items": { "type": "string", "maxLength": 63 },
                        },
                    },
                    "x-kubernetes-validations": [{
                        "rule": "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
                        "message": "must have values with In and NotIn, and must not have them otherwise",
                    }],
                },
            },
        },
    })
}

/// Makes a derived definition fit for an API server, and gives new objects a status.
///
/// kstatus (Flux, Helm 4) takes an object without status for done, so an untouched one says
/// `observedGeneration: -1`.
pub(super) fn for_the_api_server(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        let Some(schema) = version.schema.as_mut().and_then(|s| s.open_api_v3_schema.as_mut())
        else {
            continue;
        };
        let mut value = serde_json::to_value(&*schema).expect("a schema is plain JSON");
        tidy(&mut value);
        if let Some(status) = value.pointer_mut("/properties/status").and_then(Value::as_object_mut)
        {
            status.insert("default".into(), json!({ "observedGeneration": -1 }));
        }
        *schema = serde_json::from_value(value).expect("tidying keeps it a schema");
    }
    crd
}

/// Takes away what Rust's types say and Kubernetes does not mean: null for "unset", unsigned
/// widths, and the line ends of the source.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.remove("nullable");
            if let Some(Value::String(text)) = object.get_mut("description") {
                *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            }
            tidy_integer(object);
            object.values_mut().for_each(tidy);
        }
        Value::Array(list) => list.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn tidy_integer(object: &mut Map<String, Value>) {
    let unsigned = object
        .get("format")
        .and_then(Value::as_str)
        .is_some_and(|format| format.starts_with("uint"));
    if !unsigned {
        return;
    }
    let small = object
        .get("maximum")
        .and_then(Value::as_f64)
        .is_some_and(|maximum| maximum <= f64::from(i32::MAX));
    object.insert("format".into(), json!(if small { "int32" } else { "int64" }));
}
