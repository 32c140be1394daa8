//! A story: how the world is, what is done to it, and how it must end, whatever goes wrong on the way.

use std::sync::Arc;

use jiff::SignedDuration;
use keysteward::model::account::State as Activity;
use keysteward::model::inventory::CatalogPart;
use keysteward::model::platform::{Allowed, Capabilities};
use serde_json::Value;

use crate::deeds;
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
    /// Status of `TokenFresh`; None: absent.
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
