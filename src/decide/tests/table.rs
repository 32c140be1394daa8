//! The table of conditions: a case a row.

use jiff::SignedDuration;
use rstest::rstest;

use super::given::{Given, at, refused, tenant, unanswered};
use crate::api::ServiceAccountCredentialStatus;
use crate::api::credential::{OnDelete, OnDrift, OnMissing};
use crate::api::credential_status::{DriftStatus, RemoteStatus, UndoneField};
use crate::decide::status::Report;
use crate::model::account::{AccountId, State};
use crate::model::desired::Invalid;
use crate::model::fault::{Fault, RefusalKind};
use crate::model::platform::{Allowed, PlatformSeen};
use crate::model::secret_text::SecretText;
use crate::model::seen::{Answer, Slot};
use crate::model::step::{Because, Step};
use crate::model::token::Credential;

/// `Ready`, `Synced`, `TokenFresh`, `Reconciling`, `Stalled`: T, F, U, `-` absent, `=` as it was.
type Row = &'static str;

fn letter(report: &Report, kind: &str) -> char {
    let found = report.status.conditions.iter().find(|condition| condition.type_ == kind);
    match found.map(|condition| condition.status.as_str()) {
        Some("True") => 'T',
        Some("False") => 'F',
        Some(_) => 'U',
        None => '-',
    }
}

const KINDS: [&str; 5] = ["Ready", "Synced", "TokenFresh", "Reconciling", "Stalled"];

fn shows(given: &Given, row: Row) -> Report {
    let report = given.report();
    let before = Report { status: given.object.status.clone(), ..report.clone() };
    for (kind, wanted) in KINDS.iter().zip(row.chars()) {
        let wanted = if wanted == '=' { letter(&before, kind) } else { wanted };
        assert_eq!(letter(&report, kind), wanted, "{kind}\n{:#?}", report.status.conditions);
    }
    let ready_false = letter(&report, "Ready") == 'F';
    let abnormal = usize::from(letter(&report, "Reconciling") == 'T')
        + usize::from(letter(&report, "Stalled") == 'T');
    assert_eq!(abnormal, usize::from(ready_false), "{:#?}", report.status.conditions);
    for condition in &report.status.conditions {
        assert_eq!(condition.observed_generation, Some(given.object.generation));
        let old = given.object.status.conditions.iter().find(|old| old.type_ == condition.type_);
        if let Some(old) = old {
            let moved = old.last_transition_time != condition.last_transition_time;
            assert_eq!(moved, old.status != condition.status, "the time of {}", condition.type_);
        }
    }
    report
}

fn deleting(given: &mut Given) {
    given.object.deleting_since = Some(at(-10));
}

fn refuses_the_write(given: &mut Given) {
    given.client(|client| client.state = State::Inactive);
    let step = Step::Read(AccountId("client-1".into()));
    given.config_failure = Some(refused(step, RefusalKind::Forbidden));
}

fn mint_fails(given: &mut Given) {
    given.token(|record| record.refresh_at = at(-10));
    given.upkeep_failure = Some(unanswered(Step::Mint));
}

fn fights(given: &mut Given) {
    given.client(|client| client.settings.name = "theirs".into());
    given.object.status.drift = Some(DriftStatus {
        detected_at: Some(at(-5)),
        undone: vec![UndoneField { field: "client.name".into(), times: 3, last_at: Some(at(-5)) }],
        ..DriftStatus::default()
    });
    given.seen.carried.drift_recorded = true;
}

fn credential_lost(given: &mut Given) {
    given.seen.true_copy = Slot::Missing;
    given.seen.published = Slot::Missing;
    given.object.status.remote =
        Some(RemoteStatus { client_id: Some("client-1".into()), ..RemoteStatus::default() });
}

fn gone(given: &mut Given) {
    given.list().marked.clear();
    given.seen.remote.mine = None;
    given.seen.remote.absent_now = true;
    given.seen.remote.misses = 2;
}

fn unreachable(given: &mut Given) {
    given.view().trouble = Some("could not list clients: no answer".into());
}

fn suspended(given: &mut Given) {
    given.wish().suspend = true;
}

fn nothing_published(given: &mut Given) {
    given.seen.published = Slot::Missing;
    given.seen.token = Slot::Missing;
    given.seen.true_copy = Slot::Missing;
}

fn answered(given: &mut Given) {
    given.reserve(at(-20), 1);
    let Slot::Ours(reservation) = &mut given.seen.reservation else { panic!("just reserved") };
    reservation.answer = Some(Answer {
        credential: Credential {
            client_id: "client-1".into(),
            client_secret: SecretText::new("s"),
        },
        at: at(-1),
        tries: 0,
        tried_at: None,
    });
}

