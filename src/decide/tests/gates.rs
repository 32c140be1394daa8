//! What comes next, a case a rule: gates, makes, back-off, deletion.

use jiff::SignedDuration;
use rstest::rstest;

use super::given::{Given, account, at, tenant};
use crate::api::conditions::Reason;
use crate::api::credential::{OnDelete, OnDrift, OnIdleTimeout, OnMissing};
use crate::api::credential_status::DriftStatus;
use crate::decide::pace::{Retries, Retry};
use crate::model::account::{AccountId, Field, State};
use crate::model::platform::{Allowed, PlatformSeen};
use crate::model::seen::{RemoteSeen, Slot, TokenCheck};
use crate::model::step::{Config, Lane, Step, Upkeep, Wants};
use crate::model::token::Introspection;

fn step<T: std::fmt::Debug>(lane: Lane<T>) -> Step {
    match lane {
        Lane::Do(step) => step,
        other @ (Lane::Settled(_) | Lane::Wait(_) | Lane::Stuck(_)) => panic!("{other:?}"),
    }
}

fn reason<T: std::fmt::Debug>(lane: Lane<T>) -> Reason {
    match lane {
        Lane::Stuck(stuck) => stuck.reason,
        Lane::Wait(wait) => wait.reason,
        other @ (Lane::Do(_) | Lane::Settled(_)) => panic!("{other:?}"),
    }
}

fn id() -> AccountId {
    AccountId("client-1".into())
}

#[test]
fn all_well_rests() {
    let given = Given::well();
    assert_eq!(given.config(), Lane::Settled(Config::Synced));
    assert_eq!(given.upkeep(), Lane::Settled(Upkeep::Fresh { refresh_at: at(50_000) }));
}

#[test]
fn the_finalizer_goes_before_everything() {
    let mut given = Given::new();
    given.object.held = false;
    assert_eq!(given.config(), Lane::Do(Step::Hold));
}

#[test]
fn a_place_is_reserved_before_a_client_is_made() {
    let mut given = Given::new();
    assert_eq!(given.config(), Lane::Do(Step::Reserve { attempt: 1 }));
    given.reserve(at(0), 1);
    given.seen.carried.reserved = true;
    assert!(matches!(given.config(), Lane::Do(Step::Create(_))));
}

#[rstest]
#[case::too_early(at(-119), at(0), 5, false)]
#[case::too_few_lists(at(-200), at(0), 1, false)]
#[case::too_old_a_list(at(-200), at(-81), 5, false)]
#[case::looked_long_enough(at(-200), at(-80), 2, true)]
fn an_unanswered_create_is_repeated_only_after_looking(
    #[case] begun_at: jiff::Timestamp,
    #[case] taken_at: jiff::Timestamp,
    #[case] lists: u32,
    #[case] repeats: bool,
) {
    let mut given = Given::new();
    given.reserve(begun_at, 1);
    given.list().taken_at = taken_at;
    given.list().lists_since_begun = lists;
    let lane = given.config();
    if repeats {
        assert_eq!(lane, Lane::Do(Step::Reserve { attempt: 2 }));
    } else {
        assert!(matches!(lane, Lane::Wait(wait) if wait.wants == Wants::List));
    }
}

#[test]
fn the_third_unanswered_create_is_the_last() {
    let mut given = Given::new();
    given.reserve(at(-200), 3);
    given.list().lists_since_begun = 2;
    assert_eq!(reason(given.config()), Reason::CreateUnresolved);
}

#[test]
fn of_several_clients_the_oldest_that_may_be_written_is_kept() {
    let mut given = Given::new();
    given.reserve(at(-200), 1);
    let held = crate::model::account::Account { held: true, ..account() };
    let other = crate::model::account::Account { id: AccountId("client-2".into()), ..account() };
    given.list().marked = vec![held.clone(), other];
    assert_eq!(given.config(), Lane::Do(Step::Regenerate(AccountId("client-2".into()))));
    given.list().marked = vec![held];
    assert_eq!(reason(given.config()), Reason::Held);
}

#[rstest]
#[case::an_active_one(State::Active, Step::SwitchOff(AccountId("client-2".into())))]
#[case::an_inactive_one(State::Inactive, Step::Delete(AccountId("client-2".into())))]
fn a_second_client_of_ours_goes(#[case] state: State, #[case] wanted: Step) {
    let mut given = Given::well();
    let second =
        crate::model::account::Account { id: AccountId("client-2".into()), state, ..account() };
    given.list().marked.push(second);
    assert_eq!(step(given.config()), wanted);
}

