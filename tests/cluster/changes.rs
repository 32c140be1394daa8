//! What happens to the client when a user changes the object.

use keysteward_simulator::{RoleDivision, seed};
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::harness::{Account, PLATFORM, in_a_world};

#[tokio::test]
async fn every_field_of_a_machine_client_is_applied_when_it_changes() {
    in_a_world(async |world| {
        world.apply(&Account::of(world, "etl")).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        let first = world.token("etl").await;

        world.change("etl", &json!({ "genesysCloud": { "client": { "name": "nightly" } } })).await;
        world.remote_is(&id, "renamed", |client| client.name == "nightly").await;

        let roles = json!([
            { "name": "Supervisor", "division": "Sales" },
            { "id": seed::INTEGRATION_OPERATOR, "division": seed::SUPPORT_DIVISION },
            { "name": "Employee", "division": "*" },
        ]);
        world.change("etl", &json!({ "genesysCloud": { "roles": roles } })).await;
        let mut wanted = vec![
            RoleDivision::new(seed::SUPERVISOR, seed::SALES_DIVISION),
            RoleDivision::new(seed::INTEGRATION_OPERATOR, seed::SUPPORT_DIVISION),
            RoleDivision::new(seed::EMPLOYEE, "*"),
        ];
        wanted.sort();
        world
            .remote_is(&id, "in its new roles", |client| {
                let mut roles = client.role_divisions.clone();
                roles.sort();
                roles == wanted
            })
            .await;

        world.change("etl", &json!({ "genesysCloud": { "accessTokenLifetime": "45m" } })).await;
        world
            .remote_is(&id, "with its new lifetime", |c| c.access_token_validity_seconds == 2700)
            .await;
        let object = world.ready("etl").await;
        assert_eq!(
            object["status"]["remote"]["roles"],
            json!([
                "Employee in every division",
                "Integration Operator in Support",
                "Supervisor in Sales"
            ])
        );
        // None of this is drift, none of it cost a client, a secret or the token in use.
        assert!(object["status"]["drift"].is_null(), "{}", object["status"]["drift"]);
        assert_eq!(world.marked(None).len(), 1);
        assert_eq!(world.remote("etl").await.secrets_issued, 1);
        assert_eq!(world.token("etl").await, first);
    })
    .await;
}

#[tokio::test]
async fn every_field_of_a_client_for_people_is_applied_when_it_changes() {
    in_a_world(async |world| {
        world.apply(&Account::login_app(world, "desktop")).await;
        world.ready("desktop").await;
        let id = world.client_id("desktop").await;
        let block = json!({
            "scopes": ["users:readonly"],
            "redirectUris": ["https://a.acme.example/in", "https://b.acme.example/in"],
        });
        world.change("desktop", &json!({ "genesysCloud": block })).await;
        world
            .remote_is(&id, "with new scopes and addresses", |client| {
                client.scope == ["users:readonly"] && client.registered_redirect_uri.len() == 2
            })
            .await;

        // Another grant type for the same client: it becomes a machine's.
        let mut object = Account::of(world, "desktop");
        object["spec"]["genesysCloud"]["client"]["name"] = json!("desktop");
        world.replace(&object).await;
        let object = world.ready("desktop").await;
        let client = world.remote("desktop").await;
        assert_eq!(
            (client.id.as_str(), client.authorized_grant_type.as_str()),
            (id.as_str(), "CLIENT-CREDENTIALS")
        );
        assert!(client.scope.is_empty() && client.registered_redirect_uri.is_empty(), "{client:?}");
        assert_eq!(object["status"]["remote"]["grantTypes"], json!(["client_credentials"]));
        world.live_token("desktop", None).await;

        // And back again: the token goes with the block.
        world.replace(&Account::login_app(world, "desktop")).await;
        world.ready("desktop").await;
        assert_eq!(world.remote("desktop").await.authorized_grant_type, "CODE");
        world.gone("Secret", &world.namespace, "desktop-token").await;
    })
    .await;
}

