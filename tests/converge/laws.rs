//! Laws: whatever people do and whatever goes wrong meanwhile, it ends well once the world is mended; and no debug text
//! shows a secret.

use jiff::{SignedDuration, Timestamp};
use keysteward::decide::records::{Place, true_copy_name};
use keysteward::model::account::State as Activity;
use keysteward::model::desired::TokenWish;
use keysteward::model::platform::Addresses;
use keysteward::model::secret_text::SecretText;
use keysteward::model::seen::{Answer, Minted};
use keysteward::model::token::{Credential, Token};
use proptest::prelude::*;
use serde_json::json;

use crate::deeds::{CREDENTIAL, TOKEN, any_life};
use crate::etcd::{NAMESPACE, OPERATOR_NAMESPACE};
use crate::faults::{Mishap, Plan};
use crate::story::{End, Story};
use crate::tenant::{Client, Lag, role};
use crate::world::{Deed, State};

/// Changes the client of ours, if there is one.
fn tamper(state: &mut State, change: impl Fn(&mut Client)) {
    let now = state.now;
    for id in state.marked() {
        let mut client = state.tenant.client(&id).unwrap().clone();
        change(&mut client);
        state.tenant.change(&id, now, Some(client));
    }
}

fn lose(state: &mut State, name: &str) {
    state.etcd.secrets.remove(&(NAMESPACE.to_owned(), name.to_owned()));
}

/// What people do, each at any time.
const DEEDS: [Deed; 20] = [
    |state| tamper(state, |client| client.state = Activity::Inactive),
    |state| tamper(state, |client| client.settings.roles.clear()),
    |state| tamper(state, |client| client.settings.roles = [role("Reporting Editor")].into()),
    |state| {
        tamper(state, |client| {
            client.settings.grant_types = ["password".into()].into();
        });
    },
    |state| tamper(state, |client| client.settings.name = "theirs".into()),
    |state| tamper(state, |client| client.description.insert_str(0, "ours\n")),
    |state| {
        let now = state.now;
        for id in state.marked() {
            state.tenant.change(&id, now, None);
        }
    },
    |state| state.edit_spec(&json!({"enabled": false})),
    |state| state.edit_spec(&json!({"enabled": true})),
    |state| state.edit_spec(&json!({"suspend": true})),
    |state| state.edit_spec(&json!({"token": {"secretName": "token-2"}})),
    |state| state.edit_spec(&json!({"token": null})),
    |state| state.edit_spec(&json!({"credential": null})),
    |state| state.edit_spec(&json!({"genesysCloud": {"accessTokenLifetime": "1h"}})),
    |state| lose(state, TOKEN),
    |state| lose(state, CREDENTIAL),
    |state| {
        // The true copy goes only while an honest copy of it is published.
        let central = true_copy_name(&any_life());
        let published = state.etcd.secret(NAMESPACE, CREDENTIAL).map(|stored| stored.data.clone());
        let copy =
            state.etcd.secret(OPERATOR_NAMESPACE, &central).map(|stored| stored.data.clone());
        if copy.is_some() && published == copy {
            state.remove_central(true_copy_name);
        }
    },
    |state| state.pass_time(SignedDuration::from_hours(20)),
    |state| state.delete_object(),
    State::apply,
];

/// All is wanted again as at first.
fn mend(state: &mut State) {
    state.apply();
    state.edit_spec(&json!({"policy": {"onMissing": "Recreate"}}));
}

fn lags() -> impl Strategy<Value = Lag> {
    (0_i64..=110, 0_i64..=9, 0_i64..=9).prop_map(|(create, list, read)| Lag {
        create: SignedDuration::from_secs(create),
        list: SignedDuration::from_secs(list),
        read: SignedDuration::from_secs(read),
    })
}

fn mishaps() -> impl Strategy<Value = Vec<(u64, Mishap)>> {
    proptest::collection::vec((1_u64..200, proptest::sample::select(Mishap::ALL.to_vec())), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_it_ends_with_one_client_and_rests(
        deeds in proptest::collection::vec(0..DEEDS.len(), 1..6),
        lag in lags(),
        mishaps in mishaps(),
    ) {
        let mut done: Vec<Deed> = vec![|_| {}];
        done.extend(deeds.iter().map(|number| DEEDS[*number]));
        // Twice: what was deleted is applied anew once it has gone.
        done.extend([mend as Deed, mend]);
        let end = End { creates: u32::MAX, ..End::well() };
        let mut story = Story::from_the_start("any", &done, end)
            .with(&json!({"policy": {"onMissing": "Recreate"}}))
            .lagging(lag);
        story.restless = true;
        let told = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(story.told(Plan::of(mishaps)));
        prop_assert!(told.is_ok(), "{}", told.unwrap_err());
    }

    #[test]
    fn no_debug_text_shows_a_secret(secret in "[A-Za-z0-9_-]{12,60}", token in "[A-Za-z0-9_-]{12,60}") {
        let credential =
            Credential { client_id: "client-1".into(), client_secret: SecretText::new(secret.clone()) };
        let minted = Minted {
            token: Token {
                access_token: SecretText::new(token.clone()),
                token_type: "bearer".into(),
                expires_in: SignedDuration::from_hours(1),
            },
            client_id: "client-1".into(),
            at: Timestamp::UNIX_EPOCH,
            introspected: None,
        };
        let answer =
            Answer { credential: credential.clone(), at: Timestamp::UNIX_EPOCH, tries: 0, tried_at: None };
        let object = any_life();
        let place = Place { owner: "o", operator_namespace: OPERATOR_NAMESPACE, object: &object };
        let wish = TokenWish {
            secret_name: TOKEN.into(),
            refresh_after_percent: 66,
            data: Vec::new(),
            on_idle_timeout: keysteward::api::credential::OnIdleTimeout::Remint,
        };
        let manifests = [
            place.true_copy(&credential, "t", "etl", None, None),
            place.published(CREDENTIAL, &credential),
            place.token(&wish, &minted, Timestamp::UNIX_EPOCH, &Addresses::default()),
        ];
        let text = format!("{credential:?} {minted:?} {answer:?} {manifests:#?}");
        prop_assert!(!text.contains(&secret) && !text.contains(&token), "{}", text);
        for manifest in &manifests {
            let open = format!("{:?} {:?}", manifest.labels, manifest.annotations);
            prop_assert!(!open.contains(&secret) && !open.contains(&token), "{}", open);
        }
    }
}
