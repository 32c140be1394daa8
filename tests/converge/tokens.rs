//! Scenes of tokens and of the credential that mints them.

use jiff::SignedDuration;
use keysteward::model::account::State as Activity;
use keysteward::model::fault::RefusalKind;
use serde_json::json;

use crate::deeds::{self, CREDENTIAL, TOKEN};
use crate::etcd::NAMESPACE;
use crate::operator::Operator;
use crate::scenes::{MINUTE, at_rest, count};
use crate::story::{End, Story};
use crate::tenant::{refused, silence};
use crate::world::State;

#[tokio::test(start_paused = true)]
async fn a_reported_inactive_client_stalls_once_its_token_is_known_dead() {
    let mut operator = at_rest(json!({"policy": {"drift": "Report"}})).await;
    operator.after(deeds::switch_off, MINUTE * 3).await;
    operator.is("Ready", "False", "TokenDead");
    operator.is("TokenFresh", "False", "TokenDead");
    operator.is("Stalled", "True", "TokenDead");
    operator.after(|state| state.change(|c| c.state = Activity::Active), MINUTE * 3).await;
    operator.is("Ready", "True", "Succeeded");
}

#[tokio::test(start_paused = true)]
async fn a_reported_inactive_client_without_a_token_is_of_no_use() {
    let mut operator = at_rest(json!({"policy": {"drift": "Report"}, "token": null})).await;
    operator.after(deeds::switch_off, MINUTE * 3).await;
    operator.is("Ready", "False", "DriftDetected");
    operator.is("Stalled", "True", "DriftDetected");
}

