//! `keysteward crds`: prints the custom resource definitions.
//!
//! Enters: a writer. Leaves: YAML, one document a kind. It asks no cluster.

use std::io::{self, Write};

use serde_json::Value;

use crate::api;

/// Writes every custom resource definition as YAML, one document each.
pub fn print(out: &mut impl Write) -> io::Result<()> {
    for (_, text) in files() {
        write!(out, "---\n{text}")?;
    }
    out.flush()
}

/// Every definition as YAML, with the name of its file in `crds/`.
pub fn files() -> Vec<(String, String)> {
    api::all()
        .into_iter()
        .map(|crd| {
            let name = format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural);
            let mut definition = serde_json::to_value(crd).expect("a definition is plain data");
            write_whole_numbers(&mut definition);
            let text = serde_saphyr::to_string(&definition).expect("plain data has a YAML form");
            (name, text)
        })
        .collect()
}

/// Bounds are floats in the type of a schema; a server gives them back as `90`, not as `90.0`.
fn write_whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 1e15);
            if let Some(whole) = whole {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "checked to be whole and small"
                )]
                let whole = whole as i64;
                *number = whole.into();
            }
        }
        Value::Array(list) => list.iter_mut().for_each(write_whole_numbers),
        Value::Object(object) => object.values_mut().for_each(write_whole_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}
