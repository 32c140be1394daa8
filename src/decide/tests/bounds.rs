//! What one platform, one namespace or one process may not do to the others: a case a bound.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use rstest::rstest;
use serde_json::json;

use super::given::{Given, at};
use crate::api::conditions::Reason;
use crate::api::credential::{OnDrift, OnIdleTimeout, PlatformKind};
use crate::api::credential_status::DriftStatus;
use crate::api::platform::{Allowance, NamespaceChoice, RolePattern};
use crate::decide::allow::allowed;
use crate::decide::status::Report;
use crate::decide::upkeep::next_look;
use crate::model::account::RoleGrant;
use crate::model::inventory::Named;
use crate::model::platform::{Allowed, PlatformSeen};
use crate::model::seen::{Slot, TokenCheck};
use crate::model::step::{Lane, Step, Upkeep, Wants};
use crate::model::token::Introspection;

fn only(role: &str) -> Allowed {
    Allowed::Roles(vec![RolePattern { name: role.into(), division: "*".into() }])
}

/// The role of the spec is allowed; the client holds one more, and its token is due.
fn holding_more() -> Given {
    let mut given = Given::well();
    given.wish().policy.drift = OnDrift::Report;
    let catalog = Arc::make_mut(&mut given.view().catalog);
    let admin = Named { id: "r-2".into(), name: "Admin".into() };
    catalog.roles.as_mut().unwrap().push(admin);
    given.view().allowed = only("View*");
    given.client(|client| {
        client.settings.roles.insert(RoleGrant { role: "r-2".into(), division: "d-1".into() });
    });
    given.seen.carried.drift_recorded = true;
    given.token(|record| record.refresh_at = at(-1));
    given
}

const MORE: &str = "client client-1 holds role \"Admin\" in division \"Home\", which spec.allow of the platform object does not name";

/// Status and reason of a condition, and its message.
fn said<'a>(report: &'a Report, kind: &str) -> ((&'a str, &'a str), &'a str) {
    let found = report.status.conditions.iter().find(|condition| condition.type_ == kind);
    found.map_or((("absent", ""), ""), |c| ((&c.status, &c.reason), &c.message))
}

#[test]
fn a_client_that_holds_more_than_is_allowed_gets_no_new_token() {
    let mut given = holding_more();
    let Lane::Wait(wait) = given.upkeep() else { panic!("{:?}", given.upkeep()) };
    assert_eq!(wait.reason, Reason::NotAllowed);
    assert!(wait.message.ends_with(MORE), "{}", wait.message);
    let report = given.report();
    assert_eq!(said(&report, "Ready").0.0, "True", "the last good token works until it ends");
    assert_eq!(said(&report, "Synced").0, ("False", "DriftDetected"));

    given.seen.token = Slot::Missing;
    let dead = Upkeep::Dead { reason: Reason::NotAllowed, message: MORE.into() };
    assert_eq!(given.upkeep(), Lane::Settled(dead));
    let report = given.report();
    for kind in ["Ready", "TokenFresh"] {
        assert_eq!(said(&report, kind), (("False", "NotAllowed"), MORE), "{kind}");
    }
    assert_eq!(said(&report, "Stalled").0, ("True", "NotAllowed"));

    given.client(|client| client.settings.roles.retain(|grant| grant.role == "r-1"));
    assert_eq!(given.upkeep(), Lane::Do(Step::Mint), "it holds only what is allowed");
}

#[test]
fn a_suspended_object_keeps_no_token_of_a_client_that_holds_more() {
    let mut given = holding_more();
    given.wish().suspend = true;
    assert_eq!(given.upkeep(), Lane::Do(Step::DeleteSecret("etl-token".into())));
    given.seen.token = Slot::Missing;
    assert_eq!(given.upkeep(), Lane::Settled(Upkeep::Idle));
}

#[rstest]
#[case::every_role(|g: &mut Given| g.view().allowed = Allowed::AnyRole)]
#[case::both_roles(|g: &mut Given| g.view().allowed = only("*"))]
#[case::names_not_read_yet(|g: &mut Given| {
    Arc::make_mut(&mut g.view().catalog).divisions = None;
})]
fn a_client_within_what_is_allowed_gets_its_token(#[case] change: fn(&mut Given)) {
    let mut given = holding_more();
    change(&mut given);
    assert_eq!(given.upkeep(), Lane::Do(Step::Mint));
}