#[tokio::test(start_paused = true)]
async fn a_credential_refused_five_times_is_not_published_and_tried_each_sweep() {
    let story = Story::from_the_start("unproven", &[|_| {}], End::well());
    let mut operator = Operator::new(story.world());
    let no = |state: &mut State| {
        state.tenant.outages.mints = Some(refused(RefusalKind::Unauthorized, "client not found"));
    };
    operator.world.act(no);
    operator.run_for(MINUTE * 8).await;
    operator.is("Stalled", "True", "CredentialUnproven");
    // At 10, 25, 55, 115 and 235 seconds, then with each sweep.
    let mints = count(&operator.world.since(0), "mint");
    assert!((8..=9).contains(&mints), "{mints} tries in eight minutes");
    let state = operator.world.state();
    assert!(state.etcd.secret(NAMESPACE, CREDENTIAL).is_none() && !state.has_true_copy());
    assert_eq!((state.tenant.creates, state.tenant.regenerates), (1, 0));
    drop(state);
    operator.after(|state| state.tenant.outages.mints = None, MINUTE * 10).await;
    operator.is("Ready", "True", "Succeeded");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_lives_less_than_a_minute_is_not_published() {
    let story = Story::from_the_start("short", &[|_| {}], End::well());
    let mut operator = Operator::new(story.world());
    operator.world.act(|state| state.tenant.token_life = Some(SignedDuration::from_secs(59)));
    operator.run_for(MINUTE * 30).await;
    operator.is("Stalled", "True", "TokenTooShort");
    assert!(operator.world.state().etcd.secret(NAMESPACE, TOKEN).is_none());
    let mints = count(&operator.world.since(0), "mint");
    assert!(mints <= 31, "{mints} mints in half an hour");
    operator.after(|state| state.tenant.token_life = None, MINUTE * 5).await;
    operator.is("Ready", "True", "Succeeded");
}

#[tokio::test(start_paused = true)]
async fn tokens_go_on_while_the_account_cannot_be_written() {
    let mut operator = at_rest(json!({"genesysCloud": {"accessTokenLifetime": "300s"}})).await;
    let from = operator.world.place();
    operator
        .after(
            |state| {
                deeds::add_role(state);
                state.tenant.outages.admin = Some(refused(RefusalKind::Forbidden, "not yours"));
            },
            MINUTE * 120,
        )
        .await;
    let mints = count(&operator.world.since(from), "mint");
    assert!((35..=70).contains(&mints), "{mints} mints of 300 s tokens in two hours");
    let state = operator.world.state();
    let token = state.etcd.secret(NAMESPACE, TOKEN).unwrap();
    assert!(
        state
            .tenant
            .token_of(token.data["GENESYSCLOUD_ACCESS_TOKEN"].reveal(), state.now)
            .is_some()
    );
}

#[tokio::test(start_paused = true)]
async fn the_account_is_kept_while_tokens_cannot_be_minted() {
    let mut operator = at_rest(json!({})).await;
    operator
        .after(
            |state| {
                state.etcd.remove(NAMESPACE, TOKEN);
                state.tenant.outages.mints = Some(silence());
            },
            MINUTE * 120,
        )
        .await;
    operator.is("Ready", "False", "Unreachable");
    operator.after(deeds::strip_roles, MINUTE * 3).await;
    let state = operator.world.state();
    let client = state.tenant.client(&state.stored_id().unwrap()).unwrap().clone();
    assert!(!client.settings.roles.is_empty(), "the back-off of tokens does not hold it back");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_keeps_the_last_good_token_and_says_so_once() {
    let mut operator = at_rest(json!({})).await;
    operator
        .after(
            |state| {
                state.pass_time(SignedDuration::from_hours(17));
                state.tenant.outages.mints = Some(silence());
            },
            MINUTE * 60,
        )
        .await;
    operator.is("Ready", "True", "Succeeded");
    operator.is("TokenFresh", "False", "RefreshFailing");
    let message = operator.condition("Ready").2;
    assert_eq!(message.matches("renewal fails").count(), 1, "{message}");
    operator.run_for(SignedDuration::from_hours(8)).await;
    operator.is("Ready", "False", "Unreachable");
    operator.is("TokenFresh", "False", "TokenExpired");
    operator.after(|state| state.tenant.outages.mints = None, MINUTE * 61).await;
    operator.is("Ready", "True", "Succeeded");
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_somebody_else_changed_is_said_to_be_refused_and_said_once() {
    let mut operator = at_rest(json!({})).await;
    operator
        .after(
            |state| {
                let id = state.stored_id().unwrap();
                state.tenant.rotate(&id);
                state.etcd.remove(NAMESPACE, TOKEN);
            },
            MINUTE * 240,
        )
        .await;
    operator.is("Stalled", "True", "CredentialRefused");
    operator.is("CredentialValid", "False", "CredentialRefused");
    let from = operator.world.place();
    operator.run_for(MINUTE * 240).await;
    let calls = operator.world.since(from);
    assert_eq!(count(&calls, "write status"), 0);
    assert!((3..=5).contains(&count(&calls, "mint")), "about one an hour");
}

#[tokio::test(start_paused = true)]
async fn tokens_go_on_after_a_restart_while_the_platform_is_unreachable() {
    let mut operator = at_rest(json!({})).await;
    operator.world.act(|state| {
        state.tenant.outages.admin = Some(silence());
        state.pass_time(SignedDuration::from_hours(17));
    });
    operator.restart();
    let from = operator.world.place();
    operator.run_for(MINUTE * 10).await;
    assert_eq!(count(&operator.world.since(from), "mint"), 1);
    operator.is("TokenFresh", "True", "Succeeded");
}

#[tokio::test(start_paused = true)]
async fn an_idle_token_that_is_only_reported_is_minted_again_when_the_next_is_due() {
    let story = Story::from_the_start("idle", &[|_| {}], End::well())
        .with(&json!({"token": {"onIdleTimeout": "Report"}}));
    let mut operator = Operator::new(story.world());
    operator.world.act(|state| state.tenant.idle_timeout = Some(SignedDuration::from_mins(30)));
    operator.run_for(MINUTE * 40).await;
    operator.is("Stalled", "True", "TokenIdledOut");
    operator.is("TokenFresh", "False", "TokenIdledOut");
    let from = operator.world.place();
    operator.run_for(SignedDuration::from_hours(18)).await;
    assert_eq!(count(&operator.world.since(from), "mint"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_idle_token_is_renewed_before_it_can_have_died() {
    let story = Story::from_the_start("idle", &[|_| {}], End::well());
    let mut operator = Operator::new(story.world());
    operator.world.act(|state| state.tenant.idle_timeout = Some(SignedDuration::from_mins(30)));
    for _ in 0..120 {
        operator.run_for(MINUTE).await;
        let state = operator.world.state();
        let token = state.etcd.secret(NAMESPACE, TOKEN);
        if let Some(token) = token {
            let text = token.data["GENESYSCLOUD_ACCESS_TOKEN"].reveal();
            assert!(state.tenant.token_of(text, state.now).is_some());
        }
    }
    operator.is("Ready", "True", "Succeeded");
}
