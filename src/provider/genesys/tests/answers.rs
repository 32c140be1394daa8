//! What good answers are read as.

use super::*;
use crate::model::inventory::{Named, Tenant};

async fn org_with(op: Op, answer: Value) -> Org {
    let org = Org::new().await;
    org.answers(op, ResponseTemplate::new(200).set_body_json(answer)).await;
    org
}

async fn catalog_with(op: Op, part: CatalogPart, answer: Value) -> Catalog {
    let org = org_with(op, answer).await;
    let mut catalog = Catalog::default();
    org.genesys.catalog(part, &mut catalog).await.unwrap();
    catalog
}

#[tokio::test]
async fn a_list_is_read_leniently_and_its_secrets_are_not() {
    let clients = json!({"entities": [
        client_document(),
        {"id": "c2", "name": "app", "authorizedGrantType": "CODE", "state": "inactive",
         "scope": ["users"], "registeredRedirectUri": ["https://app.example.com/"],
         "description": "keysteward:hold", "dateToDelete": "2026-12-01T00:00:00Z",
         "secret": "canary-old-secret", "roleDivisions": null, "roleIds": ["r9"]},
        {"id": "c3", "authorizedGrantType": "DEVICE-CODE", "state": "quarantined"},
        {"id": "c4", "name": "gone", "authorizedGrantType": "CLIENT_CREDENTIALS", "state": "deleted",
         "roleIds": ["r1"], "scope": ["lingers"]},
        {"id": "c5", "name": "off", "authorizedGrantType": "SAML2BEARER", "state": "disabled"},
        {"id": "c1", "name": "twice"},
    ], "total": 6});
    let org = org_with(Op::Accounts, clients).await;
    let accounts = org.genesys.accounts().await.unwrap();
    assert!(!format!("{accounts:?}").contains(CANARY));
    let [c1, c2, c3, c4, c5] = &accounts[..] else { panic!("{accounts:?}") };

    assert_eq!(c1.id, AccountId("c1".into()));
    assert_eq!(c1.settings, wish().settings);
    assert_eq!((&c1.state, &c1.marker, c1.held), (&State::Active, &Some(marker()), false));
    assert_eq!(c1.created_at.unwrap().to_string(), "2026-11-01T10:00:00Z");

    assert_eq!((&c2.state, c2.held, &c2.marker), (&State::Inactive, true, &None));
    assert_eq!(c2.settings.grant_types, ["authorization_code".to_owned()].into());
    assert_eq!(c2.settings.scopes, ["users".to_owned()].into());
    assert_eq!(c2.settings.redirect_uris, ["https://app.example.com/".to_owned()].into());
    assert!(c2.settings.roles.is_empty() && c2.deletes_at.is_some());

    assert_eq!(c3.state, State::Other("quarantined".into()));
    assert_eq!(c3.settings.grant_types, ["device-code".to_owned()].into());

    assert_eq!(c4.state, State::Deleted);
    assert_eq!(c4.settings.grant_types, ["client_credentials".to_owned()].into());
    assert!(c4.settings.roles.is_empty() && c4.settings.scopes.is_empty());

    assert_eq!(c5.state, State::DisabledByVendor);
    let saml = "urn:ietf:params:oauth:grant-type:saml2-bearer".to_owned();
    assert_eq!(c5.settings.grant_types, [saml].into());
}

#[tokio::test]
async fn a_list_is_followed_to_its_end() {
    let org = Org::new().await;
    for (page, id, next) in [(2, "c2", Some(3)), (3, "c3", None)] {
        let next =
            next.map(|next| format!("{}/gw/api/v2/oauth/clients?page={next}", org.server.uri()));
        Mock::given(method("GET"))
            .and(wiremock::matchers::query_param("page", page.to_string()))
            .respond_with(
                ResponseTemplate::new(200).set_body_json(
                    json!({"entities": [{"id": "c1"}, {"id": id}], "nextUri": next}),
                ),
            )
            .with_priority(1)
            .mount(&org.server)
            .await;
    }
    let first = json!({"entities": [{"id": "c1"}], "nextUri": "/api/v2/oauth/clients?page=2"});
    org.answers(Op::Accounts, ResponseTemplate::new(200).set_body_json(first)).await;
    let accounts = org.genesys.accounts().await.unwrap();
    let ids: Vec<&str> = accounts.iter().map(|account| account.id.0.as_str()).collect();
    assert_eq!(ids, ["c1", "c2", "c3"]);
    assert_eq!(org.asked(Op::Accounts).await.len(), 3);
}

