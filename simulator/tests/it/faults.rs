//! Faults: each does what it says to the answer, and to the effect only what it says.

use std::time::{Duration, Instant};

use keysteward_simulator::{Effect, Fault};
use reqwest::Method;
use serde_json::json;

use crate::caller::{World, client};

const CLIENTS: &str = "/api/v2/oauth/clients";

#[tokio::test]
async fn a_status_fault_answers_without_effect_and_only_so_often() {
    let world = World::new().await;
    let control = world.simulator.control();
    let effect = Effect::Status {
        status: 503,
        headers: [("retry-after".to_owned(), "7".to_owned())].into(),
        body: Some(json!({"code": "service.unavailable"})),
    };
    let id = control.inject(Fault::new("POST", CLIENTS, effect).once()).unwrap();
    let failed = world.post(CLIENTS, &client("a")).await;
    assert_eq!((failed.status, &failed.json["code"]), (503, &json!("service.unavailable")));
    assert_eq!(failed.header("retry-after"), Some("7"));
    assert_eq!(control.clients().len(), 1);
    world.post(CLIENTS, &client("a")).await.ok();
    let fault = control.faults().into_iter().find(|fault| fault.id == id).unwrap();
    assert_eq!(fault.struck, 1);
}

#[tokio::test]
async fn a_lost_answer_has_its_effect() {
    let world = World::new().await;
    let control = world.simulator.control();
    control.inject(Fault::lost_answer("POST", CLIENTS).once()).unwrap();
    let lost = world.request(Method::POST, CLIENTS).bearer_auth(&world.token).json(&client("a"));
    assert!(lost.send().await.is_err());
    assert_eq!(control.clients_named("a").len(), 1);
    world.post(CLIENTS, &client("b")).await.ok();
    assert_eq!(control.counters().of("POST /api/v2/oauth/clients"), 2);
}

#[tokio::test]
async fn a_cut_body_has_its_effect_and_cannot_be_read_to_the_end() {
    let world = World::new().await;
    let control = world.simulator.control();
    control.inject(Fault::new("POST", CLIENTS, Effect::CutBody).once()).unwrap();
    let request = world.request(Method::POST, CLIENTS).bearer_auth(&world.token).json(&client("a"));
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let announced = response.content_length().unwrap();
    let mut arrived = 0;
    let cut = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => arrived += chunk.len() as u64,
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(cut && arrived > 0 && arrived < announced, "{arrived} of {announced}");
    assert_eq!(control.clients_named("a").len(), 1);
}

#[tokio::test]
async fn a_hanging_request_is_dropped_when_the_fault_is_cleared() {
    let world = World::new().await;
    let control = world.simulator.control();
    for (after_effect, clients) in [(false, 1), (true, 2)] {
        let id =
            control.inject(Fault::new("POST", CLIENTS, Effect::Hang { after_effect })).unwrap();
        let request = world.request(Method::POST, CLIENTS).bearer_auth(&world.token);
        let sent = request.json(&client("a")).send();
        let cleared = async {
            let deadline = Instant::now() + Duration::from_secs(10);
            while control.faults()[0].struck == 0 || control.clients().len() < clients {
                assert!(Instant::now() < deadline, "the request never arrived");
                tokio::task::yield_now().await;
            }
            control.clear_fault(id)
        };
        let (answer, cleared) = tokio::join!(sent, cleared);
        assert!(answer.is_err() && cleared);
        assert_eq!(control.clients().len(), clients);
    }
}

