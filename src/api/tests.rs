//! What must hold for every field of every kind, and for what the types read and write.

use std::fs;
use std::path::{Path, PathBuf};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

type Look<'a> = &'a mut dyn FnMut(&str, &JSONSchemaProps);

/// Shows every schema below a definition, with its path.
fn every_field(look: Look<'_>) {
    for crd in all() {
        let kind = crd.spec.names.kind.clone();
        walk(&kind, schema_of(&crd), look);
    }
}

fn schema_of(crd: &CustomResourceDefinition) -> &JSONSchemaProps {
    let schema = crd.spec.versions[0].schema.as_ref().unwrap();
    schema.open_api_v3_schema.as_ref().unwrap()
}

fn walk(path: &str, schema: &JSONSchemaProps, look: Look<'_>) {
    look(path, schema);
    for (name, property) in schema.properties.iter().flatten() {
        walk(&format!("{path}.{name}"), property, look);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        walk(&format!("{path}[]"), items, look);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &schema.additional_properties {
        walk(&format!("{path}{{}}"), values, look);
    }
}

fn violations(rule: impl Fn(&str, &JSONSchemaProps) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    every_field(&mut |path, schema| {
        if !rule(path, schema) {
            found.push(path.to_owned());
        }
    });
    found
}

fn is(schema: &JSONSchemaProps, kind: &str) -> bool {
    schema.type_.as_deref() == Some(kind)
}

#[test]
fn every_field_has_a_description_of_one_paragraph() {
    let undescribed = violations(|path, schema| {
        // Items and values of maps without fields are described by their list.
        let is_part = path.ends_with("[]") || path.ends_with("{}");
        let described = schema
            .description
            .as_ref()
            .is_some_and(|text| text.len() > 8 && !text.contains('\n') && text.ends_with('.'));
        described || (is_part && is(schema, "string"))
    });
    assert_eq!(undescribed, Vec::<String>::new());
}

#[test]
fn every_text_is_bounded() {
    let unbounded = violations(|_, schema| {
        !is(schema, "string")
            || schema.max_length.is_some()
            || schema.enum_.is_some()
            || schema.format.as_deref() == Some("date-time")
    });
    assert_eq!(unbounded, Vec::<String>::new());
}

#[test]
fn every_list_is_bounded_and_says_how_it_is_merged() {
    let undecided = violations(|_, schema| {
        !is(schema, "array")
            || (schema.max_items.is_some() && schema.x_kubernetes_list_type.is_some())
    });
    assert_eq!(undecided, Vec::<String>::new());
}

#[test]
fn every_map_is_bounded() {
    let unbounded = violations(|_, schema| {
        schema.additional_properties.is_none() || schema.max_properties.is_some()
    });
    assert_eq!(unbounded, Vec::<String>::new());
}

#[test]
fn every_number_is_bounded_and_of_a_width_that_kubernetes_knows() {
    let unbounded = violations(|_, schema| {
        !is(schema, "integer")
            || (schema.minimum.is_some()
                && matches!(schema.format.as_deref(), Some("int32" | "int64")))
    });
    assert_eq!(unbounded, Vec::<String>::new());
}

#[test]
fn every_schema_has_a_type_and_none_takes_null() {
    let bad = violations(|_, schema| {
        let null_in_enum = schema.enum_.iter().flatten().any(|value| value.0.is_null());
        schema.type_.is_some() && schema.nullable.is_none() && !null_in_enum
    });
    assert_eq!(bad, Vec::<String>::new());
}

#[test]
fn every_rule_has_a_message_of_one_line() {
    let mut rules = 0;
    every_field(&mut |path, schema| {
        for rule in schema.x_kubernetes_validations.iter().flatten() {
            let message = rule.message.as_deref().unwrap_or_default();
            assert!(message.contains("must"), "{path}: {message:?}");
            assert!(!message.contains('\n') && !message.ends_with('.'), "{path}: {message:?}");
            rules += 1;
        }
    });
    assert!(rules > 40, "only {rules} rules were looked at");
}

#[test]
fn list_types_are_the_decided_ones() {
    let mut types = Vec::new();
    every_field(&mut |path, schema| {
        if let Some(path) = path.strip_prefix("ServiceAccountCredential.") {
            types.extend(schema.x_kubernetes_list_type.iter().map(|t| format!("{path} {t}")));
        }
    });
    types.sort();
    insta::assert_yaml_snapshot!(types, @r#"
    - spec.genesysCloud.grantTypes set
    - spec.genesysCloud.redirectUris set
    - spec.genesysCloud.roles atomic
    - spec.genesysCloud.scopes set
    - spec.token.data map
    - status.conditions map
    - status.drift.changes atomic
    - status.drift.undone map
    - status.remote.grantTypes set
    - status.remote.roles atomic
    "#);
}

#[test]
fn a_new_object_is_not_taken_for_done() {
    for crd in all() {
        let status = &schema_of(&crd).properties.as_ref().unwrap()["status"];
        let default = status.default.as_ref().map(|value| &value.0);
        assert_eq!(default, Some(&json!({ "observedGeneration": -1 })));
    }
}

#[test]
fn both_platforms_differ_only_in_whom_they_serve() {
    let crds = all();
    let spec = |index: usize| {
        let spec = schema_of(&crds[index]).properties.as_ref().unwrap()["spec"].clone();
        let mut value = serde_json::to_value(spec).unwrap();
        value.as_object_mut().unwrap().remove("description");
        let rules = value["x-kubernetes-validations"].as_array_mut().unwrap();
        rules.retain(|rule| rule["fieldPath"] != ".allow");
        value
    };
    assert_eq!(spec(1), spec(2));
}

#[test]
fn a_field_of_a_newer_definition_does_not_break_an_older_operator() {
    let mut object = json!({
        "apiVersion": "keysteward.dev/v1alpha1",
        "kind": "ServiceAccountCredential",
        "metadata": { "name": "etl" },
        "spec": {
            "platformRef": { "kind": "Platform", "name": "p", "later": 1 },
            "genesysCloud": {
                "client": { "name": "etl", "later": 1 },
                "grantTypes": ["client_credentials"],
                "roles": [{ "name": "Employee", "division": "Home", "later": 1 }],
                "later": 1
            },
            "token": { "secretName": "t", "later": { "a": [] } },
            "later": 1
        },
        "status": { "later": 1 }
    });
    let read: ServiceAccountCredential = serde_json::from_value(object.clone()).unwrap();
    assert!(read.spec.enabled, "enabled unless written otherwise");
    assert_eq!(read.spec.token.unwrap().refresh_after_percent, 66);

    object["kind"] = json!("Platform");
    object["spec"] = json!({
        "genesysCloud": { "region": "eu-central-1", "later": 1 },
        "credentialsSecretRef": { "name": "s", "later": 1 },
        "later": 1
    });
    let read: Platform = serde_json::from_value(object).unwrap();
    assert_eq!(read.connection().requests_per_minute, 240);
    assert_eq!(read.connection().sweep_interval, duration::Span("5m".into()));
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files
}

fn goes_through<K: DeserializeOwned + Serialize>(written: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<K>(written.clone()).unwrap()).unwrap()
}

#[test]
fn nothing_of_an_example_is_lost_on_the_way_through_the_types() {
    let mut objects = 0;
    for file in [yaml_files("examples"), yaml_files("examples/more")].concat() {
        let text = fs::read_to_string(&file).unwrap();
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        for written in documents {
            let read = match written["kind"].as_str().unwrap() {
                "ServiceAccountCredential" => goes_through::<ServiceAccountCredential>(&written),
                "Platform" => goes_through::<Platform>(&written),
                "ClusterPlatform" => goes_through::<ClusterPlatform>(&written),
                _ => continue,
            };
            assert_contains(&read, &written, &file.display().to_string());
            objects += 1;
        }
    }
    assert!(objects >= 10, "only {objects} objects were looked at");
}

fn assert_contains(read: &Value, written: &Value, path: &str) {
    if let Value::Object(fields) = written {
        for (name, value) in fields {
            assert_contains(&read[name], value, &format!("{path} {name}"));
        }
    } else {
        assert_eq!(read, written, "{path}");
    }
}
