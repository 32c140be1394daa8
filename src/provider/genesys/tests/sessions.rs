//! Our own session on the wire: minted when needed, replaced once when it ends, never taken for the call behind it.

use super::*;

fn ended() -> ResponseTemplate {
    let body = json!({"code": "bad.credentials", "message": "Invalid login credentials."});
    ResponseTemplate::new(401).set_body_json(body)
}

/// An organization whose token endpoint refuses us.
async fn closed(answer: ResponseTemplate) -> Org {
    let org = Org::new().await;
    Mock::given(method("POST"))
        .and(path("/login/oauth/token"))
        .respond_with(answer)
        .with_priority(1)
        .mount(&org.server)
        .await;
    org
}

#[tokio::test]
async fn one_session_serves_many_calls() {
    let org = Org::new().await;
    org.answers(Op::Read, ResponseTemplate::new(200).set_body_json(client_document())).await;
    let id = AccountId("c1".into());
    let reads = (0..10).map(|_| org.genesys.read(&id));
    for read in futures::future::join_all(reads).await {
        assert!(read.unwrap().is_some());
    }
    assert_eq!(org.sessions().await, 1);
}

#[tokio::test]
async fn a_session_that_ended_is_replaced_and_the_call_sent_once_more() {
    for op in ALL.into_iter().filter(|op| op.in_session()) {
        let org = Org::new().await;
        org.answers_first(op, ended(), Some(1)).await;
        org.answers(op, ResponseTemplate::new(403).set_body_json(op.refusal("x", ""))).await;
        let fault = op.run(&org.genesys).await.unwrap_err();
        assert_eq!(fault.refusal(), Some(RefusalKind::Forbidden), "{op:?}: {fault}");
        assert_eq!((org.asked(op).await.len(), org.sessions().await), (2, 2), "{op:?}");
    }
}

#[tokio::test]
async fn a_session_that_is_refused_again_is_told() {
    let org = Org::new().await;
    org.answers(Op::Create, ended()).await;
    let fault = Op::Create.run(&org.genesys).await.unwrap_err();
    assert_eq!(fault.refusal(), Some(RefusalKind::Unauthorized));
    assert_eq!((org.asked(Op::Create).await.len(), org.sessions().await), (2, 2));
}

#[tokio::test]
async fn a_token_of_an_account_is_not_replaced_by_a_session() {
    let org = Org::new().await;
    org.answers(Op::Introspect, ended()).await;
    let fault = Op::Introspect.run(&org.genesys).await.unwrap_err();
    assert_eq!(fault.refusal(), Some(RefusalKind::Unauthorized));
    assert_eq!((org.asked(Op::Introspect).await.len(), org.sessions().await), (1, 0));
}

#[tokio::test]
async fn a_refused_session_is_told_in_the_name_of_the_managing_client() {
    let refused = json!({"error": "invalid_client", "error_description": "canary-admin-secret"});
    let org = closed(ResponseTemplate::new(400).set_body_json(refused)).await;
    for op in ALL.into_iter().filter(|op| op.in_session()) {
        let fault = op.run(&org.genesys).await.unwrap_err();
        assert_eq!(fault.refusal(), Some(RefusalKind::Unauthorized), "{op:?}");
        let text = fault.to_string();
        assert!(text.contains("open a session as the managing client admin"), "{op:?}: {text}");
        assert_clean(op, &fault);
    }
    assert_eq!(org.sessions().await, 1, "the fault is shared for a while");
}

#[tokio::test]
async fn a_session_without_answer_means_that_the_call_was_not_sent() {
    for answer in [
        ResponseTemplate::new(503),
        ResponseTemplate::new(200).set_body_raw("<html>canary</html>", "text/html"),
    ] {
        let org = closed(answer).await;
        let fault = Op::Create.run(&org.genesys).await.unwrap_err();
        assert!(matches!(fault, Fault::NotSent(_)), "{fault:?}");
        assert_clean(Op::Create, &fault);
    }
}

#[tokio::test]
async fn a_token_endpoint_that_is_not_there_is_no_word_about_an_account() {
    for body in [json!({"error": "not_found"}), json!({"code": "not.found", "message": ""})] {
        let org = closed(ResponseTemplate::new(404).set_body_json(body)).await;
        for op in [Op::Read, Op::Delete] {
            let fault = op.run(&org.genesys).await.unwrap_err();
            assert_ne!(fault.refusal(), Some(RefusalKind::NotFound), "{op:?}: {fault:?}");
        }
    }
}