#[tokio::test]
async fn a_hanging_request_outlasts_the_callers_patience() {
    let world = World::new().await;
    world
        .simulator
        .control()
        .inject(Fault::everywhere(Effect::Hang { after_effect: false }))
        .unwrap();
    let request = world.request(Method::GET, CLIENTS).timeout(Duration::from_millis(100));
    assert!(request.send().await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_delayed_answer_is_complete() {
    let world = World::new().await;
    let effect = Effect::Delay { milliseconds: 150 };
    world.simulator.control().inject(Fault::new("GET", CLIENTS, effect)).unwrap();
    let asked = Instant::now();
    assert_eq!(world.listed().await.len(), 1);
    assert!(asked.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn a_proxys_page_comes_with_status_200() {
    let world = World::new().await;
    let control = world.simulator.control();
    control.inject(Fault::new("POST", "/oauth/token", Effect::Html { body: None })).unwrap();
    let page = world.ask_token(&world.simulator.admin_client()).await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
}

#[tokio::test]
async fn a_token_answer_can_be_made_wrong_in_any_way() {
    let world = World::new().await;
    let control = world.simulator.control();
    let admin = world.simulator.admin_client();
    let answer_with = async |effect: Effect| {
        control.inject(Fault::new("POST", "/oauth/token", effect).once()).unwrap();
        world.ask_token(&admin).await.ok()
    };
    for wrong in [json!(0), json!(-5), json!("soon")] {
        let answer = answer_with(Effect::Merge { body: json!({"expires_in": wrong}) }).await;
        assert_eq!(answer["expires_in"], wrong);
        assert!(world.lives(answer["access_token"].as_str().unwrap()).await);
    }
    let answer = answer_with(Effect::Merge { body: json!({"expires_in": null}) }).await;
    assert!(answer.get("expires_in").is_none() && answer["access_token"].is_string());
    let without = json!({"token_type": "bearer"});
    let answer = answer_with(Effect::Json { status: 200, body: without.clone() }).await;
    assert_eq!(answer, without);
}

#[tokio::test]
async fn a_stale_list_shows_the_state_from_before() {
    let world = World::new().await;
    let control = world.simulator.control();
    world.create("before").await;
    let id = control.inject(Fault::stale_list()).unwrap();
    let (after, _) = world.create("after").await;
    assert_eq!(world.listed().await.len(), 2);
    world.get(&crate::caller::path_of(&after)).await.ok();
    control.clear_fault(id);
    assert_eq!(world.listed().await.len(), 3);
}

#[tokio::test]
async fn a_skewed_clock_shows_in_the_date_and_shortens_tokens() {
    let world = World::new().await;
    let control = world.simulator.control();
    let admin = world.simulator.admin_client();
    let date = |answer: &crate::caller::Answer| {
        let date = answer.header("date").unwrap().to_owned();
        jiff::fmt::rfc2822::parse(&date).unwrap().timestamp()
    };
    let straight = date(&world.ask_token(&admin).await);
    control.inject(Fault::everywhere(Effect::ClockSkew { seconds: 3_600 })).unwrap();
    let answer = world.ask_token(&admin).await;
    let ahead = straight.duration_until(date(&answer)).as_secs();
    assert!((3_595..3_660).contains(&ahead), "{ahead} s");
    assert_eq!(answer.json["expires_in"], 86_400);
    let token = answer.json["access_token"].as_str().unwrap().to_owned();
    control.advance(Duration::from_hours(23) - Duration::from_mins(1));
    assert!(world.lives(&token).await);
    control.advance(Duration::from_secs(61));
    assert!(!world.lives(&token).await);
}

#[tokio::test]
async fn a_fault_may_strike_one_client_only() {
    let world = World::new().await;
    let (_, unlucky) = world.create("unlucky").await;
    let (_, lucky) = world.create("lucky").await;
    let token = world.mint(&unlucky).await;
    let control = world.simulator.control();
    let fault = Fault::everywhere(Effect::Status { status: 500, headers: [].into(), body: None });
    control.inject(fault.of_client(&unlucky.client_id)).unwrap();
    assert_eq!(world.ask_token(&unlucky).await.status, 500);
    world.ask_token(&lucky).await.ok();
    let me = "/api/v2/authorization/subjects/me";
    assert_eq!(world.call_as(&token, Method::GET, me, None).await.status, 500);
    world.get(me).await.ok();
}

#[tokio::test]
async fn a_dropped_simulator_closes_its_connections_and_its_port() {
    let world = World::new().await;
    let url = world.simulator.api_url();
    world
        .simulator
        .control()
        .inject(Fault::everywhere(Effect::Hang { after_effect: false }))
        .unwrap();
    let World { simulator, http, .. } = world;
    let hanging = http.get(format!("{url}/api/v2/organizations/me")).send();
    let control = simulator.control();
    let dropped = async move {
        while control.faults()[0].struck == 0 {
            tokio::task::yield_now().await;
        }
        drop(simulator);
    };
    let (answer, ()) = tokio::join!(hanging, dropped);
    assert!(answer.is_err());
    assert!(std::net::TcpStream::connect(url.trim_start_matches("http://")).is_err());
}
