//! What a user gets who writes an object that is in order.

use keysteward_simulator::{RoleDivision, seed};
use serde_json::{Value, json};

use super::harness::{ADMIN, Account, PLATFORM, World, in_a_world, tells};

#[tokio::test]
async fn an_object_becomes_a_client_a_credential_and_a_working_token() {
    in_a_world(async |world| {
        let mut object = Account::of(world, "etl");
        object["spec"]["genesysCloud"]["roles"] = json!([
            { "name": "Reporting Viewer", "division": "Home" },
            { "id": seed::SUPERVISOR, "division": "*" },
        ]);
        object["spec"]["genesysCloud"]["accessTokenLifetime"] = json!("2h");
        world.apply(&object).await;
        let object = world.ready("etl").await;

        // The client in the tenant is as written.
        let clients = world.tenant.clients_named("etl");
        assert_eq!(clients.len(), 1);
        let client = &clients[0];
        assert_eq!(client.authorized_grant_type, "CLIENT-CREDENTIALS");
        assert_eq!(client.state, "active");
        assert_eq!(client.access_token_validity_seconds, 7200);
        let mut roles = client.role_divisions.clone();
        roles.sort();
        assert_eq!(
            roles,
            [
                RoleDivision::new(seed::REPORTING_VIEWER, seed::HOME_DIVISION),
                RoleDivision::new(seed::SUPERVISOR, "*"),
            ]
        );
        let marker = format!(
            "keysteward:{}/{}/etl/{}",
            world.home,
            world.namespace,
            object["metadata"]["uid"].as_str().unwrap()
        );
        assert_eq!(client.description.as_deref().unwrap().lines().last(), Some(marker.as_str()));
        assert_eq!(client.secrets_issued, 1, "no secret was made for nothing");

        // The token works, under the keys that the platform's own tools read.
        let token = world.data("etl-token").await;
        let keys: Vec<&str> = token.keys().map(String::as_str).collect();
        assert_eq!(keys, ["GENESYSCLOUD_ACCESS_TOKEN", "GENESYSCLOUD_REGION"]);
        assert_eq!(token["GENESYSCLOUD_REGION"], "eu-central-1");
        let answer = reqwest::Client::new()
            .get(format!("{}/api/v2/tokens/me", world.simulator.api_url()))
            .bearer_auth(&token["GENESYSCLOUD_ACCESS_TOKEN"])
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let about: Value = answer.json().await.unwrap();
        assert_eq!(about["OAuthClient"]["id"], client.id.as_str(), "{about}");

        // The credential is published, and its true copy is the operator's.
        let credential = world.data("etl-credential").await;
        assert_eq!(credential.keys().collect::<Vec<_>>(), ["client_id", "client_secret"]);
        assert_eq!(credential["client_id"], client.id);
        assert!(world.tenant.secret_is(&client.id, &credential["client_secret"]));
        let kept = world.kept().await;
        assert_eq!(kept.iter().map(|(role, _)| role.as_str()).collect::<Vec<_>>(), ["true-copy"]);
        let copy = world.true_copy("etl").await.unwrap();
        assert_eq!(copy["data"], world.secret("etl-credential").await.unwrap()["data"]);
        assert_eq!(
            copy["metadata"]["ownerReferences"],
            Value::Null,
            "no garbage collector takes it"
        );
        for name in ["etl-token", "etl-credential"] {
            let owner = world.secret(name).await.unwrap()["metadata"]["ownerReferences"][0].clone();
            assert_eq!(
                (&owner["uid"], &owner["controller"]),
                (&object["metadata"]["uid"], &json!(true))
            );
        }
    })
    .await;
}

#[tokio::test]
async fn the_status_tells_what_there_is() {
    in_a_world(async |world| {
        world.apply(&Account::of(world, "etl")).await;
        let object = world.ready("etl").await;
        assert_eq!(
            tells(&object),
            "Ready=True/Succeeded Synced=True/Succeeded CredentialValid=True/Succeeded TokenFresh=True/Succeeded"
        );
        let status = &object["status"];
        assert_eq!(status["observedGeneration"], object["metadata"]["generation"]);
        for condition in status["conditions"].as_array().unwrap() {
            assert_eq!(condition["observedGeneration"], object["metadata"]["generation"]);
            assert!(!condition["message"].as_str().unwrap().is_empty(), "{condition}");
        }
        let client = &world.tenant.clients_named("etl")[0];
        assert_eq!(
            status["remote"],
            json!({
                "tenantId": seed::ORGANIZATION,
                "clientId": client.id,
                "enabled": true,
                "grantTypes": ["client_credentials"],
                "roles": ["Reporting Viewer in Home"],
            })
        );
        assert_eq!(status["credential"], json!({ "secretName": "etl-credential" }));
        assert_eq!(status["token"]["secretName"], "etl-token");
        let ends: jiff::Timestamp = status["token"]["expiresAt"].as_str().unwrap().parse().unwrap();
        let lives = ends.duration_since(jiff::Timestamp::now()).as_hours();
        assert!((22..=24).contains(&lives), "a token of the platform's 24 hours: {lives}");
        assert_eq!((&status["drift"], &status["retry"]), (&Value::Null, &Value::Null));
        world.event("etl", "ClientCreated", "etl").await;
        world.event("etl", "Succeeded", "as written").await;

        let platform = world.platform_says(PLATFORM, "True", "Succeeded").await;
        assert_eq!(
            tells(&platform),
            "Ready=True/Succeeded Reachable=True/Succeeded CredentialValid=True/Succeeded"
        );
        assert_eq!(platform["status"]["tenantId"], seed::ORGANIZATION);
        assert_eq!(platform["status"]["tenantName"], "Simulated Contact Center");
        assert_eq!(platform["status"]["orphans"], Value::Null);
    })
    .await;
}

