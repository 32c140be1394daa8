//! In: the name of a Secret. Out: its text.
//! The credential of an object that the operator keeps is found by its labels, as the manual says.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::World;

/// The data of a Secret as text.
pub(crate) fn text(secret: &Value) -> BTreeMap<String, String> {
    let data = secret["data"].as_object().cloned().unwrap_or_default();
    data.into_iter()
        .map(|(key, value)| {
            let bytes = STANDARD.decode(value.as_str().unwrap()).unwrap();
            (key, String::from_utf8(bytes).unwrap())
        })
        .collect()
}

impl World {
    /// A Secret beside the objects, if it is there.
    pub(crate) async fn secret(&self, name: &str) -> Option<Value> {
        self.get("Secret", &self.namespace, name).await
    }

    /// The text of a Secret beside the objects, which must be there.
    pub(crate) async fn data(&self, name: &str) -> BTreeMap<String, String> {
        let found = self.secret(name).await;
        text(&found.unwrap_or_else(|| panic!("Secret {name} is not there")))
    }

    /// The published token of an object.
    pub(crate) async fn token(&self, name: &str) -> String {
        self.data(&format!("{name}-token")).await["GENESYSCLOUD_ACCESS_TOKEN"].clone()
    }

    /// Waits for a published token that lives on the platform, and is not `before`.
    pub(crate) async fn live_token(&self, name: &str, before: Option<&str>) -> String {
        self.until(&format!("a live token of {name}"), async || {
            let secret = self.secret(&format!("{name}-token")).await.ok_or("no Secret")?;
            let token = text(&secret).remove("GENESYSCLOUD_ACCESS_TOKEN").ok_or("no key")?;
            if before == Some(token.as_str()) {
                return Err("the token of before".to_owned());
            }
            self.tenant.token_owner(&token).ok_or("a dead token")?;
            Ok(token)
        })
        .await
    }

    /// The operator's own Secrets, with what they are for.
    pub(crate) async fn kept(&self) -> Vec<(String, Value)> {
        let secrets = self.list("Secret", &self.home).await;
        let role = |secret: &Value| secret["metadata"]["labels"]["keysteward.dev/role"].clone();
        secrets
            .into_iter()
            .map(|secret| (role(&secret).as_str().unwrap_or("?").to_owned(), secret))
            .collect()
    }

    /// The true copy of the credential of an object, if there is one.
    pub(crate) async fn true_copy(&self, name: &str) -> Option<Value> {
        self.kept().await.into_iter().find_map(|(role, secret)| {
            let of = &secret["metadata"]["annotations"];
            let its = of["keysteward.dev/namespace"] == self.namespace.as_str()
                && of["keysteward.dev/name"] == name;
            (role == "true-copy" && its).then_some(secret)
        })
    }

    /// Changes a Secret beside the objects as somebody at the keyboard.
    pub(crate) async fn edit_secret(&self, name: &str, key: &str, value: &str) {
        let patch = json!({ "data": { key: STANDARD.encode(value) } });
        self.patch("Secret", &self.namespace, name, &patch).await;
    }
}
