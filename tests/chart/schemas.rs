//! JSON schemas for kubeconform, from what the API server says of its own kinds.
//!
//! kubeconform would download its schemas; these are of the very version under test, and know our kinds.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kube::Client;
use kube::api::ListParams;
use kube::core::Request;
use serde_json::{Map, Value, json};

/// Writes a strict schema for every kind of these paths, as `KIND-GROUP-VERSION.json` in small letters, which is
/// how kubeconform is told to look for them.
pub(crate) async fn export(client: &Client, paths: &[&str], folder: &Path) {
    for path in paths {
        let document = read(client, path).await;
        let schemas = document["components"]["schemas"].as_object().expect("schemas are there");
        let definitions: Map<String, Value> =
            schemas.iter().map(|(name, schema)| (name.clone(), strict(schema))).collect();
        let mut kinds = BTreeSet::new();
        for (name, schema) in schemas {
            for kind in schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
                let text = |field: &str| kind[field].as_str().unwrap_or_default().to_lowercase();
                // kubeconform drops what follows the first dot of a group.
                let group = text("group").split('.').next().unwrap_or_default().to_owned();
                let parts = [text("kind"), group, text("version")];
                let file: Vec<&str> =
                    parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
                if !kinds.insert(file.join("-")) {
                    continue;
                }
                let schema = json!({
                    "$schema": "http://json-schema.org/draft-07/schema#",
                    "$ref": format!("#/components/schemas/{name}"),
                    "components": { "schemas": definitions },
                });
                fs::write(folder.join(format!("{}.json", file.join("-"))), schema.to_string())
                    .expect("the folder can be written");
            }
        }
    }
}

async fn read(client: &Client, path: &str) -> Value {
    // The path of the document is that of a list, but for its prefix.
    let request = Request::new(format!("/openapi/v3/{path}")).list(&ListParams::default());
    let request = request.expect("the path is one of ours");
    let text = client.request_text(request).await.expect("the server describes itself");
    serde_json::from_str(&text).expect("the description is JSON")
}

/// A schema that refuses fields which it does not name.
fn strict(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let mut fields: Map<String, Value> =
                fields.iter().map(|(name, value)| (name.clone(), strict(value))).collect();
            let closed = fields.get("properties").is_some_and(Value::is_object)
                && !fields.contains_key("additionalProperties")
                && !fields.contains_key("x-kubernetes-preserve-unknown-fields");
            if closed {
                fields.insert("additionalProperties".into(), json!(false));
            }
            Value::Object(fields)
        }
        Value::Array(list) => list.iter().map(strict).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}