#[tokio::test]
async fn a_list_that_points_at_itself_or_elsewhere_ends() {
    let itself = json!({"entities": [{"id": "c1"}], "nextUri": "/api/v2/oauth/clients"});
    let org = org_with(Op::Accounts, itself).await;
    assert_eq!(org.genesys.accounts().await.unwrap().len(), 1);

    let elsewhere = json!({"entities": [], "nextUri": "https://evil.example.com/clients"});
    let org = org_with(Op::Accounts, elsewhere).await;
    let fault = org.genesys.accounts().await.unwrap_err();
    assert!(fault.to_string().contains("nextUri leaves the host"), "{fault}");
    assert!(matches!(fault, Fault::Unknown(_)), "{fault:?}");
}

#[rstest::rstest]
#[case(Op::Roles, CatalogPart::Roles)]
#[case(Op::Divisions, CatalogPart::Divisions)]
#[tokio::test]
async fn names_are_read_from_all_pages(#[case] op: Op, #[case] part: CatalogPart) {
    let org = Org::new().await;
    for number in 1..=3 {
        let id = format!("n{number}");
        let page = json!({"entities": [{"id": id, "name": "Home", "more": []}],
            "pageNumber": number, "pageCount": 3});
        let (verb, place) = op.method_and_path();
        Mock::given(method(verb))
            .and(path(place))
            .and(wiremock::matchers::query_param("pageNumber", number.to_string()))
            .respond_with(ResponseTemplate::new(200).set_body_json(page))
            .mount(&org.server)
            .await;
    }
    let mut catalog = Catalog::default();
    org.genesys.catalog(part, &mut catalog).await.unwrap();
    let named = |id: &str| Named { id: id.into(), name: "Home".into() };
    let expected = Some(vec![named("n1"), named("n2"), named("n3")]);
    let (read, other) = if part == CatalogPart::Roles {
        (catalog.roles, catalog.divisions)
    } else {
        (catalog.divisions, catalog.roles)
    };
    assert_eq!((read, other), (expected, None));
}

#[tokio::test]
async fn the_organization_is_the_tenant() {
    let answer = json!({"id": "t1", "name": "Acme", "state": "active", "version": 3});
    let catalog = catalog_with(Op::Tenant, CatalogPart::Tenant, answer).await;
    assert_eq!(catalog.tenant, Some(Tenant { id: "t1".into(), name: "Acme".into() }));
    assert!(catalog.read_at.is_empty(), "the clock is the caller's");
}

#[tokio::test]
async fn own_grants_count_those_of_groups() {
    let answer = json!({"id": "admin", "grants": [
        {"subjectId": "admin", "division": {"id": "d1"}, "role": {"id": "r1", "policies": []}},
        {"subjectId": "some-group", "division": {"id": "*"}, "role": {"id": "r2"}},
        {"subjectId": "admin", "role": {"id": "r3"}},
    ]});
    let catalog = catalog_with(Op::OwnGrants, CatalogPart::OwnGrants, answer).await;
    let grant =
        |role: &str, division: &str| RoleGrant { role: role.into(), division: division.into() };
    assert_eq!(catalog.own_grants, Some([grant("r1", "d1"), grant("r2", "*")].into()));
}

#[rstest::rstest]
#[case(json!({"enableIdleTokenTimeout": true, "idleTokenTimeoutSeconds": 900}), Some(900))]
#[case(json!({"enableIdleTokenTimeout": false, "idleTokenTimeoutSeconds": 900}), None)]
#[case(json!({"idleTokenTimeoutSeconds": 900}), None)]
#[tokio::test]
async fn the_idle_timeout_counts_when_it_is_on(
    #[case] answer: Value,
    #[case] seconds: Option<i64>,
) {
    let catalog = catalog_with(Op::IdleTimeout, CatalogPart::IdleTimeout, answer).await;
    assert_eq!(catalog.idle_timeout, Some(seconds.map(SignedDuration::from_secs)));
}

