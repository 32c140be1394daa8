//! What one namespace or one platform does to the others: nothing.

use std::time::Duration;

use keysteward_simulator::{Effect, Fault, Options, Simulator};
use keysteward_testbed::unique_name;
use kube::api::PostParams;
use serde_json::{Value, json};

use super::harness::{Account, Plan, World, says, text};

const CREATE: &str = "POST /api/v2/oauth/clients";

/// A platform object of another name, and an object on it.
fn elsewhere(world: &World, other: &Simulator, platform: &str) -> (Value, Value) {
    let admin = other.admin_client();
    let mut secret = world.admin_secret();
    secret["metadata"]["name"] = json!(platform);
    secret["stringData"] = json!({
        "client_id": admin.client_id,
        "client_secret": admin.client_secret.reveal(),
    });
    let mut object = world.platform_at(other);
    object["metadata"]["name"] = json!(platform);
    object["spec"]["credentialsSecretRef"] = json!({ "name": platform });
    (secret, object)
}

#[tokio::test]
async fn who_is_not_allowed_on_a_shared_platform_cannot_claim_a_name_there() {
    Plan::default()
        .no_platform()
        .run(async |world| {
            let shared = unique_name("shared");
            let mut secret = world.admin_secret();
            secret["metadata"]["namespace"] = json!(world.home);
            world.apply(&secret).await;
            let mut platform = world.platform();
            platform["kind"] = json!("ClusterPlatform");
            platform["metadata"] = json!({ "name": shared });
            platform["spec"]["allow"] = json!([{
                "namespaces": { "names": [world.namespace] },
                "roles": [{ "name": "Reporting *", "division": "Home" }],
            }]);
            world.apply(&platform).await;
            let on = |name: &str, namespace: &str| {
                let mut object = Account::of(world, name);
                object["metadata"]["namespace"] = json!(namespace);
                object["spec"]["platformRef"] =
                    json!({ "kind": "ClusterPlatform", "name": shared });
                object["spec"]["genesysCloud"]["client"]["name"] = json!("wanted");
                object
            };
            // The older one would win, if it had a say.
            world.apply(&on("squatter", &world.neighbour)).await;
            world
                .until("the squatter is refused", async || {
                    let kind = "ServiceAccountCredential";
                    let object = world.get(kind, &world.neighbour, "squatter").await.unwrap();
                    says(&object, "Stalled", "True", "NotAllowed")
                })
                .await;
            world.apply(&on("etl", &world.namespace)).await;
            world.ready("etl").await;
            assert_eq!(world.tenant.clients_named("wanted").len(), 1);
            world.delete("ClusterPlatform", "", &shared).await;
        })
        .await;
}

#[tokio::test]
async fn a_platform_that_hangs_holds_up_its_own_objects_only() {
    Plan::default()
        .argument("concurrency", "1")
        .run(async |world| {
            let other = Simulator::start(Options::default().without_limits()).unwrap();
            let (secret, platform) = elsewhere(world, &other, "hanging");
            world.canary("the other managing secret", other.admin_client().client_secret.reveal());
            world.apply(&secret).await;
            world.apply(&platform).await;
            world.platform_says("hanging", "True", "Succeeded").await;
            let hang = Effect::Hang { after_effect: false };
            let hang = Fault::new("POST", "/api/v2/oauth/clients", hang);
            let hang = other.control().inject(hang).unwrap();
            for number in 0..4 {
                let mut object = Account::of(world, &format!("held-{number}"));
                object["spec"]["platformRef"]["name"] = json!("hanging");
                world.apply(&object).await;
            }
            let struck = || -> u32 { other.control().faults().iter().map(|it| it.struck).sum() };
            world
                .until("a create hangs", async || {
                    if struck() > 0 { Ok(()) } else { Err("none does".to_owned()) }
                })
                .await;
            world.apply(&Account::of(world, "etl")).await;
            world.ready("etl").await;
            assert_eq!(struck(), 1, "its first create still hangs: nobody waited for its end");
            other.control().clear_fault(hang);
            for number in 0..4 {
                world.ready(&format!("held-{number}")).await;
            }
        })
        .await;
}

