//! The login host: tokens, its own error shape, and what a wrong host answers.

use keysteward_simulator::seed::{HOME_DIVISION, REPORTING_VIEWER};
use keysteward_simulator::{
    ClientEdit, Credentials, NewClient, Options, OrganizationEdit, OrganizationState, RoleDivision,
    ScopeParameter, TokenRefusal,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::caller::{Answer, World, edited, path_of};

#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str, description: &str) {
    let expected =
        json!({"error": error, "description": description, "error_description": description});
    assert_eq!((answer.status, &answer.json), (status, &expected));
}

async fn form(world: &World, fields: &[(&str, &str)]) -> Answer {
    let url = format!("{}/oauth/token", world.simulator.login_url());
    Answer::of(world.http.post(url).form(fields).send().await.unwrap()).await
}

#[tokio::test]
async fn basic_and_body_credentials_both_mint() {
    let world = World::new().await;
    let (_, credentials) = world.create("a").await;
    let basic = world.ask_token(&credentials).await.ok();
    assert_eq!((&basic["token_type"], &basic["expires_in"]), (&json!("bearer"), &json!(86_400)));
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", credentials.client_id.as_str()),
        ("client_secret", credentials.client_secret.reveal()),
    ];
    let body = form(&world, &fields).await.ok();
    assert_ne!(body["access_token"], basic["access_token"]);
    let counters = world.simulator.control().counters();
    assert_eq!(counters.mints[&credentials.client_id], 2);
}

#[tokio::test]
async fn the_lifetime_is_the_clients() {
    let world = World::new().await;
    let body = edited(&crate::caller::client("a"), json!({"accessTokenValiditySeconds": 300}));
    let created = world.post("/api/v2/oauth/clients", &body).await.ok();
    let credentials = crate::caller::credentials(&created);
    let minted = world.ask_token(&credentials).await.ok();
    assert_eq!(minted["expires_in"], 300);
    let token = minted["access_token"].as_str().unwrap();
    assert!(world.lives(token).await);
    world.simulator.control().advance(std::time::Duration::from_secs(301));
    assert!(!world.lives(token).await);
}

#[tokio::test]
async fn an_unknown_client_and_a_wrong_secret_are_told_apart() {
    let world = World::new().await;
    let (_, credentials) = world.create("a").await;
    let unknown = Credentials { client_id: "nobody".to_owned(), ..credentials.clone() };
    refused(&world.ask_token(&unknown).await, 400, "invalid_client", "client not found");
    let wrong = Credentials { client_secret: "wrong".into(), ..credentials };
    refused(&world.ask_token(&wrong).await, 400, "invalid_client", "authentication failed");
    world.simulator.control().configure(|settings| {
        settings.choices.token_refusals.secret_wrong =
            TokenRefusal::new(401, "invalid_client", "authentication failed");
    });
    refused(&world.ask_token(&wrong).await, 401, "invalid_client", "authentication failed");
}

#[tokio::test]
async fn only_an_active_client_mints() {
    let world = World::new().await;
    let control = world.simulator.control();
    let (created, credentials) = world.create("a").await;
    let cases = [
        ("inactive", "client is inactive"),
        ("disabled", "client is disabled"),
        ("deleted", "client not found"),
    ];
    for (state, description) in cases {
        control.edit_client(&credentials.client_id, &ClientEdit::state(state)).unwrap();
        refused(&world.ask_token(&credentials).await, 400, "invalid_client", description);
    }
    control.edit_client(&credentials.client_id, &ClientEdit::state("active")).unwrap();
    world.ask_token(&credentials).await.ok();
    control.delete_client(&credentials.client_id).unwrap();
    refused(&world.ask_token(&credentials).await, 400, "invalid_client", "client not found");
    world.get(&path_of(&created)).await.refused(404, "client.not.found");
}

#[tokio::test]
async fn a_faulty_grant_type_is_refused() {
    let world = World::new().await;
    let (_, credentials) = world.create("a").await;
    let password = world.ask_token_as(&credentials, "password").await;
    refused(&password, 400, "unsupported_grant_type", "grant type not supported");
    let missing = world.ask_token_as(&credentials, "").await;
    refused(&missing, 400, "invalid_request", "grant_type is required");
    let other = world.ask_token_as(&credentials, "authorization_code").await;
    let description = "client is not authorized for this grant type";
    refused(&other, 400, "unauthorized_client", description);

    let control = world.simulator.control();
    let code = ClientEdit::field("authorizedGrantType", "CODE");
    control.edit_client(&credentials.client_id, &code).unwrap();
    refused(&world.ask_token(&credentials).await, 400, "unauthorized_client", description);
}

#[tokio::test]
async fn a_request_without_credentials_or_form_is_refused() {
    let world = World::new().await;
    let without = form(&world, &[("grant_type", "client_credentials")]).await;
    refused(&without, 400, "invalid_request", "client credentials are required");
    let url = format!("{}/oauth/token", world.simulator.login_url());
    let json = world.http.post(url).json(&json!({"grant_type": "client_credentials"}));
    let json = Answer::of(json.send().await.unwrap()).await;
    let description = "content type must be application/x-www-form-urlencoded";
    refused(&json, 400, "invalid_request", description);
}

