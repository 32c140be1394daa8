//! What becomes of the client when its object is deleted.

use keysteward_simulator::Fault;
use serde_json::{Value, json};

use super::harness::{ADMIN, Account, PLATFORM, World, in_a_world, message};

fn deleting(world: &World, name: &str, how: &str) -> Value {
    let mut object = Account::of(world, name);
    object["spec"]["policy"] = json!({ "onDelete": how });
    object
}

#[tokio::test]
async fn a_retained_client_is_an_orphan_and_the_same_name_takes_it_back() {
    in_a_world(async |world| {
        world.apply(&Account::of(world, "etl")).await;
        world.ready("etl").await;
        let client = world.remote("etl").await;
        let credential = world.data("etl-credential").await;
        world.delete_object("etl").await;
        world.object_gone("etl").await;

        assert_eq!(world.remote_writes(), 1, "nothing but the create");
        for name in ["etl-token", "etl-credential"] {
            assert!(world.secret(name).await.is_none(), "{name} stayed");
        }
        let copy = world.true_copy("etl").await.unwrap();
        assert_eq!(copy["metadata"]["labels"]["keysteward.dev/retained"], "true");
        let orphan = world
            .until("the orphan on the platform object", async || {
                let platform = world.get("Platform", &world.namespace, PLATFORM).await.unwrap();
                let orphans = platform["status"]["orphans"].as_array().cloned().unwrap_or_default();
                if orphans.len() == 1 {
                    Ok(orphans[0].clone())
                } else {
                    Err(format!("{orphans:?}"))
                }
            })
            .await;
        assert_eq!((&orphan["id"], &orphan["name"]), (&json!(client.id), &json!("etl")));
        assert_eq!(orphan["from"], format!("{}/etl", world.namespace));

        let before = client.description.unwrap();
        let applied = world.apply(&Account::of(world, "etl")).await;
        world.ready("etl").await;
        assert_eq!(world.client_id("etl").await, client.id);
        assert_eq!(world.data("etl-credential").await, credential);
        let clients = world.marked(None);
        assert_eq!((clients.len(), clients[0].secrets_issued), (1, 1));
        let marker = clients[0].description.clone().unwrap();
        assert_ne!(marker, before);
        assert!(marker.ends_with(applied["metadata"]["uid"].as_str().unwrap()), "{marker}");
        world.live_token("etl", None).await;
        world
            .until("no orphan any more", async || {
                let platform = world.get("Platform", &world.namespace, PLATFORM).await.unwrap();
                let orphans = &platform["status"]["orphans"];
                orphans
                    .as_array()
                    .is_none_or(Vec::is_empty)
                    .then_some(())
                    .ok_or(orphans.to_string())
            })
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_client_is_disabled_or_deleted_as_the_policy_says() {
    in_a_world(async |world| {
        for (name, how) in [("off", "Disable"), ("gone", "Delete")] {
            world.apply(&deleting(world, name, how)).await;
        }
        for name in ["off", "gone"] {
            world.ready(name).await;
        }
        let (off, gone) = (world.client_id("off").await, world.client_id("gone").await);
        let tokens = [world.token("off").await, world.token("gone").await];
        for name in ["off", "gone"] {
            world.delete_object(name).await;
        }
        for name in ["off", "gone"] {
            world.object_gone(name).await;
        }
        assert_eq!(world.tenant.client(&off).unwrap().state, "inactive");
        assert!(world.tenant.client(&gone).is_none());
        assert!(tokens.iter().all(|token| world.tenant.token_owner(token).is_none()));
        assert!(world.true_copy("off").await.is_some());
        assert!(world.true_copy("gone").await.is_none());
        for name in ["off-token", "off-credential", "gone-token", "gone-credential"] {
            assert!(world.secret(name).await.is_none(), "{name} stayed");
        }
    })
    .await;
}

#[tokio::test]
async fn a_deletion_waits_while_the_tenant_fails_and_is_done_when_it_answers() {
    in_a_world(async |world| {
        world.apply(&deleting(world, "etl", "Delete")).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        let token = world.token("etl").await;
        let everything = Fault { method: None, ..Fault::status("", "/api/v2/*", 503) };
        world.tenant.inject(everything).unwrap();
        world.delete_object("etl").await;
        world.retried("etl", "Deleting", &["503"]).await;
        assert!(world.tenant.client(&id).is_some());
        assert!(world.tenant.token_owner(&token).is_some());
        world.tenant.clear_faults();
        world.object_gone("etl").await;
        assert!(world.tenant.client(&id).is_none());
    })
    .await;
}

#[tokio::test]
async fn past_its_deadline_a_deletion_lets_go_and_the_client_is_an_orphan() {
    in_a_world(async |world| {
        let mut object = deleting(world, "etl", "Delete");
        object["spec"]["policy"]["deletionDeadline"] = json!("1m");
        world.apply(&object).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        world.tenant.inject(Fault::status("DELETE", "/api/v2/oauth/clients/*", 503)).unwrap();
        world.delete_object("etl").await;
        world.retried("etl", "Deleting", &["503"]).await;
        world.object_gone("etl").await;
        assert!(world.tenant.client(&id).is_some());
        assert!(world.true_copy("etl").await.is_some(), "the platform will not show it again");
        world
            .until("the orphan", async || {
                let platform = world.get("Platform", &world.namespace, PLATFORM).await.unwrap();
                let orphans = &platform["status"]["orphans"];
                (orphans[0]["id"] == id.as_str()).then_some(()).ok_or(orphans.to_string())
            })
            .await;
    })
    .await;
}

#[tokio::test]
async fn nothing_that_is_missing_blocks_a_deletion() {
    in_a_world(async |world| {
        for name in ["platform-gone", "never-fit"] {
            let mut object = deleting(world, name, "Delete");
            if name == "never-fit" {
                object["spec"]["platformRef"]["name"] = json!("nowhere");
            }
            world.apply(&object).await;
        }
        world.ready("platform-gone").await;
        let id = world.client_id("platform-gone").await;
        world.delete("Platform", &world.namespace, PLATFORM).await;
        for name in ["platform-gone", "never-fit"] {
            world.delete_object(name).await;
        }
        for name in ["platform-gone", "never-fit"] {
            world.object_gone(name).await;
        }
        assert!(world.tenant.client(&id).is_some());
        assert!(world.true_copy("platform-gone").await.is_some());
    })
    .await;
}

#[tokio::test]
async fn without_the_managing_credential_a_deletion_retains() {
    in_a_world(async |world| {
        world.apply(&deleting(world, "etl", "Disable")).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        world.delete("Secret", &world.namespace, ADMIN).await;
        world.platform_says(PLATFORM, "False", "CredentialMissing").await;
        world.delete_object("etl").await;
        world.object_gone("etl").await;
        assert_eq!(world.tenant.client(&id).unwrap().state, "active");
        assert!(world.true_copy("etl").await.is_some());
    })
    .await;
}

#[tokio::test]
async fn an_object_being_deleted_says_so() {
    in_a_world(async |world| {
        world.apply(&deleting(world, "etl", "Delete")).await;
        world.ready("etl").await;
        world.tenant.inject(Fault::status("DELETE", "/api/v2/oauth/clients/*", 500)).unwrap();
        world.delete_object("etl").await;
        let object = world.retried("etl", "Deleting", &["delete client"]).await;
        assert!(
            message(&object, "Reconciling").is_some_and(|text| text.contains("500")),
            "{object}"
        );
        world.tenant.clear_faults();
        world.object_gone("etl").await;
    })
    .await;
}