#[test]
fn drift_is_written_down_then_read_then_corrected() {
    let mut given = Given::well();
    given.client(|client| client.settings.roles.clear());
    assert!(matches!(given.config(), Lane::Do(Step::RecordDrift(_))));
    given.seen.carried.drift_recorded = true;
    assert_eq!(given.config(), Lane::Do(Step::Read(id())));
    given.seen.remote.snapshot =
        given.seen.remote.mine.clone().map(|account| crate::provider::Snapshot {
            account,
            document: serde_json::Value::Null,
        });
    assert!(
        matches!(given.config(), Lane::Do(Step::Update(_, fields)) if fields == [Field::Roles].into())
    );
}

#[test]
fn a_list_from_before_the_last_correction_proves_no_drift() {
    let mut given = Given::well();
    given.client(|client| client.settings.roles.clear());
    given.object.status.drift = Some(DriftStatus {
        detected_at: Some(at(-20)),
        corrected_at: Some(at(-5)),
        ..DriftStatus::default()
    });
    assert!(matches!(given.config(), Lane::Wait(wait) if wait.wants == Wants::List));
    given.list().taken_at = at(6);
    assert!(matches!(given.config(), Lane::Do(Step::RecordDrift(_))));
}

#[test]
fn a_changed_spec_is_no_drift() {
    let mut given = Given::well();
    given.object.generation = 2;
    given.client(|client| client.settings.roles.clear());
    given.wish().policy.drift = OnDrift::Report;
    assert_eq!(given.config(), Lane::Do(Step::Read(id())), "carried out whatever the drift policy");
}

#[test]
fn a_back_off_holds_back_its_own_lane_only() {
    let mut given = Given::well();
    given.client(|client| client.settings.roles.clear());
    given.seen.carried.drift_recorded = true;
    given.token(|record| record.refresh_at = at(-1));
    let retry = Some(Retry { failures: 3, until: at(20) });
    given.retries = Retries { config: retry, upkeep: None };
    assert!(matches!(given.config(), Lane::Wait(wait) if wait.until == at(20)));
    assert_eq!(given.upkeep(), Lane::Do(Step::Mint));
    given.retries = Retries { config: None, upkeep: retry };
    assert_eq!(given.config(), Lane::Do(Step::Read(id())));
    assert!(matches!(given.upkeep(), Lane::Wait(wait) if wait.until == at(20)));
    given.now = at(20);
    assert_eq!(given.upkeep(), Lane::Do(Step::Mint));
}

#[rstest]
#[case::suspended(|g: &mut Given| g.wish().suspend = true)]
#[case::out_of_reach(|g: &mut Given| g.view().trouble = Some("no answer".into()))]
#[case::stuck(|g: &mut Given| g.wish().roles[0].division = "Nowhere".into())]
fn a_token_is_renewed_though_the_account_is(#[case] trouble: fn(&mut Given)) {
    let mut given = Given::well();
    trouble(&mut given);
    given.token(|record| record.refresh_at = at(-1));
    assert_eq!(given.upkeep(), Lane::Do(Step::Mint));
    assert!(!matches!(given.config(), Lane::Do(_)));
}

#[rstest]
#[case::another_tenant(|g: &mut Given| g.view().other_tenant = Some(tenant("t-2")))]
#[case::a_lost_claim(|g: &mut Given| g.lost_claim = Some("it is of another"))]
#[case::being_deleted(|g: &mut Given| g.object.deleting_since = Some(at(-1)))]
fn no_token_is_minted_for(#[case] trouble: fn(&mut Given)) {
    let mut given = Given::well();
    trouble(&mut given);
    given.token(|record| record.refresh_at = at(-1));
    assert_eq!(given.upkeep(), Lane::Settled(Upkeep::Idle));
}

#[test]
fn two_mints_are_half_a_minute_apart() {
    let mut given = Given::well();
    given.token(|record| {
        record.minted_at = at(-29);
        record.intact = false;
    });
    assert!(matches!(given.upkeep(), Lane::Wait(wait) if wait.until == at(1)));
    given.now = at(1);
    assert_eq!(given.upkeep(), Lane::Do(Step::Mint));
}

#[test]
fn a_renamed_secret_goes_after_its_successor_is_there() {
    let mut given = Given::well();
    let Slot::Ours(old) = given.seen.published.clone() else { panic!("published") };
    given.seen.stale = vec![crate::model::secret::StoredSecret { name: "old".into(), ..old }];
    assert_eq!(given.upkeep(), Lane::Do(Step::DeleteSecret("old".into())));
    given.seen.token = Slot::Missing;
    assert_eq!(given.upkeep(), Lane::Do(Step::Mint), "first what takes its place");
    given.view().allowed = Allowed::Nothing;
    assert_eq!(
        given.upkeep(),
        Lane::Do(Step::DeleteSecret("old".into())),
        "unless nothing is allowed"
    );
}

