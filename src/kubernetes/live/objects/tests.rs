use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::api::credential_status::RetryStatus;
use crate::kubernetes::Cluster;
use crate::kubernetes::live::fixture::{ApiServer, Asked, object, refusal};

const PATH: &str = "/apis/keysteward.dev/v1alpha1/namespaces/team-a/serviceaccountcredentials/etl";
const TEST_FAILED: &str = "the server rejected our request due to an error in our request";

fn shown(uid: &str, finalizers: &Value, deleting: bool) -> Value {
    json!({
        "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
        "metadata": {
            "namespace": "team-a", "name": "etl", "uid": uid, "finalizers": finalizers,
            "resourceVersion": "7",
            "deletionTimestamp": deleting.then_some("2026-11-21T00:00:00Z"),
        },
    })
}

fn patch(operations: Value) -> Asked {
    let line = format!("PATCH {PATH}?fieldManager=keysteward.dev%2Fcontroller");
    Asked::new(&line, "application/json-patch+json", operations)
}

#[tokio::test]
async fn the_first_finalizer_costs_one_request() {
    let server = ApiServer::start().await;
    server.then(200, shown("uid-1", &json!([FINALIZER]), false)).await;
    server.live().hold(&object()).await.unwrap();
    assert_eq!(
        server.asked().await,
        [patch(json!([
            {"op": "test", "path": "/metadata/uid", "value": "uid-1"},
            {"op": "test", "path": "/metadata/finalizers", "value": null},
            {"op": "add", "path": "/metadata/finalizers", "value": ["keysteward.dev/remote"]},
        ]))]
    );
}

#[tokio::test]
async fn the_finalizer_comes_after_those_of_others() {
    let server = ApiServer::start().await;
    server.then(422, refusal(422, "Invalid", TEST_FAILED)).await;
    server.then(200, shown("uid-1", &json!(["theirs.example/x"]), false)).await;
    server.then(200, shown("uid-1", &json!(["theirs.example/x", FINALIZER]), false)).await;
    server.live().hold(&object()).await.unwrap();
    let asked = server.asked().await;
    assert_eq!(asked[1].line, format!("GET {PATH}"));
    assert_eq!(
        asked[2],
        patch(json!([
            {"op": "test", "path": "/metadata/uid", "value": "uid-1"},
            {"op": "test", "path": "/metadata/finalizers", "value": ["theirs.example/x"]},
            {"op": "add", "path": "/metadata/finalizers",
             "value": ["theirs.example/x", "keysteward.dev/remote"]},
        ]))
    );
    assert_eq!(asked.len(), 3);
}

#[tokio::test]
async fn a_finalizer_that_is_there_is_not_added_again() {
    let server = ApiServer::start().await;
    server.then(422, refusal(422, "Invalid", TEST_FAILED)).await;
    server.then(200, shown("uid-1", &json!([FINALIZER]), true)).await;
    server.live().hold(&object()).await.unwrap();
    assert_eq!(server.asked().await.len(), 2);
}

#[tokio::test]
async fn another_life_or_an_object_under_deletion_is_not_held() {
    for second in
        [shown("uid-2", &json!([]), false), shown("uid-1", &json!(["theirs.example/x"]), true)]
    {
        let server = ApiServer::start().await;
        server.then(422, refusal(422, "Invalid", TEST_FAILED)).await;
        server.then(200, second).await;
        let error = server.live().hold(&object()).await.unwrap_err();
        assert!(matches!(error, Error::Gone(_)), "{error:?}");
        assert_eq!(server.asked().await.len(), 2);
    }
}

#[tokio::test]
async fn a_release_removes_our_finalizer_alone() {
    let server = ApiServer::start().await;
    server.then(200, shown("uid-1", &json!(["theirs.example/x", FINALIZER]), true)).await;
    server.then(200, shown("uid-1", &json!(["theirs.example/x"]), true)).await;
    server.live().release(&object()).await.unwrap();
    assert_eq!(
        server.asked().await[1],
        patch(json!([
            {"op": "test", "path": "/metadata/uid", "value": "uid-1"},
            {"op": "test", "path": "/metadata/finalizers/1", "value": "keysteward.dev/remote"},
            {"op": "remove", "path": "/metadata/finalizers/1"},
        ]))
    );
}

