//! Judges how a story ended: the world against what it had to be.

use jiff::SignedDuration;
use keysteward::decide::records::true_copy_name;
use keysteward::model::account::State as Activity;
use keysteward::model::step::Lane;

use crate::deeds::any_life;
use crate::etcd::{NAMESPACE, OPERATOR_NAMESPACE};
use crate::faults::Plan;
use crate::operator::Operator;
use crate::story::{Remote, Story, stranger};
use crate::tenant::{Client, role};
use crate::world::State;

impl Story {
    pub(crate) async fn judge(&self, operator: &mut Operator) -> Result<(), String> {
        let mut faults = self.compare(operator);
        faults.extend(self.rest(operator).await);
        if faults.is_empty() {
            return Ok(());
        }
        let state = operator.world.state();
        let conditions =
            state.etcd.object.as_ref().and_then(|object| object.status.clone()).map(|status| {
                let lines = status
                    .conditions
                    .iter()
                    .map(|c| format!("  {}={} {}: {}", c.type_, c.status, c.reason, c.message));
                lines.collect::<Vec<_>>().join("\n")
            });
        let recent = state.log.len().saturating_sub(90);
        Err(format!(
            "{}\nconditions:\n{}\ncalls:\n{}",
            faults.join("\n"),
            conditions.unwrap_or_default(),
            state.story_since(recent)
        ))
    }

    fn compare(&self, operator: &Operator) -> Vec<String> {
        let state = operator.world.state();
        let mut faults = Faults(state.wrongs.clone());
        let strangers = state.tenant.clients().filter(|(_, client)| {
            client.settings == stranger().settings && client.description == stranger().description
        });
        faults.unless(state.etcd.foreign_untouched(), "a foreign Secret was touched");
        faults.unless(strangers.count() == 1, "the stranger was touched");
        faults.unless(state.etcd.object.is_some() == self.end.object, "the object");
        let creates = state.tenant.creates;
        faults.unless(creates <= self.end.creates, &format!("{creates} creates"));
        faults.unless(!state.has_reservation(), "a reservation is left");
        self.compare_clients(&state, &mut faults);
        self.compare_secrets(&state, &mut faults);
        if self.end.object {
            self.compare_status(&state, &mut faults);
        }
        faults.0
    }

    fn compare_clients(&self, state: &State, faults: &mut Faults) {
        let end = &self.end;
        let marked = state.marked();
        let wanted = match end.remote {
            Remote::Absent => 0,
            Remote::KeptOrAbsent => usize::from(state.has_true_copy()),
            Remote::AsWritten | Remote::Differs | Remote::Inactive => 1,
        };
        faults.unless(
            marked.len() == wanted,
            &format!("our marker is on {marked:?}, not on {wanted}"),
        );
        if end.remote != Remote::KeptOrAbsent {
            faults.unless(state.has_true_copy() == end.true_copy, "the true copy");
        }
        let Some(client) = marked.first().and_then(|id| state.tenant.client(id)) else { return };
        let active = client.state == Activity::Active;
        match end.remote {
            Remote::AsWritten => {
                faults.unless(
                    active && as_written(client, state),
                    &format!("it differs: {client:?}"),
                );
            }
            Remote::Differs => faults.unless(active, &format!("it is {:?}", client.state)),
            Remote::Inactive => faults.unless(!active, "it is active"),
            Remote::Absent | Remote::KeptOrAbsent => {}
        }
    }