#[test]
fn whether_a_token_outlives_its_clients_activity_is_asked() {
    let mut given = Given::well();
    given.wish().policy.drift = OnDrift::Report;
    given.client(|client| client.state = State::Inactive);
    assert_eq!(given.upkeep(), Lane::Do(Step::CheckToken));
    given.seen.carried.token_checked = Some(TokenCheck::Dead);
    assert!(matches!(
        given.upkeep(),
        Lane::Settled(Upkeep::Dead { reason: Reason::TokenDead, .. })
    ));
    given.seen.carried.token_checked = Some(TokenCheck::Alive(Introspection::default()));
    assert!(matches!(given.upkeep(), Lane::Settled(Upkeep::Fresh { .. })));
}

#[test]
fn an_idle_token_is_asked_about_where_that_is_all_that_is_wanted_and_renewed_elsewhere() {
    let mut given = Given::well();
    given.token(|record| record.idles_at = Some(at(-1)));
    assert_eq!(given.upkeep(), Lane::Do(Step::Mint));
    if let Some(token) = &mut given.wish().token {
        token.on_idle_timeout = OnIdleTimeout::Report;
    }
    assert_eq!(given.upkeep(), Lane::Do(Step::CheckToken));
}

fn deleting(on_delete: OnDelete) -> Given {
    let mut given = Given::well();
    given.object.deleting_since = Some(at(-10));
    given.object.policy.on_delete = on_delete;
    given
}

#[test]
fn retain_needs_no_platform() {
    let mut given = deleting(OnDelete::Retain);
    given.platform = PlatformSeen::Missing;
    given.seen.remote = RemoteSeen::default();
    assert_eq!(given.config(), Lane::Do(Step::Retain));
}

#[rstest]
#[case::a_missing_platform(|g: &mut Given| g.platform = PlatformSeen::Missing)]
#[case::a_missing_credential(|g: &mut Given| g.view().credential_missing = true)]
#[case::the_deadline(|g: &mut Given| {
    g.view().trouble = Some("no answer".into());
    g.object.policy.deletion_deadline = SignedDuration::from_secs(10);
})]
fn a_deletion_becomes_retain_with(#[case] trouble: fn(&mut Given)) {
    let mut given = deleting(OnDelete::Delete);
    trouble(&mut given);
    assert_eq!(given.config(), Lane::Do(Step::Retain));
}

#[rstest]
#[case::out_of_reach(|g: &mut Given| g.view().trouble = Some("no answer".into()))]
#[case::another_tenant(|g: &mut Given| g.view().other_tenant = Some(tenant("t-2")))]
#[case::held(|g: &mut Given| {
    g.seen.token = Slot::Missing;
    g.client(|client| client.held = true);
})]
fn a_deletion_waits_while(#[case] trouble: fn(&mut Given)) {
    let mut given = deleting(OnDelete::Delete);
    trouble(&mut given);
    assert_eq!(reason(given.config()), Reason::Deleting);
}

#[test]
fn a_deletion_ends_the_token_then_the_client_then_the_secrets_then_the_object() {
    let mut given = deleting(OnDelete::Delete);
    assert_eq!(step(given.config()), Step::RevokeToken);
    given.seen.carried.revoked = true;
    assert_eq!(step(given.config()), Step::SwitchOff(id()));
    given.client(|client| client.state = State::Inactive);
    assert_eq!(step(given.config()), Step::Delete(id()));
    given.list().marked.clear();
    given.seen.remote.mine = None;
    assert_eq!(step(given.config()), Step::Read(id()));
    given.seen.remote.absent_now = true;
    assert_eq!(step(given.config()), Step::Forget);
    given.seen.true_copy = Slot::Missing;
    assert_eq!(step(given.config()), Step::DeleteSecret("etl-token".into()));
    given.seen.token = Slot::Missing;
    assert_eq!(step(given.config()), Step::DeleteSecret("etl-credential".into()));
    given.seen.published = Slot::Missing;
    assert_eq!(step(given.config()), Step::Release);
    given.object.held = false;
    assert_eq!(given.config(), Lane::Settled(Config::Released));
}

#[test]
fn a_disabled_client_keeps_its_credential() {
    let mut given = deleting(OnDelete::Disable);
    given.seen.carried.revoked = true;
    assert_eq!(step(given.config()), Step::SwitchOff(id()));
    given.client(|client| client.state = State::Inactive);
    assert_eq!(step(given.config()), Step::Retain);
}

#[test]
fn a_client_made_a_moment_ago_is_not_missing_yet() {
    let mut given = Given::well();
    given.wish().policy.on_missing = OnMissing::Recreate;
    given.list().marked.clear();
    given.seen.remote.mine = None;
    given.seen.remote.absent_now = true;
    given.seen.remote.misses = 2;
    let Slot::Ours(copy) = &mut given.seen.true_copy else { panic!("a credential is stored") };
    copy.made_at = Some(at(-119));
    assert!(matches!(given.config(), Lane::Wait(wait) if wait.wants == Wants::List));
    given.now = at(1);
    assert_eq!(given.config(), Lane::Do(Step::Forget));
}
