//! The platform objects and their sessions: what a pass may use right now.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, Semaphore};

use super::pass::Session;
use crate::api::PlatformStatus;
use crate::api::conditions::Reason;
use crate::api::platform::Connection;
use crate::decide::allow::allowed;
use crate::model::desired::System;
use crate::model::inventory::{Catalog, Inventory, Tenant};
use crate::model::object::PlatformKey;
use crate::model::platform::{PlatformSeen, PlatformView};
use crate::model::step::Wants;
use crate::provider::Provider;
use crate::provider::any::AnyProvider;
use crate::provider::http::Budget;

/// All platform objects.
#[derive(Debug, Default)]
pub struct Platforms(RwLock<HashMap<PlatformKey, Known>>);

/// A platform object, or why it cannot be read.
#[derive(Clone, Debug)]
enum Known {
    Entry(Arc<Entry>),
    Unreadable(String),
}

/// One generation of one platform object, with its session.
#[derive(Debug)]
pub struct Entry {
    pub key: PlatformKey,
    pub uid: String,
    pub generation: i64,
    pub connection: Connection,
    /// The status as read when this generation was first seen: it remembers the tenant.
    pub status: PlatformStatus,
    state: RwLock<State>,
    wanted: Mutex<Wanted>,
    pub nudge: Notify,
    /// Passes at once on this platform: one that hangs must not hold up the others.
    pub slots: Arc<Semaphore>,
    /// The request budget of all sessions, whichever generation made them.
    pub budget: Arc<Budget>,
}

/// What somebody waits for.
#[derive(Debug, Default)]
struct Wanted {
    sweep_at: Option<Timestamp>,
    catalog: bool,
    reconnect: bool,
    reconnect_later: bool,
}

/// How the session stands.
#[derive(Clone, Debug)]
pub enum State {
    /// The first sweep is not through: nothing is decided and nothing is said.
    Starting,
    NotReady {
        reason: Reason,
        message: String,
        credential_missing: bool,
    },
    Ready(Arc<Live>),
}

/// A session that works, or did.
#[derive(Debug)]
pub struct Live {
    pub provider: Arc<AnyProvider>,
    pub client_id: String,
    pub inventory: Option<Arc<Inventory>>,
    /// When the last lists were begun, newest last.
    pub recent: Vec<Timestamp>,
    pub catalog: Arc<Catalog>,
    pub tenant: Tenant,
    pub other_tenant: Option<Tenant>,
    pub trouble: Option<String>,
    /// The session has no managing credential: only tokens can go on.
    pub credential_missing: bool,
}

/// What a pass finds: nothing may be decided yet, or the platform as it is seen, with its session.
#[derive(Debug)]
pub enum Found {
    Starting,
    Seen(PlatformSeen, Option<Session<AnyProvider>>),
}

impl Platforms {
    pub fn get(&self, key: &PlatformKey) -> Option<Arc<Entry>> {
        match self.0.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            Some(Known::Entry(entry)) => Some(Arc::clone(entry)),
            Some(Known::Unreadable(_)) | None => None,
        }
    }

    /// Whether this entry is still the newest generation of its object.
    pub fn is_current(&self, entry: &Entry) -> bool {
        self.get(&entry.key)
            .is_some_and(|current| std::ptr::eq(std::ptr::from_ref(&*current), entry))
    }

    pub fn put(&self, entry: Arc<Entry>) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(entry.key.clone(), Known::Entry(entry));
    }

    /// A platform object that a newer or older definition let through.
    pub fn put_unreadable(&self, key: &PlatformKey, why: &str) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(key.clone(), Known::Unreadable(why.to_owned()));
    }

    pub fn remove(&self, key: &PlatformKey) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Every platform object.
    pub fn all(&self) -> Vec<Arc<Entry>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let entries = known.values().filter_map(|known| match known {
            Known::Entry(entry) => Some(Arc::clone(entry)),
            Known::Unreadable(_) => None,
        });
        entries.collect()
    }

    /// The tenant behind a platform object, or the object itself while that is unknown.
    pub fn tenant_of(&self, key: &PlatformKey) -> String {
        let live = self.get(key).and_then(|entry| entry.live());
        live.map_or_else(|| key.to_string(), |live| live.tenant.id.clone())
    }

    /// What a pass over an object of this namespace finds.
    pub fn find(
        &self,
        key: &PlatformKey,
        system: Option<System>,
        namespace: &str,
        labels: Option<&BTreeMap<String, String>>,
    ) -> Found {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        let entry = match known {
            Some(Known::Entry(entry)) => entry,
            Some(Known::Unreadable(why)) => {
                let message = format!("it cannot be read: {why}");
                let unreadable = PlatformSeen::NotReady {
                    reason: Reason::InvalidSpec,
                    message,
                    credential_missing: false,
                };
                return Found::Seen(unreadable, None);
            }
            None => return Found::Seen(PlatformSeen::Missing, None),
        };
        let is = entry.system();
        if let (Some(wanted), Some((system, name))) = (system, is)
            && wanted != system
        {
            return Found::Seen(PlatformSeen::OtherSystem { is: name }, None);
        }
        match entry.state() {
            State::Starting => Found::Starting,
            State::NotReady { reason, message, credential_missing } => {
                Found::Seen(PlatformSeen::NotReady { reason, message, credential_missing }, None)
            }
            State::Ready(live) => {
                let view = PlatformView {
                    capabilities: live.provider.capabilities().clone(),
                    addresses: live.provider.addresses(),
                    catalog: Arc::clone(&live.catalog),
                    tenant: live.tenant.clone(),
                    other_tenant: live.other_tenant.clone(),
                    allowed: allowed(key.kind, &entry.connection.allow, namespace, labels),
                    managing_clients: Arc::new(self.managing_clients(&live.tenant.id)),
                    trouble: live.trouble.clone(),
                    credential_missing: live.credential_missing,
                    sweep_every: entry.sweep_every(),
                };
                let session = Session {
                    provider: Arc::clone(&live.provider),
                    inventory: live.inventory.clone(),
                    recent: live.recent.clone(),
                };
                Found::Seen(PlatformSeen::Ready(Box::new(view)), Some(session))
            }
        }
    }

    fn managing_clients(&self, tenant: &str) -> BTreeSet<String> {
        let all = self.all();
        let live = all.iter().filter_map(|entry| entry.live());
        live.filter(|live| live.tenant.id == tenant && live.other_tenant.is_none())
            .map(|live| live.client_id.clone())
            .collect()
    }
}

