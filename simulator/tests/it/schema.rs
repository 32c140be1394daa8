//! Every operation of the vendor's schema is called, and every answer held against it.

use std::collections::BTreeSet;

use keysteward_simulator::seed::{
    EMPLOYEE, HOME_DIVISION, MASTER_ADMIN, REPORTING_VIEWER, SALES_DIVISION,
};
use keysteward_simulator::{ClientEdit, NewClient, RoleDivision};
use reqwest::Method;
use serde_json::{Value, json};

use crate::caller::{Answer, World, client, edited};
use crate::contract::{Contract, Operation};

const CLIENTS: &str = "/api/v2/oauth/clients";
const CLIENT: &str = "/api/v2/oauth/clients/{clientId}";
const SECRET: &str = "/api/v2/oauth/clients/{clientId}/secret";
const TIMEOUT: &str = "/api/v2/tokens/timeout";

/// A caller that lets the contract judge every answer.
struct Walk {
    world: World,
    contract: Contract,
    succeeded: BTreeSet<Operation>,
}

impl Walk {
    async fn new() -> Self {
        let world = World::new().await;
        Self { world, contract: Contract::load(), succeeded: BTreeSet::new() }
    }

    /// Calls an operation; `values` fill the template's places in order.
    async fn call_as(
        &mut self,
        token: Option<&str>,
        (method, template): (&str, &str),
        values: &[&str],
        body: Option<&Value>,
    ) -> Answer {
        let (path, query) = template.split_once('?').unwrap_or((template, ""));
        let mut values = values.iter();
        let filled: Vec<&str> = path
            .split('/')
            .map(|part| if part.starts_with('{') { values.next().unwrap() } else { part })
            .collect();
        let method = method.to_uppercase().parse::<Method>().unwrap();
        let mut request =
            self.world.request(method.clone(), &format!("{}?{query}", filled.join("/")));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = Answer::of(request.send().await.unwrap()).await;
        let operation = (method.as_str().to_lowercase(), path.to_owned());
        self.contract.judge(&operation, &answer);
        if answer.status < 300 {
            self.succeeded.insert(operation);
        }
        answer
    }

    async fn call(
        &mut self,
        operation: (&str, &str),
        values: &[&str],
        body: Option<&Value>,
    ) -> Answer {
        let token = self.world.token.clone();
        self.call_as(Some(&token), operation, values, body).await
    }

    /// A token without any permission that an operation asks for.
    async fn powerless(&self) -> String {
        let grants = ClientEdit::roles(vec![RoleDivision::new(EMPLOYEE, HOME_DIVISION)]);
        let control = self.world.simulator.control();
        let made = control.add_client(&NewClient::named("powerless").with(grants)).unwrap();
        self.world.mint(&made).await
    }
}

