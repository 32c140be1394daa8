//! What bad answers are taken for: every operation, every kind of answer. No secret shows in any of them.

use super::*;

/// Asks once and gives the fault, which is clean; and how often it was asked.
async fn fault_of(op: Op, answer: ResponseTemplate, deadlines: Deadlines) -> (Fault, usize) {
    let org = Org::with(deadlines).await;
    if op.in_session() {
        org.genesys.ticket().await.unwrap();
    }
    org.answers(op, answer).await;
    let fault = op.run(&org.genesys).await.expect_err(&format!("{op:?}"));
    assert_clean(op, &fault);
    let outcome = fault_class(&fault);
    let counted: Vec<_> = org.genesys.counts().snapshot();
    assert!(counted.iter().any(|row| row.outcome.as_str() == outcome), "{op:?}: {counted:?}");
    (fault, org.asked(op).await.len())
}

fn fault_class(fault: &Fault) -> &'static str {
    crate::provider::http::CallOutcome::from(fault).as_str()
}

/// A refusal that repeats what was sent to it.
fn echoing(op: Op, status: u16, code: &str) -> ResponseTemplate {
    let sent = if op == Op::Mint {
        "canary/secret+ canary%2Fsecret%2B Basic YzE6Y2FuYXJ5L3NlY3JldCs="
    } else if op.in_session() {
        "Authorization: Bearer canary-admin-token, canary-admin-token"
    } else {
        "Authorization: Bearer canary-token, canary-token"
    };
    let body = op.refusal(code, &format!("no: {sent}"));
    ResponseTemplate::new(status)
        .set_body_json(body)
        .insert_header("ININ-Correlation-Id", "7b1f6d0e-5a53-4a51-a7b3-6a3d7a1d9c11")
}

#[rstest::rstest]
#[case(401, "ip.not.authorized", RefusalKind::Unauthorized)]
#[case(403, "missing.permissions", RefusalKind::Forbidden)]
#[case(409, "general.conflict", RefusalKind::Conflict)]
#[case(400, "bad.request", RefusalKind::Invalid)]
#[case(413, "request.entity.too.large", RefusalKind::Invalid)]
#[tokio::test]
async fn refusals_keep_code_words_and_correlation(
    #[case] status: u16,
    #[case] code: &str,
    #[case] kind: RefusalKind,
) {
    for op in ALL {
        let (fault, asked) = fault_of(op, echoing(op, status, code), Deadlines::default()).await;
        let Fault::Refused(refusal) = fault else { panic!("{op:?}: {fault:?}") };
        assert_eq!((refusal.kind, refusal.status), (kind, status), "{op:?}");
        assert_eq!(refusal.code.as_deref(), Some(code), "{op:?}");
        assert!(refusal.message.starts_with("no: "), "{op:?}: {}", refusal.message);
        assert!(refusal.message.contains("«redacted»"), "{op:?}: {}", refusal.message);
        let correlation = refusal.correlation_id.as_deref();
        assert_eq!(correlation, Some("7b1f6d0e-5a53-4a51-a7b3-6a3d7a1d9c11"), "{op:?}");
        assert_eq!(asked, 1, "{op:?}: a refusal is not asked again");
    }
}

#[tokio::test]
async fn not_found_is_none_or_done_or_refused() {
    for op in ALL {
        let org = Org::new().await;
        org.answers(op, echoing(op, 404, "not.found")).await;
        match (op, op.run(&org.genesys).await) {
            (Op::Read, done) => assert_eq!(done.unwrap(), "None"),
            (Op::Delete, done) => assert_eq!(done.unwrap(), "deleted"),
            (_, done) => {
                let fault = done.unwrap_err();
                assert_eq!(fault.refusal(), Some(RefusalKind::NotFound), "{op:?}");
                assert_clean(op, &fault);
            }
        }
    }
}

#[tokio::test]
async fn a_404_that_is_not_the_platforms_says_nothing_about_the_account() {
    for op in ALL {
        let page = "<html>canary: no such page</html>";
        let answer = ResponseTemplate::new(404).set_body_raw(page, "text/html");
        let (fault, _) = fault_of(op, answer, Deadlines::default()).await;
        let text = garbled(op, fault);
        assert!(text.contains("404 with text/html"), "{op:?}: {text}");
    }
}

#[tokio::test]
async fn throttling_is_told_with_its_span_and_pauses_the_budget() {
    for op in ALL {
        let org = Org::with(impatient()).await;
        if op.in_session() {
            org.genesys.ticket().await.unwrap();
        }
        let answer = echoing(op, 429, "too.many.requests.retry.after");
        org.answers(op, answer.insert_header("Retry-After", "42")).await;
        let fault = op.run(&org.genesys).await.unwrap_err();
        assert_eq!(fault.refusal(), Some(RefusalKind::Throttled), "{op:?}");
        assert_eq!(fault.retry_after(), Some(SignedDuration::from_secs(42)), "{op:?}");
        assert_clean(op, &fault);

        let held_back = op.run(&org.genesys).await.unwrap_err();
        let Fault::NotSent(Trouble { kind: TroubleKind::Withheld, text }) = held_back else {
            panic!("{op:?}: {held_back:?}")
        };
        assert!(text.contains("the platform asked to wait"), "{op:?}: {text}");
        assert_eq!(org.asked(op).await.len(), 1, "{op:?}");
    }
}

