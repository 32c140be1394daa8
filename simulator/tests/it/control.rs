//! The control endpoints over HTTP: the same orders as the handle's.

use std::time::Duration;

use keysteward_simulator::{
    ClientEdit, Credentials, Division, Fault, NewClient, OrganizationEdit, RemoteControl,
    RemoteError, Role, seed,
};
use serde_json::json;

use crate::caller::World;

async fn remote() -> (World, RemoteControl) {
    let world = World::new().await;
    let remote = RemoteControl::new(&world.simulator.api_url());
    (world, remote)
}

#[tokio::test]
async fn clients_are_made_changed_and_deleted_by_somebody_else() {
    let (world, remote) = remote().await;
    let edit = ClientEdit::description("by hand").and("futureField", json!([1]));
    let made = remote.add_client(&NewClient::named("a").with(edit)).await.unwrap();
    let path = format!("/api/v2/oauth/clients/{}", made.client_id);
    let read = world.get(&path).await.ok();
    assert_eq!((&read["description"], &read["futureField"]), (&json!("by hand"), &json!([1])));
    assert_eq!(read["createdBy"]["id"], seed::SOMEBODY_ELSE);

    remote.edit_client(&made.client_id, &ClientEdit::state("disabled")).await.unwrap();
    assert_eq!(remote.client(&made.client_id).await.unwrap().unwrap().state, "disabled");
    remote.edit_client(&made.client_id, &ClientEdit::state("active")).await.unwrap();
    assert!(remote.secret_is(&made.client_id, made.client_secret.reveal()).await.unwrap());
    let client_secret = remote.rotate_secret(&made.client_id).await.unwrap();
    assert!(!remote.secret_is(&made.client_id, made.client_secret.reveal()).await.unwrap());

    let token = world.mint(&Credentials { client_secret, ..made.clone() }).await;
    assert_eq!(remote.token_owner(&token).await.unwrap(), Some(made.client_id.clone()));
    remote.end_tokens(&made.client_id).await.unwrap();
    assert_eq!(remote.token_owner(&token).await.unwrap(), None);
    remote.delete_client(&made.client_id).await.unwrap();
    world.get(&path).await.refused(404, "client.not.found");
    let gone = remote.delete_client(&made.client_id).await.unwrap_err();
    assert!(matches!(gone, RemoteError::Refused { status: 404, .. }), "{gone}");
}

#[tokio::test]
async fn faults_are_set_listed_and_cleared() {
    let (world, remote) = remote().await;
    let id = remote.inject(&Fault::status("GET", "/api/v2/organizations/me", 502)).await.unwrap();
    assert_eq!(world.get("/api/v2/organizations/me").await.status, 502);
    assert_eq!(remote.faults().await.unwrap()[0].struck, 1);
    remote.clear_fault(id).await.unwrap();
    world.get("/api/v2/organizations/me").await.ok();
    assert!(remote.clear_fault(id).await.is_err());
    remote.inject(&Fault::status("GET", "/", 502)).await.unwrap();
    remote.clear_faults().await.unwrap();
    assert!(remote.faults().await.unwrap().is_empty());
    let bad = remote.inject(&Fault::status("GET", "/", 42)).await.unwrap_err().to_string();
    assert!(bad.contains("42 is not an HTTP status"), "{bad}");
}

