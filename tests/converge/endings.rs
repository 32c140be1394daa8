//! The stories that end an object or begin its second life, and creates in whose midst something is done.

use serde_json::json;

use crate::deeds::{self, CREDENTIAL, TOKEN};
use crate::etcd::NAMESPACE;
use crate::stories::{NOTHING, slow};
use crate::story::{End, Remote, Story};
use crate::world::{Deed, State};

pub(crate) fn second_lives() -> Vec<Story> {
    let recreate = json!({"policy": {"onMissing": "Recreate"}});
    vec![
        Story::new(
            "deleted behind our back",
            &[|state| state.delete_client()],
            End { creates: 2, ..End::well() },
        )
        .with(&recreate),
        Story::new(
            "deleted behind our back where lists lag",
            &[|state| state.delete_client()],
            End { creates: 2, ..End::well() },
        )
        .with(&recreate)
        .lagging(slow()),
        Story::new(
            "deleted behind our back, only reported",
            &[|state| state.delete_client()],
            End {
                remote: Remote::Absent,
                ready: ("False", "ClientMissing"),
                synced: "False",
                asks: true,
                fresh: Some("False"),
                ..End::well()
            },
        ),
        Story::new(
            "several clients of ours",
            &[|state| {
                let id = state.stored_id().unwrap();
                let twin = state.tenant.client(&id).unwrap().clone();
                let now = state.now;
                for _ in 0..2 {
                    let id = state.tenant.put(twin.clone(), now);
                    state.tenant.adopt(&id);
                }
            }],
            End::well(),
        ),
        Story::new(
            "several clients of ours and no secret",
            &[
                |state| {
                    state.delete_object();
                },
                |state| {
                    let id = state.stored_id().unwrap();
                    let twin = state.tenant.client(&id).unwrap().clone();
                    state.remove_central(keysteward::decide::records::true_copy_name);
                    let now = state.now;
                    let id = state.tenant.put(twin, now);
                    state.tenant.adopt(&id);
                    state.apply();
                },
            ],
            End::well(),
        ),
        Story::new(
            "applied again, the client is taken back",
            &[|state| state.delete_object(), |state| state.apply()],
            End::well(),
        ),
        Story::new(
            "applied again with other roles, after drift",
            &[
                |state| state.delete_object(),
                |state| {
                    deeds::strip_roles(state);
                    state.apply();
                },
            ],
            End::well(),
        ),
        Story::new(
            "deleted and applied again at once",
            &[
                |state| {
                    state.delete_object();
                    state.interruption = Some((state.calls + 6, |state| state.apply()));
                },
                |state| state.apply(),
            ],
            End::well(),
        ),
    ]
}

pub(crate) fn deletions() -> Vec<Story> {
    let delete = json!({"policy": {"onDelete": "Delete"}});
    let disable = json!({"policy": {"onDelete": "Disable"}});
    let retained = End { remote: Remote::AsWritten, true_copy: true, ..End::gone() };
    vec![
        Story::new("deleted, the client stays", &[|state| state.delete_object()], retained.clone()),
        Story::new("deleted with the client", &[|state| state.delete_object()], End::gone())
            .with(&delete),
        Story::new(
            "deleted with the client where lists lag",
            &[|state| state.delete_object()],
            End::gone(),
        )
        .with(&delete)
        .lagging(slow()),
        Story::new(
            "deleted, the client is switched off",
            &[|state| state.delete_object()],
            End { remote: Remote::Inactive, true_copy: true, ..End::gone() },
        )
        .with(&disable),
        Story::new(
            "deleted with several clients of ours",
            &[|state| {
                let id = state.stored_id().unwrap();
                let twin = state.tenant.client(&id).unwrap().clone();
                let now = state.now;
                let id = state.tenant.put(twin, now);
                state.tenant.adopt(&id);
                state.delete_object();
            }],
            End::gone(),
        )
        .with(&delete),
        Story::new(
            "deleted, its client is gone already",
            &[|state| {
                state.delete_client();
                state.delete_object();
            }],
            End::gone(),
        )
        .with(&delete),
        Story::new(
            "deleted, its Secrets are gone already",
            &[|state| {
                state.etcd.remove(NAMESPACE, TOKEN);
                state.etcd.remove(NAMESPACE, CREDENTIAL);
                state.delete_object();
            }],
            End::gone(),
        )
        .with(&delete),
        Story {
            missing_later: true,
            ..Story::new(
                "deleted after its platform",
                &[|state| state.delete_object()],
                retained.clone(),
            )
            .with(&delete)
        },
        Story::new(
            "a held client is kept until the deadline",
            &[|state| {
                deeds::put_hold(state);
                state.delete_object();
            }],
            retained,
        )
        .with(&json!({"policy": {"onDelete": "Delete", "deletionDeadline": "10m"}})),
    ]
}

/// Creates in whose midst something is done; at which call is for the telling to say.
pub(crate) fn interrupted() -> Vec<Story> {
    let first = |name| Story::from_the_start(name, NOTHING, End::well());
    let then = |name, deed: Deed| Story::from_the_start(name, &[|_| {}, deed], End::well());
    let delete = json!({"policy": {"onDelete": "Delete"}});
    let gone: Deed = |state| state.delete_object();
    let kept = End { remote: Remote::KeptOrAbsent, ..End::gone() };
    vec![
        first("deleted in the midst of its create").with(&delete).interrupted(1, gone, End::gone()),
        first("deleted in the midst of its create where lists lag")
            .with(&delete)
            .lagging(slow())
            .interrupted(1, gone, End::gone()),
        first("deleted in the midst of its create, the client stays").interrupted(1, gone, kept.clone()),
        first("deleted in the midst of its create, the client is switched off")
            .with(&json!({"policy": {"onDelete": "Disable"}}))
            .interrupted(1, gone, kept),
        then("deleted in the midst of its create and applied again", State::apply)
            .interrupted(1, gone, End { creates: 2, ..End::well() }),
        then("switched off in the midst of its create and on again", |state| {
            state.edit_spec(&json!({"enabled": true}));
        })
        .interrupted(1, |state| state.edit_spec(&json!({"enabled": false})), End::well()),
        first("renamed in the midst of its create").interrupted(1, |state| {
            state.edit_spec(&json!({"genesysCloud": {"client": {"name": "etl-2"}}, "token": {"secretName": "token-2"}}));
        }, End::well()),
        first("suspended in the midst of its create, then resumed").interrupted(1, |state| {
            state.edit_spec(&json!({"suspend": true}));
            state.interruption = Some((state.calls + 20, |state| state.edit_spec(&json!({"suspend": false}))));
        }, End::well()),
        first("its client is deleted in the midst of its create")
            .with(&json!({"policy": {"onMissing": "Recreate"}}))
            .interrupted(1, |state| {
                let now = state.now;
                for id in state.marked() {
                    state.tenant.change(&id, now, None);
                }
            }, End { creates: 2, ..End::well() }),
        first("its client is switched off in the midst of its create").interrupted(1, |state| {
            let now = state.now;
            for id in state.marked() {
                let mut client = state.tenant.client(&id).unwrap().clone();
                client.state = keysteward::model::account::State::Inactive;
                state.tenant.change(&id, now, Some(client));
            }
        }, End::well()),
    ]
}
