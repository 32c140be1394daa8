//! The operator as its controller runs it: sweeps, passes and looks in simulated time, and the end of the process.
//!
//! Enters: a world. Leaves: the world at rest, or how it did not come to rest.

use std::pin::pin;
use std::sync::Arc;

use futures::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use keysteward::api::conditions::Reason;
use keysteward::decide::sweep::wakes;
use keysteward::model::account::AccountId;
use keysteward::model::desired::{Desired, Invalid, policy};
use keysteward::model::inventory::{Catalog, CatalogPart, Inventory, Tenant};
use keysteward::model::marker::Marker;
use keysteward::model::object::ObjectKey;
use keysteward::model::platform::{Allowed, PlatformSeen, PlatformView};
use keysteward::model::seen::ObjectSeen;
use keysteward::model::step::{Lane, Outcome, Wants};
use keysteward::provider::Provider;
use keysteward::run::memory::Memory;
use keysteward::run::pass::{Passed, Scene, Session, Settings, pass};

use crate::etcd::OPERATOR_NAMESPACE;
use crate::seams::addresses;
use crate::tenant::{CANARY, TENANT};
use crate::world::World;

pub(crate) const OWNER: &str = "owner-1";
pub(crate) const SWEEP: SignedDuration = SignedDuration::from_secs(60);
/// Without a write for so many sweeps the world is at rest.
const QUIET_SWEEPS: u32 = 4;
const MOST_ROUNDS: u32 = 600;

/// What the platform object says and how it is, as a story wants it.
#[derive(Clone, Debug)]
pub(crate) struct Platform {
    pub(crate) allowed: Allowed,
    pub(crate) missing: bool,
}

/// One process at a time: all of it but the world is lost when it dies.
pub(crate) struct Operator {
    pub(crate) world: Arc<World>,
    pub(crate) platform: Platform,
    /// The status of the platform object names the tenant: it outlives a process.
    pub(crate) knows_tenant: bool,
    /// Whether every debug text is searched for secrets, which takes longer than all the rest.
    pub(crate) listens: bool,
    pub(crate) passes: u32,
    /// The outcome of the last pass.
    pub(crate) last: Option<Outcome>,
    process: Process,
    settings: Settings,
}

#[derive(Default)]
struct Process {
    memory: Memory,
    inventory: Option<Arc<Inventory>>,
    recent: Vec<Timestamp>,
    catalog: Catalog,
    sweeps: u64,
    next_sweep: Option<Timestamp>,
    next_look: Option<Timestamp>,
    trouble: Option<String>,
    client_id: Option<String>,
    dirty: bool,
}