#[tokio::test]
async fn every_operation_succeeds_as_declared() {
    let mut walk = Walk::new().await;
    let full = json!({
        "description": "a", "scope": ["users"], "registeredRedirectUri": ["https://example.com/back"],
        "roleDivisions": [
            {"roleId": REPORTING_VIEWER, "divisionId": SALES_DIVISION},
            {"roleId": REPORTING_VIEWER, "divisionId": "*"},
        ],
        "dateToDelete": "2099-01-01T00:00:00Z",
    });
    let created = walk.call(("post", CLIENTS), &[], Some(&edited(&client("a"), full))).await.ok();
    let id = created["id"].as_str().unwrap();
    walk.call(("get", CLIENTS), &[], None).await;
    walk.call(("get", CLIENT), &[id], None).await;
    walk.call(("post", SECRET), &[id], None).await;
    let inactive = edited(&created, json!({"state": "inactive"}));
    walk.call(("put", CLIENT), &[id], Some(&inactive)).await;
    walk.call(("delete", CLIENT), &[id], None).await;

    walk.call(("get", "/api/v2/oauth/scopes"), &[], None).await;
    walk.call(("get", "/api/v2/oauth/scopes/{scopeId}"), &["oauth"], None).await;
    walk.call(("get", "/api/v2/authorization/roles?pageSize=2&pageNumber=2"), &[], None).await;
    walk.call(("get", "/api/v2/authorization/roles/{roleId}"), &[MASTER_ADMIN], None).await;
    walk.call(("get", "/api/v2/authorization/divisions?pageSize=1&pageNumber=2"), &[], None).await;
    walk.call(("get", "/api/v2/authorization/divisions/home"), &[], None).await;
    walk.call(("get", "/api/v2/authorization/divisions/{divisionId}"), &[SALES_DIVISION], None)
        .await;
    walk.call(("get", "/api/v2/authorization/subjects/me"), &[], None).await;
    walk.call(("get", "/api/v2/organizations/me"), &[], None).await;
    let limits = "/api/v2/organizations/limits/namespaces/{namespaceName}";
    for namespace in ["platform.api", "auth.api"] {
        walk.call(("get", limits), &[namespace], None).await;
        walk.call(("get", &format!("{limits}/defaults")), &[namespace], None).await;
    }
    walk.call(("get", TIMEOUT), &[], None).await;
    let timeout = json!({"idleTokenTimeoutSeconds": 900, "enableIdleTokenTimeout": true});
    walk.call(("put", TIMEOUT), &[], Some(&timeout)).await;
    walk.call(("get", "/api/v2/tokens/me?preserveIdleTTL=true"), &[], None).await;
    walk.call(("head", "/api/v2/tokens/me"), &[], None).await;

    let control = walk.world.simulator.control();
    control.configure(|settings| {
        settings.choices.delete_tokens_of_client = true;
        settings.choices.list_page_size = Some(1);
    });
    let spare = control.add_client(&NewClient::named("spare")).unwrap();
    walk.call(("get", CLIENTS), &[], None).await;
    walk.call(("delete", "/api/v2/tokens/{userId}"), &[&spare.client_id], None).await;
    walk.call(("delete", "/api/v2/tokens/me"), &[], None).await;
    assert_eq!(walk.succeeded, walk.contract.operations());
}

#[tokio::test]
async fn every_operation_refuses_strangers_and_the_powerless_as_declared() {
    let mut walk = Walk::new().await;
    let powerless = walk.powerless().await;
    for operation in walk.contract.operations() {
        let (method, path) = (operation.0.as_str(), operation.1.as_str());
        let values = ["x", "x"];
        let without = walk.call_as(None, (method, path), &values, None).await;
        assert_eq!(without.status, 401, "{operation:?}");
        let unknown = walk.call_as(Some("unknown"), (method, path), &values, None).await;
        assert_eq!(unknown.status, 401, "{operation:?}");
        let permissions = walk.contract.permissions(&operation);
        if permissions.is_empty() {
            continue;
        }
        let body = json!({});
        let refused = walk.call_as(Some(&powerless), (method, path), &values, Some(&body)).await;
        assert_eq!(refused.json["code"], "missing.any.permissions", "{operation:?}");
        let message = refused.json["message"].as_str().unwrap();
        assert!(permissions.iter().all(|permission| message.contains(permission)), "{message}");
    }
}

#[tokio::test]
async fn every_operation_is_rate_limited_as_declared() {
    let mut walk = Walk::new().await;
    let control = walk.world.simulator.control();
    control.configure(|settings| settings.limits.requests_per_minute = Some(0));
    for (method, path) in walk.contract.operations() {
        let limited = walk.call((&method, &path), &["x"], None).await;
        assert_eq!(limited.status, 429);
        assert!(limited.header("retry-after").is_some());
    }
}

