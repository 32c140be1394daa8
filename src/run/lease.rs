//! Which replica works: leader election through one Lease.
//!
//! Enters: what is stored in the Lease, and the monotonic clock. Leaves: a [`Leadership`] that is asked at the moment of
//! use. Compares no wall clocks: another's claim runs from when its renewal was seen here, our own from before it was sent.

mod election;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::kubernetes::Error;
use crate::kubernetes::live::{LeaseRecord, Live};

pub use self::election::Election;

/// Who holds the Lease, and until when that is certain on the local, monotonic clock.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claim {
    pub holder: String,
    pub until: Instant,
}

impl Claim {
    pub fn held_by(&self, me: &str, now: Instant) -> bool {
        self.holder == me && now < self.until
    }
}

/// What a replica does next about the Lease.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Move {
    /// Nobody's claim runs: try to take it.
    Acquire,
    /// It is ours: prolong it.
    Renew,
    /// Another's claim runs for this long yet.
    Wait(Duration),
}

/// What a replica named `me` does, given the last claim that it saw. `None`: there is no Lease.
pub fn decide(seen: Option<&Claim>, me: &str, now: Instant) -> Move {
    match seen {
        None => Move::Acquire,
        Some(claim) if claim.holder == me => Move::Renew,
        Some(claim) if claim.holder.is_empty() || now >= claim.until => Move::Acquire,
        Some(claim) => Move::Wait(claim.until - now),
    }
}

/// The times of an election. `renew_deadline` must be shorter than `duration`: the difference is what clocks and a
/// stopped process may be wrong by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pace {
    /// How long others wait after a renewal that they saw. Whole seconds; the Lease says it.
    pub duration: Duration,
    /// How long a leader works after the start of its last renewal that succeeded.
    pub renew_deadline: Duration,
    /// From one look or renewal to the next.
    pub retry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

impl Pace {
    /// The deadline of one call: several tries fit into the time in which a leader must renew.
    pub fn call_deadline(self) -> Duration {
        (self.renew_deadline / 3).max(Duration::from_millis(100))
    }

    /// Refuses times with which two replicas could work at once.
    pub fn check(self) -> Result<Self, String> {
        let Self { duration, renew_deadline, retry } = self;
        if duration < Duration::from_secs(1) || duration.subsec_nanos() > 0 {
            return Err(format!(
                "the lease duration must be whole seconds, at least 1: {duration:?}"
            ));
        }
        // A tenth more than nothing, for clocks that do not run equally fast.
        if renew_deadline > duration.mul_f32(0.9) {
            return Err(format!(
                "the renew deadline must be at most nine tenths of the lease duration: \
                 {renew_deadline:?} of {duration:?}"
            ));
        }
        if retry.is_zero() || retry > renew_deadline / 2 {
            return Err(format!(
                "the retry period must be above 0 and at most half of the renew deadline: \
                 {retry:?} of {renew_deadline:?}"
            ));
        }
        Ok(self)
    }
}

/// Where the Lease is kept.
pub trait LeaseStore: Send + Sync + 'static {
    fn read(&self) -> impl Future<Output = Result<Option<LeaseRecord>, Error>> + Send;

    /// [`Error::Conflict`] if there is one already.
    fn create(
        &self,
        record: &LeaseRecord,
    ) -> impl Future<Output = Result<LeaseRecord, Error>> + Send;

    /// [`Error::Conflict`] if it changed since its resource version was read.
    fn replace(
        &self,
        record: &LeaseRecord,
    ) -> impl Future<Output = Result<LeaseRecord, Error>> + Send;
}

/// A Lease of the Kubernetes API.
#[derive(Clone, Debug)]
pub struct KubernetesLease {
    live: Live,
    namespace: String,
    name: String,
}

impl KubernetesLease {
    pub fn new(live: Live, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { live, namespace: namespace.into(), name: name.into() }
    }
}

impl LeaseStore for KubernetesLease {
    async fn read(&self) -> Result<Option<LeaseRecord>, Error> {
        self.live.read_lease(&self.namespace, &self.name).await
    }

    async fn create(&self, record: &LeaseRecord) -> Result<LeaseRecord, Error> {
        self.live.create_lease(&self.namespace, &self.name, record).await
    }

    async fn replace(&self, record: &LeaseRecord) -> Result<LeaseRecord, Error> {
        self.live.replace_lease(&self.namespace, &self.name, record).await
    }
}

/// Whether this replica works. Clones look at the same election.
#[derive(Clone, Debug)]
pub struct Leadership {
    me: Arc<str>,
    claim: watch::Receiver<Option<Claim>>,
    /// Keeps a claim open that no election renews.
    undisputed: Option<Arc<watch::Sender<Option<Claim>>>>,
}

/// A name that no other process has, beginning with the pod's.
pub fn identity(pod: &str) -> String {
    format!("{pod}_{}", Uuid::new_v4())
}

impl Leadership {
    /// A replica that always works: there is no election.
    pub fn undisputed() -> Self {
        let far = Instant::now() + Duration::from_hours(24 * 365 * 30);
        let claim = Claim { holder: String::new(), until: far };
        let (sender, receiver) = watch::channel(Some(claim));
        Self { me: "".into(), claim: receiver, undisputed: Some(Arc::new(sender)) }
    }

    /// Whether this replica may act at this moment. Asked before every step with an effect.
    pub fn is_leader(&self, now: Instant) -> bool {
        self.claim.borrow().as_ref().is_some_and(|claim| claim.held_by(&self.me, now))
    }

    /// Who holds the Lease, as far as this replica saw.
    pub fn holder(&self) -> Option<String> {
        self.claim.borrow().as_ref().map(|claim| claim.holder.clone())
    }

    /// Whether the election goes on. Once it does not, this replica can never lead again.
    pub fn runs(&self) -> bool {
        self.undisputed.is_some() || self.claim.has_changed().is_ok()
    }

    /// Waits until this replica leads; false when the election has ended first.
    pub async fn gained(&mut self) -> bool {
        loop {
            if self.is_leader(Instant::now()) {
                return true;
            }
            if self.claim.changed().await.is_err() {
                return false;
            }
        }
    }

    /// Waits until this replica does not lead: its claim ran out, was given up or the election ended.
    pub async fn lost(&mut self) {
        loop {
            let until = match self.claim.borrow_and_update().as_ref() {
                Some(claim) if claim.held_by(&self.me, Instant::now()) => claim.until,
                _ => return,
            };
            // An elapsed time is the claim's end, unless it was prolonged: look again.
            if let Ok(Err(_)) = timeout_at(until, self.claim.changed()).await {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