#[tokio::test]
async fn a_read_keeps_the_whole_document_without_the_secret() {
    let mut shown = client_document();
    shown["secret"] = "canary-old-secret".into();
    let org = org_with(Op::Read, shown).await;
    let snapshot = org.genesys.read(&AccountId("c1".into())).await.unwrap().unwrap();
    assert_eq!(snapshot.document, client_document());
    assert_eq!(snapshot.account, account_of(&client_document(), &AccountId("c1".into())).unwrap());
}

#[tokio::test]
async fn a_client_in_state_deleted_is_none() {
    let org = org_with(Op::Read, json!({"id": "c1", "state": "deleted"})).await;
    assert!(org.genesys.read(&AccountId("c1".into())).await.unwrap().is_none());
}

#[tokio::test]
async fn a_create_gives_account_and_credential() {
    let mut shown = client_document();
    shown["secret"] = "canary-new-secret".into();
    let org = org_with(Op::Create, shown).await;
    let created = org.genesys.create(&wish()).await.unwrap();
    assert_eq!(created.account.settings, wish().settings);
    assert_eq!(created.credential.client_id, "c1");
    assert_eq!(created.credential.client_secret.reveal(), "canary-new-secret");
    assert!(!format!("{created:?}").contains(CANARY));
}

#[rstest::rstest]
#[case(Op::Create)]
#[case(Op::Regenerate)]
#[tokio::test]
async fn an_answer_without_secret_is_not_success(#[case] op: Op) {
    for secret in [Value::Null, "".into()] {
        let mut shown = client_document();
        shown["secret"] = secret;
        let org = org_with(op, shown).await;
        let fault = op.run(&org.genesys).await.unwrap_err();
        assert!(fault.to_string().contains("does not show the client's id and secret"), "{fault}");
        let Fault::Unknown(Trouble { kind: TroubleKind::Garbled, .. }) = fault else {
            panic!("{fault:?}")
        };
    }
}

#[tokio::test]
async fn a_regenerate_gives_the_new_secret() {
    let org = org_with(Op::Regenerate, json!({"id": "c1", "secret": "canary-new-secret"})).await;
    let credential = org.genesys.regenerate(&AccountId("c1".into())).await.unwrap();
    assert_eq!(credential.client_secret.reveal(), "canary-new-secret");
}

#[rstest::rstest]
#[case(Op::Read)]
#[case(Op::Update)]
#[tokio::test]
async fn another_clients_document_is_not_taken(#[case] op: Op) {
    let org = org_with(op, json!({"id": "c9", "state": "active"})).await;
    let fault = op.run(&org.genesys).await.unwrap_err();
    assert!(fault.to_string().contains("another client"), "{fault}");
}

#[tokio::test]
async fn introspection_tells_tenant_state_and_idle_deadline() {
    let answer = json!({
        "organization": {"id": "t1", "name": "Acme"},
        "homeOrganization": {"id": "t0"},
        "OAuthClient": {"id": "c1", "state": "inactive", "organization": {"id": "t1"}},
        "dateTokenIdles": "2026-11-21T10:30:00.000Z",
    });
    let org = org_with(Op::Introspect, answer).await;
    let said = org.genesys.introspect(&SecretText::new(TOKEN)).await.unwrap();
    let expected = Introspection {
        tenant_id: Some("t1".into()),
        state: Some(State::Inactive),
        idles_at: Some("2026-11-21T10:30:00Z".parse().unwrap()),
    };
    assert_eq!(said, expected);
}

#[tokio::test]
async fn empty_answers_of_deletions_are_enough() {
    for op in [Op::Delete, Op::Revoke] {
        for status in [200, 202, 204] {
            let org = Org::new().await;
            org.answers(op, ResponseTemplate::new(status)).await;
            op.run(&org.genesys).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_gone_counts_as_deleted_and_revoked() {
    for (op, status, code) in
        [(Op::Delete, 404, "client.not.found"), (Op::Revoke, 401, "bad.credentials")]
    {
        let org = Org::new().await;
        let body = op.refusal(code, "gone");
        org.answers(op, ResponseTemplate::new(status).set_body_json(body)).await;
        op.run(&org.genesys).await.unwrap();
    }
}

#[tokio::test]
async fn addresses_are_bases_without_a_slash() {
    let org = Org::new().await;
    let Addresses { region, api, login } = org.genesys.addresses();
    assert_eq!(region, "eu-central-1");
    assert_eq!(api, format!("{}/gw", org.server.uri()));
    assert_eq!(login, format!("{}/login", org.server.uri()));
}
