//! Secrets: made once, replaced and deleted as they were read.

use std::collections::BTreeMap;

use keysteward::kubernetes::{Cluster, Error, SecretManifest, StoredSecret};
use keysteward::model::secret_text::SecretText;
use keysteward_testbed::unique_name;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::ground::Ground;

#[tokio::test]
async fn a_secret_is_made_once_and_replaced_and_deleted_as_it_was_read() {
    let Some(ground) = Ground::prepare().await else {
        return;
    };
    let live = &ground.live;
    let object = ground.object("etl").await;
    let first = ground.manifest(Some(object.clone()), "one");
    let made = live.create_secret(&first).await.unwrap();
    assert_eq!(made.kind.as_deref(), Some("Opaque"));
    assert_eq!(made.controller.as_ref().unwrap().uid, object.uid);
    let taken = live.create_secret(&first).await.unwrap_err();
    assert!(matches!(taken, Error::Conflict(_)), "{taken:?}");

    // Others attach things, and add a key.
    let theirs = json!({
        "metadata": {
            "labels": {"team": "a"},
            "annotations": {"theirs.example/x": "1", "keysteward.dev/old": "1"},
            "finalizers": ["theirs.example/keep"],
        },
        "stringData": {"added": "x"},
    });
    let patch = Patch::Merge(&theirs);
    ground.secrets().patch("etl-token", &PatchParams::default(), &patch).await.unwrap();
    let second = ground.manifest(Some(object.clone()), "two");
    let stale = live.replace_secret(&made, &second).await.unwrap_err();
    assert!(matches!(stale, Error::Conflict(_)), "{stale:?}");

    let read = live.secret(&ground.namespace, "etl-token").await.unwrap().unwrap();
    assert_eq!(read.data["added"].reveal(), "x");
    let written = live.replace_secret(&read, &second).await.unwrap();
    assert_eq!(written.data.keys().collect::<Vec<_>>(), ["token"]);
    assert_eq!(written.data["token"].reveal(), "two");
    assert_eq!(written.labels["team"], "a");
    assert_eq!(written.annotations["theirs.example/x"], "1");
    assert!(!written.annotations.contains_key("keysteward.dev/old"));
    assert_eq!(written.attached.finalizers, ["theirs.example/keep"]);
    assert_eq!(written.controller.as_ref().unwrap().uid, object.uid);

    // Another life of the Secret, or one that somebody has written since, is left alone.
    let other = StoredSecret { uid: "another".into(), ..written.clone() };
    for stale in [&other, &read] {
        let changed = live.delete_secret(stale).await.unwrap_err();
        assert!(matches!(changed, Error::Conflict(_)), "{changed:?}");
    }
    let kept = live.secret(&ground.namespace, "etl-token").await.unwrap().unwrap();
    let free = json!({"metadata": {"finalizers": null}});
    let patch = Patch::Merge(&free);
    ground.secrets().patch("etl-token", &PatchParams::default(), &patch).await.unwrap();
    let changed = live.delete_secret(&kept).await.unwrap_err();
    assert!(matches!(changed, Error::Conflict(_)), "{changed:?}");
    let kept = live.secret(&ground.namespace, "etl-token").await.unwrap().unwrap();
    live.delete_secret(&kept).await.unwrap();
    assert_eq!(live.secret(&ground.namespace, "etl-token").await.unwrap(), None);
    live.delete_secret(&kept).await.unwrap();
    let gone = live.replace_secret(&kept, &second).await.unwrap_err();
    assert!(matches!(gone, Error::Gone(_) | Error::Conflict(_)), "{gone:?}");
}

#[tokio::test]
async fn what_the_server_refuses_is_invalid_and_shows_no_value() {
    let Some(ground) = Ground::prepare().await else {
        return;
    };
    let mut manifest = ground.manifest(None, "canary");
    manifest.data.insert("not a key".into(), SecretText::new("canary-2"));
    let error = ground.live.create_secret(&manifest).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    assert!(error.to_string().contains("not a key") && !error.to_string().contains("canary"));

    let big = SecretText::new("canary".repeat(200_000));
    let manifest = SecretManifest {
        data: BTreeMap::from([("token".into(), big)]),
        ..ground.manifest(None, "")
    };
    let error = ground.live.create_secret(&manifest).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    assert!(!error.to_string().contains("canary"), "{error}");

    let nowhere = SecretManifest { namespace: unique_name("nowhere"), ..ground.manifest(None, "") };
    let error = ground.live.create_secret(&nowhere).await.unwrap_err();
    assert!(matches!(error, Error::Gone(_)), "{error:?}");
}
