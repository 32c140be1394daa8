//! The README names every choice, setting, operation and kind of fault there is.

use keysteward_simulator::Settings;
use serde_json::Value;

use crate::contract::Contract;

const README: &str = include_str!("../../README.md");

fn leaves(path: &str, value: &Value, found: &mut Vec<String>) {
    match value.as_object() {
        Some(members) if !members.contains_key("status") => {
            for (key, value) in members {
                leaves(&format!("{path}.{key}"), value, found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn every_choice_is_in_the_table() {
    let settings = serde_json::to_value(Settings::default()).unwrap();
    let mut found = Vec::new();
    leaves("choices", &settings["choices"], &mut found);
    leaves("limits", &settings["limits"], &mut found);
    assert!(found.len() > 30);
    for choice in found {
        assert!(README.contains(&format!("`{choice}`")), "the README does not tell of {choice}");
    }
}

#[test]
fn every_operation_is_in_the_table() {
    for (method, path) in Contract::load().operations() {
        let operation = format!("`{} {path}`", method.to_uppercase());
        assert!(README.contains(&operation), "the README does not tell of {operation}");
    }
}

#[test]
fn every_kind_of_fault_is_in_the_table() {
    let unknown = serde_json::from_str::<keysteward_simulator::Effect>(r#"{"kind": "unknown"}"#);
    let refusal = unknown.unwrap_err().to_string();
    let kinds: Vec<&str> = refusal.split('`').skip(3).step_by(2).collect();
    assert_eq!(kinds.len(), 10, "{refusal}");
    for kind in kinds {
        assert!(README.contains(&format!("| `{kind}` |")), "the README does not tell of {kind}");
    }
}