#[test]
fn where_roles_are_bounded_only_grants_with_roles_are_allowed() {
    let mut given = Given::new();
    given.wish().grant_types = ["authorization_code".into()].into();
    given.wish().roles.clear();
    given.wish().token = None;
    assert_eq!(given.config(), Lane::Do(Step::Reserve { attempt: 1 }));
    given.view().allowed = only("*");
    let Lane::Stuck(stuck) = given.config() else { panic!("{:?}", given.config()) };
    assert_eq!(stuck.reason, Reason::NotAllowed);
    assert!(stuck.message.contains("only client_credentials has roles"), "{}", stuck.message);
}

#[test]
fn a_selector_fits_no_namespace_whose_labels_are_unknown() {
    let selector = json!({"matchExpressions": [{"key": "quarantine", "operator": "DoesNotExist"}]});
    let choice = NamespaceChoice {
        selector: serde_json::from_value(selector).unwrap(),
        ..NamespaceChoice::default()
    };
    let allow = [Allowance { namespaces: Some(choice), roles: Vec::new() }];
    let of = |labels: Option<&BTreeMap<String, String>>| {
        allowed(PlatformKind::ClusterPlatform, &allow, "analytics", labels)
    };
    assert_eq!(of(None), Allowed::Nothing);
    assert_ne!(of(Some(&BTreeMap::new())), Allowed::Nothing, "known to have none");
}

#[test]
fn a_token_deleted_in_a_loop_is_not_minted_in_a_loop() {
    let mut given = Given::well();
    given.seen.token = Slot::Missing;
    given.last_mint = Some(at(-29));
    assert!(matches!(given.upkeep(), Lane::Wait(wait) if wait.until == at(1)));
    given.now = at(1);
    assert_eq!(given.upkeep(), Lane::Do(Step::Mint));
}

#[test]
fn a_platform_that_is_not_ready_is_looked_at_every_five_minutes_and_mints_nothing() {
    let mut given = Given::well();
    given.token(|record| record.refresh_at = at(-1));
    given.platform = PlatformSeen::NotReady {
        reason: Reason::Unreachable,
        message: "its tenant was never heard of".into(),
        credential_missing: false,
    };
    let Lane::Wait(wait) = given.config() else { panic!("{:?}", given.config()) };
    assert_eq!((wait.reason, wait.until), (Reason::PlatformNotReady, at(300)));
    assert_eq!(given.upkeep(), Lane::Settled(Upkeep::Idle));
}

#[test]
fn a_wait_for_a_list_that_should_be_there_already_lasts_a_second() {
    let mut given = Given::well();
    given.client(|client| client.settings.roles.clear());
    given.list().taken_at = at(-15);
    given.object.status.drift = Some(DriftStatus {
        detected_at: Some(at(-30)),
        corrected_at: Some(at(-20)),
        ..DriftStatus::default()
    });
    let Lane::Wait(wait) = given.config() else { panic!("{:?}", given.config()) };
    assert_eq!((wait.wants, wait.until), (Wants::List, at(1)));
}

#[rstest]
#[case::the_platforms_clock_is_behind(-5, 60)]
#[case::a_moment_ahead(30, 60)]
#[case::later(900, 900)]
fn a_token_that_lives_is_not_asked_about_again_within_a_minute(
    #[case] idles_at: i64,
    #[case] look: i64,
) {
    let mut given = Given::well();
    given.wish().token.as_mut().unwrap().on_idle_timeout = OnIdleTimeout::Report;
    given.token(|record| record.idles_at = Some(at(-5)));
    let idles_at = Some(at(idles_at));
    let alive = Introspection { idles_at, ..Introspection::default() };
    given.seen.carried.token_checked = Some(TokenCheck::Alive(alive));
    let lane = given.upkeep();
    assert!(matches!(lane, Lane::Settled(Upkeep::Fresh { .. })), "{lane:?}");
    let expected = given.now + SignedDuration::from_secs(look);
    assert_eq!(next_look(&given.inputs(), &lane), Some(expected));
}