#[tokio::test]
async fn settings_organization_roles_and_time_can_be_changed() {
    let (world, remote) = remote().await;
    let patch = json!({"limits": {"requestsPerMinute": null}, "choices": {"deleteStatus": 200}});
    let settings = remote.patch_settings(&patch).await.unwrap();
    assert_eq!((settings.limits.requests_per_minute, settings.choices.delete_status), (None, 200));
    assert_eq!(remote.settings().await.unwrap(), settings);
    let unknown = remote.patch_settings(&json!({"choices": {"weather": 1}})).await.unwrap_err();
    assert!(unknown.to_string().contains("weather"), "{unknown}");

    let other = OrganizationEdit { name: Some("Other".to_owned()), ..OrganizationEdit::default() };
    remote.edit_organization(&other).await.unwrap();
    assert_eq!(world.get("/api/v2/organizations/me").await.ok()["name"], "Other");

    let role: Role = serde_json::from_value(json!({"id": "r", "name": "R"})).unwrap();
    remote.put_role(&role).await.unwrap();
    assert_eq!(world.get("/api/v2/authorization/roles/r").await.ok()["name"], "R");
    remote.remove_role("r").await.unwrap();
    let division: Division = serde_json::from_value(json!({"id": "d", "name": "D"})).unwrap();
    remote.put_division(&division).await.unwrap();
    remote.remove_division("d").await.unwrap();

    remote.set_idle_timeout(Some(Duration::from_mins(5))).await.unwrap();
    remote.advance(Duration::from_secs(301)).await.unwrap();
    world.get("/api/v2/organizations/me").await.refused(401, "bad.credentials");
}

#[tokio::test]
async fn counters_tell_requests_by_template_and_tokens_by_client() {
    let (world, remote) = remote().await;
    let (created, credentials) = world.create("a").await;
    remote.reset_counters().await.unwrap();
    world.get(&crate::caller::path_of(&created)).await.ok();
    world.get("/api/v2/oauth/clients/none").await.refused(404, "client.not.found");
    world.mint(&credentials).await;
    let wrong = Credentials { client_secret: "wrong".into(), ..credentials.clone() };
    world.ask_token(&wrong).await;
    let counters = remote.counters().await.unwrap();
    assert_eq!(counters.of("GET /api/v2/oauth/clients/{clientId}"), 2);
    assert_eq!(counters.of("POST /oauth/token"), 2);
    assert_eq!(counters.total(), 4);
    assert_eq!((counters.mints[&credentials.client_id], counters.mints_refused), (1, 1));
    assert_eq!((counters.statuses[&200], counters.statuses[&404], counters.minted()), (2, 1, 1));
}

#[tokio::test]
async fn a_reset_puts_everything_back_to_the_start() {
    let (world, remote) = remote().await;
    world.create("a").await;
    remote.patch_settings(&json!({"choices": {"deleteStatus": 200}})).await.unwrap();
    remote.inject(&Fault::status("GET", "/", 500)).await.unwrap();
    remote.reset().await.unwrap();
    assert_eq!(remote.clients().await.unwrap().len(), 1);
    assert!(remote.faults().await.unwrap().is_empty());
    assert_eq!(remote.settings().await.unwrap().choices.delete_status, 204);
    assert_eq!(remote.counters().await.unwrap().total(), 0);
    world.get("/api/v2/organizations/me").await.refused(401, "bad.credentials");
    world.ask_token(&world.simulator.admin_client()).await.ok();
}

#[tokio::test]
async fn who_looks_for_leaks_knows_every_secret_that_ever_was() {
    let world = World::new().await;
    let control = world.simulator.control();
    control.remember_tokens();
    let made = control.add_client(&NewClient::named("a")).unwrap();
    let second = control.rotate_secret(&made.client_id).unwrap();
    control.delete_client(&made.client_id).unwrap();
    let admin = world.simulator.admin_client();
    let answer = world
        .http
        .post(format!("{}/oauth/token", world.simulator.login_url()))
        .basic_auth(&admin.client_id, Some(admin.client_secret.reveal()))
        .form(&[("grant_type", "client_credentials")])
        .send()
        .await
        .unwrap();
    let token = answer.json::<serde_json::Value>().await.unwrap()["access_token"].clone();
    let secrets = control.secrets();
    for secret in [
        admin.client_secret.reveal(),
        made.client_secret.reveal(),
        second.reveal(),
        token.as_str().unwrap(),
    ] {
        assert!(secrets.iter().any(|known| known.reveal() == secret));
    }
}
