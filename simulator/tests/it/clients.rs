//! OAuth clients: creating, reading, editing, deleting and new secrets, and every refusal the vendor documents.

use keysteward_simulator::seed::{HOME_DIVISION, REPORTING_VIEWER, SCIM_INTEGRATION};
use keysteward_simulator::{
    ClientEdit, DeletedClient, NewClient, OmittedFields, Options, RoleDivision,
};
use serde_json::{Value, json};

use crate::caller::{World, client, edited, path_of};

const CLIENTS: &str = "/api/v2/oauth/clients";

#[tokio::test]
async fn a_client_is_created_with_defaults_and_its_secret_is_shown_once() {
    let world = World::new().await;
    let (created, credentials) = world.create("reports").await;
    assert_eq!(created["accessTokenValiditySeconds"], 86_400);
    assert_eq!(created["state"], "active");
    assert_eq!(created["createdBy"]["id"], world.simulator.admin_client().client_id);
    assert_eq!(created["selfUri"], path_of(&created));
    assert_eq!(created["secret"], credentials.client_secret.reveal());

    let read = world.get(&path_of(&created)).await.ok();
    assert!(read.get("secret").is_none());
    let mut without_secret = created;
    without_secret.as_object_mut().unwrap().remove("secret");
    assert_eq!(read, without_secret);
    assert!(world.listed().await.contains(&read));
}

#[tokio::test]
async fn every_faulty_create_is_refused_with_the_vendors_code() {
    let world = World::new().await;
    let cases = [
        (json!({"name": null}), "constraint.validation"),
        (json!({"authorizedGrantType": null}), "grant.type.required"),
        (json!({"authorizedGrantType": "CLIENT_CREDENTIALS"}), "bad.grant.type"),
        (json!({"state": "inactive"}), "bad.client.state"),
        (json!({"state": "sleeping"}), "invalid.value"),
        (json!({"roleDivisions": []}), "missing.client.roles"),
        (json!({"roleDivisions": "admin"}), "bad.request"),
        (json!({"roleDivisions": [{"roleId": "none", "divisionId": "*"}]}), "bad.client.role"),
        (
            json!({"roleDivisions": [{"roleId": REPORTING_VIEWER, "divisionId": "none"}]}),
            "bad.client.role",
        ),
        (json!({"authorizedGrantType": "CODE"}), "missing.client.scope"),
        (json!({"scope": ["platform:oauth:write"]}), "auth.invalid.scope"),
        (json!({"accessTokenValiditySeconds": 299}), "constraint.validation"),
        (json!({"accessTokenValiditySeconds": 172_801}), "constraint.validation"),
        (json!({"registeredRedirectUri": ["not a uri"]}), "invalid.value"),
        (json!({"dateToDelete": "tomorrow"}), "invalid.date"),
    ];
    for (change, code) in cases {
        world.post(CLIENTS, &edited(&client("faulty"), change)).await.refused(400, code);
    }
    assert_eq!(world.listed().await.len(), 1);
}

#[tokio::test]
async fn a_body_that_is_not_json_or_too_large_is_refused() {
    let world = World::new().await;
    let send = async |content_type: &str, body: String| {
        let request = world
            .request(reqwest::Method::POST, CLIENTS)
            .bearer_auth(&world.token)
            .header("content-type", content_type)
            .body(body);
        crate::caller::Answer::of(request.send().await.unwrap()).await
    };
    send("text/plain", "{}".to_owned()).await.refused(415, "unsupported.media.type");
    send("application/json", "{".to_owned()).await.refused(400, "bad.request");
    send("application/json", " ".repeat(512_001)).await.refused(413, "request.entity.too.large");
}

#[tokio::test]
async fn only_holders_of_the_scim_role_may_have_tokens_of_450_days() {
    let world = World::new().await;
    let scim = json!({
        "accessTokenValiditySeconds": 38_880_000,
        "roleDivisions": [{"roleId": SCIM_INTEGRATION, "divisionId": "*"}],
    });
    let created = world.post(CLIENTS, &edited(&client("provisioning"), scim)).await.ok();
    assert_eq!(created["accessTokenValiditySeconds"], 38_880_000);
}

