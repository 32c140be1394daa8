//! An API server that tests script: it answers in order, and remembers what it was asked.

use std::sync::Arc;
use std::time::Duration;

use kube::config::Config;
use serde_json::{Value, json};
use wiremock::{Match, Mock, MockServer, Request, ResponseTemplate};

use super::connection::connect_as;
use super::{CallSink, Live};
use crate::kubernetes::ObjectKey;

pub(super) struct ApiServer(MockServer);

/// One request as the server saw it.
#[derive(Debug, PartialEq)]
pub(super) struct Asked {
    /// Method, path and query.
    pub(super) line: String,
    pub(super) media: String,
    pub(super) body: Value,
}

impl ApiServer {
    pub(super) async fn start() -> Self {
        Self(MockServer::start().await)
    }

    pub(super) fn live(&self) -> Live {
        self.live_counted(Arc::new(()))
    }

    pub(super) fn live_counted(&self, calls: Arc<impl CallSink>) -> Live {
        let config = Config::new(self.0.uri().parse().unwrap());
        let connection = connect_as(config, calls).unwrap();
        Live::new(connection.client, "operator-0")
    }

    pub(super) fn uri(&self) -> String {
        self.0.uri()
    }

    /// The answer to the next request that nothing before answers.
    pub(super) async fn then(&self, code: u16, body: Value) {
        self.then_answer(ResponseTemplate::new(code).set_body_json(body)).await;
    }

    pub(super) async fn then_late(&self, delay: Duration) {
        self.then_answer(ResponseTemplate::new(200).set_delay(delay)).await;
    }

    pub(super) async fn then_answer(&self, answer: ResponseTemplate) {
        Mock::given(Anything).respond_with(answer).up_to_n_times(1).mount(&self.0).await;
    }

    pub(super) async fn asked(&self) -> Vec<Asked> {
        let requests = self.0.received_requests().await.unwrap();
        requests.iter().map(Asked::of).collect()
    }

    /// The header of each request.
    pub(super) async fn header(&self, name: &str) -> Vec<Option<String>> {
        let requests = self.0.received_requests().await.unwrap();
        let value =
            |request: &Request| Some(request.headers.get(name)?.to_str().unwrap().to_owned());
        requests.iter().map(value).collect()
    }
}

struct Anything;

impl Match for Anything {
    fn matches(&self, _request: &Request) -> bool {
        true
    }
}

impl Asked {
    fn of(request: &Request) -> Self {
        let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let media = request.headers.get("content-type").map(|value| value.to_str().unwrap());
        Self {
            line: format!("{} {}{query}", request.method, request.url.path()),
            media: media.unwrap_or_default().to_owned(),
            body: serde_json::from_slice(&request.body).unwrap_or(Value::Null),
        }
    }

    pub(super) fn new(line: &str, media: &str, body: Value) -> Self {
        Self { line: line.to_owned(), media: media.to_owned(), body }
    }
}

/// What the API server says when it refuses.
pub(super) fn refusal(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    })
}

pub(super) fn object() -> ObjectKey {
    ObjectKey { namespace: "team-a".into(), name: "etl".into(), uid: "uid-1".into() }
}
