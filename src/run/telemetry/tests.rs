use std::sync::{Arc, Mutex};

use kube::Api;
use kube::config::Config;
use serde_json::{Value, json};
use tracing::{debug, error, info, trace, warn};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written(format: LogFormat, filter: &str, speak: impl FnOnce()) -> String {
    let paper = Paper::default();
    let sheet = paper.clone();
    let subscriber = subscriber(format, filter, move || sheet.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, speak);
    paper.text()
}

#[test]
fn a_line_of_json_has_its_fields_at_the_top() {
    let text = written(LogFormat::Json, DEFAULT_FILTER, || {
        info!(namespace = "a", "object settled");
    });
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&line["level"], &line["message"], &line["namespace"]),
        (&json!("INFO"), &json!("object settled"), &json!("a"))
    );
    assert!(line["timestamp"].is_string() && line["target"].is_string());
}

#[test]
fn text_is_for_people() {
    let text = written(LogFormat::Text, DEFAULT_FILTER, || {
        info!(namespace = "a", "object settled");
    });
    assert!(
        text.ends_with("object settled namespace=\"a\"\n") && text.contains(" INFO "),
        "{text}"
    );
}

#[test]
fn libraries_speak_when_they_are_named() {
    let speak = || {
        debug!("ours");
        info!(target: "hyper::client", "theirs");
        debug!(target: "kube_runtime::watcher", "watched");
    };
    assert_eq!(written(LogFormat::Text, "info", speak), "");
    let all = written(LogFormat::Text, "debug", speak);
    assert!(all.contains("ours") && !all.contains("theirs") && !all.contains("watched"), "{all}");
    let named = written(LogFormat::Text, "info,hyper=info,kube_runtime::watcher=debug", speak);
    assert!(
        !named.contains("ours") && named.contains("theirs") && named.contains("watched"),
        "{named}"
    );
    let warned = written(LogFormat::Text, "info", || warn!(target: "kube_runtime::watcher", "oh"));
    assert!(warned.contains("oh"), "{warned}");
}

#[test]
fn what_may_carry_a_body_never_passes() {
    let filter =
        "trace,kube_client=trace,hyper=trace,h2=trace,rustls=trace,reqwest=trace,tower_http=trace";
    let text = written(LogFormat::Json, filter, || {
        warn!(target: "kube_client::client", "canary");
        trace!(target: "kube_client::client::builder", "canary");
        trace!(target: "hyper::proto::h1::io", "canary");
        debug!(target: "h2::codec::framed_read", "canary");
        debug!(target: "rustls::conn", "canary");
        trace!(target: "tower_http::trace", "canary");
        error!(target: "kube_client::client::builder", "failed with status 503");
    });
    assert!(!text.contains("canary"), "{text}");
    assert!(text.contains("failed with status 503"), "{text}");
}

#[tokio::test]
async fn neither_a_garbled_secret_nor_our_own_token_is_logged_by_the_client() {
    let server = MockServer::start().await;
    // Not decodable as a Secret: the client would repeat it whole.
    let garbled = json!({"metadata": {"name": 1}, "data": {"token": "canary"}});
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(garbled))
        .mount(&server)
        .await;
    let mut config = Config::new(server.uri().parse().unwrap());
    config.auth_info.token = Some("canary-token".to_owned().into());
    let client = kube::Client::try_from(config).unwrap();

    let paper = Paper::default();
    let sheet = paper.clone();
    let filter = "trace,kube_client=trace,kube_runtime=trace,hyper=trace,hyper_util=trace,h2=trace,tower=trace";
    let subscriber = subscriber(LogFormat::Json, filter, move || sheet.clone()).unwrap();
    let guard = tracing::subscriber::set_default(subscriber);
    trace!("on");
    let secrets = Api::<k8s_openapi::api::core::v1::Secret>::namespaced(client, "a");
    #[expect(clippy::disallowed_methods, reason = "the path on which kube itself logs the body")]
    secrets.get("b").await.unwrap_err();
    drop(guard);
    let text = paper.text();
    assert!(text.contains("\"on\"") && text.contains("hyper"), "it listened: {text}");
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn a_filter_that_cannot_be_read_is_named() {
    let error = start(LogFormat::Json, Some("keysteward=loud")).unwrap_err();
    assert!(error.contains("keysteward=loud"), "{error}");
}
