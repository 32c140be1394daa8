//! Roles, divisions, subjects, scopes, the organization and its limits.

use keysteward_simulator::seed::{HOME_DIVISION, MASTER_ADMIN, REPORTING_VIEWER, SALES_DIVISION};
use keysteward_simulator::{Division, NameFilter, Policy, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::caller::World;

fn names(page: &Value) -> Vec<&str> {
    page["entities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entity| entity["name"].as_str().unwrap())
        .collect()
}

fn role(number: u32) -> Role {
    Role {
        id: format!("role-{number}"),
        name: format!("Team {number:02}"),
        description: String::new(),
        default_role_id: None,
        permission_policies: vec![Policy::new("oauth", "client", &["view"])],
    }
}

#[tokio::test]
async fn roles_come_in_pages_of_25_with_links() {
    let world = World::new().await;
    let control = world.simulator.control();
    (0..40).for_each(|number| control.put_role(role(number)));
    let first = world.get("/api/v2/authorization/roles?name=team&userCount=false").await.ok();
    assert_eq!(
        (&first["pageSize"], &first["pageCount"], &first["total"]),
        (&json!(25), &json!(2), &json!(40))
    );
    assert!(first.get("previousUri").is_none());
    let second = world.get(first["nextUri"].as_str().unwrap()).await.ok();
    assert_eq!((names(&second).len(), names(&second)[0]), (15, "Team 25"));
    assert!(second.get("nextUri").is_none());
    assert!(second["entities"][0].get("userCount").is_none());
}

#[tokio::test]
async fn roles_are_found_by_name_and_id_and_carry_their_policies() {
    let world = World::new().await;
    let named = world.get("/api/v2/authorization/roles?name=Reporting%20Viewer").await.ok();
    assert_eq!(named["entities"][0]["id"], REPORTING_VIEWER);
    assert_eq!(named["entities"][0]["permissionPolicies"][0]["domain"], "analytics");
    let path = format!("/api/v2/authorization/roles?id={REPORTING_VIEWER}&id={MASTER_ADMIN}");
    assert_eq!(names(&world.get(&path).await.ok()), ["Master Admin", "Reporting Viewer"]);
    let one = world.get(&format!("/api/v2/authorization/roles/{MASTER_ADMIN}")).await.ok();
    assert_eq!(one["userCount"], 0);
    world.get("/api/v2/authorization/roles/none").await.refused(404, "not.found");

    world
        .simulator
        .control()
        .configure(|settings| settings.choices.name_filter = NameFilter::Exact);
    let exact = world.get("/api/v2/authorization/roles?name=reporting").await.ok();
    assert_eq!(names(&exact), Vec::<&str>::new());
}

#[tokio::test]
async fn faulty_paging_is_refused() {
    let world = World::new().await;
    for query in ["pageSize=0", "pageSize=501", "pageNumber=x"] {
        let answer = world.get(&format!("/api/v2/authorization/roles?{query}")).await;
        answer.refused(400, "invalid.query.param.value");
    }
    let ids: Vec<String> = (0..101).map(|number| format!("id={number}")).collect();
    let answer = world.get(&format!("/api/v2/authorization/roles?{}", ids.join("&"))).await;
    answer.refused(400, "max.role.ids");
}

#[tokio::test]
async fn divisions_need_no_permission_and_one_is_home() {
    let world = World::new().await;
    let (_, credentials) = world.create("a").await;
    let token = world.mint(&credentials).await;
    let get = async |path: &str| world.call_as(&token, Method::GET, path, None).await;
    assert_eq!(
        names(&get("/api/v2/authorization/divisions").await.ok()),
        ["Home", "Sales", "Support"]
    );
    assert_eq!(get("/api/v2/authorization/divisions/home").await.ok()["id"], HOME_DIVISION);
    let sales = get(&format!("/api/v2/authorization/divisions/{SALES_DIVISION}")).await.ok();
    assert_eq!((&sales["name"], &sales["homeDivision"]), (&json!("Sales"), &json!(false)));
    get("/api/v2/authorization/divisions/none").await.refused(404, "not.found");

    let control = world.simulator.control();
    control.put_division(Division {
        id: "west".to_owned(),
        name: "West".to_owned(),
        description: String::new(),
        home_division: false,
    });
    assert_eq!(names(&get("/api/v2/authorization/divisions?name=west").await.ok()), ["West"]);
    assert!(control.remove_division("west"));
    get("/api/v2/authorization/divisions/west").await.refused(404, "not.found");
}

#[tokio::test]
async fn a_client_sees_its_own_grants() {
    let world = World::new().await;
    let (created, credentials) = world.create("a").await;
    let token = world.mint(&credentials).await;
    let me =
        world.call_as(&token, Method::GET, "/api/v2/authorization/subjects/me", None).await.ok();
    assert_eq!(me["id"], created["id"]);
    let grant = &me["grants"][0];
    assert_eq!(
        (&grant["role"]["name"], &grant["division"]["name"]),
        (&json!("Reporting Viewer"), &json!("Home"))
    );
    let admin = world.get("/api/v2/authorization/subjects/me").await.ok();
    assert_eq!(admin["grants"][0]["division"]["id"], "*");
}

#[tokio::test]
async fn a_missing_permission_is_a_403_that_names_it() {
    let world = World::new().await;
    let (created, credentials) = world.create("a").await;
    let token = world.mint(&credentials).await;
    let path = crate::caller::path_of(&created);
    let secret = format!("{path}/secret");
    let cases = [
        (Method::GET, "/api/v2/oauth/clients", "oauth:client:view"),
        (Method::POST, "/api/v2/oauth/clients", "oauth:client:add"),
        (Method::GET, path.as_str(), "oauth:client:view"),
        (Method::PUT, path.as_str(), "oauth:client:edit"),
        (Method::DELETE, path.as_str(), "oauth:client:delete"),
        (Method::POST, secret.as_str(), "oauth:client:edit"),
        (Method::GET, "/api/v2/authorization/roles", "authorization:role:view"),
        (Method::DELETE, "/api/v2/tokens/somebody", "oauth:token:delete"),
    ];
    for (method, path, permission) in cases {
        let body = (method == Method::POST || method == Method::PUT).then(|| json!({}));
        let answer = world.call_as(&token, method, path, body.as_ref()).await;
        answer.refused(403, "missing.any.permissions");
        let message = answer.json["message"].as_str().unwrap();
        assert!(message.ends_with(&format!("[{permission}]")), "{message}");
    }
}

#[tokio::test]
async fn scopes_are_those_the_vendors_operations_name() {
    let world = World::new().await;
    let scopes = world.get("/api/v2/oauth/scopes").await.ok();
    assert_eq!(scopes["total"], 134);
    assert_eq!(world.get("/api/v2/oauth/scopes/oauth:readonly").await.ok()["id"], "oauth:readonly");
    world.get("/api/v2/oauth/scopes/platform:oauth:write").await.refused(404, "not.found");
}

#[tokio::test]
async fn limits_are_told_by_namespace_and_show_what_is_set() {
    let world = World::new().await;
    world.simulator.control().configure(|settings| settings.limits.requests_per_minute = Some(600));
    let value = |page: &Value, key: &str| {
        let entities = page["entities"].as_array().unwrap();
        entities.iter().find(|limit| limit["key"] == key).map(|limit| limit["value"].clone())
    };
    let key = "client.credentials.token.rate.per.minute";
    let path = "/api/v2/organizations/limits/namespaces/platform.api";
    assert_eq!(value(&world.get(path).await.ok(), key), Some(json!(600)));
    assert_eq!(value(&world.get(&format!("{path}/defaults")).await.ok(), key), Some(json!(300)));
    let auth = world.get("/api/v2/organizations/limits/namespaces/auth.api").await.ok();
    assert_eq!(value(&auth, "oauth.clients"), Some(json!(20_000)));
    world
        .get("/api/v2/organizations/limits/namespaces/nowhere")
        .await
        .refused(400, "invalid.value");
}

#[tokio::test]
async fn what_does_not_exist_is_a_404_and_a_wrong_method_a_405() {
    let world = World::new().await;
    world.get("/api/v2/users/me").await.refused(404, "not.found");
    let patch = world.call_as(&world.token, Method::PATCH, "/api/v2/oauth/clients", None).await;
    patch.refused(405, "method.not.allowed");
}
