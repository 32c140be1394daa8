use serde_json::json;

use super::*;
use crate::kubernetes::Cluster;
use crate::kubernetes::live::fixture::{ApiServer, object, refusal};

fn event(note: &str) -> Event {
    Event {
        severity: Severity::Warning,
        reason: "DriftDetected".into(),
        action: "Observe".into(),
        note: note.into(),
    }
}

#[tokio::test]
async fn an_event_names_the_object_by_uid_and_its_note_fits() {
    let server = ApiServer::start().await;
    server.then(201, json!({"metadata": {"name": "etl.1"}})).await;
    server.live().publish(&object(), &event(&"ö".repeat(1000))).await;
    let asked = server.asked().await.remove(0);
    let path = "POST /apis/events.k8s.io/v1/namespaces/team-a/events";
    assert!(asked.line.starts_with(path), "{}", asked.line);
    let body = asked.body;
    assert_eq!(
        body["regarding"],
        json!({
            "apiVersion": "keysteward.dev/v1alpha1", "kind": "ServiceAccountCredential",
            "namespace": "team-a", "name": "etl", "uid": "uid-1",
        })
    );
    assert_eq!(body["reportingController"], "keysteward.dev/controller");
    assert_eq!(body["reportingInstance"], "operator-0");
    assert_eq!((&body["type"], &body["reason"]), (&json!("Warning"), &json!("DriftDetected")));
    let note = body["note"].as_str().unwrap();
    assert!(note.len() <= 1024 && note.ends_with("ö…"), "{} bytes", note.len());
}

#[tokio::test]
async fn a_repeated_event_becomes_a_series_for_every_clone() {
    let server = ApiServer::start().await;
    server.then(201, json!({"metadata": {"name": "etl.1"}})).await;
    server.then(200, json!({"metadata": {"name": "etl.1"}})).await;
    let live = server.live();
    live.publish(&object(), &event("first")).await;
    live.clone().publish(&object(), &event("second")).await;
    let asked = server.asked().await;
    assert!(asked[1].line.starts_with("PATCH "), "{}", asked[1].line);
    assert_eq!(asked[1].body["series"]["count"], 2);
}

#[tokio::test]
async fn events_of_many_objects_are_not_remembered_for_ever() {
    let server = ApiServer::start().await;
    let live = server.live();
    let others: Vec<ObjectKey> =
        (0..256).map(|n| ObjectKey { uid: format!("uid-of-{n}"), ..object() }).collect();
    for key in [&object()].into_iter().chain(&others).chain([&object()]) {
        server.then(201, json!({"metadata": {"name": "etl.1"}})).await;
        live.publish(key, &event("x")).await;
    }
    let asked = server.asked().await;
    assert!(asked.iter().all(|asked| asked.line.starts_with("POST ")), "an old event was kept");
}

#[tokio::test]
async fn an_event_of_a_cluster_platform_goes_to_the_default_namespace() {
    let server = ApiServer::start().await;
    server.then(201, json!({"metadata": {"name": "cc.1"}})).await;
    let platform = PlatformKey {
        kind: PlatformKind::ClusterPlatform,
        namespace: String::new(),
        name: "cc".into(),
    };
    server.live().publish_for_platform(&platform, "uid-9", &event("x")).await;
    let asked = server.asked().await.remove(0);
    let path = "POST /apis/events.k8s.io/v1/namespaces/default/events";
    assert!(asked.line.starts_with(path), "{}", asked.line);
    assert_eq!(asked.body["regarding"].get("namespace"), None);
}

#[tokio::test]
async fn an_event_that_is_refused_fails_nothing() {
    let server = ApiServer::start().await;
    server.then(403, refusal(403, "Forbidden", "no")).await;
    server.live().publish(&object(), &event("x")).await;
    assert_eq!(server.asked().await.len(), 1);
}
