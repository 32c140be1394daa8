//! Two objects that want the same thing: the first has it, the other is told by whom and gets it afterwards.

use keysteward_simulator::{NewClient, RoleDivision, seed};
use serde_json::json;

use super::harness::{ADMIN, Account, in_a_world, message};

#[tokio::test]
async fn of_two_objects_with_one_client_name_the_older_wins_and_then_the_other() {
    in_a_world(async |world| {
        // In another namespace, on a platform object of its own for the same tenant.
        let place = |mut object: serde_json::Value| {
            object["metadata"]["namespace"] = json!(world.neighbour);
            object
        };
        world.apply(&place(world.admin_secret())).await;
        world.apply(&place(world.platform())).await;
        let mut first = Account::of(world, "first");
        first["spec"]["genesysCloud"]["client"]["name"] = json!("shared");
        world.apply(&first).await;
        world.ready("first").await;
        // Objects of one second are of one age, and then the UID decides: not before a list shows who holds the name.
        world.sweeps(1).await;
        let mut second = place(Account::of(world, "second"));
        second["spec"]["genesysCloud"]["client"]["name"] = json!("shared");
        world.apply(&second).await;
        let look = async |status: &str, reason: &str| {
            world
                .until(&format!("second {status} {reason}"), async || {
                    let object = world
                        .get("ServiceAccountCredential", &world.neighbour, "second")
                        .await
                        .ok_or("gone")?;
                    super::harness::says(&object, "Ready", status, reason).map(|()| object)
                })
                .await
        };
        let object = look("False", "ClaimedByAnother").await;
        let sentence = message(&object, "Ready").unwrap();
        assert!(sentence.contains("the client name \"shared\""), "{sentence}");
        assert!(sentence.contains(&format!("{}/first", world.namespace)), "{sentence}");
        world.ready("first").await;
        world.sweeps(1).await;
        assert_eq!(world.tenant.clients_named("shared").len(), 1);

        world.change("first", &json!({ "policy": { "onDelete": "Delete" } })).await;
        world.ready("first").await;
        world.delete_object("first").await;
        world.object_gone("first").await;
        look("True", "Succeeded").await;
        let clients = world.tenant.clients_named("shared");
        assert_eq!(clients.len(), 1);
        assert!(clients[0].description.as_deref().unwrap().contains("/second/"));
    })
    .await;
}

#[tokio::test]
async fn of_two_objects_with_one_secret_the_older_wins_and_then_the_other() {
    in_a_world(async |world| {
        world.apply(&Account::of(world, "first")).await;
        world.ready("first").await;
        let token = world.token("first").await;
        let mut second = Account::of(world, "second");
        second["spec"]["token"]["secretName"] = json!("first-token");
        let mut third = Account::of(world, "third");
        third["spec"]["credential"]["secretName"] = json!("first-token");
        world.apply(&second).await;
        world.apply(&third).await;
        for name in ["second", "third"] {
            world.stalled(name, "ClaimedByAnother", &["Secret first-token", "/first"]).await;
        }
        world.ready("first").await;
        assert_eq!(world.token("first").await, token);
        assert_eq!(world.marked(None).len(), 1);

        // One chooses another name, the first one goes: everybody has what it wants.
        world.change("third", &json!({ "credential": { "secretName": "third-credential" } })).await;
        world.ready("third").await;
        world.delete_object("first").await;
        world.object_gone("first").await;
        world.ready("second").await;
        let secret = world.data("first-token").await;
        let owner = world.tenant.token_owner(&secret["GENESYSCLOUD_ACCESS_TOKEN"]);
        assert_eq!(owner, Some(world.client_id("second").await));
    })
    .await;
}

#[tokio::test]
async fn a_client_of_that_name_without_our_marker_is_left_alone_and_mentioned() {
    in_a_world(async |world| {
        let role = RoleDivision::new(seed::EMPLOYEE, seed::HOME_DIVISION);
        let by_hand =
            NewClient::named("etl").with(keysteward_simulator::ClientEdit::roles(vec![role]));
        let by_hand = world.tenant.add_client(&by_hand).unwrap();
        let before = world.tenant.client(&by_hand.client_id).unwrap();
        world.apply(&Account::of(world, "etl")).await;
        let object = world.ready("etl").await;
        assert_ne!(world.client_id("etl").await, by_hand.client_id);
        let sentence = message(&object, "Ready").unwrap();
        assert!(
            sentence.contains(&by_hand.client_id) && sentence.contains("left alone"),
            "{sentence}"
        );
        assert_eq!(world.tenant.client(&by_hand.client_id).unwrap(), before);
    })
    .await;
}

#[tokio::test]
async fn of_two_objects_that_start_together_exactly_one_makes_the_client() {
    in_a_world(async |world| {
        world.delete("Secret", &world.namespace, ADMIN).await;
        for name in ["older", "younger"] {
            let mut object = Account::of(world, name);
            object["spec"]["genesysCloud"]["client"]["name"] = json!("shared");
            let applied = world.apply(&object).await;
            let made = applied["metadata"]["creationTimestamp"].clone();
            // The API server's clock ticks in seconds.
            world
                .until("the next second", async || {
                    let now = jiff::Timestamp::now().to_string();
                    (now[..19] > made.as_str().unwrap()[..19]).then_some(()).ok_or(now)
                })
                .await;
        }
        world.apply(&world.admin_secret()).await;
        world.ready("older").await;
        world.stalled("younger", "ClaimedByAnother", &["\"shared\"", "/older"]).await;
        world.sweeps(1).await;
        assert_eq!(world.tenant.clients_named("shared").len(), 1);
        assert_eq!(world.tenant.counters().of("POST /api/v2/oauth/clients"), 1);
    })
    .await;
}
