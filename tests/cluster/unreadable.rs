//! Objects that a definition of another version let through: they say so, and the others go on.

use keysteward_testbed::{ControlPlane, apply_yaml};
use serde_json::{Value, json};

use super::harness::{Account, PLATFORM, Plan, World, message, says};

const CREDENTIALS: &str = include_str!("../../crds/keysteward.dev_serviceaccountcredentials.yaml");
const PLATFORMS: &str = include_str!("../../crds/keysteward.dev_platforms.yaml");

/// Installs a definition whose spec takes anything.
async fn loosen(world: &World, definition: &str) {
    let mut definition: Value = serde_saphyr::from_str(definition).unwrap();
    let version = &mut definition["spec"]["versions"][0];
    version.as_object_mut().unwrap().remove("selectableFields");
    let schema = &mut version["schema"]["openAPIV3Schema"];
    schema.as_object_mut().unwrap().remove("x-kubernetes-validations");
    schema["properties"]["spec"] =
        json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let name = definition["metadata"]["name"].as_str().unwrap().to_owned();
    let api = kube::Api::<k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition>::all(world.client.clone());
    let before = api.get(&name).await.unwrap();
    definition["metadata"]["resourceVersion"] = json!(before.metadata.resource_version);
    let definition = serde_json::from_value(definition).unwrap();
    api.replace(&name, &kube::api::PostParams::default(), &definition).await.unwrap();
}

/// Applies an object that only a loose definition takes, as soon as that one is in force.
async fn apply_loosely(world: &World, object: &Value) {
    world
        .until("the loose definition in force", async || {
            let applied = apply_yaml(&world.client, &object.to_string(), "somebody").await;
            applied.map(drop).map_err(|error| error.to_string())
        })
        .await;
}

#[tokio::test]
async fn an_object_that_does_not_deserialize_says_so_and_the_others_go_on() {
    Plan::default()
        .own_server(ControlPlane::builder())
        .run(async |world| {
            world.apply(&Account::of(world, "before")).await;
            world.ready("before").await;
            loosen(world, CREDENTIALS).await;
            let mut broken = Account::of(world, "broken");
            broken["spec"]["genesysCloud"]["grantTypes"] = json!("client_credentials");
            broken["metadata"]["finalizers"] = json!(["keysteward.dev/remote"]);
            apply_loosely(world, &broken).await;
            let mut blockless = Account::of(world, "blockless");
            blockless["spec"].as_object_mut().unwrap().remove("genesysCloud");
            apply_loosely(world, &blockless).await;
            world.apply(&Account::of(world, "after")).await;
            world.ready("after").await;
            world
                .stalled(
                    "broken",
                    "InvalidSpec",
                    &["cannot be read", "spec.genesysCloud.grantTypes", "expected a sequence"],
                )
                .await;
            world.stalled("blockless", "InvalidSpec", &["spec.genesysCloud must be set"]).await;
            assert_eq!(world.marked(None).len(), 2);

            // A new start meets them in its first list.
            world.operators[0].roll().await;
            world.apply(&Account::of(world, "later")).await;
            world.ready("later").await;
            world.ready("before").await;

            // Mended they are like any other, and deleted unmended they go.
            world.replace(&Account::of(world, "blockless")).await;
            world.ready("blockless").await;
            world.delete_object("broken").await;
            world.object_gone("broken").await;
        })
        .await;
}

#[tokio::test]
async fn an_object_that_can_no_longer_be_read_keeps_what_its_status_says_and_what_it_has() {
    Plan::default()
        .own_server(ControlPlane::builder())
        .run(async |world| {
            world.apply(&Account::of_a_day(world, "etl")).await;
            let before = world.ready("etl").await["status"].clone();
            let (id, token) = (world.client_id("etl").await, world.token("etl").await);
            loosen(world, CREDENTIALS).await;
            let mut broken = Account::of_a_day(world, "etl");
            broken["spec"]["genesysCloud"]["grantTypes"] = json!("client_credentials");
            apply_loosely(world, &broken).await;
            let object = world.stalled("etl", "InvalidSpec", &["cannot be read"]).await;
            for part in ["remote", "token", "credential"] {
                assert!(before[part].is_object(), "{before}");
                assert_eq!(object["status"][part], before[part], "{part}");
            }
            assert_eq!(world.token("etl").await, token);

            world.replace(&Account::of_a_day(world, "etl")).await;
            world.ready("etl").await;
            assert_eq!(world.client_id("etl").await, id);
            assert_eq!(world.marked(None).len(), 1);
            assert_eq!(world.token("etl").await, token);
        })
        .await;
}

#[tokio::test]
async fn a_platform_that_cannot_be_read_holds_up_its_own_objects_only() {
    Plan::default()
        .own_server(ControlPlane::builder())
        .run(async |world| {
            world.apply(&Account::of(world, "well")).await;
            world.ready("well").await;
            loosen(world, PLATFORMS).await;
            let mut broken = world.platform();
            broken["metadata"]["name"] = json!("broken");
            broken["spec"]["requestsPerMinute"] = json!("many");
            apply_loosely(world, &broken).await;
            let mut blockless = world.platform();
            blockless["metadata"]["name"] = json!("blockless");
            blockless["spec"].as_object_mut().unwrap().remove("genesysCloud");
            apply_loosely(world, &blockless).await;
            for name in ["broken", "blockless"] {
                let mut object = Account::of(world, &format!("on-{name}"));
                object["spec"]["platformRef"]["name"] = json!(name);
                world.apply(&object).await;
            }
            world.retried("on-broken", "PlatformNotReady", &["broken", "cannot be read"]).await;
            world
                .retried("on-blockless", "PlatformNotReady", &["spec.genesysCloud must be set"])
                .await;
            world.apply(&Account::of(world, "another")).await;
            world.ready("another").await;

            for mut platform in [broken, blockless] {
                platform["spec"] = world.platform()["spec"].clone();
                world.apply(&platform).await;
            }
            for name in ["on-broken", "on-blockless"] {
                world.ready(name).await;
            }
            let platform = world.get("Platform", &world.namespace, PLATFORM).await.unwrap();
            assert!(
                says(&platform, "Ready", "True", "Succeeded").is_ok(),
                "{:?}",
                message(&platform, "Ready")
            );
        })
        .await;
}
