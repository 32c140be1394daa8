//! What the task of one platform does while the platform cannot be connected, and what it may say.

use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::ground::{Ground, object, of_team_a};
use crate::model::platform::PlatformSeen;
use crate::model::step::Wants;
use crate::run::operator::clock;
use crate::run::platforms::{Entry, Found};
use crate::run::sweep;

const CREDENTIAL: &str = "GET /api/v1/namespaces/team-a/secrets/admin";
const STATUS: &str =
    "PATCH /apis/keysteward.dev/v1alpha1/namespaces/team-a/platforms/contact-center/status";

/// Lets the sweeper run for half a minute less a second, on a clock that waits for nobody.
async fn run_for_29_s(ground: &Ground, entry: &Arc<Entry>) {
    let (operator, stop) = (Arc::clone(&ground.operator), CancellationToken::new());
    let swept = sweep::run(operator, Arc::clone(entry), stop);
    tokio::time::timeout(Duration::from_secs(29), swept).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_wish_that_an_unconnected_platform_cannot_meet_does_not_make_it_spin() {
    let ground = Ground::new();
    let entry = ground.platform(&of_team_a(), 1, json!({}));
    entry.want(Wants::List, clock());
    run_for_29_s(&ground, &entry).await;
    let looks = ground.server.sent(CREDENTIAL).len();
    assert_eq!(looks, 1, "the next look is due after 30 s");
    assert_eq!(entry.wanted_at(), None);
}

#[tokio::test(start_paused = true)]
async fn a_generation_that_is_no_longer_current_says_nothing() {
    let ground = Ground::new();
    let old = ground.platform(&of_team_a(), 1, json!({}));
    let new = ground.platform(&of_team_a(), 2, json!({}));
    run_for_29_s(&ground, &old).await;
    assert_eq!(ground.server.sent(STATUS).len(), 0);
    run_for_29_s(&ground, &new).await;
    let said = ground.server.sent(STATUS);
    assert_eq!(said.len(), 1);
    assert_eq!(said[0][1]["value"]["observedGeneration"], 2);
}

/// A status that names the tenant, as written for this generation with this word on the credential.
fn heard_of(generation: i64, accepted: &str) -> Value {
    json!({
        "tenantId": "t-1", "tenantName": "Acme", "observedGeneration": generation,
        "conditions": [{
            "type": "CredentialValid", "status": accepted, "reason": "Succeeded", "message": "",
            "lastTransitionTime": "2026-11-01T10:00:00Z",
        }],
    })
}

fn pinned() -> Value {
    json!({"spec": {"tenantId": "t-1"}})
}

fn remembered(generation: i64, accepted: &str) -> Value {
    json!({"status": heard_of(generation, accepted)})
}

/// Nobody answers where the platform should be; with or without its credential.
#[rstest]
#[case::only_pinned(pinned(), false)]
#[case::heard_by_an_older_generation(remembered(2, "True"), false)]
#[case::its_credential_was_refused(remembered(3, "False"), false)]
#[case::heard_by_this_generation(remembered(3, "True"), true)]
#[tokio::test]
async fn a_tenant_counts_once_it_has_answered_to_this_generation(
    #[case] change: Value,
    #[case] ready: bool,
    #[values(true, false)] has_credential: bool,
) {
    let mut ground = Ground::new();
    let entry = ground.platform(&of_team_a(), 3, change);
    ground.show(object("etl", json!({})));
    if has_credential {
        let input = json!({
            "metadata": {"namespace": "team-a", "name": "admin"}, "type": "keysteward.dev/input",
            "data": {"client_id": "YWRtaW4=", "client_secret": "Y2FuYXJ5"},
        });
        ground.server.put("/api/v1/namespaces/team-a/secrets/admin", input);
    }
    let (operator, stop) = (Arc::clone(&ground.operator), CancellationToken::new());
    tokio::select! {
        () = sweep::run(operator, Arc::clone(&entry), stop) => panic!("it goes on"),
        woken = tokio::time::timeout(Duration::from_mins(1), ground.woken.recv()) => {
            assert_eq!(woken.unwrap().unwrap().name, "etl");
        }
    }
    let platforms = &ground.operator.platforms;
    let found = platforms.find(&of_team_a(), None, "team-a", None);
    match found {
        Found::Seen(PlatformSeen::Ready(view), Some(_)) => {
            assert!(ready, "tokens would be minted there");
            assert!(view.trouble.is_some());
            assert_eq!(view.tenant.id, "t-1");
            assert_eq!(view.credential_missing, !has_credential);
        }
        Found::Seen(PlatformSeen::NotReady { credential_missing, .. }, None) => {
            assert!(!ready, "tokens would not go on");
            assert_eq!(credential_missing, !has_credential);
            let unknown = "Platform team-a/contact-center";
            assert_eq!(platforms.tenant_of(&of_team_a()), unknown, "it claims nothing there");
        }
        other @ (Found::Starting | Found::Seen(..)) => panic!("{other:?}"),
    }
}
