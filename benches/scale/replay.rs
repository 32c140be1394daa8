//! In: what the operator wrote for one object. Out: the same requests, one after the other, for its twin.
//! Nothing of the operator's own code makes them: it could not be the floor of itself.

use anyhow::{Context, Result};
use http::{Method, Request, header};
use keysteward::api::FINALIZER;
use kube::Client;
use serde_json::{Value, json};

use super::manifests::HOME;
use super::ready::encoded;

const GROUP: &str = "/apis/keysteward.dev/v1alpha1";

const JSON: &str = "application/json";
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const METADATA_ONLY: &str =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json";

/// A write; the number tells how many of its kind went before it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Write {
    /// The finalizer.
    Hold,
    /// A Secret without data.
    Reserve,
    /// The reserved Secret, with data.
    Replace(usize),
    /// One of the Secrets that stay; the first has number 1.
    Publish(usize),
    /// The reserved Secret goes.
    Drop,
    Status(usize),
    Event(usize),
    Repeat(usize),
}

/// What the operator wrote for one object.
#[derive(Debug)]
pub(crate) struct Bodies {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) team: &'static str,
    pub(crate) status: Value,
    pub(crate) secrets: Vec<Value>,
    pub(crate) event: Value,
}

/// The writes of one object.
#[derive(Debug)]
pub(crate) struct Replay {
    client: Writer,
    bodies: Bodies,
}

struct Writer(Client);

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

impl Replay {
    pub(crate) fn new(client: Client, mut bodies: Bodies) -> Self {
        for secret in &mut bodies.secrets {
            bare(secret);
            if let Some(owner) = secret["metadata"].pointer_mut("/ownerReferences/0/uid") {
                *owner = bodies.uid.as_str().into();
            }
        }
        bare(&mut bodies.event);
        Self { client: Writer(client), bodies }
    }

    pub(crate) async fn run(self, writes: &[Write]) -> Result<()> {
        let mut reserved = Value::Null;
        for write in writes {
            self.make(*write, &mut reserved)
                .await
                .with_context(|| format!("could not make {write:?} for {}", self.bodies.name))?;
        }
        Ok(())
    }

    async fn make(&self, write: Write, reserved: &mut Value) -> Result<()> {
        let Bodies { name, uid, team, status, .. } = &self.bodies;
        let object = format!("{GROUP}/namespaces/{team}/serviceaccountcredentials/{name}");
        let same = json!({"op": "test", "path": "/metadata/uid", "value": uid});
        match write {
            Write::Hold => {
                let held =
                    json!({"op": "add", "path": "/metadata/finalizers", "value": [FINALIZER]});
                self.patch(&object, JSON_PATCH, &json!([same, held])).await
            }
            Write::Status(number) => {
                let mut status = status.clone();
                // A status that is there already would not be written.
                status["conditions"][0]["message"] =
                    format!("the platform is as written, look {number}").into();
                let written = json!({"op": "add", "path": "/status", "value": status});
                self.patch(&format!("{object}/status"), JSON_PATCH, &json!([same, written])).await
            }
            Write::Reserve => {
                let mut body = self.central()?.clone();
                if let Some(body) = body.as_object_mut() {
                    body.remove("data");
                }
                body["metadata"]["name"] = self.reservation().into();
                *reserved = self.post(&secrets(&body), &body).await?;
                Ok(())
            }
            Write::Replace(number) => {
                let mut body = reserved.clone();
                body["data"] = self.central()?["data"].clone();
                if number > 0 {
                    body["data"]["again"] = encoded(&number.to_string()).into();
                }
                let path = format!("{}/{}", secrets(&body), self.reservation());
                *reserved = self.client.send(Method::PUT, &path, JSON, JSON, &body).await?;
                Ok(())
            }
            Write::Publish(number) => {
                let body = self.bodies.secrets.get(number - 1);
                let body = body.with_context(|| format!("it left no Secret {number}"))?;
                self.post(&secrets(body), body).await.map(drop)
            }
            Write::Drop => {
                let path = format!("{}/{}", secrets(reserved), self.reservation());
                let uid = &reserved["metadata"]["uid"];
                let body = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}});
                self.client.send(Method::DELETE, &path, JSON, JSON, &body).await.map(drop)
            }
            Write::Event(number) => {
                let mut body = self.bodies.event.clone();
                body["metadata"]["name"] = format!("{name}.{number:x}").into();
                body["metadata"]["namespace"] = (*team).into();
                body["regarding"]["name"] = name.as_str().into();
                body["regarding"]["namespace"] = (*team).into();
                body["regarding"]["uid"] = uid.as_str().into();
                self.post(&events(team), &body).await.map(drop)
            }
            Write::Repeat(number) => {
                let seen = "2026-01-01T00:00:00.000000Z";
                let series = json!({"series": {"count": number + 2, "lastObservedTime": seen}});
                self.patch(&format!("{}/{name}.0", events(team)), MERGE_PATCH, &series).await
            }
        }
    }

    /// The true copy that the operator keeps: the first among the Secrets that it wrote.
    fn central(&self) -> Result<&Value> {
        self.bodies.secrets.first().context("the operator left no Secret")
    }

    fn reservation(&self) -> String {
        format!("credential-next.{}.{}", self.bodies.team, self.bodies.name)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.client.send(Method::POST, path, JSON, JSON, body).await
    }

    /// The operator wants only the metadata of what it patches.
    async fn patch(&self, path: &str, media: &str, body: &Value) -> Result<()> {
        self.client.send(Method::PATCH, path, media, METADATA_ONLY, body).await.map(drop)
    }
}

impl Writer {
    async fn send(
        &self,
        method: Method,
        path: &str,
        media: &str,
        accept: &str,
        body: &Value,
    ) -> Result<Value> {
        let manager = if method == Method::DELETE { "" } else { "?fieldManager=floor" };
        let request = Request::builder()
            .method(method)
            .uri(format!("{path}{manager}"))
            .header(header::ACCEPT, accept)
            .header(header::CONTENT_TYPE, media)
            .body(serde_json::to_vec(body)?)?;
        Ok(serde_json::from_str(&self.0.request_text(request).await?)?)
    }
}

fn secrets(body: &Value) -> String {
    let namespace = body["metadata"]["namespace"].as_str().unwrap_or(HOME);
    format!("/api/v1/namespaces/{namespace}/secrets")
}

fn events(namespace: &str) -> String {
    format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events")
}

/// Without what the server adds.
fn bare(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for added in ["uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"]
        {
            metadata.remove(added);
        }
    }
}
