use std::fs;
use std::sync::Mutex;
use std::time::Instant;

use serde_json::json;

use super::*;
use crate::kubernetes::Cluster;
use crate::kubernetes::live::fixture::{ApiServer, refusal};
use crate::kubernetes::live::{Call, Live};

/// A kubeconfig beside its token file, with a relative path to it.
fn kubeconfig(folder: &Path, server: &str) -> std::path::PathBuf {
    let path = folder.join("config");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         clusters: [{{name: k, cluster: {{server: \"{server}\"}}}}]\n\
         users: [{{name: u, user: {{tokenFile: token}}}}]\n\
         contexts: [{{name: c, context: {{cluster: k, user: u, namespace: ks}}}}]\n"
    );
    fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn a_token_file_is_read_again_as_soon_as_it_changes() {
    let server = ApiServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    // As kubelet and the shell write it.
    fs::write(&token, "first\n").unwrap();
    let path = kubeconfig(folder.path(), &server.uri());
    let connection = connect(Some(&path), Arc::new(())).await.unwrap();
    assert_eq!(connection.namespace, "ks");
    let live = Live::new(connection.client, "x");
    let ask = async || {
        server.then(200, json!({"metadata": {}})).await;
        live.secret("a", "b").await.unwrap();
    };

    ask().await;
    fs::write(&token, "second").unwrap();
    ask().await;
    // Kubelet turns a link to another file.
    fs::write(folder.path().join("next"), "third").unwrap();
    fs::rename(folder.path().join("next"), &token).unwrap();
    ask().await;
    // Gone or empty for a moment: the last good one goes on being used.
    fs::write(&token, "").unwrap();
    ask().await;
    fs::remove_file(&token).unwrap();
    ask().await;
    fs::write(&token, "fourth").unwrap();
    ask().await;

    let sent: Vec<_> = server.header("authorization").await.into_iter().flatten().collect();
    let expected = ["first", "second", "third", "third", "third", "fourth"];
    assert_eq!(sent, expected.map(|token| format!("Bearer {token}")));
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent");
    let error = connect(Some(&absent), Arc::new(())).await.unwrap_err();
    assert!(error.to_string().contains(&absent.display().to_string()), "{error}");

    let path = kubeconfig(folder.path(), "https://127.0.0.1:1");
    let error = connect(Some(&path), Arc::new(())).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("could not read the token file ") && text.contains("/token: "),
        "{text}"
    );
    fs::write(folder.path().join("token"), "two\nlines").unwrap();
    let error = connect(Some(&path), Arc::new(())).await.unwrap_err();
    assert!(!error.to_string().contains("two"), "{error}");
}

#[tokio::test]
async fn a_failure_is_reported_once_and_at_once() {
    let server = ApiServer::start().await;
    server.then(503, refusal(503, "ServiceUnavailable", "etcd is down")).await;
    let started_at = Instant::now();
    let error = server.live().secret("a", "b").await.unwrap_err();
    assert_eq!(
        error,
        Error::Unavailable(
            "could not read Secret a/b: etcd is down (ServiceUnavailable, 503)".into()
        )
    );
    assert!(started_at.elapsed() < Duration::from_secs(2));
    assert_eq!(server.asked().await.len(), 1);
}

#[tokio::test]
async fn a_call_ends_at_its_deadline() {
    let server = ApiServer::start().await;
    server.then_late(Duration::from_secs(30)).await;
    let seen = Arc::new(Seen::default());
    let live = server.live_counted(Arc::clone(&seen)).with_deadline(Duration::from_millis(200));
    let error = live.secret("a", "b").await.unwrap_err();
    assert_eq!(
        error,
        Error::Unavailable(
            "could not read Secret a/b: the API server did not answer within 0.2 s".into()
        )
    );
    assert_eq!(*seen.0.lock().unwrap(), ["get secrets None"], "and is counted");
}

#[tokio::test]
async fn an_api_server_that_is_not_there_is_unavailable() {
    let config = Config::new("http://127.0.0.1:1".parse().unwrap());
    let connection = connect_as(config, Arc::new(())).unwrap();
    let error = Live::new(connection.client, "x").secret("a", "b").await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Unavailable(_)), "{text}");
    assert!(text.starts_with("could not read Secret a/b: ") && text.contains("refused"), "{text}");
}

#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl CallSink for Seen {
    fn finished(&self, call: &Call<'_>) {
        let line = format!("{} {} {:?}", call.verb, call.resource, call.status);
        self.0.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn every_call_is_counted_by_verb_resource_and_status() {
    let server = ApiServer::start().await;
    let seen = Arc::new(Seen::default());
    let live = server.live_counted(Arc::clone(&seen));
    server.then(200, json!({"metadata": {}})).await;
    live.secret("a", "b").await.unwrap();
    server.then(409, refusal(409, "Conflict", "x")).await;
    live.write_status(
        &crate::kubernetes::live::fixture::object(),
        &crate::api::ServiceAccountCredentialStatus::default(),
    )
    .await
    .unwrap_err();
    assert_eq!(
        *seen.0.lock().unwrap(),
        ["get secrets Some(200)", "patch serviceaccountcredentials/status Some(409)"]
    );
    let agent = server.header("user-agent").await.remove(0).unwrap();
    assert!(agent.starts_with("keysteward/"), "{agent}");
}