impl Operator {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self {
            world,
            platform: Platform { allowed: Allowed::AnyRole, missing: false },
            knows_tenant: false,
            listens: false,
            passes: 0,
            last: None,
            process: Process { dirty: true, ..Process::default() },
            settings: Settings {
                owner: OWNER.into(),
                operator_namespace: OPERATOR_NAMESPACE.into(),
            },
        }
    }

    /// Something changed that a watch shows.
    pub(crate) fn nudge(&mut self) {
        self.process.dirty = true;
    }

    /// The process ends and another begins.
    pub(crate) fn restart(&mut self) {
        let later = self.world.now() + SignedDuration::from_secs(2);
        self.world.advance(later);
        self.process = Process { dirty: true, ..Process::default() };
    }

    /// Runs until nothing happens any more.
    pub(crate) async fn settle(&mut self) -> Result<(), String> {
        let from = self.world.state().log.len();
        let mut quiet = 0;
        for _ in 0..MOST_ROUNDS {
            let before = (self.world.state().log.len(), self.process.sweeps);
            let world = Arc::clone(&self.world);
            let died = {
                let round = pin!(self.round());
                let death = pin!(world.died());
                matches!(select(round, death).await, Either::Right(_))
            };
            if died {
                self.restart();
                quiet = 0;
                continue;
            }
            let state = self.world.state();
            let wrote =
                state.log[before.0..].iter().any(|line| line.writes || line.mishap.is_some());
            let gone = state.etcd.object.is_none();
            drop(state);
            if wrote || !(gone || self.rests()) {
                quiet = 0;
            } else if self.process.sweeps > before.1 {
                quiet += 1;
            }
            if quiet >= QUIET_SWEEPS {
                return Ok(());
            }
        }
        let state = self.world.state();
        let recent = from.max(state.log.len().saturating_sub(60));
        Err(format!(
            "it does not come to rest\nlast: {:?}\nlast calls:\n{}",
            self.last,
            state.story_since(recent)
        ))
    }

    fn rests(&self) -> bool {
        self.last.as_ref().is_some_and(|outcome| {
            matches!(outcome.config, Lane::Settled(_) | Lane::Stuck(_))
                && matches!(outcome.upkeep, Lane::Settled(_) | Lane::Stuck(_))
                && outcome.config_failure.is_none()
                && outcome.upkeep_failure.is_none()
        })
    }

    /// What is due now is done, then the clock moves to what is due next.
    pub(crate) async fn round(&mut self) {
        let now = self.world.now();
        if self.process.next_sweep.is_none_or(|at| at <= now) {
            self.sweep().await;
        }
        self.process.dirty |= std::mem::take(&mut self.world.state().shown);
        let due = self.process.next_look.is_some_and(|at| at <= self.world.now());
        if due || self.process.dirty {
            self.pass().await;
        }
        self.process.dirty |= std::mem::take(&mut self.world.state().shown);
        let next = self.process.next_sweep.into_iter().chain(self.process.next_look).min();
        if !self.process.dirty
            && let Some(next) = next
        {
            self.world.advance(next);
        }
    }

    async fn sweep(&mut self) {
        let taken_at = self.world.now();
        self.process.next_sweep = Some(taken_at + SWEEP);
        match self.read_platform(taken_at).await {
            Ok(()) => {
                self.knows_tenant = true;
                let troubled = self.process.trouble.take().is_some() && !self.rests();
                if self.process.sweeps == 1 || troubled {
                    self.process.dirty = true;
                }
            }
            Err(fault) => {
                // A platform without a first list is tried again soon.
                let soon = taken_at + SignedDuration::from_secs(5);
                self.process.next_sweep = Some(soon);
                if self.knows_tenant && self.process.trouble.is_none() {
                    self.process.dirty |= self.process.inventory.is_none();
                    self.process.trouble = Some(fault);
                }
                return;
            }
        }
        let Some(inventory) = self.process.inventory.clone() else { return };
        self.process.memory.catch_up(&inventory);
        let waits = self.last.as_ref().is_some_and(
            |outcome| matches!(&outcome.config, Lane::Wait(wait) if wait.wants != Wants::Time),
        );
        if waits || self.woken(&inventory).is_some() {
            self.process.dirty = true;
        }
    }

    async fn read_platform(&mut self, taken_at: Timestamp) -> Result<(), String> {
        let process = &mut self.process;
        for part in self.world.capabilities.catalog_parts {
            if !process.catalog.read_at.contains_key(part) || *part == CatalogPart::Tenant {
                let read = self.world.catalog(*part, &mut process.catalog).await;
                read.map_err(|fault| fault.to_string())?;
                process.catalog.read_at.insert(*part, taken_at);
            }
        }
        let accounts = self.world.accounts().await.map_err(|fault| fault.to_string())?;
        process.sweeps += 1;
        process.recent.push(taken_at);
        let inventory = Inventory::new(taken_at, process.sweeps, OWNER, accounts);
        process.inventory = Some(Arc::new(inventory));
        Ok(())
    }

    /// Why the newest list wakes the object.
    pub(crate) fn woken(&self, inventory: &Inventory) -> Option<&'static str> {
        let (object, key) = {
            let state = self.world.state();
            (state.etcd.object.clone()?, state.etcd.key()?)
        };
        let desired = Desired::parse(&object, &key).ok()?;
        let PlatformSeen::Ready(view) = self.platform_seen() else { return None };
        if object.metadata.deletion_timestamp.is_some() {
            return None;
        }
        let client = self.process.client_id.clone();
        let client = client.or_else(|| object.status?.remote?.client_id);
        let account = client.as_ref().and_then(|id| {
            let id = AccountId(id.clone());
            self.process.memory.account(&id, Some(inventory))
        });
        wakes(&desired, &marker(&key), client.as_deref(), account.as_ref(), &view, inventory)
    }

    /// Why the newest list of all would wake the object at rest.
    pub(crate) fn would_wake(&self) -> Option<&'static str> {
        self.woken(self.process.inventory.as_deref()?)
    }

    fn platform_seen(&self) -> PlatformSeen {
        if self.platform.missing {
            return PlatformSeen::Missing;
        }
        if !self.knows_tenant
            || (self.process.inventory.is_none() && self.process.trouble.is_none())
        {
            return not_ready();
        }
        let expected = Tenant { id: TENANT.into(), name: "Acme".into() };
        let answers = self.process.catalog.tenant.clone();
        let other_tenant = answers.filter(|answers| *answers != expected);
        PlatformSeen::Ready(Box::new(PlatformView {
            capabilities: self.world.capabilities.clone(),
            addresses: addresses(),
            catalog: Arc::new(self.process.catalog.clone()),
            tenant: expected,
            other_tenant,
            allowed: self.platform.allowed.clone(),
            managing_clients: Arc::default(),
            trouble: self.process.trouble.clone(),
            credential_missing: false,
            sweep_every: SWEEP,
        }))
    }

    /// One pass, and what it leaves to be done. None: there is no object.
    pub(crate) async fn pass(&mut self) -> Option<Passed> {
        self.process.dirty = false;
        self.process.next_look = None;
        self.passes += 1;
        let (object, key, own_secrets) = {
            let state = self.world.state();
            (state.etcd.object.clone()?, state.etcd.key()?, state.etcd.beside())
        };
        if self.process.memory.uid != key.uid {
            self.process.memory = Memory::default();
            self.process.memory.uid.clone_from(&key.uid);
        }
        let desired: Result<Desired, Invalid> = Desired::parse(&object, &key);
        let platform = self.platform_seen();
        let session = matches!(platform, PlatformSeen::Ready(_)).then(|| Session {
            provider: Arc::clone(&self.world),
            inventory: self.process.inventory.clone(),
            recent: self.process.recent.clone(),
        });
        let world = Arc::clone(&self.world);
        let clock = move || world.now();
        let mut scene = Scene {
            object: ObjectSeen {
                key,
                generation: object.metadata.generation.unwrap_or(1),
                created_at: object.metadata.creation_timestamp.as_ref().map(|time| time.0),
                held: object.metadata.finalizers.as_ref().is_some_and(|all| !all.is_empty()),
                deleting_since: object.metadata.deletion_timestamp.as_ref().map(|time| time.0),
                policy: policy(&object).expect("the stories' policies are well-formed"),
                status: object.status.unwrap_or_default(),
            },
            desired: &desired,
            platform: &platform,
            session: session.as_ref(),
            cluster: &*self.world,
            own_secrets: &own_secrets,
            lost_claim: None,
            settings: &self.settings,
            clock: &clock,
            leads: &|| true,
        };
        let passed = pass(&mut scene, &mut self.process.memory).await;
        if self.listens {
            self.world.leaks(&format!("{scene:?} {passed:?} {desired:?} {platform:?} {session:?}"));
        }
        let now = self.world.now();
        match passed {
            Err(_) => {
                self.process.next_look = Some(now + SignedDuration::from_secs(5));
                None
            }
            Ok(passed) => {
                self.process.next_look = passed.report.next_look;
                self.hurry(&passed.outcome, now);
                self.last = Some(passed.outcome.clone());
                self.process.client_id = self.world.state().stored_id();
                Some(passed)
            }
        }
    }

    /// A pass that waits for a list gets one no later than it asks.
    fn hurry(&mut self, outcome: &Outcome, now: Timestamp) {
        if let Lane::Wait(wait) = &outcome.config
            && wait.wants != Wants::Time
        {
            let soonest = wait.until.max(now + SignedDuration::from_secs(1));
            self.process.next_sweep = self.process.next_sweep.map(|at| at.min(soonest));
            if wait.wants == Wants::Catalog {
                self.process.catalog.read_at.clear();
            }
        }
    }
}

fn not_ready() -> PlatformSeen {
    PlatformSeen::NotReady {
        reason: Reason::Progressing,
        message: "its first sweep is not through".into(),
        credential_missing: false,
    }
}

pub(crate) fn marker(key: &ObjectKey) -> Marker {
    Marker {
        owner: OWNER.into(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        uid: key.uid.clone(),
    }
}

impl World {
    /// No debug text may show a secret.
    fn leaks(&self, text: &str) {
        if let Some(at) = text.find(CANARY) {
            let around = &text[at.saturating_sub(200)..(at + 40).min(text.len())];
            self.state().wrongs.push(format!("a debug text shows a secret: {around}"));
        }
    }
}
