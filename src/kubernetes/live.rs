//! The real API server behind [`Cluster`]: every call is one request with one deadline, never repeated here.
//!
//! Enters: values of the model. Leaves: what is stored, or an [`Error`] without a foreign type in it.
//! Answers are decoded here, because kube logs at `warn` any answer that it cannot decode itself.

mod answer;
mod calls;
pub mod connection;
mod events;
pub mod inputs;
mod leases;
mod objects;
mod recorder;
mod request;
mod secrets;
mod token_file;

use std::time::Duration;

use kube::Client;
use kube::runtime::events::Reporter;
use serde::de::DeserializeOwned;

use self::recorder::BoundedRecorder;
use self::request::Ask;
use super::{Cluster, Error, Event, ObjectKey, SecretManifest, StoredSecret};
use crate::api::{GROUP, ServiceAccountCredentialStatus};

pub use self::answer::watch_refused;
pub use self::calls::{Call, CallSink};
pub use self::connection::{Connection, connect};
pub use self::inputs::InputError;
pub use self::leases::LeaseRecord;

/// How long one call may take, unless said otherwise.
pub const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// The manager of what the operator writes, as `managedFields` shows it.
const FIELD_MANAGER: &str = "keysteward.dev/controller";
/// The manager of the status.
const STATUS_MANAGER: &str = "keysteward.dev/status";

/// The Kubernetes API through one client. Clones share the client and the memory of events.
#[derive(Clone)]
pub struct Live {
    client: Client,
    recorder: BoundedRecorder,
    deadline: Duration,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Live {
    /// `instance` tells replicas apart in events: the name of the pod.
    pub fn new(client: Client, instance: impl Into<String>) -> Self {
        let reporter = Reporter {
            controller: format!("{GROUP}/controller"),
            instance: Some(cut(instance.into(), 128)),
        };
        let recorder = BoundedRecorder::new(client.clone(), reporter);
        Self { client, recorder, deadline: CALL_DEADLINE }
    }

    /// The same connection with another deadline for each call.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sends one request and decodes the answer.
    async fn ask<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, Error> {
        let Ask { tried, request } = ask;
        let request = request.map_err(Error::Invalid)?;
        let answer = tokio::time::timeout(self.deadline, self.client.request_text(request)).await;
        match answer {
            Ok(Ok(text)) => answer::decode(&tried, &text),
            Ok(Err(error)) => Err(answer::refused(&tried, &error)),
            Err(_) => Err(Error::Unavailable(format!(
                "could not {tried}: the API server did not answer within {} s",
                self.deadline.as_secs_f32()
            ))),
        }
    }

    /// The same, where "there is none" is an answer.
    async fn ask_if_any<T: DeserializeOwned>(&self, ask: Ask) -> Result<Option<T>, Error> {
        match self.ask(ask).await {
            Ok(found) => Ok(Some(found)),
            Err(Error::Gone(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Cluster for Live {
    async fn secret(&self, namespace: &str, name: &str) -> Result<Option<StoredSecret>, Error> {
        self.read_secret(namespace, name).await
    }

    async fn create_secret(&self, manifest: &SecretManifest) -> Result<StoredSecret, Error> {
        self.post_secret(manifest).await
    }

    async fn replace_secret(
        &self,
        stored: &StoredSecret,
        manifest: &SecretManifest,
    ) -> Result<StoredSecret, Error> {
        self.put_secret(stored, manifest).await
    }

    async fn delete_secret(&self, stored: &StoredSecret) -> Result<(), Error> {
        self.remove_secret(stored).await
    }

    async fn hold(&self, object: &ObjectKey) -> Result<(), Error> {
        self.add_finalizer(object).await
    }

    async fn release(&self, object: &ObjectKey) -> Result<(), Error> {
        self.remove_finalizer(object).await
    }

    async fn write_status(
        &self,
        object: &ObjectKey,
        status: &ServiceAccountCredentialStatus,
    ) -> Result<String, Error> {
        self.put_credential_status(object, status).await
    }

    async fn write_conditions(
        &self,
        object: &ObjectKey,
        status: &ServiceAccountCredentialStatus,
    ) -> Result<String, Error> {
        self.put_credential_conditions(object, status).await
    }

    async fn publish(&self, object: &ObjectKey, event: &Event) {
        self.publish_for_credential(object, event).await;
    }
}

/// At most `limit` bytes of a text, cut between characters, with an ellipsis where something is missing.
fn cut(mut text: String, limit: usize) -> String {
    const ELLIPSIS: char = '…';
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit - ELLIPSIS.len_utf8()));
        text.push(ELLIPSIS);
    }
    text
}

#[cfg(test)]
mod fixture;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_keeps_whole_characters_and_stays_within_the_limit() {
        let text = cut("ä".repeat(600), 1024);
        assert!(text.len() <= 1024, "{} bytes", text.len());
        assert!(text.ends_with("ä…"), "{text}");
        assert_eq!(cut("short".into(), 1024), "short");
    }
}
