use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::*;
use crate::kubernetes::Cluster;
use crate::kubernetes::live::fixture::{ApiServer, Asked, object, refusal};

fn manifest() -> SecretManifest {
    SecretManifest {
        namespace: "team-a".into(),
        name: "etl-token".into(),
        labels: BTreeMap::from([("app.kubernetes.io/managed-by".into(), "keysteward".into())]),
        annotations: BTreeMap::from([("keysteward.dev/refresh-at".into(), "t2".into())]),
        controller: Some(object()),
        data: BTreeMap::from([("token".into(), SecretText::new("canary"))]),
    }
}

/// A Secret as the API server shows it, with much that others put there.
fn shown() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "namespace": "team-a", "name": "etl-token", "uid": "s-1", "resourceVersion": "7",
            "labels": {"team": "a", "keysteward.dev/retained": "true"},
            "annotations": {"theirs.example/x": "1", "keysteward.dev/refresh-at": "t1", "keysteward.dev/old": "1"},
            "finalizers": ["theirs.example/keep"],
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "ConfigMap", "name": "theirs", "uid": "c-1"},
                {"apiVersion": "keysteward.dev/v1alpha1", "kind": "ServiceAccountCredential",
                 "name": "etl", "uid": "uid-0", "controller": true, "blockOwnerDeletion": true},
            ],
        },
        "data": {"token": "b2xk", "dropped": "eA==", "binary": "/w=="},
    })
}

fn ours() -> Value {
    json!({
        "apiVersion": "keysteward.dev/v1alpha1", "kind": "ServiceAccountCredential",
        "name": "etl", "uid": "uid-1", "controller": true, "blockOwnerDeletion": true,
    })
}

#[tokio::test]
async fn a_read_shows_everything_and_an_absent_secret_is_none() {
    let server = ApiServer::start().await;
    server.then(200, shown()).await;
    server.then(404, refusal(404, "NotFound", "secrets \"x\" not found")).await;
    let live = server.live();

    let stored = live.secret("team-a", "etl-token").await.unwrap().unwrap();
    assert_eq!((stored.uid.as_str(), stored.resource_version.as_str()), ("s-1", "7"));
    assert_eq!(stored.kind.as_deref(), Some("Opaque"));
    assert_eq!(stored.data["token"].reveal(), "old");
    assert_eq!(stored.data["binary"].reveal(), "\u{fffd}");
    let controller = stored.controller.unwrap();
    assert_eq!((controller.name.as_str(), controller.uid.as_str()), ("etl", "uid-0"));
    assert_eq!(live.secret("team-a", "x").await.unwrap(), None);

    let lines: Vec<_> = server.asked().await.into_iter().map(|asked| asked.line).collect();
    assert_eq!(
        lines,
        [
            "GET /api/v1/namespaces/team-a/secrets/etl-token",
            "GET /api/v1/namespaces/team-a/secrets/x"
        ]
    );
}

#[tokio::test]
async fn a_create_sends_opaque_data_and_a_controller_that_blocks() {
    let server = ApiServer::start().await;
    server.then(201, shown()).await;
    server.live().create_secret(&manifest()).await.unwrap();
    assert_eq!(
        server.asked().await,
        [Asked::new(
            "POST /api/v1/namespaces/team-a/secrets?fieldManager=keysteward.dev%2Fcontroller",
            "application/json",
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": {
                    "namespace": "team-a", "name": "etl-token",
                    "labels": {"app.kubernetes.io/managed-by": "keysteward"},
                    "annotations": {"keysteward.dev/refresh-at": "t2"},
                    "ownerReferences": [ours()],
                },
                "data": {"token": "Y2FuYXJ5"},
            }),
        )]
    );
}

#[tokio::test]
async fn a_secret_without_controller_has_no_owner() {
    let server = ApiServer::start().await;
    server.then(201, shown()).await;
    let manifest = SecretManifest { controller: None, ..manifest() };
    server.live().create_secret(&manifest).await.unwrap();
    assert_eq!(server.asked().await[0].body["metadata"].get("ownerReferences"), None);
}