#[rstest]
#[case::being_deleted("F==T-", deleting)]
#[case::being_deleted_with_a_platform_out_of_reach("F==T-", |g: &mut Given| {
    deleting(g);
    g.object.policy.on_delete = OnDelete::Delete;
    unreachable(g);
})]
#[case::a_refusal("FF=-T", refuses_the_write)]
#[case::a_bad_spec("FF=-T", |g: &mut Given| g.desired = Err(Invalid("spec.x must be y".into())))]
#[case::not_allowed("FF=-T", |g: &mut Given| g.view().allowed = Allowed::Nothing)]
#[case::another_tenant("FF=-T", |g: &mut Given| g.view().other_tenant = Some(tenant("t-2")))]
#[case::a_credential_of_another_tenant("FF=-T", |g: &mut Given| g.view().tenant = tenant("t-2"))]
#[case::a_lost_claim("FF=-T", |g: &mut Given| g.lost_claim = Some("Secret x is of another"))]
#[case::a_foreign_secret("FF=-T", |g: &mut Given| g.seen.published = Slot::Foreign("helm".into()))]
#[case::a_managing_client("FF=-T", |g: &mut Given| {
    g.view().managing_clients = std::sync::Arc::new(["client-1".to_owned()].into());
})]
#[case::no_platform("FF=-T", |g: &mut Given| g.platform = PlatformSeen::Missing)]
#[case::a_platform_of_another_system("FF=-T", |g: &mut Given| g.platform = PlatformSeen::OtherSystem { is: "Keycloak" })]
#[case::the_true_copy_gone("FF=-T", credential_lost)]
#[case::the_client_gone_and_only_reported("FFF-T", gone)]
#[case::disabled_by_the_vendor("FFF-T", |g: &mut Given| g.client(|client| client.state = State::DisabledByVendor))]
#[case::suspended_with_nothing_published("FUU-T", |g: &mut Given| {
    suspended(g);
    nothing_published(g);
})]
#[case::expired("F=FT-", |g: &mut Given| {
    mint_fails(g);
    g.token(|record| record.expires_at = at(-1));
})]
#[case::expired_while_suspended("FUFT-", |g: &mut Given| {
    suspended(g);
    mint_fails(g);
    g.token(|record| record.expires_at = at(-1));
})]
#[case::a_spec_change_under_way("FU=T-", |g: &mut Given| {
    g.object.generation = 2;
    unreachable(g);
})]
#[case::suspended_with_a_good_token("TUT--", suspended)]
#[case::switched_off_as_written("TTF--", |g: &mut Given| {
    g.wish().enabled = false;
    g.client(|client| client.state = State::Inactive);
    g.seen.token = Slot::Missing;
})]
#[case::drift_only_reported("TFT--", |g: &mut Given| {
    g.wish().policy.drift = OnDrift::Report;
    g.seen.carried.drift_recorded = true;
    g.client(|client| client.settings.name = "theirs".into());
})]
#[case::drift_fought_over("TFT--", fights)]
#[case::drift_of_a_held_client("TFT--", |g: &mut Given| {
    g.client(|client| {
        client.held = true;
        client.settings.name = "theirs".into();
    });
})]
#[case::drift_being_corrected("TFT--", |g: &mut Given| {
    g.object.status.drift = Some(DriftStatus { detected_at: Some(at(-5)), ..DriftStatus::default() });
    g.client(|client| client.settings.name = "theirs".into());
    g.config_failure = Some(unanswered(Step::Read(AccountId("client-1".into()))));
})]
#[case::a_held_client_as_written("TTT--", |g: &mut Given| g.client(|client| client.held = true))]
#[case::a_refresh_that_fails("TTF--", mint_fails)]
#[case::an_unreachable_platform("=====", unreachable)]
#[case::a_platform_without_a_session("=====", |g: &mut Given| g.platform = PlatformSeen::NotReady {
    reason: crate::api::conditions::Reason::Unreachable,
    message: "no answer".into(),
    credential_missing: false,
})]
#[case::all_well("TTT--", |_: &mut Given| {})]
fn a_row_of_the_table(#[case] row: Row, #[case] change: fn(&mut Given)) {
    let mut given = Given::well();
    change(&mut given);
    shows(&given, row);
}

#[rstest]
#[case::the_first_pass("FUUT-", |g: &mut Given| g.platform = PlatformSeen::NotReady {
    reason: crate::api::conditions::Reason::Progressing,
    message: "its first sweep is not through".into(),
    credential_missing: false,
})]
#[case::an_answer_that_is_not_proven_yet("FUUT-", answered)]
#[case::a_create_that_is_not_answered("FUUT-", |g: &mut Given| {
    g.reserve(at(-20), 1);
    g.config_failure = Some(unanswered(Step::StoreAnswer));
})]
#[case::switched_off_before_it_was_made("TTF--", |g: &mut Given| g.wish().enabled = false)]
fn a_row_for_an_object_just_applied(#[case] row: Row, #[case] change: fn(&mut Given)) {
    let mut given = Given::new();
    change(&mut given);
    shows(&given, row);
}

