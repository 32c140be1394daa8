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
        let end = &self.end;
        let mut faults = state.wrongs.clone();
        let mut must = |fits: bool, what: String| {
            if !fits {
                faults.push(what);
            }
        };
        must(state.etcd.foreign_untouched(), "a foreign Secret was touched".into());
        let strangers = state.tenant.clients().filter(|(_, client)| {
            client.settings == stranger().settings && client.description == stranger().description
        });
        must(strangers.count() == 1, "the stranger was touched".into());
        must(state.etcd.object.is_some() == end.object, "the object".into());

        let marked = state.marked();
        let live = usize::from(end.remote != Remote::Absent);
        if end.remote == Remote::KeptOrAbsent {
            let kept = usize::from(state.has_true_copy());
            must(
                marked.len() == kept,
                format!("{marked:?} carry our marker, {kept} credentials are kept"),
            );
        } else {
            must(
                marked.len() == live,
                format!("{} clients carry our marker: {marked:?}", marked.len()),
            );
            must(state.has_true_copy() == end.true_copy, "the true copy".into());
        }
        if let Some(client) = marked.first().and_then(|id| state.tenant.client(id)) {
            let active = client.state == Activity::Active;
            match end.remote {
                Remote::AsWritten => {
                    must(active, format!("it is {:?}", client.state));
                    must(as_written(client, &state), format!("it differs: {client:?}"));
                }
                Remote::Differs => must(active, format!("it is {:?}", client.state)),
                Remote::Inactive => must(!active, "it is active".into()),
                Remote::Absent | Remote::KeptOrAbsent => {}
            }
        }
        must(!state.has_reservation(), "a reservation is left".into());
        let copy = state.etcd.secret(OPERATOR_NAMESPACE, &true_copy_name(&any_life()));
        if let (Some(copy), true) = (copy, end.remote != Remote::Absent) {
            let (id, secret) =
                (copy.data["client_id"].reveal(), copy.data["client_secret"].reveal());
            must(state.tenant.accepts(id, secret), format!("the stored secret of {id} is refused"));
            must(
                marked.first().is_some_and(|m| m == id),
                format!("{id} does not carry our marker"),
            );
        }
        let spec = state.etcd.object.as_ref().map(|object| object.spec.clone());
        let names = spec.map(|spec| {
            (spec.credential.map(|c| c.secret_name), spec.token.map(|t| t.secret_name))
        });
        let (published_name, token_name) = names.unwrap_or_default();
        let find = |name: &Option<String>| {
            name.as_ref().and_then(|name| state.etcd.secret(NAMESPACE, name))
        };
        let published = find(&published_name);
        must(published.is_some() == end.published, "the published credential".into());
        if let (Some(published), Some(copy)) = (published, copy) {
            must(
                published.data == copy.data,
                "the published credential is not the true one".into(),
            );
        }
        let token = find(&token_name).filter(|stored| !stored.data.is_empty());
        must(token.is_some() == end.token, "the token's Secret".into());
        if let (Some(token), Some("True")) = (token, end.fresh) {
            let text = token.data.get("GENESYSCLOUD_ACCESS_TOKEN").map_or("", |t| t.reveal());
            let of = state.tenant.token_of(text, state.now);
            must(
                of.is_some() && of == marked.first().map(String::as_str),
                format!("the token is of {of:?}"),
            );
        }
        let beside = state.etcd.ours().iter().filter(|s| s.namespace == NAMESPACE).count();
        let wanted = [&published_name, &token_name].into_iter().filter(|name| find(name).is_some());
        must(beside == wanted.count(), format!("{beside} Secrets of ours stand beside the object"));
        if end.object {
            let status = state.etcd.object.as_ref().and_then(|object| object.status.clone());
            let status = status.unwrap_or_default();
            let is = |kind: &str| {
                let found = status.conditions.iter().find(|condition| condition.type_ == kind);
                found.map(|condition| (condition.status.clone(), condition.reason.clone()))
            };
            let text = |pair: &Option<(String, String)>| pair.clone().unwrap_or_default().0;
            let ready = is("Ready").unwrap_or_default();
            must((ready.0.as_str(), ready.1.as_str()) == end.ready, format!("Ready is {ready:?}"));
            must(text(&is("Synced")) == end.synced, format!("Synced is {:?}", is("Synced")));
            let fresh = is("TokenFresh").map(|pair| pair.0);
            must(fresh.as_deref() == end.fresh, format!("TokenFresh is {fresh:?}"));
            must(
                status.retry.is_none() || end.ready.0 == "False",
                format!("retry {:?}", status.retry),
            );
        }
        must(state.tenant.creates <= end.creates, format!("{} creates", state.tenant.creates));
        faults
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
