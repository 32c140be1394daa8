//! In: every secret of a test. Out: where one is that may not be there, told without the secret.
//! Looked through: objects, statuses, events, annotations, the log of every operator and its metrics.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::World;

impl World {
    /// Counts a text that the test made up as a secret of this test.
    pub(crate) fn canary(&mut self, what: &str, secret: &str) {
        self.canaries.push((what.to_owned(), secret.to_owned()));
    }

    /// Where a secret of this test is that may only be in Secrets; told without the secret.
    pub(crate) async fn leaks(&mut self) -> Vec<String> {
        let secrets = self.every_secret();
        assert!(!secrets.is_empty(), "a test without secrets proves nothing");
        let mut places = self.everything_readable().await;
        for (number, operator) in self.operators.iter_mut().enumerate() {
            places.push((
                format!("the log of operator {number}"),
                operator.process.output().unwrap(),
            ));
            if operator.process.is_running().unwrap() {
                let (_, page) = operator.page("/metrics").await;
                places.push((format!("the metrics of operator {number}"), page));
            }
        }
        let mut leaks = Vec::new();
        for (place, text) in &places {
            for (what, secret) in &secrets {
                if let Some(at) = text.find(secret.as_str()) {
                    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
                    leaks.push(format!("{what} is in {place}, after {:?}", &text[line..at]));
                }
            }
        }
        leaks
    }

    fn every_secret(&self) -> Vec<(String, String)> {
        let mut secrets = self.canaries.clone();
        let known = self.tenant.secrets();
        let known = known.iter().map(|secret| secret.reveal().to_owned());
        secrets.extend(known.map(|secret| ("a client secret or token".to_owned(), secret)));
        for operator in &self.operators {
            let token = std::fs::read_to_string(operator.access.token_file()).unwrap();
            secrets.push(("the token of the ServiceAccount".into(), token.trim().to_owned()));
        }
        // Encoded it is no less a secret.
        let encoded = secrets.iter().map(|(what, secret)| {
            (format!("{what} in base64"), STANDARD.encode(secret).trim_end_matches('=').to_owned())
        });
        let encoded: Vec<_> = encoded.collect();
        secrets.extend(encoded);
        secrets
    }

    /// Every object of this test as text, Secrets without their data.
    async fn everything_readable(&self) -> Vec<(String, String)> {
        let kinds = ["ServiceAccountCredential", "Platform", "Secret", "Event", "Lease"];
        let mut places = Vec::new();
        let mut add = |kind: &str, mut object: Value| {
            if kind == "Secret" {
                object.as_object_mut().map(|secret| secret.remove("data"));
            }
            let name = object["metadata"]["name"].as_str().unwrap_or("?").to_owned();
            places.push((format!("{kind} {name}"), object.to_string()));
        };
        for namespace in [&self.namespace, &self.neighbour, &self.home] {
            for kind in kinds {
                for object in self.list(kind, namespace).await {
                    add(kind, object);
                }
            }
        }
        for object in self.list("ClusterPlatform", "").await {
            add("ClusterPlatform", object);
        }
        for event in self.list("Event", "default").await {
            add("Event", event);
        }
        places
    }
}