#[test]
fn token_fresh_is_absent_where_no_token_is_asked_for() {
    let mut given = Given::well();
    given.wish().token = None;
    given.seen.token = Slot::Missing;
    shows(&given, "TT---");
}

#[test]
fn a_spec_that_cannot_be_read_does_not_invent_a_token() {
    let mut given = Given::new();
    given.desired = Err(Invalid("spec.x must be y".into()));
    shows(&given, "FF--T");
}

#[test]
fn a_spec_that_cannot_be_read_changes_conditions_alone() {
    let mut given = Given::well();
    given.object.status = given.report().status;
    let before = given.object.status.clone();
    given.desired = Err(Invalid("spec.x must be y".into()));
    given.object.generation = 2;
    let after = given.report().status;
    assert_ne!(after.conditions, before.conditions);
    assert!(before.remote.is_some() && before.token.is_some() && before.credential.is_some());
    let rest = |status: &ServiceAccountCredentialStatus| ServiceAccountCredentialStatus {
        observed_generation: None,
        conditions: Vec::new(),
        ..status.clone()
    };
    assert_eq!(rest(&after), rest(&before));
}

#[test]
fn a_pass_that_finds_nothing_new_says_nothing_new() {
    let mut given = Given::well();
    for change in
        [|_: &mut Given| {}, |g: &mut Given| refuses_the_write(g), |g: &mut Given| mint_fails(g)]
    {
        change(&mut given);
        given.object.status = given.report().status;
        given.config_failure = None;
        // A new process tries the token at once, and fails as the one before.
        given.retries = crate::decide::status::remembered(&given.object.status, 1);
        given.now = at(1);
        let again = given.report();
        assert_eq!(again.status.conditions, given.object.status.conditions);
        given = Given::well();
    }
}

#[test]
fn a_correlation_id_of_its_own_is_nothing_new_to_say() {
    let mut given = Given::well();
    refuses_the_write(&mut given);
    let first = given.report().status;
    given.object.status = first.clone();
    given.now = at(5);
    if let Some(Because::Platform(Fault::Refused(refusal))) =
        given.config_failure.as_mut().map(|failure| &mut failure.because)
    {
        refusal.correlation_id = Some("c-2".into());
    }
    assert_eq!(given.report().status.conditions, first.conditions);
}

#[test]
fn a_token_that_was_just_renewed_is_ready_though_the_platform_is_out_of_reach() {
    let mut given = Given::well();
    mint_fails(&mut given);
    given.token(|record| record.expires_at = at(-1));
    given.object.status = given.report().status;
    given.upkeep_failure = None;
    given.token(|record| {
        record.expires_at = at(80_000);
        record.refresh_at = at(50_000);
    });
    unreachable(&mut given);
    let outcome = crate::model::step::Outcome {
        config: given.config(),
        upkeep: given.upkeep(),
        config_failure: None,
        upkeep_failure: None,
        done: vec![Step::Mint, Step::Introspect, Step::WriteToken],
    };
    let report = crate::decide::status::report(&given.inputs(), &outcome);
    assert_eq!((letter(&report, "Ready"), letter(&report, "TokenFresh")), ('T', 'T'));
}

#[test]
fn the_next_look_is_when_the_token_is_due() {
    let given = Given::well();
    assert_eq!(given.report().next_look, Some(at(50_000)));
}

#[test]
fn a_stuck_object_is_looked_at_each_sweep() {
    let mut given = Given::well();
    given.view().allowed = Allowed::Nothing;
    given.seen.token = Slot::Missing;
    assert_eq!(given.report().next_look, Some(at(300)));
}

#[test]
fn a_deletion_is_looked_at_no_later_than_its_deadline() {
    let mut given = Given::well();
    deleting(&mut given);
    given.object.policy.on_delete = OnDelete::Delete;
    given.object.policy.deletion_deadline = SignedDuration::from_secs(12);
    unreachable(&mut given);
    assert_eq!(given.report().next_look, Some(at(2)));
}

#[test]
fn a_client_that_is_gone_waits_for_a_person_unless_the_policy_says_otherwise() {
    let mut given = Given::well();
    gone(&mut given);
    given.wish().policy.on_missing = OnMissing::Recreate;
    assert_eq!(given.config(), crate::model::step::Lane::Do(Step::Forget));
}