    fn compare_secrets(&self, state: &State, faults: &mut Faults) {
        let end = &self.end;
        let marked = state.marked();
        let copy = state.etcd.secret(OPERATOR_NAMESPACE, &true_copy_name(&any_life()));
        if let (Some(copy), true) = (copy, end.remote != Remote::Absent) {
            let (id, secret) =
                (copy.data["client_id"].reveal(), copy.data["client_secret"].reveal());
            faults.unless(
                state.tenant.accepts(id, secret),
                &format!("the stored secret of {id} is refused"),
            );
            faults
                .unless(marked.iter().any(|m| m == id), &format!("{id} does not carry our marker"));
        }
        let spec = state.etcd.object.as_ref().map(|object| object.spec.clone());
        let names = spec.map(|spec| {
            [spec.credential.map(|c| c.secret_name), spec.token.map(|t| t.secret_name)]
        });
        let found = names
            .unwrap_or_default()
            .map(|name| name.and_then(|name| state.etcd.secret(NAMESPACE, &name)));
        let [published, token] = found;
        faults.unless(published.is_some() == end.published, "the published credential");
        if let (Some(published), Some(copy)) = (published, copy) {
            faults.unless(
                published.data == copy.data,
                "the published credential is not the true one",
            );
        }
        let filled = token.filter(|stored| !stored.data.is_empty());
        faults.unless(filled.is_some() == end.token, "the token's Secret");
        if let (Some(token), Some("True")) = (filled, end.fresh) {
            let text = token.data.get("GENESYSCLOUD_ACCESS_TOKEN").map_or("", |text| text.reveal());
            let of = state.tenant.token_of(text, state.now);
            let ours = marked.first().map(String::as_str);
            faults.unless(of.is_some() && of == ours, &format!("the token is of {of:?}"));
        }
        let beside = state.etcd.ours().iter().filter(|s| s.namespace == NAMESPACE).count();
        let wanted = found.iter().flatten().count();
        faults.unless(beside == wanted, &format!("{beside} Secrets of ours are beside the object"));
    }

    fn compare_status(&self, state: &State, faults: &mut Faults) {
        let end = &self.end;
        let status = state.etcd.object.as_ref().and_then(|object| object.status.clone());
        let status = status.unwrap_or_default();
        let is = |kind: &str| {
            let found = status.conditions.iter().find(|condition| condition.type_ == kind);
            found.map(|condition| (condition.status.as_str(), condition.reason.as_str()))
        };
        faults.unless(is("Ready") == Some(end.ready), &format!("Ready is {:?}", is("Ready")));
        let synced = is("Synced").map(|(status, _)| status);
        faults.unless(synced == Some(end.synced), &format!("Synced is {synced:?}"));
        let fresh = is("TokenFresh").map(|(status, _)| status);
        faults.unless(fresh == end.fresh, &format!("TokenFresh is {fresh:?}"));
        let calm = status.retry.is_none() || end.ready.0 == "False";
        faults.unless(calm, &format!("a back-off is left: {:?}", status.retry));
    }

    /// Rest is rest: one more pass does nothing, and no list wakes the object.
    async fn rest(&self, operator: &mut Operator) -> Vec<String> {
        let mut faults = Vec::new();
        let from = operator.world.state().log.len();
        operator.world.arm(Plan::none());
        operator.pass().await;
        let state = operator.world.state();
        for line in &state.log[from..] {
            if line.writes || (line.remote && !self.end.asks) {
                faults.push(format!("at rest it did `{}`", line.what));
            }
        }
        drop(state);
        let well = self.end.remote == Remote::AsWritten && self.end.synced == "True";
        if let (true, Some(why)) = (well, operator.would_wake()) {
            faults.push(format!("at rest a list wakes it: {why}"));
        }
        if let Some(last) = &operator.last
            && self.end.object
            && !matches!(last.config, Lane::Settled(_) | Lane::Stuck(_))
        {
            faults.push(format!("it waits: {:?}", last.config));
        }
        faults
    }
}

/// What is not as it had to be.
struct Faults(Vec<String>);

impl Faults {
    fn unless(&mut self, fits: bool, what: &str) {
        if !fits {
            self.0.push(what.to_owned());
        }
    }
}

/// Whether the client is as the object at rest asks.
fn as_written(client: &Client, state: &State) -> bool {
    let name = state
        .etcd
        .object
        .as_ref()
        .and_then(|object| object.spec.genesys_cloud.as_ref().map(|b| b.client.name.clone()));
    let settings = &client.settings;
    settings.roles == [role("Reporting Viewer")].into()
        && settings.grant_types == ["client_credentials".to_owned()].into()
        && settings.access_token_lifetime == Some(SignedDuration::from_hours(24))
        && name.is_none_or(|name| settings.name == name)
}
