//! The vendor's schema as a judge: what enters are answers, what leaves is a verdict on status, body, code and message.

use std::collections::BTreeSet;

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use crate::caller::Answer;

/// The operations and definitions of `schema/genesys-cloud.json`.
pub(crate) struct Contract {
    document: Value,
}

/// An operation: method in lower case and path template.
pub(crate) type Operation = (String, String);

impl Contract {
    pub(crate) fn load() -> Self {
        let text = include_str!("../../schema/genesys-cloud.json");
        let mut document: Value = serde_json::from_str(text).unwrap();
        for definition in document["definitions"].as_object_mut().unwrap().values_mut() {
            close(definition);
        }
        Self { document }
    }

    pub(crate) fn operations(&self) -> BTreeSet<Operation> {
        let paths = self.document["paths"].as_object().unwrap();
        paths
            .iter()
            .flat_map(|(path, methods)| {
                methods.as_object().unwrap().keys().map(|method| (method.clone(), path.clone()))
            })
            .collect()
    }

    /// The permissions of which the operation needs one.
    pub(crate) fn permissions(&self, (method, path): &Operation) -> Vec<String> {
        let required = &self.document["paths"][path][method]["x-inin-requires-permissions"];
        serde_json::from_value(required["permissions"].clone()).unwrap_or_default()
    }

    /// Panics unless the vendor declares such an answer for the operation.
    #[track_caller]
    pub(crate) fn judge(&self, operation: &Operation, answer: &Answer) {
        let (method, path) = operation;
        let what = format!("{method} {path}: {} {}", answer.status, answer.json);
        let responses = &self.document["paths"][path][method]["responses"];
        let mut declared = &responses[answer.status.to_string()];
        if declared.is_null() && answer.status < 300 {
            declared = &responses["default"];
        }
        assert!(!declared.is_null(), "{what}: this status is not declared");
        if let Some(name) = declared["$ref"].as_str() {
            declared = &self.document["responses"][name.trim_start_matches("#/responses/")];
        }
        if declared["schema"].is_null() || method == "head" {
            assert!(answer.json.is_null(), "{what}: no body is declared");
            return;
        }
        let errors: Vec<String> = self
            .validator(&declared["schema"])
            .iter_errors(&answer.json)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{what}: {errors:?}");
        if answer.status >= 400 {
            let code = answer.json["code"].as_str().unwrap();
            let pattern = declared["x-inin-error-codes"][code].as_str();
            let pattern = pattern.unwrap_or_else(|| panic!("{what}: the code is not declared"));
            let message = answer.json["message"].as_str().unwrap();
            assert!(fits(pattern, message), "{what}: the message is not {pattern:?}");
        }
    }

    fn validator(&self, schema: &Value) -> Validator {
        let whole = json!({ "allOf": [schema], "definitions": self.document["definitions"] });
        jsonschema::options()
            .with_draft(Draft::Draft4)
            // The vendor's own URIs are relative, which the format `uri` does not allow.
            .should_validate_formats(false)
            .build(&whole)
            .unwrap()
    }
}

/// Where a definition lists properties, no others may appear.
fn close(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    if let Some(Value::Object(properties)) = members.get_mut("properties") {
        properties.values_mut().for_each(close);
        members.entry("additionalProperties").or_insert(false.into());
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = members.get_mut(inner) {
            close(inner);
        }
    }
}

/// Whether a message is the vendor's text with something in place of each `%s`.
fn fits(pattern: &str, message: &str) -> bool {
    let mut pieces = pattern.split("%s").peekable();
    let Some(mut rest) = message.strip_prefix(pieces.next().unwrap_or_default()) else {
        return false;
    };
    let mut open = false;
    while let Some(piece) = pieces.next() {
        open = true;
        let last = pieces.peek().is_none();
        let at = if last { rest.len().checked_sub(piece.len()) } else { rest.find(piece) };
        match at {
            Some(at) if rest[at..].starts_with(piece) => rest = &rest[at + piece.len()..],
            _ => return false,
        }
    }
    open || rest.is_empty()
}

#[test]
fn a_message_fits_its_pattern_or_not() {
    assert!(fits("Client is disabled.", "Client is disabled."));
    assert!(!fits("Client is disabled.", "Client is disabled. Really."));
    assert!(fits("Value [%s] is not valid for [%s].", "Value [a] is not valid for [b]."));
    assert!(!fits("Value [%s] is not valid for [%s].", "Value [a] is valid for [b]."));
    assert!(fits("%s", "anything"));
}

#[test]
fn the_contract_refuses_undeclared_fields_codes_and_texts() {
    let contract = Contract::load();
    let operation = ("get".to_owned(), "/api/v2/oauth/clients/{clientId}".to_owned());
    let answer = |status: u16, json: Value| Answer {
        status,
        headers: reqwest::header::HeaderMap::new(),
        json,
    };
    let wrong = [
        answer(200, json!({"name": "a", "authorizedGrantType": "CODE", "enabled": true})),
        answer(200, json!({"name": "a", "authorizedGrantType": "CLIENT_CREDENTIALS"})),
        answer(200, json!({"name": "a"})),
        answer(404, json!({"code": "gone", "message": "Client was not found."})),
        answer(404, json!({"code": "client.not.found", "message": "no such client"})),
        answer(418, json!({})),
    ];
    for answer in wrong {
        let judged = std::panic::catch_unwind(|| contract.judge(&operation, &answer));
        assert!(judged.is_err(), "{answer:?} should be refused");
    }
    contract.judge(&operation, &answer(200, json!({"name": "a", "authorizedGrantType": "CODE"})));
}