impl Entry {
    pub fn new(
        key: PlatformKey,
        uid: String,
        generation: i64,
        connection: Connection,
        status: PlatformStatus,
        slots: usize,
    ) -> Self {
        let budget = Arc::new(Budget::new(connection.requests_per_minute));
        Self {
            key,
            uid,
            generation,
            connection,
            status,
            state: RwLock::new(State::Starting),
            wanted: Mutex::default(),
            nudge: Notify::new(),
            slots: Arc::new(Semaphore::new(slots)),
            budget,
        }
    }

    /// Takes over what outlives a generation: the request budget, or at another rate what is left of a pause.
    #[must_use]
    pub fn succeeding(mut self, before: Option<&Self>) -> Self {
        let Some(before) = before else { return self };
        let rate = self.connection.requests_per_minute;
        self.budget = if before.connection.requests_per_minute == rate {
            Arc::clone(&before.budget)
        } else {
            Arc::new(before.budget.at_rate(rate))
        };
        self
    }

    pub fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set(&self, state: State) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// The session, if there is one.
    pub fn live(&self) -> Option<Arc<Live>> {
        match self.state() {
            State::Ready(live) => Some(live),
            State::Starting | State::NotReady { .. } => None,
        }
    }

    /// The remote system and its name for people.
    pub fn system(&self) -> Option<(System, &'static str)> {
        self.connection.genesys_cloud.as_ref().map(|_| (System::GenesysCloud, "Genesys Cloud"))
    }

    /// From one sweep to the next.
    pub fn sweep_every(&self) -> SignedDuration {
        self.connection
            .sweep_interval
            .parse()
            .unwrap_or(SignedDuration::from_mins(5))
            .clamp(SignedDuration::from_secs(5), SignedDuration::from_hours(1))
    }

    /// Somebody waits for a list or for names that are newer than `at`.
    pub fn want(&self, what: Wants, at: Timestamp) {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        match what {
            Wants::Time => return,
            Wants::List => {}
            Wants::Catalog => wanted.catalog = true,
        }
        wanted.sweep_at = Some(wanted.sweep_at.map_or(at, |earlier| earlier.min(at)));
        drop(wanted);
        self.nudge.notify_one();
    }

    /// The credential or the certificates may have changed: connect anew.
    pub fn reconnect(&self) {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).reconnect = true;
        self.nudge.notify_one();
    }

    /// Connect anew before the next sweep, whenever that is.
    pub fn reconnect_later(&self) {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).reconnect_later = true;
    }

    /// When somebody wants the next sweep.
    pub fn wanted_at(&self) -> Option<Timestamp> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).sweep_at
    }

    /// Whether to connect anew, asked once.
    pub fn take_reconnect(&self) -> bool {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let now = std::mem::take(&mut wanted.reconnect);
        std::mem::take(&mut wanted.reconnect_later) || now
    }

    /// The wish for a sweep is taken up, or cannot be met now.
    pub fn forget_wanted(&self) {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).sweep_at = None;
    }

    pub fn wants_reconnect(&self) -> bool {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).reconnect
    }

    /// Begins a sweep: whether it must read every name.
    pub fn begin_sweep(&self) -> bool {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.sweep_at = None;
        std::mem::take(&mut wanted.catalog)
    }
}
