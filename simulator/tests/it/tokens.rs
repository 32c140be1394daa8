//! Tokens at the API host: who they belong to, when they die, and how often they may be used.

use std::time::Duration;

use keysteward_simulator::{ClientEdit, Options, OrganizationEdit};
use reqwest::Method;
use serde_json::{Value, json};

use crate::caller::World;

#[tokio::test]
async fn a_request_without_a_token_or_with_a_bad_one_is_401() {
    let world = World::new().await;
    let without = world.request(Method::GET, "/api/v2/oauth/clients").send().await.unwrap();
    crate::caller::Answer::of(without).await.refused(401, "authentication.required");
    let bad = world.call_as("made-up", Method::GET, "/api/v2/oauth/clients", None).await;
    bad.refused(401, "bad.credentials");
    assert_eq!(bad.json["message"], "Invalid login credentials.");
}

#[tokio::test]
async fn a_token_tells_its_client_and_organization() {
    let world = World::new().await;
    let (created, credentials) = world.create("a").await;
    let token = world.mint(&credentials).await;
    let info = world.call_as(&token, Method::GET, "/api/v2/tokens/me", None).await.ok();
    let client = &info["OAuthClient"];
    assert_eq!(client["id"], created["id"]);
    assert_eq!(client["roleDivisions"], created["roleDivisions"]);
    assert_eq!(
        (&client["state"], &client["authorizedGrantType"]),
        (&json!("active"), &json!("CLIENT-CREDENTIALS"))
    );
    assert_eq!(client["organization"], info["homeOrganization"]);
    assert!(client.get("secret").is_none());

    let other = OrganizationEdit {
        id: Some("another".to_owned()),
        name: Some("Another Tenant".to_owned()),
        ..OrganizationEdit::default()
    };
    world.simulator.control().edit_organization(other);
    let info = world.get("/api/v2/tokens/me").await.ok();
    assert_eq!(info["organization"], json!({"id": "another", "name": "Another Tenant"}));
    assert_eq!(world.get("/api/v2/organizations/me").await.ok()["id"], "another");
}

#[tokio::test]
async fn a_revoked_token_is_dead_and_others_live() {
    let world = World::new().await;
    let (_, credentials) = world.create("a").await;
    let (first, second) = (world.mint(&credentials).await, world.mint(&credentials).await);
    assert_eq!(world.simulator.control().token_owner(&first), Some(credentials.client_id.clone()));
    let revoked = world.call_as(&first, Method::DELETE, "/api/v2/tokens/me", None).await;
    assert_eq!(revoked.status, 200);
    assert!(!world.lives(&first).await);
    assert!(world.lives(&second).await);
    assert_eq!(world.simulator.control().token_owner(&first), None);
    world.simulator.control().end_tokens(&credentials.client_id).unwrap();
    assert!(!world.lives(&second).await);
}

#[tokio::test]
async fn tokens_of_a_client_are_deleted_by_id_only_if_so_chosen() {
    let world = World::new().await;
    let (_, credentials) = world.create("a").await;
    let token = world.mint(&credentials).await;
    let path = format!("/api/v2/tokens/{}", credentials.client_id);
    world.delete(&path).await.refused(404, "not.found");
    world.simulator.control().configure(|settings| settings.choices.delete_tokens_of_client = true);
    assert_eq!(world.delete(&path).await.status, 204);
    assert!(!world.lives(&token).await);
}

#[tokio::test]
async fn a_disabled_client_has_no_living_tokens_and_an_inactive_one_as_chosen() {
    let world = World::new().await;
    let (_, credentials) = world.create("a").await;
    let control = world.simulator.control();
    let token = world.mint(&credentials).await;
    let set = |state: &str| {
        let edit = ClientEdit::state(state);
        control.edit_client(&credentials.client_id, &edit).unwrap();
    };
    set("inactive");
    assert!(world.lives(&token).await);
    control.configure(|settings| settings.choices.tokens_survive_inactive = false);
    assert!(!world.lives(&token).await);
    set("disabled");
    assert!(!world.lives(&token).await);
    assert_eq!(control.client(&credentials.client_id).unwrap().live_tokens, 0);

    set("active");
    assert!(world.lives(&token).await);
    control.configure(|settings| settings.choices.tokens_survive_other_grant_type = false);
    let code = ClientEdit::field("authorizedGrantType", "CODE");
    control.edit_client(&credentials.client_id, &code).unwrap();
    assert!(!world.lives(&token).await);
}

