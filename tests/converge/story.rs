//! A story: how the world is, what is done to it, and how it must end, whatever goes wrong on the way.

use std::sync::Arc;

use jiff::SignedDuration;
use keysteward::decide::records::true_copy_name;
use keysteward::model::account::State as Activity;
use keysteward::model::inventory::CatalogPart;
use keysteward::model::platform::{Allowed, Capabilities};
use keysteward::model::step::Lane;
use serde_json::Value;

use crate::deeds::{self, any_life};
use crate::etcd::{Etcd, NAMESPACE, OPERATOR_NAMESPACE};
use crate::faults::Plan;
use crate::operator::Operator;
use crate::tenant::{Client, Lag, Tenant, role};
use crate::world::{Deed, World};

/// What remains of the remote client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Remote {
    AsWritten,
    /// One that may differ, and is active.
    Differs,
    Inactive,
    Absent,
    /// One whose credential is kept, or none.
    KeptOrAbsent,
}

/// How a story must end.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) remote: Remote,
    pub(crate) true_copy: bool,
    pub(crate) published: bool,
    pub(crate) token: bool,
    pub(crate) object: bool,
    /// Status and reason of Ready.
    pub(crate) ready: (&'static str, &'static str),
    pub(crate) synced: &'static str,
    /// Status of TokenFresh; None: absent.
    pub(crate) fresh: Option<&'static str>,
    /// Creates that had their effect, at most.
    pub(crate) creates: u32,
    /// Whether a pass at rest may ask the platform something.
    pub(crate) asks: bool,
}

impl End {
    /// All is as written.
    pub(crate) const fn well() -> Self {
        Self {
            remote: Remote::AsWritten,
            true_copy: true,
            published: true,
            token: true,
            object: true,
            ready: ("True", "Succeeded"),
            synced: "True",
            fresh: Some("True"),
            creates: 1,
            asks: false,
        }
    }

    /// The object has gone, and nothing of it is left.
    pub(crate) const fn gone() -> Self {
        Self {
            remote: Remote::Absent,
            true_copy: false,
            published: false,
            token: false,
            object: false,
            ..Self::well()
        }
    }
}

/// A story.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) name: &'static str,
    pub(crate) spec: Value,
    pub(crate) lag: Lag,
    pub(crate) idle_timeout: Option<SignedDuration>,
    /// What is done, each after the world has come to rest.
    pub(crate) deeds: Vec<Deed>,
    /// So many of the first are spared from mishaps.
    pub(crate) spared: usize,
    pub(crate) allowed_later: Allowed,
    pub(crate) missing_later: bool,
    pub(crate) end: End,
    /// Something that is done in the midst of it.
    pub(crate) interruption: Option<(u64, Deed)>,
    /// Only the last deed must be followed by rest.
    pub(crate) restless: bool,
}

impl Story {
    /// A story of an object that is applied, comes to rest, and then some.
    pub(crate) fn new(name: &'static str, deeds: &[Deed], end: End) -> Self {
        let mut all: Vec<Deed> = vec![|_| {}];
        all.extend(deeds);
        Self {
            name,
            spec: deeds::spec(),
            lag: Lag::default(),
            idle_timeout: None,
            deeds: all,
            spared: 1,
            allowed_later: Allowed::AnyRole,
            missing_later: false,
            end,
            interruption: None,
            restless: false,
        }
    }

    /// A story that is told from the very first call.
    pub(crate) fn from_the_start(name: &'static str, deeds: &[Deed], end: End) -> Self {
        Self { deeds: deeds.to_vec(), spared: 0, ..Self::new(name, &[], end) }
    }

    #[must_use]
    pub(crate) fn with(mut self, patch: &Value) -> Self {
        self.spec = deeds::spec_with(patch);
        self
    }

    #[must_use]
    pub(crate) fn lagging(mut self, lag: Lag) -> Self {
        self.lag = lag;
        self
    }

    /// The world as the story finds it: the object is applied, and neighbours stand around it.
    pub(crate) fn world(&self) -> Arc<World> {
        let settle = SignedDuration::from_secs(10);
        let capabilities = Capabilities {
            platform: "Genesys Cloud",
            create_lag: SignedDuration::from_secs(120),
            write_lag: SignedDuration::from_secs(10),
            settle,
            catalog_parts: &[
                CatalogPart::Tenant,
                CatalogPart::Roles,
                CatalogPart::Divisions,
                CatalogPart::OwnGrants,
                CatalogPart::IdleTimeout,
            ],
            inactive_before_delete: true,
        };
        let mut tenant = Tenant::new(self.lag, settle);
        tenant.idle_timeout = self.idle_timeout;
        let world = World::new(capabilities, tenant, Etcd::default());
        {
            let mut state = world.state();
            let now = state.now;
            let mut stranger = stranger();
            let long_ago = now - SignedDuration::from_hours(24);
            state.tenant.put(stranger.clone(), long_ago);
            stranger.settings.name = "other".into();
            stranger.description = "keysteward:somebody-else/analytics/reporting-etl/u".into();
            state.tenant.put(stranger, long_ago);
            state.etcd.put_foreign(NAMESPACE, "database", &[("password", "p")]);
            state.etcd.put_foreign(
                OPERATOR_NAMESPACE,
                "contact-center-admin",
                &[("client_id", "managing"), ("client_secret", "s")],
            );
            state.etcd.apply(&self.spec, now);
        }
        Arc::new(world)
    }

