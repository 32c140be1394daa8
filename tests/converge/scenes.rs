//! Scenes with one point each: what is done, and what is left alone, when the world does not mend itself.

use jiff::SignedDuration;
use keysteward::model::fault::{Fault, RefusalKind};
use keysteward::model::platform::Allowed;
use serde_json::json;

use crate::deeds::{self, CREDENTIAL, TOKEN};
use crate::etcd::NAMESPACE;
use crate::faults::Plan;
use crate::operator::Operator;
use crate::story::{End, Story};
use crate::tenant::{Lag, refused, silence};
use crate::world::{Deed, State, World};

pub(crate) const MINUTE: SignedDuration = SignedDuration::from_secs(60);

/// An object at rest, all well.
pub(crate) async fn at_rest(patch: serde_json::Value) -> Operator {
    let story = Story::from_the_start("a scene", &[|_| {}], End::well()).with(&patch);
    let mut operator = Operator::new(story.world());
    operator.run_for(MINUTE * 5).await;
    operator.is("Ready", "True", "Succeeded");
    operator
}

impl Operator {
    /// Something is done, and then time passes.
    pub(crate) async fn after(&mut self, deed: Deed, span: SignedDuration) {
        self.world.act(deed);
        self.nudge();
        self.run_for(span).await;
    }

    /// Runs for so long, at rest or not.
    pub(crate) async fn run_for(&mut self, span: SignedDuration) {
        let until = self.world.now() + span;
        while self.world.now() < until {
            self.round().await;
        }
    }

    pub(crate) fn condition(&self, kind: &str) -> (String, String, String) {
        let state = self.world.state();
        let status = state.etcd.object.as_ref().and_then(|object| object.status.clone());
        let conditions = status.unwrap_or_default().conditions;
        let found = conditions.iter().find(|condition| condition.type_ == kind);
        found.map_or_else(Default::default, |c| {
            (c.status.clone(), c.reason.clone(), c.message.clone())
        })
    }

    pub(crate) fn is(&self, kind: &str, status: &str, reason: &str) {
        let (found, why, message) = self.condition(kind);
        assert_eq!((&*found, &*why), (status, reason), "{kind}: {message}");
    }
}

impl World {
    /// Names of calls since a place in the log.
    pub(crate) fn since(&self, from: usize) -> Vec<String> {
        self.state().log[from..].iter().map(|line| line.what.clone()).collect()
    }

    pub(crate) fn place(&self) -> usize {
        self.state().log.len()
    }
}

pub(crate) fn count(calls: &[String], what: &str) -> usize {
    calls.iter().filter(|call| call.starts_with(what)).count()
}

#[tokio::test(start_paused = true)]
async fn a_field_set_back_three_times_is_left_alone_until_the_other_writer_stops() {
    let mut operator = at_rest(json!({})).await;
    for round in 0..3 {
        operator.after(deeds::strip_roles, MINUTE * 3).await;
        operator.is("Synced", "True", "Succeeded");
        assert!(operator.condition("Synced").2.contains("as written"), "round {round}");
    }
    operator.after(deeds::strip_roles, MINUTE * 3).await;
    operator.is("Synced", "False", "FightingAnotherWriter");
    operator.is("Ready", "True", "Succeeded");
    let from = operator.world.place();
    operator.run_for(MINUTE * 10).await;
    let calls = operator.world.since(from);
    assert_eq!(count(&calls, "update"), 0, "left alone");
    assert_eq!(count(&calls, "write status"), 0, "said once");
    // Another field is still kept.
    operator.after(deeds::change_lifetime, MINUTE * 3).await;
    let state = operator.world.state();
    let client = state.tenant.client(&state.stored_id().unwrap()).unwrap().clone();
    assert_eq!(client.settings.access_token_lifetime, Some(SignedDuration::from_hours(24)));
    assert!(client.settings.roles.is_empty());
    drop(state);
    // A new spec is no fight.
    operator
        .after(|state| state.edit_spec(&json!({"token": {"refreshAfterPercent": 50}})), MINUTE * 3)
        .await;
    operator.is("Synced", "True", "Succeeded");
}