#[tokio::test]
async fn the_token_secret_has_the_keys_and_formats_that_are_asked_for() {
    in_a_world(async |world| {
        let mut object = Account::of(world, "etl");
        object["spec"]["token"]["data"] = json!([
            { "key": "authorization", "from": "AccessToken", "format": "Bearer {}" },
            { "key": "access_token", "from": "AccessToken" },
            { "key": "token_type", "from": "TokenType" },
            { "key": "expires_at", "from": "ExpiresAt" },
            { "key": "region", "from": "Region" },
            { "key": "api_url", "from": "ApiUrl" },
            { "key": "login_url", "from": "LoginUrl" },
        ]);
        world.apply(&object).await;
        let object = world.ready("etl").await;
        let data = world.data("etl-token").await;
        assert_eq!(data.len(), 7);
        let token = &data["access_token"];
        assert_eq!(data["authorization"], format!("Bearer {token}"));
        assert_eq!(world.tenant.token_owner(token), Some(world.client_id("etl").await));
        assert_eq!(data["token_type"], "bearer");
        assert_eq!(object["status"]["token"]["expiresAt"], json!(data["expires_at"]));
        assert_eq!(data["region"], "eu-central-1");
        assert_eq!(data["api_url"], world.simulator.api_url());
        assert_eq!(data["login_url"], world.simulator.login_url());

        // Other keys are another Secret for those who read it: it is written anew as a whole.
        let keys = json!([{ "key": "bearer", "from": "AccessToken" }]);
        world.change("etl", &json!({ "token": { "data": keys } })).await;
        world
            .until("the new key alone", async || {
                let data = world.data("etl-token").await;
                let keys: Vec<_> = data.keys().cloned().collect();
                (keys == ["bearer"]).then_some(()).ok_or_else(|| format!("{keys:?}"))
            })
            .await;
        let data = world.data("etl-token").await;
        assert!(world.tenant.token_owner(&data["bearer"]).is_some());
    })
    .await;
}

#[tokio::test]
async fn an_object_moves_to_another_platform_object_of_the_same_tenant() {
    in_a_world(async |world| {
        world.apply(&Account::of(world, "etl")).await;
        world.ready("etl").await;
        let (id, token) = (world.client_id("etl").await, world.token("etl").await);
        let mut other = world.platform();
        other["metadata"]["name"] = json!("second-door");
        world.apply(&other).await;
        world.platform_says("second-door", "True", "Succeeded").await;
        let writes = world.remote_writes();

        world
            .change("etl", &json!({ "platformRef": { "kind": "Platform", "name": "second-door" } }))
            .await;
        world.ready("etl").await;
        world.delete("Platform", &world.namespace, PLATFORM).await;
        world.change("etl", &json!({ "genesysCloud": { "accessTokenLifetime": "1h" } })).await;
        world
            .remote_is(&id, "kept through the second door", |c| {
                c.access_token_validity_seconds == 3600
            })
            .await;
        assert_eq!(world.token("etl").await, token);
        assert_eq!(world.remote_writes(), writes + 1);
    })
    .await;
}

#[tokio::test]
async fn a_status_edited_by_hand_is_written_again_once() {
    in_a_world(async |world| {
        world.apply(&Account::of(world, "etl")).await;
        let before = world.ready("etl").await["status"].clone();
        let edit = json!({ "status": { "remote": { "clientId": "edited" } } });
        let objects = world.api("ServiceAccountCredential", &world.namespace);
        objects.patch_status("etl", &PatchParams::default(), &Patch::Merge(edit)).await.unwrap();
        // A status alone wakes nobody: somebody touches a Secret, and then the pass notices.
        let mut touched = 0;
        world
            .until("the status as it was", async || {
                let now = world.object("etl").await["status"].clone();
                if now == before {
                    return Ok(());
                }
                touched += 1;
                world.edit_secret("etl-credential", "client_secret", &format!("{touched}")).await;
                Err(now.to_string())
            })
            .await;
        world
            .until("the credential as it was", async || {
                let credential = world.data("etl-credential").await;
                let right = credential["client_secret"].len() > 10;
                right.then_some(()).ok_or("edited".to_owned())
            })
            .await;
        let version = world.object("etl").await["metadata"]["resourceVersion"].clone();
        world.sweeps(2).await;
        assert_eq!(world.object("etl").await["metadata"]["resourceVersion"], version);
    })
    .await;
}
