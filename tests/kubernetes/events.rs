//! Events, and the platforms that they speak of.

use k8s_openapi::api::events::v1::Event as KubeEvent;
use keysteward::api::PlatformStatus;
use keysteward::api::credential::PlatformKind;
use keysteward::kubernetes::{Cluster, Error, Event, Severity};
use keysteward::model::object::PlatformKey;
use keysteward_testbed::{apply_yaml, unique_name};
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use crate::ground::Ground;

async fn events_of(admin: &Client, namespace: &str, uid: &str) -> Vec<KubeEvent> {
    let all = Api::<KubeEvent>::namespaced(admin.clone(), namespace);
    let listed = all.list(&ListParams::default()).await.unwrap();
    let of_uid =
        |event: &KubeEvent| event.regarding.as_ref().and_then(|it| it.uid.as_deref()) == Some(uid);
    listed.items.into_iter().filter(of_uid).collect()
}

#[tokio::test]
async fn platforms_of_both_kinds_have_a_status_and_events() {
    let Some(ground) = Ground::prepare().await else {
        return;
    };
    let connection = json!({
        "genesysCloud": {"region": "eu-central-1"},
        "credentialsSecretRef": {"name": "admin"},
    });
    let shared_name = unique_name("shared");
    for (kind, namespace, name) in [
        (PlatformKind::Platform, ground.namespace.as_str(), "contact-center"),
        (PlatformKind::ClusterPlatform, "", shared_name.as_str()),
    ] {
        let kind_word = match kind {
            PlatformKind::Platform => "Platform",
            PlatformKind::ClusterPlatform => "ClusterPlatform",
        };
        let mut manifest = json!({
            "apiVersion": "keysteward.dev/v1alpha1", "kind": kind_word,
            "metadata": {"name": name}, "spec": connection,
        });
        if !namespace.is_empty() {
            manifest["metadata"]["namespace"] = json!(namespace);
        }
        let applied =
            apply_yaml(&ground.admin, &manifest.to_string(), "user").await.unwrap().remove(0);
        let uid = applied.uid().unwrap();
        let platform = PlatformKey { kind, namespace: namespace.into(), name: name.into() };
        let status =
            PlatformStatus { tenant_id: Some("tenant-1".into()), ..PlatformStatus::default() };
        ground.live.write_platform_status(&platform, &uid, &status).await.unwrap();
        let error = ground.live.write_platform_status(&platform, "another", &status).await;
        assert!(matches!(error, Err(Error::Conflict(_))), "{error:?}");

        let event = Event {
            severity: Severity::Warning,
            reason: "CredentialRefused".into(),
            action: "Authenticate".into(),
            note: "ö".repeat(2000),
        };
        ground.live.publish_for_platform(&platform, &uid, &event).await;
        let place = if namespace.is_empty() { "default" } else { namespace };
        let found = events_of(&ground.admin, place, &uid).await;
        assert_eq!(found.len(), 1, "{kind_word}");
        assert!(found[0].note.as_ref().unwrap().len() <= 1024);
    }
}

#[tokio::test]
async fn a_repeated_event_is_counted_in_the_first() {
    let Some(ground) = Ground::prepare().await else {
        return;
    };
    let object = ground.object("etl").await;
    let event = Event {
        severity: Severity::Normal,
        reason: "TokenRefreshed".into(),
        action: "Mint".into(),
        note: "a new token was published".into(),
    };
    for _ in 0..3 {
        ground.live.publish(&object, &event).await;
    }
    let found = events_of(&ground.admin, &ground.namespace, &object.uid).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].series.as_ref().unwrap().count, 3);
    assert_eq!(found[0].reporting_controller.as_deref(), Some("keysteward.dev/controller"));
    assert_eq!(found[0].reporting_instance.as_deref(), Some("seam-test"));
}
