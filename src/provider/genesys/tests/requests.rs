//! What goes out, for each operation.

use super::*;

async fn sent(op: Op, answer: Value) -> Request {
    let org = Org::new().await;
    org.answers(op, ResponseTemplate::new(200).set_body_json(answer)).await;
    op.run(&org.genesys).await.unwrap();
    let mut requests = org.asked(op).await;
    assert_eq!(requests.len(), 1, "{op:?}");
    requests.remove(0)
}

fn empty_page() -> Value {
    json!({"entities": [], "pageSize": 25, "pageNumber": 1, "total": 0, "pageCount": 0})
}

fn with_secret() -> Value {
    let mut client = client_document();
    client["secret"] = "canary-new-secret".into();
    client
}

#[rstest::rstest]
#[case(Op::Accounts, empty_page(), None)]
#[case(Op::Tenant, json!({"id": "t1", "name": "Acme"}), None)]
#[case(Op::Roles, empty_page(), Some("pageSize=500&userCount=false&pageNumber=1"))]
#[case(Op::Divisions, empty_page(), Some("pageSize=500&pageNumber=1"))]
#[case(Op::OwnGrants, json!({"grants": []}), None)]
#[case(Op::IdleTimeout, json!({"enableIdleTokenTimeout": false}), None)]
#[case(Op::Read, client_document(), None)]
#[case(Op::Create, with_secret(), None)]
#[case(Op::Update, client_document(), None)]
#[case(Op::Regenerate, with_secret(), None)]
#[case(Op::Delete, json!({}), None)]
#[case(Op::Mint, json!({"access_token": "x", "expires_in": 60}), None)]
#[case(Op::Introspect, json!({"organization": {"id": "t1"}}), Some("preserveIdleTTL=true"))]
#[case(Op::Revoke, json!({}), None)]
#[tokio::test]
async fn each_operation_asks_in_its_own_name(
    #[case] op: Op,
    #[case] answer: Value,
    #[case] query: Option<&str>,
) {
    let request = sent(op, answer).await;
    let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap());
    assert_eq!(request.url.query(), query);
    assert_eq!(header("accept"), Some("application/json"));
    assert_eq!(header("user-agent"), Some(concat!("keysteward/", env!("CARGO_PKG_VERSION"))));
    let proof = if op == Op::Mint {
        // base64 of c1:canary/secret+
        "Basic YzE6Y2FuYXJ5L3NlY3JldCs="
    } else if op.in_session() {
        "Bearer canary-admin-token"
    } else {
        "Bearer canary-token"
    };
    assert_eq!(header("authorization"), Some(proof));
    let kind = if op == Op::Mint {
        Some("application/x-www-form-urlencoded")
    } else {
        matches!(op, Op::Create | Op::Update).then_some("application/json")
    };
    assert_eq!(header("content-type"), kind);
    assert_eq!(request.body.is_empty(), kind.is_none());
}

#[tokio::test]
async fn a_mint_sends_the_grant_as_a_form_and_no_scope() {
    let request = sent(Op::Mint, json!({"access_token": "x", "expires_in": 60})).await;
    assert_eq!(request.body, b"grant_type=client_credentials");
}

#[tokio::test]
async fn a_create_sends_every_field_and_the_marker() {
    let request = sent(Op::Create, with_secret()).await;
    assert_eq!(
        request.body_json::<Value>().unwrap(),
        json!({
            "name": "etl", "description": "keysteward:o/ns/etl/u", "state": "active",
            "authorizedGrantType": "CLIENT-CREDENTIALS", "accessTokenValiditySeconds": 86_400,
            "roleDivisions": [{"roleId": "r1", "divisionId": "d1"}],
        })
    );
}

#[tokio::test]
async fn an_update_sends_unknown_fields_back_and_no_read_only_ones() {
    let request = sent(Op::Update, client_document()).await;
    assert_eq!(
        request.body_json::<Value>().unwrap(),
        json!({
            "name": "etl", "description": "by hand\nkeysteward:o/ns/etl/u",
            "authorizedGrantType": "CLIENT-CREDENTIALS", "accessTokenValiditySeconds": 86_400,
            "roleDivisions": [{"roleId": "r1", "divisionId": "d1"}], "state": "active",
            "somethingNew": {"kept": true},
        })
    );
}

#[tokio::test]
async fn an_id_that_looks_like_a_path_stays_one_segment() {
    let org = Org::new().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(404).set_body_json(json!({"code": "client.not.found"})))
        .mount(&org.server)
        .await;
    let read = org.genesys.read(&AccountId("../../users?x=1#y".into())).await.unwrap();
    assert!(read.is_none());
    let requests = org.server.received_requests().await.unwrap();
    let paths: Vec<&str> = requests.iter().map(|request| request.url.path()).collect();
    assert!(paths.contains(&"/gw/api/v2/oauth/clients/..%2F..%2Fusers%3Fx=1%23y"), "{paths:?}");
}
