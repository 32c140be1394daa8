//! What an object gets that cannot be carried out as written, and how it recovers.

use keysteward_simulator::{Division, Options, Role, RoleDivision, SeedClient, seed};
use serde_json::{Value, json};

use super::harness::{Account, PLATFORM, Plan, World, in_a_world};

fn in_roles(world: &World, name: &str, roles: Value) -> Value {
    let mut object = Account::of(world, name);
    object["spec"]["genesysCloud"]["roles"] = roles;
    object
}

#[tokio::test]
async fn roles_and_divisions_that_do_not_exist_are_named_and_found_when_they_do() {
    in_a_world(async |world| {
        let cases = [
            (
                "typo",
                json!([{ "name": "Reporting Viewr", "division": "Home" }]),
                vec!["role \"Reporting Viewr\"", "did you mean \"Reporting Viewer\"?"],
            ),
            (
                "role",
                json!([{ "name": "Auditor", "division": "Home" }]),
                vec!["role \"Auditor\" does not exist"],
            ),
            (
                "role-id",
                json!([{ "id": "7d1c2f00-0000-4000-8000-000000000000", "division": "Home" }]),
                vec!["role \"7d1c2f00-"],
            ),
            (
                "division",
                json!([{ "name": "Supervisor", "division": "Nordics" }]),
                vec!["division \"Nordics\" does not exist"],
            ),
        ];
        for (name, roles, _) in &cases {
            world.apply(&in_roles(world, name, roles.clone())).await;
        }
        for (name, _, sentence) in &cases {
            world.stalled(name, "InvalidSpec", sentence).await;
        }
        assert_eq!(world.remote_writes(), 0);
        assert!(world.kept().await.is_empty());

        // Mended here …
        let roles = json!([{ "name": "Reporting Viewer", "division": "Home" }]);
        world.change("typo", &json!({ "genesysCloud": { "roles": roles } })).await;
        world.ready("typo").await;
        // … or there.
        let division: Division =
            serde_json::from_value(json!({ "id": "nordics", "name": "Nordics" })).unwrap();
        world.tenant.put_division(division);
        world.ready("division").await;
        let client = world.remote("division").await;
        assert_eq!(client.role_divisions, [RoleDivision::new(seed::SUPERVISOR, "nordics")]);
    })
    .await;
}

#[tokio::test]
async fn a_role_that_disappears_is_told_and_what_is_published_stays() {
    in_a_world(async |world| {
        let role: Role = serde_json::from_value(
            json!({ "id": "auditor", "name": "Auditor", "permissionPolicies": [] }),
        )
        .unwrap();
        world.tenant.put_role(role.clone());
        let admin = world.simulator.admin_client().client_id;
        let mut grants = world.tenant.client(&admin).unwrap().role_divisions;
        grants.push(RoleDivision::new("auditor", "*"));
        world.edit(&admin, &keysteward_simulator::ClientEdit::roles(grants));
        world
            .apply(&in_roles(world, "etl", json!([{ "name": "Auditor", "division": "Home" }])))
            .await;
        world.ready("etl").await;
        let token = world.token("etl").await;
        let writes = world.remote_writes();
        world.tenant.remove_role("auditor");
        world.stalled("etl", "InvalidSpec", &["role \"Auditor\" does not exist"]).await;
        assert_eq!(world.token("etl").await, token);
        assert!(world.tenant.token_owner(&token).is_some());
        assert_eq!(world.remote_writes(), writes);
        world.tenant.put_role(role);
        world.ready("etl").await;
    })
    .await;
}

