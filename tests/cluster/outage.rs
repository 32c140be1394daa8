//! When the API server goes away, and when the platform does.

use keysteward_simulator::{ClientEdit, Effect, Fault};
use keysteward_testbed::ControlPlane;
use serde_json::json;

use super::harness::{Account, PLATFORM, Plan, SOON, in_a_world, says};

#[tokio::test]
async fn a_leader_without_an_api_server_ends_and_its_next_life_goes_on_and_mints_nothing() {
    Plan::default()
        .own_server(ControlPlane::builder())
        .short_lease()
        .run(async |world| {
            world.apply(&Account::of_a_day(world, "etl")).await;
            world.ready("etl").await;
            let id = world.client_id("etl").await;
            let mints = world.mints();
            world.server.kill_apiserver().await.unwrap();
            // Another replica might lead by now, for all it can know; its Deployment starts it again.
            world.operators[0].process.ended(SOON).await.unwrap();
            world.operators[0].restart();
            world.edit(&id, &ClientEdit::field("accessTokenValiditySeconds", 600));
            world.server.start_apiserver().await.unwrap();
            world.remote_is(&id, "corrected", |c| c.access_token_validity_seconds == 86_400).await;
            world.ready("etl").await;
            assert_eq!(world.mints(), mints);
        })
        .await;
}

#[tokio::test]
async fn an_only_replica_goes_on_through_an_outage_of_the_api_server() {
    Plan::default()
        .own_server(ControlPlane::builder())
        .argument("leader-election", "false")
        .run(async |world| {
            world.apply(&Account::of_a_day(world, "etl")).await;
            world.ready("etl").await;
            let id = world.client_id("etl").await;
            let mints = world.mints();
            world.server.kill_apiserver().await.unwrap();
            // Two sweeps without a Kubernetes.
            world.sweeps(1).await;
            world.edit(&id, &ClientEdit::field("accessTokenValiditySeconds", 600));
            world.server.start_apiserver().await.unwrap();
            world.remote_is(&id, "corrected", |c| c.access_token_validity_seconds == 86_400).await;
            world.ready("etl").await;
            world.apply(&Account::of(world, "after")).await;
            world.ready("after").await;
            assert_eq!(world.mints(), mints + 1);
            assert!(world.operators[0].process.is_running().unwrap(), "no restart was needed");
        })
        .await;
}

#[tokio::test]
async fn while_the_platform_is_away_only_the_platform_object_speaks() {
    in_a_world(async |world| {
        world.apply(&Account::of_a_day(world, "etl")).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        let before = world.object("etl").await;
        let token = world.token("etl").await;
        for (effect, part) in [
            (
                Effect::Status {
                    status: 503,
                    headers: std::collections::BTreeMap::new(),
                    body: None,
                },
                "503",
            ),
            (Effect::Html { body: None }, "text/html"),
            (Effect::LostAnswer, "connection"),
        ] {
            let fault =
                Fault { method: None, path: Some("/api/v2/*".into()), ..Fault::everywhere(effect) };
            let fault = world.tenant.inject(fault).unwrap();
            world
                .until(&format!("the platform object says {part}"), async || {
                    let platform = world.get("Platform", &world.namespace, PLATFORM).await.unwrap();
                    says(&platform, "Ready", "False", "Unreachable")?;
                    let told = super::harness::message(&platform, "Ready").unwrap();
                    told.contains(part).then_some(()).ok_or(told.to_owned())
                })
                .await;
            assert_eq!(world.object("etl").await, before, "nothing was said of the object");
            assert_eq!(world.token("etl").await, token);
            world.tenant.clear_fault(fault);
            world.platform_says(PLATFORM, "True", "Succeeded").await;
        }
        // What is new waits, with the cause in its own words; drift meanwhile is mended afterwards.
        let fault = Fault { method: None, ..Fault::status("", "/api/v2/*", 503) };
        let fault = world.tenant.inject(fault).unwrap();
        world.platform_says(PLATFORM, "False", "Unreachable").await;
        world.apply(&Account::of(world, "new")).await;
        world.retried("new", "Unreachable", &["503"]).await;
        world.edit(&id, &ClientEdit::field("accessTokenValiditySeconds", 600));
        world.tenant.clear_fault(fault);
        world.ready("new").await;
        world.remote_is(&id, "corrected", |c| c.access_token_validity_seconds == 86_400).await;
        world.change("etl", &json!({ "suspend": false })).await;
        world.ready("etl").await;
    })
    .await;
}