#[tokio::test]
async fn the_token_endpoint_throttles_with_400() {
    let body = Op::Mint.refusal("invalid_request", "rate limit exceeded; canary/secret+");
    let answer = ResponseTemplate::new(400).set_body_json(body);
    let (fault, asked) = fault_of(Op::Mint, answer, Deadlines::default()).await;
    assert_eq!(fault.refusal(), Some(RefusalKind::Throttled));
    assert_eq!((fault.retry_after(), asked), (None, 1));
}

#[rstest::rstest]
#[case(400, "invalid_client", RefusalKind::Unauthorized)]
#[case(401, "invalid_client", RefusalKind::Unauthorized)]
#[case(400, "unauthorized_client", RefusalKind::Invalid)]
#[case(401, "never.seen", RefusalKind::Unauthorized)]
#[case(400, "never.seen", RefusalKind::Invalid)]
#[tokio::test]
async fn a_refused_mint_is_sorted_by_its_error(
    #[case] status: u16,
    #[case] error: &str,
    #[case] kind: RefusalKind,
) {
    let (fault, _) =
        fault_of(Op::Mint, echoing(Op::Mint, status, error), Deadlines::default()).await;
    assert_eq!(fault.refusal(), Some(kind));
    assert!(fault.to_string().starts_with("could not mint a token for client c1"), "{fault}");
}

#[rstest::rstest]
#[case(500)]
#[case(502)]
#[case(503)]
#[case(504)]
#[case(408)]
#[tokio::test]
async fn what_the_server_could_not_do_is_unknown_and_only_reads_are_repeated(#[case] status: u16) {
    for op in ALL {
        let answer = echoing(op, status, "internal.server.error");
        let (fault, asked) = fault_of(op, answer, Deadlines::default()).await;
        let Fault::Unknown(Trouble { kind, .. }) = fault else { panic!("{op:?}: {fault:?}") };
        assert_eq!(kind, TroubleKind::Server(status), "{op:?}");
        assert_eq!(asked, if op.is_get() { 2 } else { 1 }, "{op:?}");
    }
}

#[tokio::test]
async fn a_read_that_failed_once_succeeds() {
    let org = Org::new().await;
    org.answers_first(Op::Read, ResponseTemplate::new(503), Some(1)).await;
    org.answers(Op::Read, ResponseTemplate::new(200).set_body_json(client_document())).await;
    assert!(org.genesys.read(&AccountId("c1".into())).await.unwrap().is_some());
}

#[rstest::rstest]
#[case("<html>canary: sign in</html>", "text/html; charset=utf-8")]
#[case("{\"entities\": [{\"secret\": \"canary", "application/json")]
#[case("canary", "text/plain")]
#[case("{\"access_token\": 7, \"id\": [\"canary\"], \"entities\": \"canary\"", "application/json")]
#[tokio::test]
async fn a_200_that_cannot_be_read_is_unknown_and_says_what_to_check(
    #[case] body: &str,
    #[case] content_type: &str,
) {
    for op in ALL {
        let answer = ResponseTemplate::new(200).set_body_raw(body, content_type);
        let (fault, asked) = fault_of(op, answer, Deadlines::default()).await;
        let text = garbled(op, fault);
        assert!(text.contains(content_type), "{op:?}: {text}");
        assert!(
            text.contains(
                "does spec.genesysCloud (region, domain, endpoints) name the right host?"
            ),
            "{op:?}: {text}"
        );
        assert_eq!(asked, 1, "{op:?}");
    }
}

#[tokio::test]
async fn a_200_without_the_fields_is_unknown() {
    for op in ALL.into_iter().filter(|op| !matches!(op, Op::Delete | Op::Revoke)) {
        for body in [json!({}), json!([]), json!({"id": 7, "entities": [{"name": CANARY}]})] {
            let answer = ResponseTemplate::new(200).set_body_json(body);
            let (fault, _) = fault_of(op, answer, Deadlines::default()).await;
            garbled(op, fault);
        }
    }
}

#[tokio::test]
async fn redirects_are_refused_and_not_followed() {
    for op in ALL {
        let answer = ResponseTemplate::new(307).insert_header("Location", "/canary-elsewhere");
        let (fault, asked) = fault_of(op, answer, Deadlines::default()).await;
        assert_eq!((fault.refusal(), asked), (Some(RefusalKind::Invalid), 1), "{op:?}");
        assert!(fault.to_string().contains("redirects are not followed"), "{op:?}: {fault}");
    }
}

#[tokio::test]
async fn no_answer_in_time_is_unknown() {
    let whole = Duration::from_millis(600);
    for op in ALL {
        let late = ResponseTemplate::new(200).set_delay(Duration::from_secs(20));
        let deadlines = Deadlines { whole, ..Deadlines::default() };
        let (fault, asked) = fault_of(op, late, deadlines).await;
        let Fault::Unknown(Trouble { kind: TroubleKind::NoAnswer, text }) = fault else {
            panic!("{op:?}: {fault:?}")
        };
        assert!(text.contains("no answer in time"), "{op:?}: {text}");
        assert_eq!(asked, 1, "{op:?}: the deadline leaves no room to repeat");
    }
}

fn garbled(op: Op, fault: Fault) -> String {
    let Fault::Unknown(Trouble { kind: TroubleKind::Garbled, text }) = fault else {
        panic!("{op:?}: {fault:?}")
    };
    text
}
