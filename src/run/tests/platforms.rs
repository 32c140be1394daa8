//! What one platform object does to the others: slots, generations, managing clients.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kube::runtime::controller::Action;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ground::{Ground, object, of_all, of_team_a, session};
use crate::model::inventory::Tenant;
use crate::model::object::PlatformKey;
use crate::model::platform::PlatformSeen;
use crate::run::admin::Readiness;
use crate::run::gate::Gate;
use crate::run::platforms::{Found, Live};
use crate::run::supervise;

#[tokio::test]
async fn a_platform_whose_passes_hang_holds_up_no_other() {
    let mut ground = Ground::new();
    let hangs = ground.ready(&of_team_a(), json!({}), session("t-1", "admin", Vec::new()));
    let other = of_all("shared");
    let allow = json!([{
        "namespaces": {"names": ["team-a"]}, "roles": [{"name": "*", "division": "*"}],
    }]);
    let change = json!({"spec": {"allow": allow}});
    ground.ready(&other, change, session("t-2", "admin", Vec::new()));
    let waits = ground.show(object("waits", json!({})));
    let platform = json!({"kind": "ClusterPlatform", "name": "shared"});
    let goes_on = ground.show(object("goes-on", json!({"spec": {"platformRef": platform}})));

    let hanging = Arc::clone(&hangs.slots).try_acquire_owned().unwrap();
    let later = Action::requeue(Duration::from_millis(250));
    assert_eq!(ground.pass(&waits).await, later);
    assert_eq!(ground.server.asked(), Vec::<String>::new(), "nothing was begun");
    ground.pass(&goes_on).await;
    ground.said("team-a", "goes-on", "Ready");
    drop(hanging);
    assert_ne!(ground.pass(&waits).await, later);
    ground.said("team-a", "waits", "Ready");
    assert_eq!(hangs.slots.available_permits(), 1, "given back");
}

#[tokio::test]
async fn each_platform_object_gets_as_many_slots_as_the_command_line_says() {
    let ground = Ground::new();
    let root = "/apis/keysteward.dev/v1alpha1";
    let nobody = json!({"metadata": {"resourceVersion": "1"}, "items": []});
    ground.server.put(&format!("{root}/clusterplatforms"), nobody);
    let platform = |name: &str| {
        json!({
            "metadata": {"name": name, "namespace": "team-a", "uid": name, "generation": 1},
            "spec": {
                "genesysCloud": {"region": "eu-central-1"},
                "credentialsSecretRef": {"name": "missing"},
            },
        })
    };
    let some = json!({
        "metadata": {"resourceVersion": "1"}, "items": [platform("one"), platform("two")],
    });
    ground.server.put(&format!("{root}/platforms"), some);
    let (gate, mut listed) = Gate::new(&Readiness::default(), "the first list of platforms");
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let operator = Arc::clone(&ground.operator);
    let client = ground.server.client();
    let supervised = supervise::run(client, vec![None], operator, tasks, gate, stop);
    tokio::select! {
        () = supervised => panic!("it goes on until it is stopped"),
        listed = tokio::time::timeout(Duration::from_secs(30), listed.wait_for(|open| *open)) => {
            assert!(*listed.unwrap().unwrap());
        }
    }
    let entries = ground.operator.platforms.all();
    let slots: Vec<usize> = entries.iter().map(|entry| entry.slots.available_permits()).collect();
    assert_eq!(slots, [3, 3]);
}

#[tokio::test]
async fn only_the_newest_generation_is_current() {
    let ground = Ground::new();
    let old = ground.platform(&of_team_a(), 1, json!({}));
    let platforms = &ground.operator.platforms;
    assert!(platforms.is_current(&old));
    let new = ground.platform(&of_team_a(), 2, json!({}));
    assert!(platforms.is_current(&new) && !platforms.is_current(&old));
    platforms.put_unreadable(&of_team_a(), "spec: missing");
    assert!(!platforms.is_current(&new));
}

fn managing(ground: &Ground, key: &PlatformKey) -> BTreeSet<String> {
    match ground.operator.platforms.find(key, None, "team-a", None) {
        Found::Seen(PlatformSeen::Ready(view), _) => (*view.managing_clients).clone(),
        other @ (Found::Starting | Found::Seen(..)) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_platform_object_shields_the_clients_of_its_own_tenant_only() {
    let ground = Ground::new();
    let live = |tenant: &str, client_id: &str| session(tenant, client_id, Vec::new());
    ground.ready(&of_team_a(), json!({}), live("t-1", "admin-1"));
    ground.ready(&of_all("same-tenant"), json!({}), live("t-1", "admin-2"));
    ground.ready(&of_all("other-tenant"), json!({}), live("t-2", "etl"));
    // It is pinned to the tenant, and another one answers: its word proves nothing.
    let other_tenant = Some(Tenant { id: "t-3".into(), name: "Mallory".into() });
    let pinned = Live { other_tenant, ..live("t-1", "etl") };
    ground.ready(&of_all("pinned"), json!({}), pinned);
    ground.platform(&of_all("starting"), 1, json!({"spec": {"tenantId": "t-1"}}));
    let expected = BTreeSet::from(["admin-1".to_owned(), "admin-2".to_owned()]);
    assert_eq!(managing(&ground, &of_team_a()), expected);
}