/// The header and the row that `kubectl get` prints.
async fn printed(world: &World, plural: &str, name: &str) -> Vec<(String, Value)> {
    let request = http::Request::get(format!(
        "/apis/keysteward.dev/v1alpha1/namespaces/{}/{plural}/{name}",
        world.namespace
    ))
    .header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
    .body(Vec::new())
    .unwrap();
    let table: Value = world.client.request(request).await.unwrap();
    let columns = table["columnDefinitions"].as_array().unwrap();
    let cells = table["rows"][0]["cells"].as_array().unwrap();
    columns
        .iter()
        .zip(cells)
        .filter(|(column, _)| column["priority"] == 0)
        .map(|(column, cell)| (column["name"].as_str().unwrap().to_owned(), cell.clone()))
        .collect()
}

#[tokio::test]
async fn kubectl_get_shows_the_row_of_the_manual() {
    in_a_world(async |world| {
        world.apply(&Account::of(world, "etl")).await;
        let object = world.ready("etl").await;
        let mut row = printed(world, "serviceaccountcredentials", "etl").await;
        assert_eq!(row.pop().unwrap().0, "Age");
        let ends = object["status"]["token"]["expiresAt"].clone();
        let expected = [
            ("Name", json!("etl")),
            ("Platform", json!(PLATFORM)),
            ("Ready", json!("True")),
            ("Reason", json!("Succeeded")),
            ("Enabled", json!(true)),
            ("Secret", json!("etl-token")),
            ("Expires", ends),
        ];
        assert_eq!(row, expected.map(|(name, value)| (name.to_owned(), value)));
        world.platform_says(PLATFORM, "True", "Succeeded").await;
        let row = printed(world, "platforms", PLATFORM).await;
        let shown: Vec<&Value> = row[..4].iter().map(|(_, value)| value).collect();
        assert_eq!(shown, ["contact-center", "True", "Succeeded", "Simulated Contact Center"]);
    })
    .await;
}

#[tokio::test]
async fn a_new_object_is_never_taken_for_done() {
    in_a_world(async |world| {
        // Without its credential the platform cannot be used yet: the object has to wait.
        world.delete("Secret", &world.namespace, ADMIN).await;
        let object = world.apply(&Account::of(world, "etl")).await;
        let observed = &object["status"]["observedGeneration"];
        assert!(observed.is_null() || *observed == -1, "kstatus reads {object} as in progress");
        world.retried("etl", "PlatformNotReady", &[ADMIN, "does not exist"]).await;
        world.apply(&world.admin_secret()).await;
        let before = world.ready("etl").await;

        // Exactly one of Reconciling and Stalled stands beside Ready=False, and the generation is the spec's.
        let changed = world
            .change("etl", &json!({ "genesysCloud": { "roles": [{ "name": "Nobody", "division": "Home" }] } }))
            .await;
        assert_ne!(changed["metadata"]["generation"], before["metadata"]["generation"]);
        let stalled = world.stalled("etl", "InvalidSpec", &["\"Nobody\""]).await;
        assert_eq!(
            tells(&stalled),
            "Ready=False/InvalidSpec Synced=False/InvalidSpec CredentialValid=True/Succeeded TokenFresh=True/Succeeded Stalled=True/InvalidSpec"
        );
    })
    .await;
}

#[tokio::test]
async fn a_client_for_people_has_scopes_and_no_token() {
    in_a_world(async |world| {
        world.apply(&Account::login_app(world, "desktop")).await;
        let object = world.ready("desktop").await;
        assert_eq!(
            tells(&object),
            "Ready=True/Succeeded Synced=True/Succeeded CredentialValid=Unknown/NotTried"
        );
        let client = world.remote("desktop").await;
        assert_eq!(client.authorized_grant_type, "CODE");
        assert_eq!(client.scope, ["analytics:readonly", "users:readonly"]);
        assert_eq!(client.registered_redirect_uri, ["https://desktop.acme.example/callback"]);
        assert!(client.role_divisions.is_empty());
        let credential = world.data("desktop-credential").await;
        assert!(world.tenant.secret_is(&client.id, &credential["client_secret"]));
        assert_eq!(world.mints(), 0);
    })
    .await;
}

#[tokio::test]
async fn who_looks_for_leaks_finds_one() {
    in_a_world(async |world| {
        let mut object = Account::of(world, "etl");
        world.apply(&object).await;
        world.ready("etl").await;
        assert!(world.leaks().await.is_empty());
        let token = world.token("etl").await;
        object["metadata"]["annotations"] = json!({ "note": format!("by hand: {token}") });
        world.apply(&object).await;
        let leaks = world.leaks().await;
        assert_eq!(leaks.len(), 1, "{leaks:?}");
        assert!(leaks[0].contains("ServiceAccountCredential etl") && !leaks[0].contains(&token));
        object["metadata"]["annotations"] = json!({});
        world.apply(&object).await;
    })
    .await;
}
