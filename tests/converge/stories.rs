//! Every story that must end well, whatever call goes wrong and wherever the process dies.

use jiff::SignedDuration;
use serde_json::json;

use crate::deeds::{self, CREDENTIAL, TOKEN};
use crate::endings;
use crate::etcd::NAMESPACE;
use crate::story::{End, Remote, Story};
use crate::tenant::Lag;
use crate::world::Deed;

pub(crate) const NOTHING: &[Deed] = &[|_| {}];

pub(crate) fn all() -> Vec<Story> {
    let mut stories = first_creates();
    stories.extend(drifts());
    stories.extend(secrets());
    stories.extend(switches());
    stories.extend(endings::second_lives());
    stories.extend(endings::deletions());
    stories
}

pub(crate) fn slow() -> Lag {
    Lag {
        create: SignedDuration::from_secs(100),
        list: SignedDuration::from_secs(8),
        read: SignedDuration::from_secs(8),
    }
}

fn first_creates() -> Vec<Story> {
    vec![
        Story::from_the_start("first create", NOTHING, End::well()),
        Story::from_the_start(
            "first create without a token",
            NOTHING,
            End { token: false, fresh: None, ..End::well() },
        )
        .with(&json!({"token": null})),
        Story::from_the_start(
            "first create without a published credential",
            NOTHING,
            End { published: false, ..End::well() },
        )
        .with(&json!({"credential": null})),
        Story::from_the_start("first create where lists lag", NOTHING, End::well()).lagging(slow()),
        Story::from_the_start(
            "first create of one that is off",
            NOTHING,
            End {
                remote: Remote::Absent,
                true_copy: false,
                published: false,
                token: false,
                ready: ("True", "Disabled"),
                fresh: Some("False"),
                ..End::well()
            },
        )
        .with(&json!({"enabled": false})),
        Story::from_the_start(
            "a login client, which mints nothing",
            NOTHING,
            End { token: false, fresh: None, remote: Remote::Differs, ..End::well() },
        )
        .with(&json!({
            "token": null,
            "genesysCloud": {
                "grantTypes": ["authorization_code"],
                "roles": null,
                "scopes": ["users"],
                "redirectUris": ["https://app.example/callback"],
            },
        })),
        Story::from_the_start(
            "the spec changes in the midst of a create",
            &[|state| {
                state.interruption = Some((12, |state| {
                    state.edit_spec(&json!({"genesysCloud": {"client": {"name": "later"}}}));
                }));
            }],
            End::well(),
        ),
    ]
}

fn drifts() -> Vec<Story> {
    let reported = End { remote: Remote::Differs, synced: "False", ..End::well() };
    vec![
        Story::new("switched off behind our back", &[deeds::switch_off], End::well()),
        Story::new("roles stripped", &[deeds::strip_roles], End::well()),
        Story::new("a role added", &[deeds::add_role], End::well()),
        Story::new("grant type changed", &[deeds::change_grant], End::well()),
        Story::new("lifetime changed", &[deeds::change_lifetime], End::well()),
        Story::new("client renamed", &[deeds::rename_client], End::well()),
        Story::new("marker erased", &[deeds::erase_marker], End::well()),
        Story::new("people describe it", &[deeds::describe], End::well()),
        Story::new(
            "all of it at once",
            &[|state| {
                deeds::switch_off(state);
                deeds::strip_roles(state);
                deeds::change_grant(state);
            }],
            End::well(),
        ),
        Story::new(
            "drift where lists and reads lag",
            &[deeds::switch_off, deeds::strip_roles],
            End::well(),
        )
        .lagging(slow()),
        Story::new("drift that is only reported", &[deeds::add_role], reported.clone())
            .with(&json!({"policy": {"drift": "Report"}})),
        Story::new(
            "drift of a held client",
            &[|state| {
                deeds::put_hold(state);
                deeds::add_role(state);
            }],
            reported,
        ),
        Story::new(
            "drift of a client whose hold is lifted",
            &[
                |state| {
                    deeds::put_hold(state);
                    deeds::add_role(state);
                },
                deeds::lift_hold,
            ],
            End::well(),
        ),
        Story::new(
            "the vendor disables it",
            &[deeds::vendor_disables],
            End {
                remote: Remote::Inactive,
                ready: ("False", "DisabledByVendor"),
                synced: "False",
                fresh: Some("False"),
                ..End::well()
            },
        ),
    ]
}