#[tokio::test]
async fn a_role_outside_what_the_platform_allows_is_refused() {
    in_a_world(async |world| {
        let mut platform = world.platform();
        platform["spec"]["allow"] =
            json!([{ "roles": [{ "name": "Reporting *", "division": "Home" }] }]);
        world.apply(&platform).await;
        world.platform_says(PLATFORM, "True", "Succeeded").await;
        let cases = [
            ("role", json!([{ "name": "Supervisor", "division": "Home" }])),
            ("division", json!([{ "name": "Reporting Viewer", "division": "Sales" }])),
            ("everywhere", json!([{ "name": "Reporting Viewer", "division": "*" }])),
        ];
        for (name, roles) in &cases {
            world.apply(&in_roles(world, name, roles.clone())).await;
        }
        world.apply(&Account::of(world, "within")).await;
        for (name, _) in &cases {
            world.stalled(name, "NotAllowed", &["is not allowed here", "spec.allow"]).await;
        }
        world.ready("within").await;
        assert_eq!(world.marked(None).len(), 1);

        platform["spec"]["allow"] = json!([{ "roles": [{ "name": "*", "division": "*" }] }]);
        world.apply(&platform).await;
        for (name, _) in &cases {
            world.ready(name).await;
        }
        // Allowed no longer, the token goes; the client and its credential stay.
        platform["spec"]["allow"] =
            json!([{ "roles": [{ "name": "Reporting *", "division": "Home" }] }]);
        let writes = world.remote_writes();
        world.apply(&platform).await;
        for (name, _) in &cases {
            world.stalled(name, "NotAllowed", &["is not allowed here"]).await;
            world.gone("Secret", &world.namespace, &format!("{name}-token")).await;
        }
        world.ready("within").await;
        assert!(world.secret("within-token").await.is_some());
        assert_eq!(world.remote_writes(), writes);
        assert_eq!(world.marked(None).len(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_role_that_the_operator_itself_does_not_hold_is_refused_before_it_is_tried() {
    let mut options = Options::default().without_limits();
    options.admin = SeedClient {
        roles: Some(vec![
            RoleDivision::new(seed::ADMIN, "*"),
            RoleDivision::new(seed::REPORTING_VIEWER, seed::HOME_DIVISION),
        ]),
        ..SeedClient::default()
    };
    Plan::default()
        .tenant(options)
        .run(async |world| {
            world
                .apply(&in_roles(
                    world,
                    "etl",
                    json!([{ "name": "Supervisor", "division": "Home" }]),
                ))
                .await;
            world
                .apply(&in_roles(
                    world,
                    "wider",
                    json!([{ "name": "Reporting Viewer", "division": "*" }]),
                ))
                .await;
            world.apply(&Account::of(world, "fit")).await;
            let sentence =
                ["does not itself hold", "\"Supervisor\"", "\"Home\"", "grant it the role"];
            world.stalled("etl", "InvalidSpec", &sentence).await;
            world.stalled("wider", "InvalidSpec", &["does not itself hold"]).await;
            world.ready("fit").await;
            assert_eq!(world.marked(None).len(), 1);
            assert_eq!(
                world.tenant.counters().of("POST /api/v2/oauth/clients"),
                1,
                "not even tried"
            );

            let admin = world.simulator.admin_client().client_id;
            let grants = [seed::ADMIN, seed::REPORTING_VIEWER, seed::SUPERVISOR];
            let grants = grants.map(|role| RoleDivision::new(role, "*")).to_vec();
            world.edit(&admin, &keysteward_simulator::ClientEdit::roles(grants));
            world.ready("etl").await;
            world.ready("wider").await;
        })
        .await;
}

#[tokio::test]
async fn what_the_schema_can_see_is_refused_at_apply_and_the_stored_object_stays() {
    in_a_world(async |world| {
        let object = Account::of(world, "etl");
        world.apply(&object).await;
        world.ready("etl").await;
        let stored = world.object("etl").await;
        let cases = [
            (
                "/spec/genesysCloud/grantTypes",
                json!(["client_credentials", "password"]),
                "spec.genesysCloud.grantTypes: Invalid value: must be exactly one grant type",
            ),
            (
                "/spec/genesysCloud/scopes",
                json!(["users:readonly"]),
                "spec.genesysCloud.scopes: Invalid value: must be empty with client_credentials",
            ),
            (
                "/spec/genesysCloud/accessTokenLifetime",
                json!("299s"),
                "must be at least 300s and at most 48h",
            ),
            (
                "/spec/genesysCloud/accessTokenLifetime",
                json!("172801s"),
                "must be at least 300s and at most 48h",
            ),
            (
                "/spec/credential/secretName",
                json!("etl-token"),
                "token.secretName and credential.secretName must differ",
            ),
            ("/spec/genesysCloud/roles", json!([]), "must hold 1 to 100 roles"),
        ];
        for (field, value, sentence) in cases {
            let mut object = object.clone();
            let (parent, key) = field.rsplit_once('/').unwrap();
            object.pointer_mut(parent).unwrap()[key] = value;
            let said = world.refused(&object).await;
            assert!(said.contains(sentence), "{said}");
        }
        assert_eq!(world.object("etl").await, stored);
    })
    .await;
}

#[tokio::test]
async fn a_secret_of_somebody_else_is_never_touched() {
    in_a_world(async |world| {
        let foreign = |name: &str| {
            json!({
                "apiVersion": "v1", "kind": "Secret",
                "metadata": { "name": name, "namespace": world.namespace },
                "stringData": { "password": "of-somebody-else" },
            })
        };
        for name in ["one-token", "two-credential"] {
            world.apply(&foreign(name)).await;
        }
        let before = [world.secret("one-token").await, world.secret("two-credential").await];
        for name in ["one", "two"] {
            world.apply(&Account::of(world, name)).await;
        }
        world.stalled("one", "SecretNotOurs", &["spec.token.secretName", "untouched"]).await;
        world.stalled("two", "SecretNotOurs", &["spec.credential.secretName", "untouched"]).await;
        world.sweeps(1).await;
        assert_eq!([world.secret("one-token").await, world.secret("two-credential").await], before);
        assert_eq!(world.remote_writes(), 0, "nothing irrevocable before there is room");

        world.delete("Secret", &world.namespace, "one-token").await;
        world.change("two", &json!({ "credential": { "secretName": "two-free" } })).await;
        for name in ["one", "two"] {
            world.ready(name).await;
        }
        assert_eq!(world.secret("two-credential").await, before[1]);

        // Exchanged for a foreign one while running, it is left alone as well.
        world.delete("Secret", &world.namespace, "two-free").await;
        let taken = foreign("two-free");
        let client = kube::Api::<k8s_openapi::api::core::v1::Secret>::namespaced(
            world.client.clone(),
            &world.namespace,
        );
        let secret = serde_json::from_value(taken).unwrap();
        // The operator may have been faster: then this name is its own and there is nothing to see.
        if client.create(&kube::api::PostParams::default(), &secret).await.is_ok() {
            world.stalled("two", "SecretNotOurs", &["spec.credential.secretName"]).await;
            assert_eq!(world.data("two-free").await["password"], "of-somebody-else");
        }
    })
    .await;
}