#[tokio::test]
async fn labels_of_ours_on_a_secret_of_another_namespace_change_nothing() {
    Plan::default()
        .argument("late-after", "1s")
        .run(async |world| {
            world.apply(&Account::of_a_day(world, "etl")).await;
            world.ready("etl").await;
            let (token, mints) = (world.token("etl").await, world.mints());
            // A copy as a user makes it, of a token that is long overdue and of a client that was left behind.
            let mut copy = world.secret("etl-token").await.unwrap();
            let metadata = copy["metadata"].clone();
            let mut annotations = metadata["annotations"].clone();
            for name in ["keysteward.dev/refresh-at", "keysteward.dev/retained-at"] {
                annotations[name] = json!("2020-01-01T00:00:00Z");
            }
            copy["metadata"] = json!({
                "name": "copied",
                "namespace": world.neighbour,
                "labels": metadata["labels"],
                "annotations": annotations,
            });
            let copy = serde_json::from_value(copy).unwrap();
            let secrets = world.api("Secret", &world.neighbour);
            let copied = secrets.create(&PostParams::default(), &copy).await.unwrap();
            let copied = serde_json::to_value(copied).unwrap();
            let passes = async |world: &mut World| {
                world.operator().metric("keysteward_reconcile_total").await
            };
            let before = passes(world).await;
            // Two looks of the watchdog.
            world.sweeps(3).await;
            let (_, page) = world.operator().page("/metrics").await;
            let late = page.lines().find(|l| l.starts_with("keysteward_token_refresh_lateness"));
            assert_eq!(late, None);
            secrets.delete("copied", &kube::api::DeleteParams::default()).await.unwrap();
            world.sweeps(1).await;
            assert!((passes(world).await - before).abs() < 0.5, "nobody was woken");
            assert_eq!((world.token("etl").await, world.mints()), (token, mints));
            world.says("etl", "TokenFresh", "True", "Succeeded").await;
            assert_eq!(text(&copied).len(), world.data("etl-token").await.len());
        })
        .await;
}

#[tokio::test]
async fn an_operator_that_is_ended_while_a_platform_hangs_ends_in_time_and_loses_nothing() {
    Plan::default()
        .run(async |world| {
            let hang =
                Fault::new("POST", "/api/v2/oauth/clients", Effect::Delay { milliseconds: 8_000 });
            let late = world.tenant.inject(hang.once()).unwrap();
            world.apply(&Account::of(world, "etl")).await;
            let asked = async |world: &World, number: u64| {
                world
                    .until("a create that is under way", async || {
                        let creates = world.tenant.counters().of(CREATE);
                        if creates >= number { Ok(()) } else { Err(creates.to_string()) }
                    })
                    .await;
            };
            asked(world, 1).await;
            // The answer that comes late is the only copy of the secret: it is awaited and stored.
            let ended = world.operator().process.terminate(Duration::from_secs(30)).await.unwrap();
            assert!(ended.success(), "{ended}");
            let kept = world.kept().await;
            let stored = kept.iter().any(|(_, secret)| text(secret).contains_key("client_secret"));
            assert!(stored, "the new secret is stored");
            world.tenant.clear_fault(late);
            world.operator().process.restart().unwrap();
            world.ready("etl").await;
            let client = world.remote("etl").await;
            assert_eq!((client.secrets_issued, world.marked(None).len()), (1, 1));
            assert_eq!(world.tenant.counters().of(CREATE), 1);

            // One that has no answer at all: it is given up after 30 s, and found afterwards.
            let hang = Effect::Hang { after_effect: true };
            let hang = Fault::new("POST", "/api/v2/oauth/clients", hang);
            let hang = world.tenant.inject(hang.once()).unwrap();
            world.apply(&Account::of(world, "second")).await;
            asked(world, 2).await;
            let ended = world.operator().process.terminate(Duration::from_secs(55)).await.unwrap();
            assert!(ended.success(), "{ended}");
            world.tenant.clear_fault(hang);
            world.operator().process.restart().unwrap();
            world.ready("second").await;
            assert_eq!(world.marked(Some("second")).len(), 1);
            assert_eq!(world.tenant.counters().of(CREATE), 2);
        })
        .await;
}