#[tokio::test]
async fn faulty_bodies_are_refused_as_declared() {
    let mut walk = Walk::new().await;
    let made = walk.call(("post", CLIENTS), &[], Some(&client("a"))).await.ok();
    let id = made["id"].as_str().unwrap();
    let faulty = [
        json!({"name": ""}),
        json!({"authorizedGrantType": null}),
        json!({"authorizedGrantType": "NONE"}),
        json!({"state": "gone"}),
        json!({"state": "disabled"}),
        json!({"roleDivisions": null}),
        json!({"roleDivisions": [{"roleId": "none", "divisionId": "none"}]}),
        json!({"roleDivisions": 1}),
        json!({"authorizedGrantType": "CODE"}),
        json!({"scope": ["none"]}),
        json!({"accessTokenValiditySeconds": 1}),
        json!({"registeredRedirectUri": ["none"]}),
        json!({"dateToDelete": "none"}),
    ];
    for change in faulty {
        let body = edited(&client("a"), change);
        assert_eq!(walk.call(("post", CLIENTS), &[], Some(&body)).await.status, 400, "{body}");
        assert_eq!(walk.call(("put", CLIENT), &[id], Some(&body)).await.status, 400, "{body}");
    }
    let large = json!({"name": "a".repeat(600_000)});
    for (operation, values) in
        [(("post", CLIENTS), vec![]), (("put", CLIENT), vec![id]), (("put", TIMEOUT), vec![])]
    {
        assert_eq!(walk.call(operation, &values, Some(&large)).await.status, 413);
        assert_eq!(walk.call(operation, &values, Some(&json!([]))).await.status, 400);
        assert_eq!(walk.call(operation, &values, None).await.status, 415);
    }
    let timeout = json!({"idleTokenTimeoutSeconds": 1});
    assert_eq!(walk.call(("put", TIMEOUT), &[], Some(&timeout)).await.status, 400);
}

#[tokio::test]
async fn faulty_states_are_refused_as_declared() {
    let mut walk = Walk::new().await;
    let control = walk.world.simulator.control();
    let made = walk.call(("post", CLIENTS), &[], Some(&client("a"))).await.ok();
    let id = made["id"].as_str().unwrap().to_owned();
    let id = id.as_str();
    assert_eq!(walk.call(("delete", CLIENT), &[id], None).await.status, 400);
    control.edit_client(id, &ClientEdit::state("disabled")).unwrap();
    assert_eq!(walk.call(("put", CLIENT), &[id], Some(&made)).await.status, 400);
    let beyond = ClientEdit::roles(vec![RoleDivision::new("of nobody", "*")]);
    control.edit_client(id, &beyond).unwrap();
    assert_eq!(walk.call(("post", SECRET), &[id], None).await.status, 400);

    control.configure(|settings| settings.choices.names_are_unique = true);
    assert_eq!(walk.call(("post", CLIENTS), &[], Some(&client("a"))).await.status, 409);
    control.configure(|settings| settings.limits.clients = Some(1));
    assert_eq!(walk.call(("post", CLIENTS), &[], Some(&client("b"))).await.status, 400);

    let unknown = [
        ("get", CLIENT),
        ("put", CLIENT),
        ("delete", CLIENT),
        ("post", SECRET),
        ("get", "/api/v2/oauth/scopes/{scopeId}"),
        ("get", "/api/v2/authorization/roles/{roleId}"),
        ("get", "/api/v2/authorization/divisions/{divisionId}"),
        ("delete", "/api/v2/tokens/{userId}"),
    ];
    for operation in unknown {
        assert_eq!(walk.call(operation, &["none"], Some(&made)).await.status, 404, "{operation:?}");
    }
    let roles = "/api/v2/authorization/roles";
    let ids = format!("{roles}?{}", "id=x&".repeat(101));
    assert_eq!(walk.call(("get", &ids), &[], None).await.status, 400);
    let paging = format!("{roles}?pageSize=x");
    assert_eq!(walk.call(("get", &paging), &[], None).await.status, 400);
    let limits = "/api/v2/organizations/limits/namespaces/{namespaceName}";
    assert_eq!(walk.call(("get", limits), &["none"], None).await.status, 400);
}
