//! Lists that never end: whoever answers must not be able to fill our memory.

use wiremock::matchers::query_param;

use super::*;

/// An organization whose list says on every page, counted from 1, that there is one more.
async fn org_without_end(op: Op, entities: fn(u64) -> Value) -> Org {
    let org = Org::new().await;
    let (verb, place) = op.method_and_path();
    let page = move |request: &Request| {
        let asked = request.url.query_pairs().find(|(key, _)| key == "pageNumber");
        let number: u64 = asked.map_or(1, |(_, number)| number.parse().unwrap());
        let next = number + 1;
        ResponseTemplate::new(200).set_body_json(json!({
            "entities": entities(number),
            "nextUri": format!("/api/v2/oauth/clients?pageNumber={next}"),
            "pageCount": u64::MAX,
        }))
    };
    Mock::given(method(verb))
        .and(path(place))
        .respond_with(page)
        .with_priority(20)
        .mount(&org.server)
        .await;
    org
}

fn one(page: u64) -> Value {
    json!([{"id": format!("c{page}"), "name": "etl"}])
}

fn many(page: u64) -> Value {
    (0..30_000).map(|nth| json!({"id": format!("c{page}-{nth}"), "name": ""})).collect()
}

fn large(page: u64) -> Value {
    json!([{"id": format!("c{page}"), "name": "x".repeat(9 << 20)}])
}

#[rstest::rstest]
#[case::links_without_end(Op::Accounts, one, 200)]
#[case::links_to_many(Op::Accounts, many, 2)]
#[case::links_to_much(Op::Accounts, large, 4)]
#[case::numbers_without_end(Op::Roles, one, 200)]
#[case::numbers_of_many(Op::Roles, many, 2)]
#[tokio::test]
async fn a_list_without_end_is_given_up(
    #[case] op: Op,
    #[case] entities: fn(u64) -> Value,
    #[case] pages: usize,
) {
    let org = org_without_end(op, entities).await;
    let fault = op.run(&org.genesys).await.unwrap_err();
    let Fault::Unknown(Trouble { kind: TroubleKind::Garbled, text }) = fault else {
        panic!("{fault:?}")
    };
    let end = "no end came within 200 pages, 50000 elements and 32 MiB";
    assert!(text.starts_with("could not list ") && text.ends_with(end), "{text}");
    assert_eq!(org.asked(op).await.len(), pages);
}

#[tokio::test]
async fn a_list_as_long_as_may_be_is_read() {
    let org = Org::new().await;
    let next = |page| format!("/api/v2/oauth/clients?page={page}");
    for page in 1..=2_u64 {
        let entities: Value =
            (0..25_000).map(|nth| json!({"id": format!("c{page}-{nth}")})).collect();
        let answer = json!({"entities": entities, "nextUri": (page == 1).then(|| next(2))});
        let mock = Mock::given(method("GET")).and(path(Op::Accounts.method_and_path().1));
        let mock = if page == 2 { mock.and(query_param("page", "2")) } else { mock };
        mock.respond_with(ResponseTemplate::new(200).set_body_json(answer))
            .with_priority(if page == 2 { 10 } else { 20 })
            .mount(&org.server)
            .await;
    }
    assert_eq!(org.genesys.accounts().await.unwrap().len(), 50_000);
}
