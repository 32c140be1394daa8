//! Scenes in which one process ends, or should have, and another goes on.

use jiff::SignedDuration;
use keysteward::decide::records::reservation_name;
use keysteward::model::fault::RefusalKind;
use serde_json::json;

use crate::deeds::{self, TOKEN};
use crate::etcd::{NAMESPACE, OPERATOR_NAMESPACE};
use crate::faults::Plan;
use crate::operator::Operator;
use crate::scenes::{MINUTE, at_rest, count};
use crate::story::{End, Story};
use crate::tenant::{refused, silence};

/// A process that leads no more gives up a place in which the next leader has stored its answer.
#[tokio::test(start_paused = true)]
async fn a_reservation_that_another_process_has_answered_is_not_dropped() {
    let span = SignedDuration::from_secs(10);
    let begin = || {
        let operator = Operator::new(Story::from_the_start("two", &[|_| {}], End::well()).world());
        operator.world.act(|state| {
            state.tenant.outages.creates = Some(refused(RefusalKind::Forbidden, "no"));
        });
        operator.world.arm(Plan::none());
        operator
    };
    let mut alone = begin();
    alone.run_for(span).await;
    assert!(!alone.world.state().has_reservation(), "alone it is dropped");
    let calls = alone.world.since(0);
    let drop = calls.iter().position(|call| call.starts_with("delete Secret")).unwrap();

    let mut operator = begin();
    operator.world.state().interruption = Some((u64::try_from(drop + 1).unwrap(), |state| {
        let name = reservation_name(&deeds::any_life());
        state.etcd.edit(OPERATOR_NAMESPACE, &name, "client_id", "theirs");
        state.etcd.edit(OPERATOR_NAMESPACE, &name, "client_secret", "theirs");
    }));
    operator.run_for(span).await;
    let state = operator.world.state();
    let kept = state.etcd.secret(OPERATOR_NAMESPACE, &reservation_name(&deeds::any_life()));
    assert_eq!(kept.expect("it is kept").data["client_id"].reveal(), "theirs");
}

#[tokio::test(start_paused = true)]
async fn a_back_off_that_another_process_left_holds_no_token_up() {
    let mut operator = at_rest(json!({})).await;
    operator
        .after(
            |state| {
                state.tenant.outages.mints = Some(silence());
                state.etcd.remove(NAMESPACE, TOKEN);
            },
            MINUTE * 23,
        )
        .await;
    let retry = {
        let state = operator.world.state();
        let status = state.etcd.object.as_ref().unwrap().status.clone().unwrap();
        status.retry.expect("it backs off")
    };
    assert!(retry.next_attempt_at.unwrap() > operator.world.now() + MINUTE * 10);
    operator.world.act(|state| state.tenant.outages.mints = None);
    operator.restart();
    let from = operator.world.place();
    operator.run_for(MINUTE).await;
    assert_eq!(count(&operator.world.since(from), "mint"), 1);
    operator.is("TokenFresh", "True", "Succeeded");
}