#[tokio::test]
async fn what_is_gone_another_or_free_counts_as_released() {
    for (code, answer) in [
        (404, refusal(404, "NotFound", "not found")),
        (200, shown("uid-2", &json!([FINALIZER]), false)),
        (200, shown("uid-1", &json!(["theirs.example/x"]), true)),
        (200, shown("uid-1", &Value::Null, true)),
    ] {
        let server = ApiServer::start().await;
        server.then(code, answer).await;
        server.live().release(&object()).await.unwrap();
        assert_eq!(server.asked().await.len(), 1, "nothing is written");
    }
}

#[tokio::test]
async fn an_object_that_goes_between_look_and_release_counts_as_released() {
    let server = ApiServer::start().await;
    server.then(200, shown("uid-1", &json!([FINALIZER]), true)).await;
    server.then(404, refusal(404, "NotFound", "not found")).await;
    server.live().release(&object()).await.unwrap();
}

#[tokio::test]
async fn finalizers_that_change_between_look_and_release_are_a_conflict() {
    let server = ApiServer::start().await;
    server.then(200, shown("uid-1", &json!(["theirs.example/x", FINALIZER]), true)).await;
    server.then(422, refusal(422, "Invalid", TEST_FAILED)).await;
    let error = server.live().release(&object()).await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "{error:?}");
}

#[tokio::test]
async fn the_whole_status_is_written_and_guarded_by_the_uid() {
    let server = ApiServer::start().await;
    server.then(200, shown("uid-1", &json!([]), false)).await;
    server.then(422, refusal(422, "Invalid", TEST_FAILED)).await;
    let live = server.live();
    let status = ServiceAccountCredentialStatus {
        observed_generation: Some(3),
        retry: Some(RetryStatus { failures: 2, next_attempt_at: Some(Timestamp::UNIX_EPOCH) }),
        ..ServiceAccountCredentialStatus::default()
    };
    assert_eq!(live.write_status(&object(), &status).await.unwrap(), "7");
    assert_eq!(
        server.asked().await,
        [Asked::new(
            &format!("PATCH {PATH}/status?fieldManager=keysteward.dev%2Fstatus"),
            "application/json-patch+json",
            json!([
                {"op": "test", "path": "/metadata/uid", "value": "uid-1"},
                {"op": "add", "path": "/status", "value": {
                    "observedGeneration": 3,
                    "retry": {"failures": 2, "nextAttemptAt": "1970-01-01T00:00:00Z"},
                }},
            ]),
        )]
    );
    let error = live.write_status(&object(), &status).await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "{error:?}");
}

#[tokio::test]
async fn conditions_are_written_beside_the_rest_of_the_status() {
    let server = ApiServer::start().await;
    server.then(200, shown("uid-1", &json!([]), false)).await;
    let status = ServiceAccountCredentialStatus {
        observed_generation: Some(3),
        retry: Some(RetryStatus::default()),
        ..ServiceAccountCredentialStatus::default()
    };
    assert_eq!(server.live().write_conditions(&object(), &status).await.unwrap(), "7");
    assert_eq!(
        server.asked().await[0].body,
        json!([
            {"op": "test", "path": "/metadata/uid", "value": "uid-1"},
            {"op": "add", "path": "/status/observedGeneration", "value": 3},
            {"op": "add", "path": "/status/conditions", "value": []},
        ])
    );
}

#[tokio::test]
async fn both_kinds_of_platform_have_their_path() {
    let server = ApiServer::start().await;
    let live = server.live();
    let status = PlatformStatus { tenant_id: Some("t".into()), ..PlatformStatus::default() };
    for (kind, namespace) in
        [(PlatformKind::Platform, "team-a"), (PlatformKind::ClusterPlatform, "")]
    {
        server.then(200, shown("uid-9", &json!([]), false)).await;
        let platform = PlatformKey { kind, namespace: namespace.into(), name: "cc".into() };
        live.write_platform_status(&platform, "uid-9", &status).await.unwrap();
    }
    let asked = server.asked().await;
    let manager = "fieldManager=keysteward.dev%2Fstatus";
    assert_eq!(
        asked[0].line,
        format!(
            "PATCH /apis/keysteward.dev/v1alpha1/namespaces/team-a/platforms/cc/status?{manager}"
        )
    );
    assert_eq!(
        asked[1].line,
        format!("PATCH /apis/keysteward.dev/v1alpha1/clusterplatforms/cc/status?{manager}")
    );
    assert_eq!(asked[1].body[0]["value"], "uid-9");
    assert_eq!(asked[1].body[1]["value"], json!({"tenantId": "t"}));
}
