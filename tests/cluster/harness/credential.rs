//! In: the wishes of a test. Out: a `ServiceAccountCredential` as users write it, and what its status says.
//! Waiting for a status is waiting for that of the newest spec.

use kube::api::PostParams;
use serde_json::{Value, json};

use super::{PLATFORM, World};

const KIND: &str = "ServiceAccountCredential";

/// An object as a user writes it; change it with `["spec"]…`.
pub(crate) struct Account;

impl Account {
    /// A client with one role, a token in `NAME-token` and a credential in `NAME-credential`.
    pub(crate) fn of(world: &World, name: &str) -> Value {
        json!({
            "apiVersion": "keysteward.dev/v1alpha1",
            "kind": KIND,
            "metadata": { "name": name, "namespace": world.namespace },
            "spec": {
                "platformRef": { "kind": "Platform", "name": PLATFORM },
                "genesysCloud": {
                    "client": { "name": name },
                    "grantTypes": ["client_credentials"],
                    "roles": [{ "name": "Reporting Viewer", "division": "Home" }],
                },
                "token": { "secretName": format!("{name}-token") },
                "credential": { "secretName": format!("{name}-credential") },
            },
        })
    }

    /// The same with a lifetime of its tokens, which is left alone where none is written.
    pub(crate) fn of_a_day(world: &World, name: &str) -> Value {
        let mut object = Self::of(world, name);
        object["spec"]["genesysCloud"]["accessTokenLifetime"] = json!("24h");
        object
    }

    /// A client into which people sign in.
    pub(crate) fn login_app(world: &World, name: &str) -> Value {
        json!({
            "apiVersion": "keysteward.dev/v1alpha1",
            "kind": KIND,
            "metadata": { "name": name, "namespace": world.namespace },
            "spec": {
                "platformRef": { "kind": "Platform", "name": PLATFORM },
                "genesysCloud": {
                    "client": { "name": name },
                    "grantTypes": ["authorization_code"],
                    "scopes": ["analytics:readonly", "users:readonly"],
                    "redirectUris": ["https://desktop.acme.example/callback"],
                },
                "credential": { "secretName": format!("{name}-credential") },
            },
        })
    }
}

fn conditions(object: &Value) -> Vec<&Value> {
    object["status"]["conditions"].as_array().into_iter().flatten().collect()
}

/// All conditions in their order, as `Ready=True/Succeeded`, and the generations.
pub(crate) fn summary(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let conditions: Vec<String> = conditions(object)
        .iter()
        .map(|c| format!("{}={}/{}", text(&c["type"]), text(&c["status"]), text(&c["reason"])))
        .collect();
    let message = message(object, "Ready").unwrap_or_default();
    format!(
        "generation {} observed {}: {} ({message})",
        object["metadata"]["generation"],
        object["status"]["observedGeneration"],
        conditions.join(" "),
    )
}

/// All conditions in their order, as `Ready=True/Succeeded`.
pub(crate) fn tells(object: &Value) -> String {
    let summary = summary(object);
    let begin = summary.find(": ").unwrap() + 2;
    summary[begin..summary.find(" (").unwrap()].to_owned()
}

/// The message of a condition.
pub(crate) fn message<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    conditions(object).into_iter().find(|c| c["type"] == kind)?["message"].as_str()
}

/// Whether a condition of the newest generation is so.
pub(crate) fn says(object: &Value, kind: &str, status: &str, reason: &str) -> Result<(), String> {
    let current = object["status"]["observedGeneration"] == object["metadata"]["generation"];
    let holds = conditions(object)
        .iter()
        .any(|c| c["type"] == kind && c["status"] == status && c["reason"] == reason);
    if current && holds { Ok(()) } else { Err(summary(object)) }
}

impl World {
    /// An object, which must be there.
    pub(crate) async fn object(&self, name: &str) -> Value {
        let found = self.get(KIND, &self.namespace, name).await;
        found.unwrap_or_else(|| panic!("{name} is not there"))
    }

    /// Changes the spec of an object by a merge patch.
    pub(crate) async fn change(&self, name: &str, spec: &Value) -> Value {
        self.patch(KIND, &self.namespace, name, &json!({ "spec": spec })).await
    }

    /// Puts another spec in the place of the whole spec.
    pub(crate) async fn replace(&self, object: &Value) -> Value {
        let name = object["metadata"]["name"].as_str().unwrap();
        let api = self.api(KIND, &self.namespace);
        let replaced = loop {
            let mut whole = api.get(name).await.unwrap();
            whole.data["spec"] = object["spec"].clone();
            match api.replace(name, &PostParams::default(), &whole).await {
                // The operator wrote a status in between.
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                replaced => break replaced.unwrap(),
            }
        };
        serde_json::to_value(replaced).unwrap()
    }

    /// Deletes an object without waiting for its end.
    pub(crate) async fn delete_object(&self, name: &str) {
        self.delete(KIND, &self.namespace, name).await;
    }

    /// Waits until an object is gone.
    pub(crate) async fn object_gone(&self, name: &str) {
        self.gone(KIND, &self.namespace, name).await;
    }

    /// Waits until the status is as `look` wants it; its error is the state that was seen.
    pub(crate) async fn status(
        &self,
        name: &str,
        what: &str,
        look: impl Fn(&Value) -> Result<(), String>,
    ) -> Value {
        self.until(&format!("{name}: {what}"), async || {
            let found = self.get(KIND, &self.namespace, name).await.ok_or("it is not there")?;
            look(&found).map(|()| found)
        })
        .await
    }

    /// Waits until a condition of the newest generation is so.
    pub(crate) async fn says(&self, name: &str, kind: &str, status: &str, reason: &str) -> Value {
        let what = format!("{kind}={status}/{reason}");
        self.status(name, &what, |object| says(object, kind, status, reason)).await
    }

    /// Waits until all is well.
    pub(crate) async fn ready(&self, name: &str) -> Value {
        self.status(name, "all is well", |object| {
            says(object, "Ready", "True", "Succeeded")?;
            says(object, "Synced", "True", "Succeeded")
        })
        .await
    }

    /// Waits until a person is needed for this reason, and the sentence contains all parts.
    pub(crate) async fn stalled(&self, name: &str, reason: &str, parts: &[&str]) -> Value {
        self.unready(name, "Stalled", reason, parts).await
    }

    /// Waits until it is tried again for this reason, and the sentence contains all parts.
    pub(crate) async fn retried(&self, name: &str, reason: &str, parts: &[&str]) -> Value {
        self.unready(name, "Reconciling", reason, parts).await
    }

    async fn unready(&self, name: &str, abnormal: &str, reason: &str, parts: &[&str]) -> Value {
        self.status(name, &format!("{abnormal}/{reason} with {parts:?}"), |object| {
            says(object, "Ready", "False", reason)?;
            says(object, abnormal, "True", reason)?;
            let message = message(object, "Ready").unwrap_or_default();
            let lacks = parts.iter().find(|part| !message.contains(**part));
            lacks.map_or(Ok(()), |part| Err(format!("no {part:?} in {message:?}")))
        })
        .await
    }
}