#[tokio::test]
async fn an_unused_token_idles_out_and_a_used_one_does_not() {
    let world = World::new().await;
    let control = world.simulator.control();
    let timeout = json!({"idleTokenTimeoutSeconds": 300, "enableIdleTokenTimeout": true});
    let set = world.put("/api/v2/tokens/timeout", &timeout).await.ok();
    assert_eq!(set["enableIdleTokenTimeout"], true);
    let (_, credentials) = world.create("a").await;
    let (used, unused) = (world.mint(&credentials).await, world.mint(&credentials).await);
    control.advance(Duration::from_secs(200));
    assert!(world.lives(&used).await);
    control.advance(Duration::from_secs(200));
    assert!(world.lives(&used).await);
    world
        .call_as(&unused, Method::GET, "/api/v2/tokens/me", None)
        .await
        .refused(401, "bad.credentials");
    assert_eq!(control.token_owner(&used), Some(credentials.client_id));
}

#[tokio::test]
async fn looking_at_a_token_keeps_it_alive_unless_asked_not_to() {
    let world = World::new().await;
    let control = world.simulator.control();
    control.set_idle_timeout(Some(Duration::from_mins(5)));
    let token = world.mint(&world.simulator.admin_client()).await;
    let idles = async |query: &str| {
        let path = format!("/api/v2/tokens/me{query}");
        let info = world.call_as(&token, Method::GET, &path, None).await.ok();
        info["dateTokenIdles"].as_str().unwrap().to_owned()
    };
    let first = idles("").await;
    control.advance(Duration::from_secs(200));
    assert_eq!(idles("?preserveIdleTTL=true").await, first);
    assert!(idles("?preserveIdleTTL=false").await > first);
    control.advance(Duration::from_secs(200));
    idles("?preserveIdleTTL=true").await;
    control.advance(Duration::from_secs(101));
    world
        .call_as(&token, Method::GET, "/api/v2/tokens/me?preserveIdleTTL=true", None)
        .await
        .refused(401, "bad.credentials");
}

#[tokio::test]
async fn without_an_idle_timeout_the_date_is_the_expiry_or_left_out() {
    let world = World::new().await;
    assert_eq!(world.get("/api/v2/tokens/timeout").await.ok()["enableIdleTokenTimeout"], false);
    assert!(world.get("/api/v2/tokens/me").await.ok()["dateTokenIdles"].is_string());
    world.simulator.control().configure(|settings| settings.choices.token_idles_at_expiry = false);
    assert!(world.get("/api/v2/tokens/me").await.ok().get("dateTokenIdles").is_none());
}

#[tokio::test]
async fn the_idle_timeout_has_bounds_and_needs_a_permission() {
    let world = World::new().await;
    for seconds in [299, 28_801] {
        let timeout = json!({"idleTokenTimeoutSeconds": seconds, "enableIdleTokenTimeout": true});
        world.put("/api/v2/tokens/timeout", &timeout).await.refused(400, "token.timeout.exceeded");
    }
    let (_, credentials) = world.create("a").await;
    let token = world.mint(&credentials).await;
    let body = json!({"idleTokenTimeoutSeconds": 600});
    let refused = world.call_as(&token, Method::PUT, "/api/v2/tokens/timeout", Some(&body)).await;
    refused.refused(403, "missing.any.permissions");
    assert!(refused.json["message"].as_str().unwrap().ends_with("[directory:organization:admin]"));
}

#[tokio::test]
async fn a_token_may_be_used_so_often_in_a_minute_and_the_headers_tell() {
    let mut options = Options::default();
    options.settings.limits.requests_per_minute = Some(2);
    let world = World::with(options).await;
    let first = world.get("/api/v2/organizations/me").await;
    assert_eq!(first.header("inin-ratelimit-count"), Some("1"));
    assert_eq!(first.header("inin-ratelimit-allowed"), Some("2"));
    let reset: u64 = first.header("inin-ratelimit-reset").unwrap().parse().unwrap();
    assert!((1..=60).contains(&reset));
    world.get("/api/v2/organizations/me").await.ok();
    let limited = world.get("/api/v2/organizations/me").await;
    limited.refused(429, "too.many.requests.retry.after");
    let seconds = limited.header("retry-after").unwrap();
    assert_eq!(
        limited.json["message"],
        format!("Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds")
    );
    let other = world.mint(&world.simulator.admin_client()).await;
    world.call_as(&other, Method::GET, "/api/v2/organizations/me", None).await.ok();
    world.simulator.control().advance(Duration::from_mins(1));
    world.get("/api/v2/organizations/me").await.ok();
}

#[tokio::test]
async fn without_limits_there_are_no_rate_headers() {
    let world = World::with(Options::default().without_limits()).await;
    let answer = world.get("/api/v2/organizations/me").await;
    assert_eq!(answer.header("inin-ratelimit-count"), None);
    assert!(answer.header("date").is_some());
    assert_ne!(answer.json, Value::Null);
}
