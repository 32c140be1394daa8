//! What wrong answers of the platform come to: nothing is published that does not work, nothing is made twice.

use std::time::{Duration, Instant};

use keysteward_simulator::{ClientEdit, Effect, Fault};
use serde_json::json;

use super::harness::{Account, Plan, World, in_a_world, message, says};

/// The effect of each wrong answer of the token endpoint, and what the status says of it.
fn wrong_answers() -> Vec<(&'static str, Effect, &'static str)> {
    let merge = |body| Effect::Merge { body };
    vec![
        ("html", Effect::Html { body: None }, "the body is not the JSON of a token"),
        (
            "empty",
            Effect::Json {
                status: 200,
                body: json!({ "token_type": "bearer", "expires_in": 86400 }),
            },
            "no access_token",
        ),
        ("missing", merge(json!({ "expires_in": null })), "expires_in is missing"),
        ("zero", merge(json!({ "expires_in": 0 })), "expires_in is 0"),
        ("negative", merge(json!({ "expires_in": -1 })), "expires_in is -1"),
        ("string", merge(json!({ "expires_in": "soon" })), "expires_in is not a number"),
    ]
}

#[tokio::test]
async fn a_wrong_answer_of_the_token_endpoint_is_named_and_nothing_of_it_is_published() {
    in_a_world(async |world| {
        // Clients that exist, so that each can be answered in its own wrong way.
        for (name, ..) in wrong_answers() {
            world.apply(&Account::login_app(world, name)).await;
        }
        for (name, effect, _) in wrong_answers() {
            world.ready(name).await;
            let id = world.client_id(name).await;
            world.tenant.inject(Fault::new("POST", "/oauth/token", effect).of_client(&id)).unwrap();
            world.replace(&Account::of(world, name)).await;
        }
        for (name, _, sentence) in wrong_answers() {
            let object = world
                .status(name, sentence, |object| {
                    let told = message(object, "Ready").unwrap_or_default();
                    if told.contains(sentence) { Ok(()) } else { Err(told.to_owned()) }
                })
                .await;
            assert!(message(&object, "Ready").unwrap().contains("mint a token"), "{object}");
            assert!(says(&object, "Ready", "True", "Succeeded").is_err());
            let secret = world.secret(&format!("{name}-token")).await;
            assert!(secret.is_none(), "{name}: a Secret without a usable token");
        }
        world.tenant.clear_faults();
        for (name, ..) in wrong_answers() {
            world.ready(name).await;
            world.live_token(name, None).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_new_credential_is_not_published_before_it_worked() {
    in_a_world(async |world| {
        world.apply(&Account::login_app(world, "warm-up")).await;
        world.ready("warm-up").await;
        let html = Fault::new("POST", "/oauth/token", Effect::Html { body: None });
        let html = world.tenant.inject(html).unwrap();
        world.apply(&Account::of(world, "etl")).await;
        world.retried("etl", "Unreachable", &["not the JSON of a token"]).await;
        for name in ["etl-token", "etl-credential"] {
            assert!(world.secret(name).await.is_none(), "{name}");
        }
        assert!(world.true_copy("etl").await.is_none());
        assert_eq!(world.marked(Some("etl")).len(), 1);
        world.tenant.clear_fault(html);
        world.ready("etl").await;
        let clients = world.marked(Some("etl"));
        assert_eq!((clients.len(), clients[0].secrets_issued), (1, 1), "nothing made twice");
    })
    .await;
}

#[tokio::test]
async fn a_lost_create_answer_behind_a_lagging_list_ends_in_one_client_whose_secret_is_stored() {
    Plan::default()
        .argument("create-lag", "8s")
        .run(async |world| {
            world.tenant.configure(|settings| settings.propagation.create.list_milliseconds = 5000);
            world
                .tenant
                .inject(Fault::lost_answer("POST", "/api/v2/oauth/clients").once())
                .unwrap();
            world.apply(&Account::of(world, "etl")).await;
            world.ready("etl").await;
            world.sweeps(2).await;
            let clients = world.marked(None);
            assert_eq!(clients.len(), 1, "{clients:?}");
            assert_eq!(
                world.tenant.counters().of("POST /api/v2/oauth/clients"),
                1,
                "it was not even tried again"
            );
            let credential = world.data("etl-credential").await;
            assert_eq!(credential["client_id"], clients[0].id);
            assert!(world.tenant.secret_is(&clients[0].id, &credential["client_secret"]));
            let kept: Vec<String> = world.kept().await.into_iter().map(|(role, _)| role).collect();
            assert_eq!(kept, ["true-copy"], "no reservation stays");
        })
        .await;
}

#[tokio::test]
async fn a_create_that_never_happened_is_repeated() {
    in_a_world(async |world| {
        world.tenant.inject(Fault::status("POST", "/api/v2/oauth/clients", 503).once()).unwrap();
        world.apply(&Account::of(world, "etl")).await;
        world.ready("etl").await;
        assert_eq!(world.tenant.counters().of("POST /api/v2/oauth/clients"), 2);
        assert_eq!(world.marked(None).len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_list_that_lags_behind_a_write_makes_nobody_write_twice() {
    Plan::default()
        .argument("write-lag", "20s")
        .run(async |world| {
            world.apply(&Account::of_a_day(world, "etl")).await;
            world.ready("etl").await;
            world
                .tenant
                .configure(|settings| settings.propagation.update.list_milliseconds = 15_000);
            world
                .change("etl", &json!({ "genesysCloud": { "client": { "name": "other" } } }))
                .await;
            let id = world.client_id("etl").await;
            world.remote_is(&id, "renamed", |client| client.name == "other").await;
            world.ready("etl").await;
            let writes = world.remote_writes();
            world.sweeps(2).await;
            assert_eq!(world.remote_writes(), writes);
            let object = world.ready("etl").await;
            assert!(
                object["status"]["drift"].is_null(),
                "its own write is no drift: {}",
                object["status"]["drift"]
            );
        })
        .await;
}

async fn missing(world: &World, policy: &str) -> String {
    let mut object = Account::of(world, "etl");
    object["spec"]["policy"] = json!({ "onMissing": policy });
    world.apply(&object).await;
    world.ready("etl").await;
    let id = world.client_id("etl").await;
    world.tenant.delete_client(&id).unwrap();
    id
}

#[tokio::test]
async fn a_client_deleted_behind_our_back_is_reported_and_made_anew_when_asked() {
    in_a_world(async |world| {
        let id = missing(world, "Report").await;
        let object =
            world.stalled("etl", "ClientMissing", &[&id, "spec.policy.onMissing is Report"]).await;
        assert!(says(&object, "Synced", "False", "ClientMissing").is_ok());
        world.sweeps(1).await;
        assert!(world.marked(None).is_empty());
        assert!(world.secret("etl-credential").await.is_some(), "nothing is lost");

        world.change("etl", &json!({ "policy": { "onMissing": "Recreate" } })).await;
        world.ready("etl").await;
        assert_ne!(world.client_id("etl").await, id);
        assert_eq!(world.marked(None).len(), 1);
        world.live_token("etl", None).await;
    })
    .await;
}

#[tokio::test]
async fn with_the_policy_recreate_a_missing_client_is_made_anew_once_two_sweeps_missed_it() {
    in_a_world(async |world| {
        let id = missing(world, "Recreate").await;
        world
            .status("etl", "another client", |object| {
                let now = &object["status"]["remote"]["clientId"];
                if *now == id.as_str() { Err(format!("still {now}")) } else { Ok(()) }
            })
            .await;
        world.ready("etl").await;
        let credential = world.data("etl-credential").await;
        let client = world.remote("etl").await;
        assert!(world.tenant.secret_is(&client.id, &credential["client_secret"]));
        assert_eq!(world.tenant.token_owner(&world.token("etl").await), Some(client.id));
        assert_eq!(world.marked(None).len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_one_read_missed_is_not_taken_for_deleted() {
    in_a_world(async |world| {
        let mut object = Account::of(world, "etl");
        object["spec"]["policy"] = json!({ "onMissing": "Recreate" });
        world.apply(&object).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        // A list without it once, and a proxy that knows no path.
        let empty = Effect::Json { status: 200, body: json!({ "entities": [] }) };
        world.tenant.inject(Fault::new("GET", "/api/v2/oauth/clients", empty).once()).unwrap();
        let path = format!("/api/v2/oauth/clients/{id}");
        world.tenant.inject(Fault::status("GET", &path, 404).once()).unwrap();
        world.sweeps(3).await;
        world.ready("etl").await;
        assert_eq!(world.client_id("etl").await, id);
        assert_eq!(world.tenant.counters().of("POST /api/v2/oauth/clients"), 1);
    })
    .await;
}

#[tokio::test]
async fn a_throttled_operator_waits_as_long_as_it_was_asked_to() {
    in_a_world(async |world| {
        world.apply(&Account::of(world, "etl")).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        let slow_down = Effect::Status {
            status: 429,
            headers: [("Retry-After".to_owned(), "12".to_owned())].into(),
            body: Some(
                json!({ "status": 429, "code": "too.many.requests", "message": "slow down" }),
            ),
        };
        let path = format!("/api/v2/oauth/clients/{id}");
        let fault = world.tenant.inject(Fault::new("PUT", &path, slow_down).once()).unwrap();
        world.change("etl", &json!({ "genesysCloud": { "client": { "name": "other" } } })).await;
        let struck = world
            .until("the refusal", async || {
                let struck = world.tenant.faults().iter().any(|f| f.id == fault && f.struck > 0);
                struck.then(Instant::now).ok_or("not yet").map_err(str::to_owned)
            })
            .await;
        world.retried("etl", "Throttled", &["429"]).await;
        world.remote_is(&id, "renamed", |client| client.name == "other").await;
        let waited = struck.elapsed();
        assert!(waited > Duration::from_secs(10), "it came back after {waited:?}");
        world.ready("etl").await;
    })
    .await;
}

#[tokio::test]
async fn a_400_of_the_token_endpoint_that_means_slow_down_is_no_verdict_on_the_credential() {
    in_a_world(async |world| {
        world.apply(&Account::login_app(world, "etl")).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        let slow_down = Effect::Json {
            status: 400,
            body: json!({ "error": "invalid_request", "error_description": "rate limit exceeded; retry in 5 seconds" }),
        };
        world.tenant.inject(Fault::new("POST", "/oauth/token", slow_down).of_client(&id)).unwrap();
        world.replace(&Account::of(world, "etl")).await;
        let object = world.retried("etl", "Throttled", &["rate limit exceeded"]).await;
        assert!(says(&object, "CredentialValid", "False", "CredentialRefused").is_err(), "{object}");
        let tries = world.tenant.counters().of("POST /oauth/token");
        world.sweeps(2).await;
        let more = world.tenant.counters().of("POST /oauth/token") - tries;
        assert!(more <= 2, "{more} tries in ten seconds of throttling");
        world.tenant.clear_faults();
        world.ready("etl").await;
    })
    .await;
}

#[tokio::test]
async fn a_secret_that_somebody_else_rotated_is_told_while_the_last_token_lives() {
    in_a_world(async |world| {
        let mut object = Account::of(world, "etl");
        object["spec"]["genesysCloud"]["accessTokenLifetime"] = json!("300s");
        object["spec"]["token"]["refreshAfterPercent"] = json!(10);
        world.apply(&object).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        let token = world.token("etl").await;
        world.tenant.rotate_secret(&id).unwrap();
        let object = world.says("etl", "TokenFresh", "False", "RefreshFailing").await;
        assert!(says(&object, "CredentialValid", "False", "CredentialRefused").is_ok(), "{object}");
        assert!(message(&object, "CredentialValid").unwrap().contains("authentication failed"));
        assert_eq!(world.token("etl").await, token);
        // Its end is a person's matter.
        world.tenant.end_tokens(&id).unwrap();
        world.delete("Secret", &world.namespace, "etl-token").await;
        world.stalled("etl", "CredentialRefused", &["authentication failed"]).await;
        world.edit(&id, &ClientEdit::description(&world.remote("etl").await.description.unwrap()));
    })
    .await;
}
