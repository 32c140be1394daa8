//! Eventual consistency: who sees a write when.

use std::time::Duration;

use keysteward_simulator::{ClientEdit, Credentials, Lag, Options, Propagation};
use serde_json::{Value, json};

use crate::caller::{World, credentials, edited, path_of};

fn slow(change: impl FnOnce(&mut Propagation)) -> Options {
    let mut options = Options::default();
    change(&mut options.settings.propagation);
    options
}

const SLOW: Lag =
    Lag { list_milliseconds: 10_000, get_milliseconds: 5_000, token_milliseconds: 8_000 };

#[tokio::test]
async fn a_created_client_appears_to_each_reader_in_its_own_time() {
    let world = World::with(slow(|propagation| propagation.create = SLOW)).await;
    let control = world.simulator.control();
    let (created, credentials) = world.create("a").await;
    world.get(&path_of(&created)).await.refused(404, "client.not.found");
    assert_eq!(world.ask_token(&credentials).await.json["error_description"], "client not found");
    assert_eq!(control.clients().len(), 2);

    control.advance(Duration::from_secs(6));
    world.get(&path_of(&created)).await.ok();
    assert_eq!(world.listed().await.len(), 1);
    control.advance(Duration::from_secs(3));
    world.ask_token(&credentials).await.ok();
    control.advance(Duration::from_secs(2));
    assert_eq!(world.listed().await.len(), 2);
}

#[tokio::test]
async fn an_update_is_seen_late_but_answered_and_carried_out_at_once() {
    let world = World::with(slow(|propagation| propagation.update = SLOW)).await;
    let (created, _) = world.create("before").await;
    let path = path_of(&created);
    let after = edited(&created, json!({"name": "after"}));
    assert_eq!(world.put(&path, &after).await.ok()["name"], "after");
    assert_eq!(world.get(&path).await.ok()["name"], "before");
    let names = |clients: &[Value]| clients.iter().map(|c| c["name"].clone()).collect::<Vec<_>>();
    assert!(names(&world.listed().await).contains(&json!("before")));

    let control = world.simulator.control();
    control.advance(Duration::from_secs(6));
    assert_eq!(world.get(&path).await.ok()["name"], "after");
    assert!(names(&world.listed().await).contains(&json!("before")));
    control.advance(Duration::from_secs(5));
    assert!(names(&world.listed().await).contains(&json!("after")));
}

#[tokio::test]
async fn writes_become_visible_in_the_order_they_were_made() {
    let world = World::with(slow(|propagation| propagation.update = SLOW)).await;
    let control = world.simulator.control();
    let (created, _) = world.create("0").await;
    let path = path_of(&created);
    world.put(&path, &edited(&created, json!({"name": "1"}))).await.ok();
    control.configure(|settings| settings.propagation.update = Lag::default());
    control.advance(Duration::from_secs(1));
    world.put(&path, &edited(&created, json!({"name": "2"}))).await.ok();
    assert_eq!(world.get(&path).await.ok()["name"], "0");
    control.advance(Duration::from_secs(5));
    assert_eq!(world.get(&path).await.ok()["name"], "2");
}

#[tokio::test]
async fn a_deleted_client_lingers_where_the_deletion_has_not_arrived() {
    let world = World::with(slow(|propagation| propagation.delete = SLOW)).await;
    let control = world.simulator.control();
    let (created, credentials) = world.create("a").await;
    let path = path_of(&created);
    control.edit_client(&credentials.client_id, &ClientEdit::state("inactive")).unwrap();
    assert_eq!(world.delete(&path).await.status, 204);
    world.get(&path).await.ok();
    assert_eq!(world.listed().await.len(), 2);
    assert_eq!(world.ask_token(&credentials).await.json["error_description"], "client is inactive");
    control.advance(Duration::from_secs(6));
    world.get(&path).await.refused(404, "client.not.found");
    control.advance(Duration::from_secs(5));
    assert_eq!(world.listed().await.len(), 1);
    assert_eq!(world.ask_token(&credentials).await.json["error_description"], "client not found");
}

#[tokio::test]
async fn a_new_secret_reaches_the_token_endpoint_late() {
    let world = World::with(slow(|propagation| propagation.secret = SLOW)).await;
    let (created, old) = world.create("a").await;
    let rotated = world.post(&format!("{}/secret", path_of(&created)), &Value::Null).await.ok();
    let new = credentials(&rotated);
    assert_eq!(world.ask_token(&new).await.json["error_description"], "authentication failed");
    world.ask_token(&old).await.ok();
    world.simulator.control().advance(Duration::from_secs(9));
    world.ask_token(&new).await.ok();
    assert_eq!(world.ask_token(&old).await.json["error_description"], "authentication failed");
}

#[tokio::test]
async fn asking_too_early_keeps_the_token_endpoint_ignorant_for_longer() {
    let options = slow(|propagation| {
        propagation.create.token_milliseconds = 2_000;
        propagation.poison_milliseconds = 10_000;
    });
    let world = World::with(options).await;
    let control = world.simulator.control();
    let refused =
        async |credentials: &Credentials| world.ask_token(credentials).await.status == 400;

    let (_, patient) = world.create("patient").await;
    control.advance(Duration::from_secs(3));
    world.ask_token(&patient).await.ok();

    let (_, hasty) = world.create("hasty").await;
    assert!(refused(&hasty).await);
    control.advance(Duration::from_secs(3));
    assert!(refused(&hasty).await);
    control.advance(Duration::from_secs(8));
    world.ask_token(&hasty).await.ok();
}