#[tokio::test]
async fn a_caller_hands_out_only_roles_it_holds_in_a_covering_division() {
    let world = World::new().await;
    let admin_roles = keysteward_simulator::seed::ADMIN;
    let held = vec![
        RoleDivision::new(admin_roles, "*"),
        RoleDivision::new(REPORTING_VIEWER, HOME_DIVISION),
    ];
    let control = world.simulator.control();
    let limited =
        control.add_client(&NewClient::named("limited").with(ClientEdit::roles(held))).unwrap();
    let token = world.mint(&limited).await;
    let create = async |role: &str, division: &str| {
        let grants = json!({"roleDivisions": [{"roleId": role, "divisionId": division}]});
        let body = edited(&client("made"), grants);
        world.call_as(&token, reqwest::Method::POST, CLIENTS, Some(&body)).await
    };
    create(REPORTING_VIEWER, "*").await.refused(400, "bad.client.role");
    create(SCIM_INTEGRATION, HOME_DIVISION).await.refused(400, "bad.client.role");
    let made = create(REPORTING_VIEWER, HOME_DIVISION).await.ok();

    let wider = vec![RoleDivision::new(SCIM_INTEGRATION, "*")];
    control.edit_client(made["id"].as_str().unwrap(), &ClientEdit::roles(wider)).unwrap();
    let secret = format!("{}/secret", path_of(&made));
    let refused = world.call_as(&token, reqwest::Method::POST, &secret, None).await;
    refused.refused(400, "bad.client.role");
    assert_eq!(
        refused.json["message"],
        "The caller does not have all the roles assigned to this client."
    );
    let back = world.call_as(&token, reqwest::Method::PUT, &path_of(&made), Some(&made)).await;
    back.refused(400, "bad.client.role");
    control.configure(|settings| settings.choices.edit_needs_current_roles = false);
    world.call_as(&token, reqwest::Method::PUT, &path_of(&made), Some(&made)).await.ok();
}

#[tokio::test]
async fn a_put_without_a_field_resets_it_or_keeps_it_as_chosen() {
    let world = World::new().await;
    let full = json!({
        "description": "text", "accessTokenValiditySeconds": 600, "futureField": {"ips": ["10.0.0.0/8"]},
    });
    let created = world.post(CLIENTS, &edited(&client("a"), full)).await.ok();
    assert_eq!(created["futureField"]["ips"][0], "10.0.0.0/8");

    let control = world.simulator.control();
    control.configure(|settings| settings.choices.put_omitted_fields = OmittedFields::Keep);
    let kept = world.put(&path_of(&created), &client("b")).await.ok();
    assert_eq!((&kept["name"], &kept["description"]), (&json!("b"), &json!("text")));
    assert_eq!(kept["futureField"]["ips"][0], "10.0.0.0/8");

    control.configure(|settings| settings.choices.put_omitted_fields = OmittedFields::Reset);
    let reset = world.put(&path_of(&created), &client("c")).await.ok();
    assert_eq!(reset["accessTokenValiditySeconds"], 86_400);
    assert_eq!((reset.get("description"), reset.get("futureField")), (None, None));
    assert_eq!(reset["dateCreated"], created["dateCreated"]);
}

#[tokio::test]
async fn a_read_modify_write_keeps_fields_that_nobody_knows() {
    let world = World::new().await;
    let unknown = json!({"allowedIpRanges": ["10.0.0.0/8"]});
    let created = world.post(CLIENTS, &edited(&client("a"), unknown)).await.ok();
    let read = world.get(&path_of(&created)).await.ok();
    let written = world.put(&path_of(&created), &edited(&read, json!({"name": "b"}))).await.ok();
    assert_eq!(written["allowedIpRanges"], json!(["10.0.0.0/8"]));
}

#[tokio::test]
async fn a_client_disabled_by_the_vendor_cannot_be_edited_and_not_be_disabled_by_a_customer() {
    let world = World::new().await;
    let (created, _) = world.create("a").await;
    let disabling = edited(&created, json!({"state": "disabled"}));
    world.put(&path_of(&created), &disabling).await.refused(400, "bad.client.state");

    let control = world.simulator.control();
    control.edit_client(created["id"].as_str().unwrap(), &ClientEdit::state("disabled")).unwrap();
    let refused = world.put(&path_of(&created), &created).await;
    refused.refused(400, "bad.client.state");
    assert_eq!(refused.json["message"], "Client is disabled.");
    world.delete(&path_of(&created)).await.refused(400, "cannot.delete.client");
}

