//! Who may claim a client name, and who has it.

use serde_json::json;

use super::ground::{Ground, client, object, of_all, of_team_a, session};

/// An object of a team on the shared platform; the name of its client is that of all others.
fn shared(team: &str, created_at: &str) -> serde_json::Value {
    object(
        team,
        json!({
            "metadata": {"namespace": team, "creationTimestamp": created_at},
            "spec": {
                "platformRef": {"kind": "ClusterPlatform", "name": "shared"},
                "genesysCloud": {"client": {"name": "reporting"}},
            },
        }),
    )
}

fn allow(teams: &[&str]) -> serde_json::Value {
    let roles = json!([{"name": "*", "division": "*"}]);
    json!({"spec": {"allow": [{"namespaces": {"names": teams}, "roles": roles}]}})
}

#[tokio::test]
async fn who_is_not_allowed_cannot_take_a_name_from_who_is() {
    for (teams, reason) in [
        (&["team-a", "team-b"][..], "ClaimedByAnother"),
        // The older one may not work there, so its claim counts for nothing.
        (&["team-b"][..], "Unreachable"),
    ] {
        let mut ground = Ground::new();
        ground.ready(&of_all("shared"), allow(teams), session("t-1", "admin", Vec::new()));
        ground.show(shared("team-a", "2026-11-01T10:00:00Z"));
        let younger = ground.show(shared("team-b", "2026-11-02T10:00:00Z"));
        ground.pass(&younger).await;
        let (_, found, message) = ground.said("team-b", "team-b", "Ready");
        assert_eq!(found, reason, "{teams:?}: {message}");
    }
}

#[tokio::test]
async fn a_name_is_held_by_the_client_that_has_it_and_not_by_a_word_in_a_status() {
    for (name, reason) in [("elsewhere", "Unreachable"), ("reporting", "ClaimedByAnother")] {
        let mut ground = Ground::new();
        let accounts = vec![client("client-2", name)];
        ground.ready(&of_team_a(), json!({}), session("t-1", "admin", accounts));
        let wants = json!({"genesysCloud": {"client": {"name": "reporting"}}});
        let older = ground.show(object("older", json!({"spec": wants})));
        ground.show(object(
            "younger",
            json!({
                "metadata": {"creationTimestamp": "2026-11-02T10:00:00Z"},
                "spec": wants,
                "status": {"remote": {"clientId": "client-2"}},
            }),
        ));
        ground.pass(&older).await;
        let (_, found, message) = ground.said("team-a", "older", "Ready");
        assert_eq!(found, reason, "its client is named {name}: {message}");
    }
}

#[tokio::test]
async fn the_same_name_on_a_platform_that_never_answered_is_no_rival() {
    let mut ground = Ground::new();
    ground.ready(&of_team_a(), json!({}), session("t-1", "admin", Vec::new()));
    let pinned = ground.platform(&of_all("shared"), 1, allow(&["team-b"]));
    ground.show(shared("team-b", "2026-11-01T10:00:00Z"));
    let younger = ground.show(object(
        "younger",
        json!({
            "metadata": {"creationTimestamp": "2026-11-02T10:00:00Z"},
            "spec": {"genesysCloud": {"client": {"name": "reporting"}}},
        }),
    ));
    ground.pass(&younger).await;
    assert_eq!(ground.said("team-a", "younger", "Ready").1, "Unreachable");

    let live = session("t-1", "admin-2", Vec::new());
    pinned.set(crate::run::platforms::State::Ready(std::sync::Arc::new(live)));
    ground.operator.wake(&("team-a".into(), "younger".into()));
    ground.pass(&younger).await;
    assert_eq!(ground.said("team-a", "younger", "Ready").1, "ClaimedByAnother");
}
