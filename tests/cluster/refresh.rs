//! How tokens are kept fresh, and what a restart costs.

use std::collections::BTreeMap;
use std::time::Duration;

use keysteward_simulator::{Effect, Fault};
use serde_json::{Value, json};

use super::harness::{Account, World, in_a_world, says, tells};

/// An object whose tokens are renewed after 15 to 45 s.
fn hasty(world: &World, name: &str) -> Value {
    let mut object = Account::of(world, name);
    object["spec"]["genesysCloud"]["accessTokenLifetime"] = json!("300s");
    object["spec"]["token"]["refreshAfterPercent"] = json!(10);
    object
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    in_a_world(async |world| {
        world.apply(&hasty(world, "etl")).await;
        let object = world.ready("etl").await;
        assert!(
            object["status"]["token"]["expiresAt"].is_null(),
            "it would change every few minutes"
        );
        let first = world.live_token("etl", None).await;
        let credential = world.secret("etl-credential").await.unwrap();
        let status = world.object("etl").await["metadata"]["resourceVersion"].clone();
        let second = world.live_token("etl", Some(&first)).await;
        assert_ne!(first, second);
        assert!(world.tenant.token_owner(&first).is_some(), "the one before still works");
        assert_eq!(
            world.secret("etl-credential").await.unwrap(),
            credential,
            "no refresh looks like a rotation"
        );
        assert!(says(&world.object("etl").await, "TokenFresh", "True", "Succeeded").is_ok());
        assert_eq!(
            world.object("etl").await["metadata"]["resourceVersion"],
            status,
            "a refresh writes no status"
        );
    })
    .await;
}

#[tokio::test]
async fn a_failing_renewal_leaves_the_last_good_token_and_moves_only_token_fresh() {
    in_a_world(async |world| {
        world.apply(&hasty(world, "etl")).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        let first = world.live_token("etl", None).await;
        let fault = Fault::status("POST", "/oauth/token", 503).of_client(&id);
        let fault = world.tenant.inject(fault).unwrap();
        let object = world.says("etl", "TokenFresh", "False", "RefreshFailing").await;
        assert_eq!(
            tells(&object),
            "Ready=True/Succeeded Synced=True/Succeeded CredentialValid=True/Succeeded TokenFresh=False/RefreshFailing"
        );
        assert_eq!(world.token("etl").await, first);
        assert!(object["status"]["retry"]["failures"].as_u64().unwrap() >= 1, "{}", object["status"]);
        world.tenant.clear_fault(fault);
        world.live_token("etl", Some(&first)).await;
        let object = world.says("etl", "TokenFresh", "True", "Succeeded").await;
        assert!(object["status"]["retry"].is_null());
    })
    .await;
}

#[tokio::test]
async fn a_restart_mints_nothing_and_writes_nothing() {
    in_a_world(async |world| {
        for name in ["one", "two", "off", "fought"] {
            let mut object = Account::of(world, name);
            object["spec"]["enabled"] = json!(name != "off");
            world.apply(&object).await;
        }
        let mut unfit = Account::of(world, "unfit");
        unfit["spec"]["genesysCloud"]["roles"] = json!([{ "name": "Nobody", "division": "Home" }]);
        world.apply(&unfit).await;
        world.apply(&Account::login_app(world, "desktop")).await;
        for name in ["one", "two", "fought", "desktop"] {
            world.ready(name).await;
        }
        world.says("off", "Ready", "True", "Disabled").await;
        world.stalled("unfit", "InvalidSpec", &["\"Nobody\""]).await;
        world.sweeps(2).await;

        let before = versions(world).await;
        let (mints, writes) = (world.mints(), world.remote_writes());
        for round in 0..2 {
            // Once in peace, once as a lost node.
            if round == 0 {
                world.operators[0].roll().await;
            } else {
                world.operators[0].restart();
            }
            let sessions = world.tenant.counters().minted() - world.mints();
            world
                .until("a new session of the operator", async || {
                    let now = world.tenant.counters().minted() - world.mints();
                    (now > sessions).then_some(()).ok_or(format!("{now} sessions"))
                })
                .await;
            world.sweeps(2).await;
            let after = versions(world).await;
            assert_eq!(after, before, "round {round}");
            assert_eq!((world.mints(), world.remote_writes()), (mints, writes), "round {round}");
        }
    })
    .await;
}

/// The version of everything that the operator writes, but for its Lease.
async fn versions(world: &World) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    for namespace in [&world.namespace, &world.home] {
        for kind in ["ServiceAccountCredential", "Platform", "Secret", "Event"] {
            for object in world.list(kind, namespace).await {
                let metadata = &object["metadata"];
                versions.insert(
                    format!("{kind} {}", metadata["name"]),
                    metadata["resourceVersion"].to_string(),
                );
            }
        }
    }
    versions
}

#[tokio::test]
async fn a_token_that_would_idle_out_is_renewed_before_and_one_that_did_is_told() {
    in_a_world(async |world| {
        world.tenant.set_idle_timeout(Some(Duration::from_secs(30)));
        world.apply(&Account::of(world, "renewed")).await;
        let mut object = Account::of(world, "told");
        object["spec"]["token"]["onIdleTimeout"] = json!("Report");
        world.apply(&object).await;
        for name in ["renewed", "told"] {
            world.ready(name).await;
        }
        let first = world.token("renewed").await;
        let dead = world.token("told").await;
        // Its 30 s are over in a while, for nobody uses it.
        world.stalled("told", "TokenIdledOut", &["onIdleTimeout is Report"]).await;
        assert_eq!(world.token("told").await, dead, "nobody asked for another");
        world.live_token("renewed", Some(&first)).await;
        world.change("told", &json!({ "token": { "onIdleTimeout": "Remint" } })).await;
        world.ready("told").await;
        world.live_token("told", Some(&dead)).await;
    })
    .await;
}

#[tokio::test]
async fn tokens_too_short_to_be_kept_fresh_are_not_published() {
    in_a_world(async |world| {
        let body = json!({ "expires_in": 40 });
        let admin = world.simulator.admin_client().client_id;
        world.apply(&Account::login_app(world, "warm-up")).await;
        world.ready("warm-up").await;
        assert_ne!(world.client_id("warm-up").await, admin);
        let fault = Fault::new("POST", "/oauth/token", Effect::Merge { body });
        let fault = world.tenant.inject(fault).unwrap();
        world.apply(&Account::of(world, "etl")).await;
        world.stalled("etl", "TokenTooShort", &["live 40 s", "accessTokenLifetime"]).await;
        assert!(world.secret("etl-token").await.is_none());
        world.tenant.clear_fault(fault);
        world.ready("etl").await;
    })
    .await;
}