fn secrets() -> Vec<Story> {
    vec![
        Story::new(
            "token refresh is due",
            &[|state| state.pass_time(SignedDuration::from_hours(17))],
            End::well(),
        ),
        Story::new(
            "token expired while nobody ran",
            &[|state| state.pass_time(SignedDuration::from_hours(30))],
            End::well(),
        ),
        Story::new(
            "published credential edited",
            &[|state| {
                state.etcd.edit(NAMESPACE, CREDENTIAL, "client_secret", "mine");
            }],
            End::well(),
        ),
        Story::new(
            "published credential deleted",
            &[|state| state.etcd.remove(NAMESPACE, CREDENTIAL)],
            End::well(),
        ),
        Story::new(
            "token edited",
            &[|state| {
                state.etcd.edit(NAMESPACE, TOKEN, "GENESYSCLOUD_ACCESS_TOKEN", "mine");
            }],
            End::well(),
        ),
        Story::new("token deleted", &[|state| state.etcd.remove(NAMESPACE, TOKEN)], End::well()),
        Story::new(
            "true copy lost, a published one is left",
            &[|state| {
                state.remove_central(keysteward::decide::records::true_copy_name);
            }],
            End::well(),
        ),
        Story::new(
            "true copy lost for good",
            &[|state| {
                state.remove_central(keysteward::decide::records::true_copy_name);
                state.etcd.remove(NAMESPACE, CREDENTIAL);
            }],
            End {
                true_copy: false,
                published: false,
                ready: ("False", "CredentialLost"),
                synced: "False",
                ..End::well()
            },
        ),
        Story::new(
            "a forged copy is no credential to restore",
            &[|state| {
                state.remove_central(keysteward::decide::records::true_copy_name);
                state.etcd.edit(NAMESPACE, CREDENTIAL, "client_secret", "forged");
            }],
            End {
                true_copy: false,
                ready: ("False", "CredentialLost"),
                synced: "False",
                ..End::well()
            },
        ),
        Story::new(
            "Secrets renamed",
            &[|state| {
                state.edit_spec(&json!({"token": {"secretName": "token-2"}, "credential": {"secretName": "credential-2"}}));
            }],
            End::well(),
        ),
        Story::new(
            "both blocks removed",
            &[|state| {
                state.edit_spec(&json!({"token": null, "credential": null}));
            }],
            End { token: false, published: false, fresh: None, ..End::well() },
        ),
        Story::new(
            "the keys of the token change",
            &[|state| {
                state.edit_spec(&json!({"token": {"data": [
                    {"key": "GENESYSCLOUD_ACCESS_TOKEN", "from": "AccessToken"},
                    {"key": "header", "from": "AccessToken", "format": "Bearer {}"},
                    {"key": "until", "from": "ExpiresAt"},
                ]}}));
            }],
            End::well(),
        ),
    ]
}

fn switches() -> Vec<Story> {
    let off = End {
        remote: Remote::Inactive,
        token: false,
        ready: ("True", "Disabled"),
        fresh: Some("False"),
        ..End::well()
    };
    vec![
        Story::new(
            "switched off",
            &[|state| state.edit_spec(&json!({"enabled": false}))],
            off.clone(),
        ),
        Story::new(
            "switched off and on",
            &[
                |state| state.edit_spec(&json!({"enabled": false})),
                |state| state.edit_spec(&json!({"enabled": true})),
            ],
            End::well(),
        ),
        Story::new(
            "switched off where lists lag",
            &[|state| state.edit_spec(&json!({"enabled": false}))],
            off.clone(),
        )
        .lagging(slow()),
        Story::new(
            "switched off in the midst of a create",
            &[
                |state| {
                    state.delete_object();
                    state.edit_spec(&json!({"policy": {"onDelete": "Delete"}}));
                },
                |state| {
                    state.apply();
                    state.interruption = Some((state.calls + 9, |state| {
                        state.edit_spec(&json!({"enabled": false}));
                    }));
                },
                |state| state.edit_spec(&json!({"enabled": true})),
            ],
            End { creates: 2, ..End::well() },
        ),
        Story::new(
            "suspended",
            &[|state| state.edit_spec(&json!({"suspend": true})), deeds::add_role],
            End {
                remote: Remote::Differs,
                ready: ("True", "Suspended"),
                synced: "Unknown",
                ..End::well()
            },
        ),
        Story::new(
            "suspended, its token goes on",
            &[
                |state| state.edit_spec(&json!({"suspend": true})),
                |state| state.pass_time(SignedDuration::from_hours(30)),
            ],
            End { ready: ("True", "Suspended"), synced: "Unknown", ..End::well() },
        ),
        Story::new(
            "suspended and resumed",
            &[
                |state| {
                    state.edit_spec(&json!({"suspend": true}));
                    deeds::strip_roles(state);
                },
                |state| state.edit_spec(&json!({"suspend": false})),
            ],
            End::well(),
        ),
        Story::new(
            "another name",
            &[|state| {
                state.edit_spec(&json!({"genesysCloud": {"client": {"name": "etl-2"}}}));
            }],
            End::well(),
        ),
    ]
}
