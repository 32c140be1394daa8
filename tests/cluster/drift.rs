//! What happens when somebody else changes the client.

use keysteward_simulator::{ClientEdit, RoleDivision, seed};
use serde_json::{Value, json};

use super::harness::{Account, World, in_a_world, message, says, tells};

/// Waits until the status tells of a corrected difference in this field, and returns what it tells.
async fn corrected(world: &World, name: &str, field: &str) -> Value {
    let object = world
        .status(name, &format!("a corrected difference in {field}"), |object| {
            let drift = &object["status"]["drift"];
            let told =
                drift["changes"].as_array().into_iter().flatten().any(|c| c["field"] == field);
            if !told || drift["correctedAt"].is_null() {
                return Err(drift.to_string());
            }
            says(object, "Synced", "True", "Succeeded")
        })
        .await;
    let changes = object["status"]["drift"]["changes"].as_array().unwrap();
    changes.iter().find(|change| change["field"] == field).unwrap().clone()
}

#[tokio::test]
async fn every_difference_is_corrected_and_told() {
    in_a_world(async |world| {
        let other = RoleDivision::new(seed::EMPLOYEE, seed::HOME_DIVISION);
        let two = json!([
            { "name": "Reporting Viewer", "division": "Home" },
            { "name": "Supervisor", "division": "Sales" },
        ]);
        let stripped = RoleDivision::new(seed::REPORTING_VIEWER, seed::HOME_DIVISION);
        let cases = [
            ("state", "enabled", ClientEdit::state("inactive"), "active", "inactive"),
            (
                "grant",
                "grantTypes",
                ClientEdit::field("authorizedGrantType", "PASSWORD"),
                "client_credentials",
                "password",
            ),
            (
                "roles",
                "roles",
                ClientEdit::roles(vec![other]),
                "Reporting Viewer in Home, Supervisor in Sales",
                "Employee in Home",
            ),
            (
                "fewer",
                "roles",
                ClientEdit::roles(vec![stripped]),
                "Reporting Viewer in Home, Supervisor in Sales",
                "Reporting Viewer in Home",
            ),
            (
                "life",
                "accessTokenLifetime",
                ClientEdit { access_token_validity_seconds: Some(300), ..ClientEdit::default() },
                "3600s",
                "300s",
            ),
            (
                "name",
                "client.name",
                ClientEdit::field("name", "renamed by hand"),
                "name",
                "renamed by hand",
            ),
        ];
        for (name, ..) in &cases {
            let mut object = Account::of(world, name);
            object["spec"]["genesysCloud"]["roles"] = two.clone();
            object["spec"]["genesysCloud"]["accessTokenLifetime"] = json!("1h");
            world.apply(&object).await;
        }
        for (name, ..) in &cases {
            world.ready(name).await;
        }
        let mut before = Vec::new();
        for (name, _, edit, ..) in &cases {
            let client = world.remote(name).await;
            world.edit(&client.id, edit);
            before.push(client);
        }
        for ((name, field, _, was, now), before) in cases.iter().zip(before) {
            let change = corrected(world, name, field).await;
            assert_eq!(change, json!({ "field": field, "was": was, "now": now }));
            let after = world.remote(name).await;
            let same = (
                &after.name,
                &after.state,
                &after.authorized_grant_type,
                after.access_token_validity_seconds,
                &after.description,
            ) == (
                &before.name,
                &before.state,
                &before.authorized_grant_type,
                before.access_token_validity_seconds,
                &before.description,
            );
            assert!(same, "{name}: {after:?} is not {before:?}");
            let sorted = |mut roles: Vec<RoleDivision>| {
                roles.sort();
                roles
            };
            assert_eq!(sorted(after.role_divisions), sorted(before.role_divisions));
            assert_eq!(after.secrets_issued, 1, "{name}");
            world.event(name, "DriftDetected", &format!("should be {was} and is {now}")).await;
            world.event(name, "DriftCorrected", field).await;
            // What is published works after all of this.
            world.live_token(name, None).await;
            assert!(says(&world.object(name).await, "Ready", "True", "Succeeded").is_ok());
        }
    })
    .await;
}