#[tokio::test(start_paused = true)]
async fn a_report_policy_writes_nothing_to_the_platform() {
    let mut operator = at_rest(json!({"policy": {"drift": "Report"}})).await;
    let from = operator.world.place();
    operator
        .after(
            |state| {
                deeds::add_role(state);
                deeds::rename_client(state);
            },
            MINUTE * 10,
        )
        .await;
    let calls = operator.world.since(from);
    assert_eq!(
        count(&calls, "update") + count(&calls, "create a") + count(&calls, "regenerate"),
        0
    );
    operator.is("Synced", "False", "DriftDetected");
    assert!(operator.condition("Synced").2.contains("roles should be Reporting Viewer in Home"));
}

#[tokio::test(start_paused = true)]
async fn a_client_counts_as_missing_only_after_two_sweeps() {
    let mut operator = at_rest(json!({"policy": {"onMissing": "Recreate"}})).await;
    let from = operator.world.place();
    operator.after(State::delete_client, MINUTE).await;
    assert_eq!(count(&operator.world.since(from), "create a"), 0, "one sweep is not enough");
    operator.run_for(MINUTE * 3).await;
    assert_eq!(count(&operator.world.since(from), "create a"), 1);
    operator.is("Ready", "True", "Succeeded");
}

#[tokio::test(start_paused = true)]
async fn three_unanswered_creates_are_enough() {
    let story = Story::from_the_start("unresolved", &[|_| {}], End::well());
    let mut operator = Operator::new(story.world());
    operator.world.act(|state| state.tenant.outages.creates = Some(silence()));
    operator.run_for(MINUTE * 30).await;
    assert_eq!(count(&operator.world.since(0), "create a"), 3);
    operator.is("Stalled", "True", "CreateUnresolved");
    operator.is("Ready", "False", "CreateUnresolved");
    let from = operator.world.place();
    operator.run_for(MINUTE * 30).await;
    assert_eq!(count(&operator.world.since(from), "write status"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_create_is_tried_again_and_leaves_nothing() {
    let story = Story::from_the_start("refused", &[|_| {}], End::well());
    let mut operator = Operator::new(story.world());
    operator.world.act(|state| {
        state.tenant.outages.creates = Some(refused(RefusalKind::Forbidden, "a role is not yours"));
    });
    operator.run_for(MINUTE * 30).await;
    operator.is("Stalled", "True", "Refused");
    assert!(operator.condition("Ready").2.contains("a role is not yours"));
    assert!(!operator.world.state().has_reservation());
    assert!(count(&operator.world.since(0), "create a") > 3, "a refusal is no unknown outcome");
    operator.after(|state| state.tenant.outages.creates = None, MINUTE * 60).await;
    operator.is("Ready", "True", "Succeeded");
    assert_eq!(operator.world.state().tenant.creates, 1);
}

#[tokio::test(start_paused = true)]
async fn a_back_off_grows_to_an_hour_and_then_writes_no_more() {
    let story = Story::from_the_start("refused", &[|_| {}], End::well());
    let mut operator = Operator::new(story.world());
    operator.world.act(|state| {
        state.tenant.outages.creates = Some(refused(RefusalKind::Invalid, "no"));
    });
    operator.run_for(MINUTE * 60 * 4).await;
    let from = operator.world.place();
    operator.run_for(MINUTE * 60 * 6).await;
    let calls = operator.world.since(from);
    assert_eq!(count(&calls, "write status"), 0);
    let creates = count(&calls, "create a");
    assert!((5..=7).contains(&creates), "about one an hour, not {creates} in six");
    let state = operator.world.state();
    let retry = state.etcd.object.as_ref().unwrap().status.as_ref().unwrap().retry.clone().unwrap();
    assert_eq!(retry.failures, 11);
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_asks_for_time_gets_it() {
    let story = Story::from_the_start("throttled", &[|_| {}], End::well());
    let mut operator = Operator::new(story.world());
    operator.world.act(|state| {
        let mut fault = refused(RefusalKind::Throttled, "slow down");
        if let Fault::Refused(refusal) = &mut fault {
            refusal.retry_after = Some(SignedDuration::from_secs(300));
        }
        state.tenant.outages.creates = Some(fault);
    });
    operator.run_for(SignedDuration::from_secs(295)).await;
    assert_eq!(count(&operator.world.since(0), "create a"), 1);
    operator.is("Reconciling", "True", "Throttled");
    operator.after(|state| state.tenant.outages.creates = None, MINUTE * 3).await;
    operator.is("Ready", "True", "Succeeded");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_when_another_tenant_answers() {
    let mut operator = at_rest(json!({})).await;
    let from = operator.world.place();
    operator
        .after(
            |state| {
                state.tenant.id = "tenant-2".into();
                deeds::strip_roles(state);
            },
            MINUTE * 10,
        )
        .await;
    let state = operator.world.state();
    let written =
        state.log[from..].iter().filter(|line| line.writes && line.what != "write status");
    assert_eq!(written.count(), 0);
    drop(state);
    operator.is("Stalled", "True", "TenantChanged");
    operator.after(|state| state.tenant.id = "tenant-1".into(), MINUTE * 10).await;
    operator.is("Ready", "True", "Succeeded");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_allowed_loses_its_token_and_nothing_else() {
    let mut operator = at_rest(json!({})).await;
    operator.platform.allowed = Allowed::Nothing;
    let from = operator.world.place();
    operator.after(deeds::strip_roles, MINUTE * 10).await;
    operator.is("Stalled", "True", "NotAllowed");
    let calls = operator.world.since(from);
    assert_eq!(count(&calls, "mint") + count(&calls, "update"), 0);
    let state = operator.world.state();
    assert!(state.etcd.secret(NAMESPACE, TOKEN).is_none());
    assert!(state.etcd.secret(NAMESPACE, CREDENTIAL).is_some() && state.has_true_copy());
    drop(state);
    operator.platform.allowed = Allowed::AnyRole;
    operator.after(|_| {}, MINUTE * 10).await;
    operator.is("Ready", "True", "Succeeded");
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_platform_changes_nothing_while_the_token_is_good() {
    let mut operator = at_rest(json!({})).await;
    let from = operator.world.place();
    operator.after(|state| state.tenant.outages.admin = Some(silence()), MINUTE * 60).await;
    assert_eq!(count(&operator.world.since(from), "write status"), 0);
    operator.restart();
    operator.run_for(MINUTE * 10).await;
    assert_eq!(count(&operator.world.since(from), "write status"), 0, "nor does a restart");
    assert_eq!(count(&operator.world.since(from), "mint"), 0, "nor does a restart mint");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_cannot_be_done_becomes_retain_at_its_deadline() {
    let patch = json!({"policy": {"onDelete": "Delete", "deletionDeadline": "2h"}});
    let mut operator = at_rest(patch).await;
    operator
        .after(
            |state| {
                state.tenant.outages.admin = Some(silence());
                state.delete_object();
            },
            MINUTE * 118,
        )
        .await;
    operator.is("Ready", "False", "Deleting");
    operator.run_for(MINUTE * 5).await;
    let state = operator.world.state();
    assert!(state.etcd.object.is_none() && state.has_true_copy(), "retained");
    assert_eq!(state.marked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_held_before_its_secret_was_stored_gets_no_new_one() {
    let story = Story::from_the_start("held", &[|_| {}], End::well());
    let mut operator = Operator::new(story.world());
    operator.world.arm(Plan::at(13, crate::faults::Mishap::AnswerLost));
    operator.run_for(SignedDuration::from_secs(30)).await;
    assert_eq!(operator.world.state().tenant.creates, 1);
    let hold: Deed = |state| {
        let id = state.marked().remove(0);
        let mut client = state.tenant.client(&id).unwrap().clone();
        client.description = format!("keysteward:hold\n{}", client.description);
        state.tenant.change(&id, state.now, Some(client));
    };
    operator.after(hold, MINUTE * 10).await;
    operator.is("Stalled", "True", "Held");
    assert_eq!(operator.world.state().tenant.regenerates, 0);
    assert!(operator.world.state().wrongs.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_somebody_else_stops_the_object_and_stays() {
    let story = Story::from_the_start("foreign", &[|_| {}], End::well());
    let mut operator = Operator::new(story.world());
    operator.world.act(|state| state.etcd.put_foreign(NAMESPACE, TOKEN, &[("theirs", "1")]));
    operator.run_for(MINUTE * 10).await;
    operator.is("Stalled", "True", "SecretNotOurs");
    let state = operator.world.state();
    assert!(state.etcd.foreign_untouched() && state.wrongs.is_empty());
    assert_eq!(state.tenant.creates, 0, "nothing irrevocable is done");
    drop(state);
    operator
        .after(
            |state| state.edit_spec(&json!({"token": {"secretName": "other-token"}})),
            MINUTE * 3,
        )
        .await;
    operator.is("Ready", "True", "Succeeded");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_role_is_told_with_the_name_that_was_meant() {
    let story = Story::from_the_start("slip", &[|_| {}], End::well()).with(
        &json!({"genesysCloud": {"roles": [{"name": "Reporting Viewr", "division": "Home"}]}}),
    );
    let mut operator = Operator::new(story.world());
    operator.run_for(MINUTE * 5).await;
    operator.is("Stalled", "True", "InvalidSpec");
    assert!(operator.condition("Ready").2.contains("did you mean \"Reporting Viewer\"?"));
    operator
        .after(
            |state| {
                state.edit_spec(
                    &json!({"genesysCloud": {"roles": [{"name": "Admin", "division": "Home"}]}}),
                );
            },
            MINUTE * 5,
        )
        .await;
    operator.is("Stalled", "True", "InvalidSpec");
    assert!(operator.condition("Ready").2.contains("does not itself hold role"));
    assert_eq!(operator.world.state().tenant.creates, 0);
}

/// An object at rest where reads and lists show a write late.
async fn at_rest_where_reads_lag(patch: serde_json::Value) -> Operator {
    let mut operator = at_rest(patch).await;
    operator.world.state().tenant.lag = Lag {
        read: SignedDuration::from_secs(9),
        list: SignedDuration::from_secs(9),
        ..Lag::default()
    };
    operator.run_for(MINUTE).await;
    operator
}

#[tokio::test(start_paused = true)]
async fn a_deletion_does_not_go_round_where_reads_lag() {
    let mut operator = at_rest_where_reads_lag(json!({"policy": {"onDelete": "Delete"}})).await;
    let from = operator.world.place();
    operator.after(State::delete_object, MINUTE * 3).await;
    assert!(operator.world.state().etcd.object.is_none());
    let calls = operator.world.since(from);
    assert_eq!(count(&calls, "update"), 1, "switched off once: {calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_second_change_does_not_undo_the_first_where_reads_lag() {
    let mut operator = at_rest_where_reads_lag(json!({})).await;
    let rename: Deed =
        |state| state.edit_spec(&json!({"genesysCloud": {"client": {"name": "etl-2"}}}));
    operator.after(rename, SignedDuration::from_secs(2)).await;
    let shorten: Deed =
        |state| state.edit_spec(&json!({"genesysCloud": {"accessTokenLifetime": "1h"}}));
    operator.after(shorten, SignedDuration::from_secs(2)).await;
    let state = operator.world.state();
    let client = state.tenant.client(&state.stored_id().unwrap()).unwrap();
    assert_eq!(client.settings.name, "etl-2");
    assert_eq!(client.settings.access_token_lifetime, Some(SignedDuration::from_hours(1)));
}
