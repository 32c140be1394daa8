//! A `ClusterPlatform`: whom it serves and whom it does not.

use keysteward_testbed::unique_name;
use serde_json::{Value, json};

use super::harness::{ADMIN, Account, Plan, World};

/// A `ClusterPlatform` for whom `namespaces` says, its credential in the operator's namespace.
async fn shared(world: &World, name: &str, namespaces: &Value) -> Value {
    let mut secret = world.admin_secret();
    secret["metadata"]["namespace"] = json!(world.home);
    world.apply(&secret).await;
    let mut platform = world.platform();
    platform["kind"] = json!("ClusterPlatform");
    platform["metadata"] = json!({ "name": name });
    platform["spec"]["allow"] = json!([{
        "namespaces": namespaces,
        "roles": [{ "name": "Reporting *", "division": "Home" }],
    }]);
    world.apply(&platform).await;
    platform
}

fn on(world: &World, platform: &str, name: &str) -> Value {
    let mut object = Account::of(world, name);
    object["spec"]["platformRef"] = json!({ "kind": "ClusterPlatform", "name": platform });
    object
}

#[tokio::test]
async fn it_serves_the_namespaces_that_it_names_and_the_roles_that_it_allows() {
    Plan::default()
        .no_platform()
        .run(async |world| {
            let name = unique_name("shared");
            let mut platform = shared(world, &name, &json!({ "names": [world.namespace] })).await;
            world.apply(&on(world, &name, "etl")).await;
            let mut outside = on(world, &name, "outside");
            outside["metadata"]["namespace"] = json!(world.neighbour);
            world.apply(&outside).await;
            let mut role = on(world, &name, "role");
            role["spec"]["genesysCloud"]["roles"] =
                json!([{ "name": "Supervisor", "division": "Home" }]);
            world.apply(&role).await;

            let object = world.ready("etl").await;
            assert_eq!(object["status"]["remote"]["roles"], json!(["Reporting Viewer in Home"]));
            world.live_token("etl", None).await;
            world.stalled("role", "NotAllowed", &["\"Supervisor\"", "spec.allow"]).await;
            let told = |reason: &'static str, status: &'static str| {
                let world = &*world;
                async move {
                    world
                        .until(&format!("outside says {reason}"), async || {
                            let object = world
                                .get("ServiceAccountCredential", &world.neighbour, "outside")
                                .await
                                .unwrap();
                            super::harness::says(&object, "Ready", status, reason).map(|()| object)
                        })
                        .await
                }
            };
            let object = told("NotAllowed", "False").await;
            let sentence = super::harness::message(&object, "Ready").unwrap();
            assert!(
                sentence.contains(&world.neighbour) && sentence.contains("spec.allow"),
                "{sentence}"
            );
            assert_eq!(world.marked(None).len(), 1);

            platform["spec"]["allow"][0]["namespaces"] = json!({ "all": true });
            world.apply(&platform).await;
            told("Succeeded", "True").await;
            world.delete("ClusterPlatform", "", &name).await;
        })
        .await;
}

#[tokio::test]
async fn a_namespace_that_loses_its_label_loses_its_tokens_and_nothing_else() {
    Plan::default()
        .no_platform()
        .run(async |world| {
            let name = unique_name("shared");
            let team = unique_name("team");
            let label = async |value: Value| {
                let patch = kube::api::Patch::Merge(
                    json!({ "metadata": { "labels": { "example.com/team": value } } }),
                );
                let api =
                    kube::Api::<k8s_openapi::api::core::v1::Namespace>::all(world.client.clone());
                api.patch(&world.namespace, &kube::api::PatchParams::default(), &patch)
                    .await
                    .unwrap();
            };
            let selector = json!({ "selector": { "matchLabels": { "example.com/team": team } } });
            shared(world, &name, &selector).await;
            world.apply(&on(world, &name, "etl")).await;
            world.stalled("etl", "NotAllowed", &["spec.allow"]).await;
            assert_eq!(world.remote_writes(), 0);

            label(json!(team)).await;
            world.ready("etl").await;
            let (id, credential) =
                (world.client_id("etl").await, world.data("etl-credential").await);
            let writes = world.remote_writes();
            label(Value::Null).await;
            world.stalled("etl", "NotAllowed", &["spec.allow"]).await;
            world.gone("Secret", &world.namespace, "etl-token").await;
            assert_eq!(world.data("etl-credential").await, credential);
            assert_eq!(world.remote_writes(), writes);
            assert_eq!(world.tenant.client(&id).unwrap().state, "active");

            label(json!(team)).await;
            world.ready("etl").await;
            world.live_token("etl", None).await;
            assert_eq!(world.client_id("etl").await, id);
            world.delete("ClusterPlatform", "", &name).await;
        })
        .await;
}

#[tokio::test]
async fn its_credential_is_read_in_the_operators_namespace_only() {
    Plan::default()
        .no_platform()
        .run(async |world| {
            let name = unique_name("shared");
            shared(world, &name, &json!({ "all": true })).await;
            world.delete("Secret", &world.home, ADMIN).await;
            world.apply(&world.admin_secret()).await;
            world.apply(&on(world, &name, "etl")).await;
            let place = format!("{}/{ADMIN}", world.home);
            world.retried("etl", "PlatformNotReady", &[&place, "does not exist"]).await;
            let mut secret = world.admin_secret();
            secret["metadata"]["namespace"] = json!(world.home);
            world.apply(&secret).await;
            world.ready("etl").await;
            world.delete("ClusterPlatform", "", &name).await;
        })
        .await;
}