#[tokio::test]
async fn scopes_and_addresses_of_a_client_for_people_are_corrected() {
    in_a_world(async |world| {
        for name in ["scopes", "addresses"] {
            world.apply(&Account::login_app(world, name)).await;
        }
        for name in ["scopes", "addresses"] {
            world.ready(name).await;
        }
        let (scopes, addresses) =
            (world.client_id("scopes").await, world.client_id("addresses").await);
        world.edit(&scopes, &ClientEdit::field("scope", json!(["users:readonly"])));
        world.edit(
            &addresses,
            &ClientEdit::field("registeredRedirectUri", json!(["https://evil.example/in"])),
        );
        let change = corrected(world, "scopes", "scopes").await;
        assert_eq!(
            (&change["was"], &change["now"]),
            (&json!("analytics:readonly, users:readonly"), &json!("users:readonly"))
        );
        let change = corrected(world, "addresses", "redirectUris").await;
        assert_eq!(change["now"], "https://evil.example/in");
        assert_eq!(world.remote("scopes").await.scope.len(), 2);
        let uris = world.remote("addresses").await.registered_redirect_uri;
        assert_eq!(uris, ["https://desktop.acme.example/callback"]);
    })
    .await;
}

#[tokio::test]
async fn a_removed_marker_is_written_again_and_the_words_of_people_stay() {
    in_a_world(async |world| {
        world.apply(&Account::of(world, "etl")).await;
        world.ready("etl").await;
        let client = world.remote("etl").await;
        let marker = client.description.clone().unwrap();
        world.edit(&client.id, &ClientEdit::description("Nightly reports, ask Ann"));
        let client = world
            .remote_is(&client.id, "marked again", |c| {
                c.description.as_deref().is_some_and(|text| text.ends_with(&marker))
            })
            .await;
        assert_eq!(client.description.unwrap(), format!("Nightly reports, ask Ann\n{marker}"));
        assert_eq!(world.marked(None).len(), 1);
        world.ready("etl").await;

        // Text before the marker is nobody's business.
        let writes = world.remote_writes();
        world.edit(&client.id, &ClientEdit::description(&format!("Something else\n{marker}")));
        world.sweeps(2).await;
        assert_eq!(world.remote_writes(), writes);
    })
    .await;
}

#[tokio::test]
async fn with_the_policy_report_a_difference_is_only_told() {
    in_a_world(async |world| {
        let mut object = Account::of(world, "etl");
        object["spec"]["policy"] = json!({ "drift": "Report" });
        world.apply(&object).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        let writes = world.remote_writes();
        let other = RoleDivision::new(seed::EMPLOYEE, seed::HOME_DIVISION);
        world.edit(&id, &ClientEdit::roles(vec![other.clone()]));
        let object = world.says("etl", "Synced", "False", "DriftDetected").await;
        assert_eq!(
            tells(&object),
            "Ready=True/Succeeded Synced=False/DriftDetected CredentialValid=True/Succeeded TokenFresh=True/Succeeded"
        );
        let told = message(&object, "Synced").unwrap();
        assert!(told.contains("roles should be Reporting Viewer in Home and is Employee in Home"), "{told}");
        assert!(told.contains("spec.policy.drift is Report"), "{told}");
        let drift = &object["status"]["drift"];
        assert_eq!((&drift["changes"][0]["field"], &drift["correctedAt"]), (&json!("roles"), &Value::Null));
        world.sweeps(2).await;
        assert_eq!(world.remote_writes(), writes);
        assert_eq!(world.remote("etl").await.role_divisions, [other]);

        // Who mends it by hand is told so.
        let own = RoleDivision::new(seed::REPORTING_VIEWER, seed::HOME_DIVISION);
        world.edit(&id, &ClientEdit::roles(vec![own]));
        let object = world.ready("etl").await;
        assert!(!object["status"]["drift"]["correctedAt"].is_null());

        // A change of the spec is written all the same: it is no drift.
        world.change("etl", &json!({ "genesysCloud": { "accessTokenLifetime": "1h" } })).await;
        world.remote_is(&id, "changed", |c| c.access_token_validity_seconds == 3600).await;
    })
    .await;
}

