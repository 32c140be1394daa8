//! The login host is held to what was captured and observed of the real one.

use keysteward_simulator::{Credentials, TokenRefusals};
use serde_json::{Value, json};

use crate::caller::{Answer, World};

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[track_caller]
fn fits(schema: &str, answer: &Answer) {
    let validator = jsonschema::validator_for(&read(schema)).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&answer.json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{:?}: {errors:?}", answer.json);
}

const ERROR: &str = include_str!("../fixtures/login/error.json");

#[tokio::test]
async fn the_metadata_is_the_captured_document_with_another_host() {
    let world = World::new().await;
    let captured = include_str!("../fixtures/login/metadata.json")
        .replace("https://login.mypurecloud.com", &world.simulator.login_url());
    let shown = world.get("/.well-known/oauth-authorization-server").await.ok();
    assert_eq!(shown, read(&captured));
}

#[tokio::test]
async fn a_token_answer_has_the_three_documented_members() {
    let world = World::new().await;
    let minted = world.ask_token(&world.simulator.admin_client()).await;
    assert_eq!(minted.status, 200);
    fits(include_str!("../fixtures/login/success.json"), &minted);
}

#[tokio::test]
async fn every_refusal_has_the_documented_shape() {
    let world = World::new().await;
    let (_, credentials) = world.create("a").await;
    for grant_type in ["password", "", "authorization_code", "nonsense"] {
        let answer = world.ask_token_as(&credentials, grant_type).await;
        assert_eq!(answer.status, 400);
        fits(ERROR, &answer);
    }
    let nowhere = format!("{}/oauth/nowhere", world.simulator.login_url());
    let answer = Answer::of(world.http.get(nowhere).send().await.unwrap()).await;
    assert_eq!(answer.status, 404);
    fits(ERROR, &answer);
    // Each refusal has its words, so no two situations are taken for one another by accident.
    let words = serde_json::to_value(TokenRefusals::default()).unwrap();
    let all = words.as_object().unwrap();
    for (name, refusal) in all {
        let same = all.values().filter(|other| other["description"] == refusal["description"]);
        assert_eq!(same.count(), 1, "{name}");
    }
}

#[tokio::test]
async fn what_was_observed_of_the_real_host_is_what_the_twin_says() {
    let world = World::new().await;
    let admin = world.simulator.admin_client();
    for case in read(include_str!("../fixtures/login/observed-errors.json")).as_array().unwrap() {
        let answer = match case["situation"].as_str().unwrap() {
            "clientUnknown" => {
                let unknown = Credentials { client_id: "unknown".to_owned(), ..admin.clone() };
                world.ask_token(&unknown).await
            }
            "secretWrong" => {
                let wrong = Credentials { client_secret: "wrong".into(), ..admin.clone() };
                world.ask_token(&wrong).await
            }
            "rateLimited" => {
                let limit = |settings: &mut keysteward_simulator::Settings| {
                    settings.limits.token_requests_per_minute = Some(0);
                };
                world.simulator.control().configure(limit);
                world.ask_token(&admin).await
            }
            other => panic!("the fixture has a situation nobody knows: {other}"),
        };
        fits(ERROR, &answer);
        assert!(case["statuses"].as_array().unwrap().contains(&json!(answer.status)), "{case}");
        assert_eq!(answer.json["error"], case["error"]);
        assert_eq!(answer.json["description"], answer.json["error_description"]);
        if case["description"].is_string() {
            assert_eq!(answer.json["description"], case["description"]);
        } else {
            let start = case["descriptionStart"].as_str().unwrap();
            assert!(answer.json["description"].as_str().unwrap().starts_with(start));
        }
    }
}