    /// The same story with something done at a call of this number.
    #[must_use]
    pub(crate) fn interrupted(mut self, call: u64, deed: Deed, end: End) -> Self {
        self.interruption = Some((call, deed));
        self.end = end;
        self
    }

    /// Tells the story. `Ok` is the number of calls that mishaps may strike; `Err` says what went wrong.
    pub(crate) async fn told(&self, plan: Plan) -> Result<u64, String> {
        let mut operator = self.at_rest(plan).await?;
        let calls = operator.world.state().calls;
        self.judge(&mut operator).await?;
        Ok(calls)
    }

    /// Tells the story and does not judge how it ends.
    pub(crate) async fn at_rest(&self, plan: Plan) -> Result<Operator, String> {
        let mut operator = Operator::new(self.world());
        operator.listens = plan.is_listened_to();
        let mut plan = Some(plan);
        for (number, deed) in self.deeds.iter().enumerate() {
            if number == self.spared {
                operator.world.arm(plan.take().unwrap_or_default());
                operator.world.state().interruption = self.interruption;
            }
            operator.world.act(*deed);
            if number + 1 == self.deeds.len() {
                operator.platform.allowed = self.allowed_later.clone();
                operator.platform.missing = self.missing_later;
            }
            operator.nudge();
            let rested = operator.settle().await;
            if !self.restless || number + 1 == self.deeds.len() {
                rested?;
            }
            // What was to interrupt it and came too late happens at rest.
            while let Some((_, deed)) = operator.world.interruption() {
                operator.world.act(deed);
                operator.nudge();
                operator.settle().await?;
            }
        }
        Ok(operator)
    }

    async fn judge(&self, operator: &mut Operator) -> Result<(), String> {
        let mut faults = self.compare(operator);
        faults.extend(self.rest(operator).await);
        if faults.is_empty() {
            return Ok(());
        }
        let state = operator.world.state();
        let conditions = state
            .etcd
            .object
            .as_ref()
            .and_then(|object| object.status.clone())
            .map(|status| {
                let lines = status.conditions.iter().map(|c| {
                    format!("  {}={} {}: {}", c.type_, c.status, c.reason, c.message)
                });
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
            must(marked.len() == kept, format!("{marked:?} carry our marker, {kept} credentials are kept"));
        } else {
            must(marked.len() == live, format!("{} clients carry our marker: {marked:?}", marked.len()));
            must(state.has_true_copy() == end.true_copy, "the true copy".into());
        }
        if let Some(client) = marked.first().and_then(|id| state.tenant.client(id)) {
            let active = client.state == Activity::Active;
            match end.remote {
                Remote::AsWritten => {
                    must(active, format!("it is {:?}", client.state));
                    must(self.as_written(client, &state), format!("it differs: {client:?}"));
                }
                Remote::Differs => must(active, format!("it is {:?}", client.state)),
                Remote::Inactive => must(!active, "it is active".into()),
                Remote::Absent | Remote::KeptOrAbsent => {}
            }
        }
        must(!state.has_reservation(), "a reservation is left".into());
        let copy = state.etcd.secret(OPERATOR_NAMESPACE, &true_copy_name(&any_life()));
        if let (Some(copy), true) = (copy, end.remote != Remote::Absent) {
            let (id, secret) = (copy.data["client_id"].reveal(), copy.data["client_secret"].reveal());
            must(state.tenant.accepts(id, secret), format!("the stored secret of {id} is refused"));
            must(marked.first().is_some_and(|m| m == id), format!("{id} does not carry our marker"));
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
            must(published.data == copy.data, "the published credential is not the true one".into());
        }
        let token = find(&token_name).filter(|stored| !stored.data.is_empty());
        must(token.is_some() == end.token, "the token's Secret".into());
        if let (Some(token), Some("True")) = (token, end.fresh) {
            let text = token.data.get("GENESYSCLOUD_ACCESS_TOKEN").map_or("", |t| t.reveal());
            let of = state.tenant.token_of(text, state.now);
            must(of.is_some() && of == marked.first().map(String::as_str), format!("the token is of {of:?}"));
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
            must(status.retry.is_none() || end.ready.0 == "False", format!("retry {:?}", status.retry));
        }
        must(state.tenant.creates <= end.creates, format!("{} creates", state.tenant.creates));
        faults
    }

    fn as_written(&self, client: &Client, state: &crate::world::State) -> bool {
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

/// Somebody else's client of the same name: never to be touched.
pub(crate) fn stranger() -> Client {
    Client {
        settings: keysteward::model::account::Settings {
            name: "reporting-etl".into(),
            grant_types: ["client_credentials".into()].into(),
            roles: [role("Admin")].into(),
            access_token_lifetime: Some(SignedDuration::from_hours(1)),
            ..keysteward::model::account::Settings::default()
        },
        description: "made by hand".into(),
        state: Activity::Active,
    }
}
