//! What `enabled` and `suspend` do.

use keysteward_simulator::ClientEdit;
use serde_json::json;

use super::harness::{Account, in_a_world, message, tells};

#[tokio::test]
async fn switched_off_the_client_is_inactive_and_its_token_dead_and_switched_on_it_works_again() {
    in_a_world(async |world| {
        world.apply(&Account::of(world, "etl")).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        let token = world.live_token("etl", None).await;
        let credential = world.data("etl-credential").await;

        world.change("etl", &json!({ "enabled": false })).await;
        let object = world.says("etl", "Ready", "True", "Disabled").await;
        assert_eq!(
            tells(&object),
            "Ready=True/Disabled Synced=True/Disabled CredentialValid=True/Succeeded TokenFresh=False/Disabled"
        );
        assert!(message(&object, "Ready").unwrap().contains("others minted"), "{object}");
        assert_eq!(world.remote("etl").await.state, "inactive");
        assert_eq!(world.tenant.token_owner(&token), None, "the token lives on");
        assert_eq!(world.remote("etl").await.live_tokens, 0);
        let secret = world.secret("etl-token").await.unwrap();
        assert!(secret["data"].as_object().is_none_or(serde_json::Map::is_empty), "its keys are gone");
        assert_eq!(object["status"]["remote"]["enabled"], false);
        assert!(object["status"]["token"].is_null());
        assert_eq!(world.data("etl-credential").await, credential);

        // Somebody who switches it on is corrected.
        world.edit(&id, &ClientEdit::state("active"));
        world.remote_is(&id, "off again", |client| client.state == "inactive").await;

        world.change("etl", &json!({ "enabled": true })).await;
        world.ready("etl").await;
        assert_eq!(world.remote("etl").await.state, "active");
        let next = world.live_token("etl", Some(&token)).await;
        assert_eq!(world.tenant.token_owner(&next), Some(id));
        assert_eq!(world.data("etl-credential").await, credential);
        assert_eq!(world.marked(None).len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_object_that_is_switched_off_from_the_start_makes_no_client() {
    in_a_world(async |world| {
        let mut object = Account::of(world, "etl");
        object["spec"]["enabled"] = json!(false);
        world.apply(&object).await;
        world.says("etl", "Ready", "True", "Disabled").await;
        world.sweeps(1).await;
        assert_eq!((world.remote_writes(), world.mints()), (0, 0));
        assert!(world.kept().await.is_empty());
        world.change("etl", &json!({ "enabled": true })).await;
        world.ready("etl").await;
        world.live_token("etl", None).await;
    })
    .await;
}

#[tokio::test]
async fn suspended_nothing_is_written_and_what_is_published_is_kept_up() {
    in_a_world(async |world| {
        world.apply(&Account::of_a_day(world, "etl")).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        let token = world.live_token("etl", None).await;
        world.change("etl", &json!({ "suspend": true })).await;
        let object = world.says("etl", "Synced", "Unknown", "Suspended").await;
        assert_eq!(
            tells(&object),
            "Ready=True/Suspended Synced=Unknown/Suspended CredentialValid=True/Succeeded TokenFresh=True/Succeeded"
        );
        let writes = world.remote_writes();
        world.edit(&id, &ClientEdit::field("accessTokenValiditySeconds", 600));
        world.change("etl", &json!({ "genesysCloud": { "client": { "name": "other" } } })).await;
        world.delete("Secret", &world.namespace, "etl-credential").await;
        world.delete("Secret", &world.namespace, "etl-token").await;
        world.live_token("etl", Some(&token)).await;
        world.until("the credential published again", async || {
            world.secret("etl-credential").await.map(|_| ()).ok_or_else(|| "missing".to_owned())
        }).await;
        world.sweeps(2).await;
        assert_eq!(world.remote_writes(), writes);

        world.change("etl", &json!({ "suspend": false })).await;
        world.remote_is(&id, "as written", |c| c.name == "other" && c.access_token_validity_seconds == 86_400).await;
        world.ready("etl").await;
    })
    .await;
}

#[tokio::test]
async fn suspended_before_anything_was_published_a_person_is_asked() {
    in_a_world(async |world| {
        let mut object = Account::of(world, "etl");
        object["spec"]["suspend"] = json!(true);
        world.apply(&object).await;
        let object = world.stalled("etl", "Suspended", &["spec.suspend"]).await;
        assert_eq!(
            tells(&object),
            "Ready=False/Suspended Synced=Unknown/Suspended CredentialValid=Unknown/NotTried TokenFresh=Unknown/Suspended Stalled=True/Suspended"
        );
        assert_eq!(world.remote_writes(), 0);
        world.change("etl", &json!({ "suspend": false })).await;
        world.ready("etl").await;
    })
    .await;
}