#[tokio::test]
async fn too_many_token_requests_are_a_400_that_says_rate_limit_exceeded() {
    let mut options = Options::default();
    options.settings.limits.token_requests_per_minute = Some(1);
    let world = World::with(options).await;
    let limited = world.ask_token(&world.simulator.admin_client()).await;
    assert_eq!((limited.status, &limited.json["error"]), (400, &json!("invalid_request")));
    let description = limited.json["error_description"].as_str().unwrap();
    assert!(description.starts_with("rate limit exceeded;"), "{description}");

    let control = world.simulator.control();
    control.advance(std::time::Duration::from_mins(1));
    world.ask_token(&world.simulator.admin_client()).await.ok();
    control.configure(|settings| settings.limits = settings.limits.off());
    for _ in 0..5 {
        world.ask_token(&world.simulator.admin_client()).await.ok();
    }
}

#[tokio::test]
async fn a_scope_parameter_is_ignored_echoed_or_refused_as_chosen() {
    let world = World::new().await;
    let admin = world.simulator.admin_client();
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", admin.client_id.as_str()),
        ("client_secret", admin.client_secret.reveal()),
        ("scope", "users oauth:readonly"),
    ];
    let control = world.simulator.control();
    for (choice, expected) in [
        (ScopeParameter::Ignore, json!([])),
        (ScopeParameter::Echo, json!(["users", "oauth:readonly"])),
    ] {
        control.configure(|settings| settings.choices.scope_parameter = choice);
        let minted = form(&world, &fields).await.ok();
        let token = minted["access_token"].as_str().unwrap();
        let info = world.call_as(token, Method::GET, "/api/v2/tokens/me", None).await.ok();
        assert_eq!(info["authorizedScope"], expected);
    }
    control.configure(|settings| settings.choices.scope_parameter = ScopeParameter::Refuse);
    assert_eq!(form(&world, &fields).await.json["error"], "invalid_scope");
}

#[tokio::test]
async fn a_suspended_organization_mints_nothing() {
    let world = World::new().await;
    let control = world.simulator.control();
    let suspended = OrganizationEdit {
        state: Some(OrganizationState::Inactive),
        ..OrganizationEdit::default()
    };
    control.edit_organization(suspended);
    let answer = world.ask_token(&world.simulator.admin_client()).await;
    refused(&answer, 400, "invalid_client", "organization is not active");
    world.get("/api/v2/organizations/me").await.refused(401, "bad.credentials");
}

#[tokio::test]
async fn a_new_secret_replaces_the_old_one_at_once_or_after_a_grace_time() {
    let world = World::new().await;
    let control = world.simulator.control();
    let (created, old) = world.create("a").await;
    let token = world.mint(&old).await;
    let rotated = world.post(&format!("{}/secret", path_of(&created)), &Value::Null).await.ok();
    let new = crate::caller::credentials(&rotated);
    refused(&world.ask_token(&old).await, 400, "invalid_client", "authentication failed");
    world.ask_token(&new).await.ok();
    assert!(world.lives(&token).await);
    assert!(control.secret_is(&new.client_id, new.client_secret.reveal()));
    assert_eq!(control.client(&new.client_id).unwrap().secrets_issued, 2);

    control.configure(|settings| {
        settings.choices.old_secret_grace_seconds = 60;
        settings.choices.tokens_survive_new_secret = false;
    });
    let newest = control.rotate_secret(&new.client_id).unwrap();
    world.ask_token(&new).await.ok();
    assert!(!world.lives(&token).await);
    control.advance(std::time::Duration::from_secs(61));
    refused(&world.ask_token(&new).await, 400, "invalid_client", "authentication failed");
    let newest = Credentials { client_secret: newest, ..new };
    world.ask_token(&newest).await.ok();
}

#[tokio::test]
async fn the_metadata_names_the_token_endpoint_and_the_other_documents_do_not_exist() {
    let world = World::new().await;
    let document = world.get("/.well-known/oauth-authorization-server").await.ok();
    let login = world.simulator.login_url();
    assert_eq!(document["issuer"], login);
    assert_eq!(document["token_endpoint"], format!("{login}/oauth/token"));
    assert_eq!(world.get("/.well-known/openid-configuration").await.status, 404);
}

#[tokio::test]
async fn on_two_ports_the_wrong_host_does_not_answer_for_the_other() {
    let world = World::with(Options::default().with_two_ports()).await;
    assert_ne!(world.simulator.login_url(), world.simulator.api_url());
    let token_at = async |host: String| {
        let admin = world.simulator.admin_client();
        let request = world
            .http
            .post(format!("{host}/oauth/token"))
            .basic_auth(&admin.client_id, Some(admin.client_secret.reveal()))
            .form(&[("grant_type", "client_credentials")]);
        Answer::of(request.send().await.unwrap()).await
    };
    token_at(world.simulator.login_url()).await.ok();
    token_at(world.simulator.api_url()).await.refused(404, "not.found");
    world.post("/api/v2/oauth/token", &json!({})).await.refused(404, "not.found");
    world.get("/.well-known/oauth-authorization-server").await.refused(404, "not.found");
    let api_on_login = format!("{}/api/v2/oauth/clients", world.simulator.login_url());
    let answer = world.http.get(api_on_login).bearer_auth(&world.token).send().await.unwrap();
    let answer = Answer::of(answer).await;
    assert_eq!((answer.status, &answer.json["error"]), (404, &json!("not_found")));
    assert_eq!(world.listed().await.len(), 1);
}

#[tokio::test]
async fn a_client_made_by_somebody_else_mints_with_its_own_secret() {
    let world = World::new().await;
    let grants = ClientEdit::roles(vec![RoleDivision::new(REPORTING_VIEWER, HOME_DIVISION)]);
    let control = world.simulator.control();
    let credentials = control.add_client(&NewClient::named("unmarked").with(grants)).unwrap();
    world.mint(&credentials).await;
    let seen = control.client(&credentials.client_id).unwrap();
    assert_eq!((seen.live_tokens, seen.mints), (1, 1));
}
