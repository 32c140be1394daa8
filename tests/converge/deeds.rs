//! What users and the tenant's own people do: the words in which stories are told.

use jiff::SignedDuration;
use keysteward::decide::records::{reservation_name, true_copy_name};
use keysteward::model::account::State as Activity;
use keysteward::model::marker::Marker;
use keysteward::model::object::ObjectKey;
use serde_json::{Value, json};

use crate::etcd::{NAME, NAMESPACE, OPERATOR_NAMESPACE};
use crate::operator::OWNER;
use crate::tenant::{Client, role};
use crate::world::State;

pub(crate) const TOKEN: &str = "etl-token";
pub(crate) const CREDENTIAL: &str = "etl-credential";

/// The object that most stories begin with.
pub(crate) fn spec() -> Value {
    json!({
        "platformRef": {"kind": "Platform", "name": "contact-center"},
        "enabled": true,
        "genesysCloud": {
            "client": {"name": "reporting-etl"},
            "grantTypes": ["client_credentials"],
            "roles": [{"name": "Reporting Viewer", "division": "Home"}],
            "accessTokenLifetime": "24h",
        },
        "token": {"secretName": TOKEN, "refreshAfterPercent": 66},
        "credential": {"secretName": CREDENTIAL},
        "suspend": false,
    })
}

/// The spec with some of it replaced; null removes (RFC 7396).
pub(crate) fn spec_with(patch: &Value) -> Value {
    let mut spec = spec();
    merge(&mut spec, patch);
    spec
}

fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    let into = into.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            into.remove(key);
        } else {
            merge(into.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

impl State {
    /// Somebody edits the spec.
    pub(crate) fn edit_spec(&mut self, patch: &Value) {
        let Some(object) = &self.etcd.object else { return };
        let mut spec = serde_json::to_value(&object.spec).unwrap();
        merge(&mut spec, patch);
        self.etcd.apply(&spec, self.now);
    }

    /// Somebody applies the object (again).
    pub(crate) fn apply(&mut self) {
        self.etcd.apply(&spec(), self.now);
    }

    pub(crate) fn delete_object(&mut self) {
        self.etcd.delete_object(self.now);
    }

    /// Ids of clients that carry our marker, whatever its life.
    pub(crate) fn marked(&self) -> Vec<String> {
        let marked = self.tenant.clients().filter(|(_, client)| {
            Marker::find(&client.description)
                .is_some_and(|m| (&*m.owner, &*m.namespace, &*m.name) == (OWNER, NAMESPACE, NAME))
        });
        marked.map(|(id, _)| id.to_owned()).collect()
    }

    /// The id that the true copy names.
    pub(crate) fn stored_id(&self) -> Option<String> {
        let copy = self.etcd.secret(OPERATOR_NAMESPACE, &true_copy_name(&any_life()))?;
        Some(copy.data.get("client_id")?.reveal().to_owned())
    }

    /// Somebody changes our client on the platform.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Client)) {
        let id = self.stored_id().expect("the story has a client");
        if let Some(mut client) = self.tenant.client(&id).cloned() {
            change(&mut client);
            self.tenant.change(&id, self.now, Some(client));
        }
    }

    /// Somebody deletes our client on the platform.
    pub(crate) fn delete_client(&mut self) {
        let id = self.stored_id().expect("the story has a client");
        self.tenant.change(&id, self.now, None);
    }

    pub(crate) fn pass_time(&mut self, span: SignedDuration) {
        self.now += span;
    }

    pub(crate) fn remove_central(&mut self, name: fn(&ObjectKey) -> String) {
        self.etcd.remove(OPERATOR_NAMESPACE, &name(&any_life()));
    }

    pub(crate) fn has_true_copy(&self) -> bool {
        self.etcd.secret(OPERATOR_NAMESPACE, &true_copy_name(&any_life())).is_some()
    }

    pub(crate) fn has_reservation(&self) -> bool {
        self.etcd.secret(OPERATOR_NAMESPACE, &reservation_name(&any_life())).is_some()
    }
}

/// Names of central Secrets do not depend on the life.
pub(crate) fn any_life() -> ObjectKey {
    ObjectKey { namespace: NAMESPACE.into(), name: NAME.into(), uid: String::new() }
}

pub(crate) fn switch_off(state: &mut State) {
    state.change(|client| client.state = Activity::Inactive);
}

pub(crate) fn strip_roles(state: &mut State) {
    state.change(|client| client.settings.roles.clear());
}

pub(crate) fn add_role(state: &mut State) {
    state.change(|client| {
        client.settings.roles.insert(role("Reporting Editor"));
    });
}

pub(crate) fn change_grant(state: &mut State) {
    state.change(|client| client.settings.grant_types = ["password".into()].into());
}

pub(crate) fn change_lifetime(state: &mut State) {
    state.change(|client| {
        client.settings.access_token_lifetime = Some(SignedDuration::from_mins(10));
    });
}

pub(crate) fn rename_client(state: &mut State) {
    state.change(|client| client.settings.name = "renamed".into());
}

pub(crate) fn erase_marker(state: &mut State) {
    state.change(|client| client.description = "who wrote this here?".into());
}

pub(crate) fn describe(state: &mut State) {
    state.change(|client| client.description = format!("Nightly reports\n{}", client.description));
}

pub(crate) fn put_hold(state: &mut State) {
    state.change(|client| client.description = format!("keysteward:hold\n{}", client.description));
}

pub(crate) fn lift_hold(state: &mut State) {
    state.change(|client| {
        client.description = client.description.replace("keysteward:hold\n", "");
    });
}

pub(crate) fn vendor_disables(state: &mut State) {
    state.change(|client| client.state = Activity::DisabledByVendor);
}