#[tokio::test]
async fn a_field_that_another_writer_keeps_setting_back_is_left_alone() {
    in_a_world(async |world| {
        world.apply(&Account::of_a_day(world, "etl")).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        // The first time is drift; the third time after that it is a fight.
        for round in 0..3 {
            world.edit(&id, &ClientEdit::field("accessTokenValiditySeconds", 600));
            world
                .remote_is(&id, &format!("corrected in round {round}"), |c| {
                    c.access_token_validity_seconds == 86_400
                })
                .await;
            world.says("etl", "Synced", "True", "Succeeded").await;
        }
        world.edit(&id, &ClientEdit::field("accessTokenValiditySeconds", 600));
        let object = world.says("etl", "Synced", "False", "FightingAnotherWriter").await;
        let told = message(&object, "Synced").unwrap();
        assert!(told.contains("accessTokenLifetime should be"), "{told}");
        assert_eq!(object["status"]["drift"]["undone"][0]["times"], 3);
        assert!(says(&object, "Ready", "True", "Succeeded").is_ok(), "what is published works");
        let writes = world.remote_writes();
        world.sweeps(2).await;
        assert_eq!(world.remote_writes(), writes, "it is left alone");

        // Another field of the same client is still looked after.
        world.edit(&id, &ClientEdit::field("name", "by hand"));
        world.remote_is(&id, "its name corrected", |c| c.name == "etl").await;
        assert_eq!(world.remote("etl").await.access_token_validity_seconds, 600);

        // A change of the spec ends it.
        world.change("etl", &json!({ "genesysCloud": { "accessTokenLifetime": "2h" } })).await;
        world
            .remote_is(&id, "as the spec says now", |c| c.access_token_validity_seconds == 7200)
            .await;
        world.ready("etl").await;
    })
    .await;
}

#[tokio::test]
async fn a_client_on_hold_is_never_written() {
    in_a_world(async |world| {
        world.apply(&Account::of_a_day(world, "etl")).await;
        world.ready("etl").await;
        let client = world.remote("etl").await;
        let marker = client.description.clone().unwrap();
        let held = format!("do not touch: keysteward:hold\n{marker}");
        let edit = ClientEdit::description(&held).and("accessTokenValiditySeconds", 900);
        world.edit(&client.id, &edit);
        let object = world.says("etl", "Synced", "False", "Held").await;
        assert!(message(&object, "Synced").unwrap().contains("keysteward:hold"));
        let writes = world.remote_writes();

        // Neither drift, nor a change of the spec, nor a deletion makes it write.
        world.change("etl", &json!({ "genesysCloud": { "client": { "name": "other" } } })).await;
        world
            .status("etl", "the new name is told", |object| {
                let told = message(object, "Synced").unwrap_or_default();
                if told.contains("name should be other") { Ok(()) } else { Err(told.to_owned()) }
            })
            .await;
        world.sweeps(2).await;
        assert_eq!(world.remote_writes(), writes);
        assert_eq!(world.remote("etl").await.description.unwrap(), held);
        world.live_token("etl", None).await;

        // Lifted, all of it is written.
        world.edit(&client.id, &ClientEdit::description(&marker));
        world
            .remote_is(&client.id, "as written", |c| {
                c.name == "other" && c.access_token_validity_seconds == 86_400
            })
            .await;
        world.ready("etl").await;
    })
    .await;
}

#[tokio::test]
async fn a_client_that_the_vendor_disabled_is_told_and_not_fought() {
    in_a_world(async |world| {
        world.apply(&Account::of(world, "etl")).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        let writes = world.remote_writes();
        world.edit(&id, &ClientEdit::state("disabled"));
        // Its tokens are dead: nobody may call it ready, and a person is needed.
        let object = world.stalled("etl", "DisabledByVendor", &["disabled client"]).await;
        assert!(says(&object, "Synced", "False", "DisabledByVendor").is_ok(), "{}", tells(&object));
        assert_eq!(object["status"]["remote"]["enabled"], false);
        world.sweeps(2).await;
        assert_eq!(world.remote_writes(), writes);

        world.edit(&id, &ClientEdit::state("active"));
        world.ready("etl").await;
        world.live_token("etl", None).await;
    })
    .await;
}
