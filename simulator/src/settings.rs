//! What a running twin can be told to do differently: limits, propagation delays and the choices where no source tells.
//! What leaves are the values the handlers read. It may not decide anything itself.

pub(crate) mod choices;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use self::choices::Choices;

/// Everything that can be switched; JSON in camel case at `/_simulator/settings`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    pub limits: Limits,
    pub propagation: Propagation,
    pub choices: Choices,
}

/// Rate and size limits; `None` is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Limits {
    /// API requests of one token in a minute; the platform's is 300.
    pub requests_per_minute: Option<u32>,
    /// Token requests of one client in a minute; the platform's is not known.
    pub token_requests_per_minute: Option<u32>,
    /// Bytes of a request body; the platform's is 512000.
    pub request_bytes: Option<usize>,
    /// OAuth clients of the organization; the platform's is not known.
    pub clients: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_minute: Some(300),
            token_requests_per_minute: Some(300),
            request_bytes: Some(512_000),
            clients: Some(20_000),
        }
    }
}

impl Limits {
    /// No rate limit and no limit on the number of clients.
    #[must_use]
    pub fn off(self) -> Self {
        Self { requests_per_minute: None, token_requests_per_minute: None, clients: None, ..self }
    }
}

/// How long a write stays invisible, for each kind of write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Propagation {
    pub create: Lag,
    pub update: Lag,
    pub secret: Lag,
    pub delete: Lag,
    /// How much longer the token endpoint keeps its old view when it is asked before a write has reached it, in
    /// milliseconds: the real one caches what an early call found.
    pub poison_milliseconds: u64,
}

/// How long a write stays invisible to each reader, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Lag {
    /// The list of all clients.
    pub list_milliseconds: u64,
    /// A read of the one client by id.
    pub get_milliseconds: u64,
    /// The token endpoint.
    pub token_milliseconds: u64,
}

/// Settings that do not parse.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the settings: {0}")]
pub struct BadSettings(#[from] serde_json::Error);

impl Settings {
    /// Changes the fields that the JSON names; `null` switches a limit off.
    pub fn patched(&self, patch: &Value) -> Result<Self, BadSettings> {
        let mut whole = serde_json::to_value(self)?;
        overlay(&mut whole, patch);
        Ok(serde_json::from_value(whole)?)
    }

    /// Changes one field by its dotted path, such as `limits.requestsPerMinute` to `null`.
    ///
    /// A value that is not JSON counts as text.
    pub fn with(&self, path: &str, value: &str) -> Result<Self, BadSettings> {
        let leaf = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        self.patched(&path.rsplit('.').fold(leaf, |inner, key| json!({ key: inner })))
    }
}

/// Unlike a merge patch, null is a value here: a field that is removed would get its default back.
fn overlay(whole: &mut Value, patch: &Value) {
    match (whole, patch) {
        (Value::Object(whole), Value::Object(patch)) => {
            for (key, value) in patch {
                overlay(whole.entry(key).or_insert(Value::Null), value);
            }
        }
        (whole, patch) => *whole = patch.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Limits, Settings};
    use crate::settings::choices::OmittedFields;

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let patch =
            json!({"limits": {"requestsPerMinute": null}, "choices": {"putOmittedFields": "keep"}});
        let settings = Settings::default().patched(&patch).unwrap();
        assert_eq!(settings.limits, Limits { requests_per_minute: None, ..Limits::default() });
        assert_eq!(settings.choices.put_omitted_fields, OmittedFields::Keep);
    }

    #[test]
    fn a_path_and_a_value_change_one_field() {
        let settings = Settings::default()
            .with("propagation.create.listMilliseconds", "1500")
            .and_then(|settings| settings.with("choices.putOmittedFields", "keep"))
            .unwrap();
        assert_eq!(settings.propagation.create.list_milliseconds, 1500);
        assert_eq!(settings.choices.put_omitted_fields, OmittedFields::Keep);
    }

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        let refusal = Settings::default().with("limits.requestPerMinute", "1").unwrap_err();
        assert!(refusal.to_string().contains("requestPerMinute"), "{refusal}");
    }
}