#[tokio::test]
async fn a_replacement_keeps_what_is_others_and_drops_what_was_ours() {
    let server = ApiServer::start().await;
    server.then(200, shown()).await;
    server.then(200, shown()).await;
    let live = server.live();
    let stored = live.secret("team-a", "etl-token").await.unwrap().unwrap();
    live.replace_secret(&stored, &manifest()).await.unwrap();
    assert_eq!(
        server.asked().await[1],
        Asked::new(
            "PUT /api/v1/namespaces/team-a/secrets/etl-token?fieldManager=keysteward.dev%2Fcontroller",
            "application/json",
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": {
                    "namespace": "team-a", "name": "etl-token", "uid": "s-1", "resourceVersion": "7",
                    "labels": {"team": "a", "app.kubernetes.io/managed-by": "keysteward"},
                    "annotations": {"theirs.example/x": "1", "keysteward.dev/refresh-at": "t2"},
                    "finalizers": ["theirs.example/keep"],
                    "ownerReferences": [
                        {"apiVersion": "v1", "kind": "ConfigMap", "name": "theirs", "uid": "c-1"},
                        ours(),
                    ],
                },
                "data": {"token": "Y2FuYXJ5"},
            }),
        )
    );
}

#[tokio::test]
async fn a_name_that_is_taken_and_a_secret_that_changed_are_conflicts() {
    let server = ApiServer::start().await;
    server.then(409, refusal(409, "AlreadyExists", "secrets \"etl-token\" already exists")).await;
    server.then(409, refusal(409, "Conflict", "the object has been modified")).await;
    let live = server.live();
    let error = live.create_secret(&manifest()).await.unwrap_err();
    assert_eq!(
        error,
        Error::Conflict(
            "could not create Secret team-a/etl-token: secrets \"etl-token\" already exists (AlreadyExists, 409)"
                .into()
        )
    );
    let error = live.replace_secret(&StoredSecret::default(), &manifest()).await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "{error:?}");
}

#[tokio::test]
async fn a_delete_means_this_very_secret_as_it_was_read() {
    let server = ApiServer::start().await;
    server.then(200, json!({"kind": "Status", "status": "Success"})).await;
    server.then(404, refusal(404, "NotFound", "not found")).await;
    server.then(409, refusal(409, "Conflict", "Precondition failed: ResourceVersion")).await;
    server.then(403, refusal(403, "Forbidden", "no")).await;
    let live = server.live();
    let stored = StoredSecret {
        namespace: "team-a".into(),
        name: "etl-token".into(),
        uid: "s-1".into(),
        resource_version: "7".into(),
        ..StoredSecret::default()
    };
    for _ in 0..2 {
        live.delete_secret(&stored).await.unwrap();
    }
    let changed = live.delete_secret(&stored).await.unwrap_err();
    assert!(matches!(changed, Error::Conflict(_)), "{changed:?}");
    let error = live.delete_secret(&stored).await.unwrap_err();
    assert!(matches!(error, Error::Forbidden(_)), "{error:?}");
    assert_eq!(
        server.asked().await[0],
        Asked::new(
            "DELETE /api/v1/namespaces/team-a/secrets/etl-token",
            "application/json",
            json!({
                "apiVersion": "v1", "kind": "DeleteOptions",
                "preconditions": {"uid": "s-1", "resourceVersion": "7"},
            }),
        )
    );
}

#[tokio::test]
async fn an_answer_that_quotes_the_data_is_not_shown() {
    let server = ApiServer::start().await;
    for quoted in ["admission webhook denied: token=canary", "denied: {\"token\":\"Y2FuYXJ5\"}"] {
        server.then(403, refusal(403, "Forbidden", quoted)).await;
    }
    let live = server.live();
    for _ in 0..2 {
        let error = live.create_secret(&manifest()).await.unwrap_err();
        assert!(matches!(error, Error::Forbidden(_)), "still what it was");
        let text = error.to_string();
        assert!(!text.contains("canary") && !text.contains("Y2FuYXJ5"), "{text}");
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_or_no_json_is_unavailable_and_not_quoted() {
    let server = ApiServer::start().await;
    let page = ResponseTemplate::new(200).set_body_string("<html>canary</html>");
    server.then_answer(page).await;
    let page = ResponseTemplate::new(503).set_body_string("<html>canary</html>");
    server.then_answer(page).await;
    let live = server.live();
    for _ in 0..2 {
        let error = live.secret("team-a", "etl-token").await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    assert_eq!(server.asked().await.len(), 2, "a 503 is not repeated here");
}