#[tokio::test]
async fn a_client_is_deleted_only_when_inactive() {
    let world = World::new().await;
    let (created, _) = world.create("a").await;
    let path = path_of(&created);
    let refused = world.delete(&path).await;
    refused.refused(400, "cannot.delete.client");
    assert_eq!(
        refused.json["message"],
        "Clients must be marked as inactive to be eligible for deletion."
    );
    world.put(&path, &edited(&created, json!({"state": "inactive"}))).await.ok();
    assert_eq!(world.delete(&path).await.status, 204);
    for answer in
        [world.get(&path).await, world.put(&path, &created).await, world.delete(&path).await]
    {
        answer.refused(404, "client.not.found");
    }
    world.post(&format!("{path}/secret"), &Value::Null).await.refused(404, "not.found");
    assert_eq!(world.listed().await.len(), 1);
}

#[tokio::test]
async fn a_deleted_client_may_be_shown_as_deleted_for_a_while() {
    let mut options = Options::default();
    options.settings.choices.deleted_client = DeletedClient::StateDeleted;
    let world = World::with(options).await;
    let (created, credentials) = world.create("a").await;
    let path = path_of(&created);
    world.put(&path, &edited(&created, json!({"state": "inactive"}))).await.ok();
    world.delete(&path).await;
    assert_eq!(world.get(&path).await.ok()["state"], "deleted");
    assert_eq!(world.listed().await.len(), 1);
    assert_eq!(world.ask_token(&credentials).await.json["error_description"], "client not found");
    world.simulator.control().advance(std::time::Duration::from_secs(31));
    world.get(&path).await.refused(404, "client.not.found");
}

#[tokio::test]
async fn an_inactive_client_disappears_by_itself_if_so_chosen() {
    let mut options = Options::default();
    options.settings.choices.inactive_deleted_after_days = Some(7);
    let world = World::with(options).await;
    let (created, _) = world.create("a").await;
    let path = path_of(&created);
    let inactive = world.put(&path, &edited(&created, json!({"state": "inactive"}))).await.ok();
    assert!(inactive["dateToDelete"].is_string());
    let again = world.put(&path, &edited(&inactive, json!({"state": "active"}))).await.ok();
    assert!(again.get("dateToDelete").is_none());
    world.put(&path, &edited(&created, json!({"state": "inactive"}))).await.ok();

    let control = world.simulator.control();
    control.advance(std::time::Duration::from_hours(7 * 24 + 1));
    let token = world.mint(&world.simulator.admin_client()).await;
    let gone = world.call_as(&token, reqwest::Method::GET, &path, None).await;
    gone.refused(404, "client.not.found");
    assert_eq!(control.clients().len(), 1);
}

#[tokio::test]
async fn two_clients_may_share_a_name_unless_chosen_otherwise() {
    let world = World::new().await;
    world.create("twin").await;
    world.create("twin").await;
    assert_eq!(world.simulator.control().clients_named("twin").len(), 2);
    world.simulator.control().configure(|settings| settings.choices.names_are_unique = true);
    world.post(CLIENTS, &client("twin")).await.refused(409, "request.conflict");
}

#[tokio::test]
async fn the_number_of_clients_is_limited() {
    let mut options = Options::default();
    options.settings.limits.clients = Some(2);
    let world = World::with(options).await;
    world.create("one more").await;
    world.post(CLIENTS, &client("too many")).await.refused(400, "auth.too.many.clients");
}

#[tokio::test]
async fn the_list_shows_all_at_once_or_in_pages() {
    let world = World::new().await;
    for number in 0..4 {
        world.create(&format!("client {number}")).await;
    }
    let whole = world.get(CLIENTS).await.ok();
    assert_eq!((&whole["total"], &whole["pageCount"]), (&json!(5), &json!(1)));
    assert!(whole.get("nextUri").is_none());

    world.simulator.control().configure(|settings| settings.choices.list_page_size = Some(2));
    let mut seen = Vec::new();
    let mut next = Some(CLIENTS.to_owned());
    while let Some(path) = next {
        let page = world.get(&path).await.ok();
        seen.extend(page["entities"].as_array().unwrap().iter().cloned());
        next = page["nextUri"].as_str().map(ToOwned::to_owned);
    }
    assert_eq!(json!(seen), whole["entities"]);
}

#[tokio::test]
async fn the_deprecated_role_ids_count_in_the_home_division() {
    let world = World::new().await;
    let by_id = json!({"roleDivisions": null, "roleIds": [REPORTING_VIEWER]});
    let created = world.post(CLIENTS, &edited(&client("a"), by_id)).await.ok();
    let expected = json!([{"roleId": REPORTING_VIEWER, "divisionId": HOME_DIVISION}]);
    assert_eq!(created["roleDivisions"], expected);
}
