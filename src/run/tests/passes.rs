//! What leads to a pass, and what a pass does before any platform is ready.

use kube::runtime::controller::Action;
use serde_json::json;

use super::ground::{Ground, credential_path, object, of_team_a, session};
use crate::api::FINALIZER;

#[tokio::test]
async fn a_deletion_does_not_wait_for_a_first_sweep() {
    let mut ground = Ground::new();
    ground.platform(&of_team_a(), 1, json!({}));
    let kept = ground.show(object("kept", json!({})));
    assert_eq!(ground.pass(&kept).await, Action::await_change());
    assert_eq!(ground.server.asked(), Vec::<String>::new(), "nothing is decided yet");

    let deleted = json!({"metadata": {"deletionTimestamp": "2026-11-20T10:00:00Z"}});
    let gone = object("gone", deleted);
    let path = credential_path("team-a", "gone");
    ground.server.put(&path, gone.clone());
    let gone = ground.show(gone);
    assert_eq!(ground.pass(&gone).await, Action::await_change());
    assert_eq!(ground.server.written(), [format!("PATCH {path}")]);
    let release = &ground.server.sent(&format!("PATCH {path}"))[0];
    assert_eq!(release[2]["op"], "remove", "{release}");
}

#[tokio::test]
async fn a_finalizer_that_somebody_removed_is_put_back() {
    let mut ground = Ground::new();
    ground.ready(&of_team_a(), json!({}), session("t-1", "admin", Vec::new()));
    let shown = ground.show(object("etl", json!({"spec": {"token": null}})));
    ground.pass(&shown).await;
    ground.server.forget_requests();
    ground.pass(&shown).await;
    assert_eq!(ground.server.asked(), Vec::<String>::new(), "nothing is new");

    let bare = json!({"metadata": {"finalizers": []}, "spec": {"token": null}});
    let shown = ground.show(object("etl", bare));
    ground.pass(&shown).await;
    let path = format!("PATCH {}", credential_path("team-a", "etl"));
    let holds = ground.server.sent(&path);
    assert_eq!(holds.len(), 1, "{:?}", ground.server.written());
    assert_eq!(holds[0][2]["value"], json!([FINALIZER]), "{holds:?}");
}

#[tokio::test]
async fn of_an_object_that_cannot_be_read_the_field_is_said() {
    let mut ground = Ground::new();
    ground.ready(&of_team_a(), json!({}), session("t-1", "admin", Vec::new()));
    let wrong = json!({"spec": {"genesysCloud": {"roles": [{"division": 7}]}}});
    let shown = ground.show(object("etl", wrong));
    ground.pass(&shown).await;
    let (_, reason, message) = ground.said("team-a", "etl", "Stalled");
    assert_eq!(reason, "InvalidSpec");
    let field = "the object cannot be read: spec.genesysCloud.roles[0].division: ";
    assert!(message.starts_with(field), "{message}");
}
