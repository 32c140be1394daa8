//! Finalizer and status of our own objects, in one of their lives.

use jiff::Timestamp;
use keysteward::api::credential_status::{RemoteStatus, RetryStatus};
use keysteward::api::{FINALIZER, ServiceAccountCredentialStatus};
use keysteward::kubernetes::{Cluster, Error, ObjectKey};
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::ground::Ground;

#[tokio::test]
async fn an_object_is_held_beside_others_and_released_alone() {
    let Some(ground) = Ground::prepare().await else {
        return;
    };
    let live = &ground.live;
    let finalizers = async |name: &str| {
        let object = ground.credentials().get(name).await.unwrap();
        object.finalizers().to_vec()
    };
    let first = ground.object("first").await;
    live.hold(&first).await.unwrap();
    assert_eq!(finalizers("first").await, [FINALIZER]);
    live.hold(&first).await.unwrap();
    assert_eq!(finalizers("first").await, [FINALIZER], "held once");

    let shared = ground.object("shared").await;
    let theirs = json!({"metadata": {"finalizers": ["theirs.example/keep"]}});
    let patch = Patch::Merge(&theirs);
    ground.credentials().patch("shared", &PatchParams::default(), &patch).await.unwrap();
    live.hold(&shared).await.unwrap();
    assert_eq!(finalizers("shared").await, ["theirs.example/keep", FINALIZER]);
    live.release(&shared).await.unwrap();
    assert_eq!(finalizers("shared").await, ["theirs.example/keep"]);
    live.release(&shared).await.unwrap();

    // Deleted, and held by others: it is not held again.
    ground.credentials().delete("shared", &DeleteParams::default()).await.unwrap();
    let error = live.hold(&shared).await.unwrap_err();
    assert!(matches!(error, Error::Gone(_)), "{error:?}");

    let another_life = ObjectKey { uid: "another".into(), ..first.clone() };
    let error = live.hold(&another_life).await.unwrap_err();
    assert!(matches!(error, Error::Gone(_)), "{error:?}");
    live.release(&another_life).await.unwrap();
    assert_eq!(finalizers("first").await, [FINALIZER], "another life was meant");

    ground.credentials().delete("first", &DeleteParams::default()).await.unwrap();
    live.release(&first).await.unwrap();
    assert!(ground.credentials().get_opt("first").await.unwrap().is_none());
    live.release(&first).await.unwrap();
    let error = live.hold(&first).await.unwrap_err();
    assert!(matches!(error, Error::Gone(_)), "{error:?}");
}

#[tokio::test]
async fn a_status_replaces_the_whole_one_of_this_life_only() {
    let Some(ground) = Ground::prepare().await else {
        return;
    };
    let live = &ground.live;
    let object = ground.object("etl").await;
    let shown = async || ground.credentials().get("etl").await.unwrap().data["status"].clone();
    assert_eq!(shown().await, json!({"observedGeneration": -1}), "the default of the schema");

    let remote = RemoteStatus { client_id: Some("c-1".into()), ..RemoteStatus::default() };
    let retry = RetryStatus { failures: 2, next_attempt_at: Some(Timestamp::UNIX_EPOCH) };
    let status = ServiceAccountCredentialStatus {
        observed_generation: Some(1),
        remote: Some(remote),
        retry: Some(retry),
        ..ServiceAccountCredentialStatus::default()
    };
    live.write_status(&object, &status).await.unwrap();
    assert_eq!(shown().await["retry"]["failures"], 2);
    let status = ServiceAccountCredentialStatus { retry: None, ..status };
    live.write_status(&object, &status).await.unwrap();
    let now = shown().await;
    assert_eq!((now.get("retry"), &now["remote"]["clientId"]), (None, &json!("c-1")));

    let another_life = ObjectKey { uid: "another".into(), ..object.clone() };
    let empty = ServiceAccountCredentialStatus::default();
    let error = live.write_status(&another_life, &empty).await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "{error:?}");
    assert_eq!(shown().await, now, "nothing was written");

    let absent = ObjectKey { name: "absent".into(), ..object };
    let error = live.write_status(&absent, &empty).await.unwrap_err();
    assert!(matches!(error, Error::Gone(_)), "{error:?}");

    let managed = ground.credentials().get("etl").await.unwrap().metadata.managed_fields.unwrap();
    let ours: Vec<_> = managed
        .iter()
        .filter(|entry| entry.manager.as_deref() == Some("keysteward.dev/status"))
        .collect();
    assert_eq!(ours.len(), 1);
    assert_eq!(ours[0].subresource.as_deref(), Some("status"));
    let fields = serde_json::to_value(&ours[0].fields_v1).unwrap();
    assert_eq!(fields.as_object().unwrap().keys().collect::<Vec<_>>(), ["f:status"]);
}

/// Why the status is not written by server-side apply: the UID in it guards nothing.
#[tokio::test]
async fn a_server_side_apply_of_a_status_ignores_the_uid_in_it() {
    let Some(ground) = Ground::prepare().await else {
        return;
    };
    ground.object("etl").await;
    let other = json!({
        "apiVersion": "keysteward.dev/v1alpha1", "kind": "ServiceAccountCredential",
        "metadata": {"name": "etl", "uid": "another"}, "status": {"observedGeneration": 9},
    });
    let parameters = PatchParams::apply("test").force();
    let applied =
        ground.credentials().patch_status("etl", &parameters, &Patch::Apply(&other)).await;
    assert_eq!(applied.unwrap().data["status"]["observedGeneration"], 9);
}
