//! A platform whose certificate only a private authority vouches for.

use serde_json::{Value, json};

use super::harness::{Account, PLATFORM, Plan, Tls, World, authority, message, says};

fn bundle(world: &World, pem: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "corp-ca", "namespace": world.namespace },
        "data": { "ca.crt": pem },
    })
}

#[tokio::test]
async fn certificates_that_are_put_right_are_taken_up_without_a_restart() {
    Plan::default()
        .no_platform()
        .run(async |world| {
            let front = Tls::before(&world.simulator);
            world.apply(&bundle(world, &authority().cert.pem())).await;
            world.apply(&world.admin_secret()).await;
            let mut platform = world.platform();
            platform["spec"]["genesysCloud"]["endpoints"] =
                json!({ "login": front.url, "api": front.url });
            platform["spec"]["caBundleRef"] =
                json!({ "kind": "ConfigMap", "name": "corp-ca", "key": "ca.crt" });
            world.apply(&platform).await;
            world
                .until("the wrong certificates are told", async || {
                    let found = world.get("Platform", &world.namespace, PLATFORM).await.unwrap();
                    says(&found, "Ready", "False", "Unreachable")?;
                    let told = message(&found, "Ready").unwrap();
                    let names = told.contains("certificate") && told.contains("caBundleRef");
                    names.then_some(()).ok_or(told.to_owned())
                })
                .await;
            world.apply(&Account::of(world, "etl")).await;
            world.retried("etl", "PlatformNotReady", &["certificate"]).await;

            world.apply(&bundle(world, &front.pem)).await;
            world.platform_says(PLATFORM, "True", "Succeeded").await;
            world.ready("etl").await;
            world.live_token("etl", None).await;
        })
        .await;
}
