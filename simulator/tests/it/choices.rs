//! Choices that no other test switches.

use std::time::Duration;

use keysteward_simulator::{NameFilter, Options, OrganizationEdit, OrganizationState};
use serde_json::json;

use crate::caller::{World, edited, path_of};

#[tokio::test]
async fn dead_tokens_are_told_apart_if_so_chosen() {
    let mut options = Options::default();
    options.settings.choices.expired_token_code = "credentials.expired".to_owned();
    options.settings.choices.idled_token_code = "not.authorized".to_owned();
    let world = World::with(options).await;
    let control = world.simulator.control();
    control.set_idle_timeout(Some(Duration::from_mins(5)));
    control.advance(Duration::from_mins(6));
    world.get("/api/v2/tokens/me").await.refused(401, "not.authorized");
    control.advance(Duration::from_hours(24));
    world.get("/api/v2/tokens/me").await.refused(401, "credentials.expired");
}

#[tokio::test]
async fn a_customer_may_disable_a_client_if_so_chosen() {
    let world = World::new().await;
    world.simulator.control().configure(|settings| settings.choices.put_disabled_accepted = true);
    let (created, credentials) = world.create("a").await;
    let body = edited(&created, json!({"state": "disabled"}));
    assert_eq!(world.put(&path_of(&created), &body).await.ok()["state"], "disabled");
    assert_eq!(world.ask_token(&credentials).await.json["error_description"], "client is disabled");
}

#[tokio::test]
async fn a_suspended_organization_may_still_answer_its_api() {
    let world = World::new().await;
    let control = world.simulator.control();
    control.configure(|settings| settings.choices.suspended_organization_refuses_api = false);
    let state = Some(OrganizationState::Inactive);
    control.edit_organization(OrganizationEdit { state, ..OrganizationEdit::default() });
    assert_eq!(world.get("/api/v2/organizations/me").await.ok()["state"], "inactive");
}

#[tokio::test]
async fn page_size_and_name_filter_are_as_chosen() {
    let world = World::new().await;
    world.simulator.control().configure(|settings| {
        settings.choices.largest_page_size = 2;
        settings.choices.name_filter = NameFilter::Prefix;
    });
    let roles = "/api/v2/authorization/roles";
    let page = world.get(&format!("{roles}?pageSize=2&name=s")).await.ok();
    let names: Vec<_> =
        page["entities"].as_array().unwrap().iter().map(|role| role["name"].clone()).collect();
    assert_eq!(names, ["SCIM Integration", "Supervisor"]);
    world.get(&format!("{roles}?pageSize=3")).await.refused(400, "invalid.query.param.value");
}
