//! What is counted, in the text format of `OpenMetrics`.
//!
//! Enters: what happened, by the word for it. Leaves: the page at `/metrics`. Labels come from closed lists, platforms and
//! objects; no id, account or text of anybody becomes a label.

mod labels;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

use self::labels::{
    FieldLabel, KubernetesCall, ObjectLabel, Outcome, PlatformLabel, RemoteCall, State, Swept, Verb,
};
use crate::kubernetes::ObjectKey;
use crate::kubernetes::live::{Call, CallSink};
use crate::model::account::Field;
use crate::model::object::PlatformKey;

/// A gauge of seconds.
type Seconds = Gauge<f64, std::sync::atomic::AtomicU64>;

/// How a pass ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Passed {
    /// Nothing was to be done.
    Rested,
    /// Something was changed.
    Acted,
    /// It waits for something, and is tried again by itself.
    Retrying,
    /// A person is needed.
    Stalled,
    /// The Kubernetes API failed.
    Failed,
}

impl Passed {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Rested => "rested",
            Self::Acted => "acted",
            Self::Retrying => "retrying",
            Self::Stalled => "stalled",
            Self::Failed => "failed",
        }
    }
}

/// How many objects are in which state.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ObjectCounts {
    pub ready: usize,
    pub reconciling: usize,
    pub stalled: usize,
}

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    leader: Gauge,
    reconcile: Family<Outcome, Counter>,
    reconcile_duration: Family<Outcome, Histogram>,
    kubernetes_calls: Family<KubernetesCall, Counter>,
    kubernetes_call_duration: Family<Verb, Histogram>,
    remote_calls: Family<RemoteCall, Counter>,
    tokens_minted: Family<Swept, Counter>,
    sweeps: Family<Swept, Counter>,
    sweep_duration: Family<PlatformLabel, Seconds>,
    sweep_last_success: Family<PlatformLabel, Seconds>,
    orphans: Family<PlatformLabel, Gauge>,
    objects: Family<State, Gauge>,
    drift_detected: Family<FieldLabel, Counter>,
    drift_corrected: Family<FieldLabel, Counter>,
    secrets_repaired: Counter,
    token_expiry: Family<ObjectLabel, Seconds>,
    token_lateness: Family<ObjectLabel, Seconds>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("keysteward");
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program that runs", version);
        let mut book = Book(registry);
        let metrics = Self {
            leader: book.note("leader", "1 while this replica works", Gauge::default()),
            reconcile: book.note("reconcile", "Passes over objects, by how they ended", family()),
            reconcile_duration: book.note(
                "reconcile_duration_seconds",
                "Time of a pass, waiting for the platform included",
                Family::new_with_constructor(durations),
            ),
            kubernetes_calls: book.note(
                "kubernetes_calls",
                "Calls of the Kubernetes API, watches and events included; code is none where no answer came",
                family(),
            ),
            kubernetes_call_duration: book.note(
                "kubernetes_call_duration_seconds",
                "Time until the Kubernetes API began to answer",
                Family::new_with_constructor(durations),
            ),
            remote_calls: book.note(
                "remote_calls",
                "Requests to a platform, by endpoint and outcome",
                family(),
            ),
            tokens_minted: book.note("tokens_minted", "Tries to mint a token, by outcome", family()),
            sweeps: book.note("sweeps", "Sweeps of a platform, by outcome", family()),
            sweep_duration: book.note(
                "sweep_duration_seconds",
                "Time of the last sweep of a platform",
                family(),
            ),
            sweep_last_success: book.note(
                "sweep_last_success_timestamp_seconds",
                "When a sweep of a platform last succeeded",
                family(),
            ),
            orphans: book.note(
                "orphans",
                "Remote accounts that deletions left behind on a platform",
                family(),
            ),
            objects: book.note("objects", "Objects, by state", family()),
            drift_detected: book.note(
                "drift_detected",
                "Fields that differed after both sides had agreed",
                family(),
            ),
            drift_corrected: book.note("drift_corrected", "Fields that were set back", family()),
            secrets_repaired: book.note(
                "secrets_repaired",
                "Our Secrets that were written again after others edited or deleted them",
                Counter::default(),
            ),
            token_expiry: book.note(
                "token_expiry_timestamp_seconds",
                "When the published token ends",
                family(),
            ),
            token_lateness: book.note(
                "token_refresh_lateness_seconds",
                "By how much the refresh of a token is overdue; absent where none is",
                family(),
            ),
            registry: Registry::default(),
        };
        Self { registry: book.0, ..metrics }
    }

    pub fn passed(&self, how: Passed, took: Duration) {
        let label = Outcome { outcome: how.as_str() };
        self.reconcile.get_or_create(&label).inc();
        self.reconcile_duration.get_or_create(&label).observe(took.as_secs_f64());
    }

    /// Adds requests to a platform. `endpoint` is a template without ids, `outcome` a word from a closed list.
    pub fn remote_calls(
        &self,
        platform: &PlatformKey,
        endpoint: &'static str,
        outcome: &'static str,
        calls: u64,
    ) {
        let PlatformLabel { platform } = platform.into();
        let label = RemoteCall { platform, endpoint, outcome };
        self.remote_calls.get_or_create(&label).inc_by(calls);
    }

    /// `outcome` is a word from a closed list.
    pub fn token_minted(&self, platform: &PlatformKey, outcome: &'static str) {
        self.tokens_minted.get_or_create(&Swept::new(platform, outcome)).inc();
    }

    /// A sweep that succeeded.
    pub fn swept(&self, platform: &PlatformKey, took: Duration, at: Timestamp) {
        self.sweeps.get_or_create(&Swept::new(platform, "succeeded")).inc();
        self.sweep_duration.get_or_create(&platform.into()).set(took.as_secs_f64());
        self.sweep_last_success.get_or_create(&platform.into()).set(seconds(at));
    }

    pub fn sweep_failed(&self, platform: &PlatformKey) {
        self.sweeps.get_or_create(&Swept::new(platform, "failed")).inc();
    }

    pub fn orphans(&self, platform: &PlatformKey, count: usize) {
        self.orphans.get_or_create(&platform.into()).set(whole(count));
    }

    pub fn objects(&self, counts: ObjectCounts) {
        let ObjectCounts { ready, reconciling, stalled } = counts;
        for (state, count) in [("ready", ready), ("reconciling", reconciling), ("stalled", stalled)]
        {
            self.objects.get_or_create(&State { state }).set(whole(count));
        }
    }

    pub fn drift_detected(&self, field: Field) {
        self.drift_detected.get_or_create(&field.into()).inc();
    }

    pub fn drift_corrected(&self, field: Field) {
        self.drift_corrected.get_or_create(&field.into()).inc();
    }

    pub fn secret_repaired(&self) {
        self.secrets_repaired.inc();
    }

    /// The token that an object publishes now.
    pub fn token_published(&self, object: &ObjectKey, expires_at: Timestamp) {
        self.token_expiry.get_or_create(&object.into()).set(seconds(expires_at));
    }

    /// By how much the refresh of a token is overdue; nothing or less: it is not.
    pub fn token_late(&self, object: &ObjectKey, by: SignedDuration) {
        if by.is_positive() {
            self.token_lateness.get_or_create(&object.into()).set(by.as_secs_f64());
        } else {
            self.token_lateness.remove(&object.into());
        }
    }

    /// An object is gone, or publishes no token any more.
    pub fn forget_object(&self, object: &ObjectKey) {
        self.token_expiry.remove(&object.into());
        self.token_lateness.remove(&object.into());
    }

    /// A platform object is gone.
    pub fn forget_platform(&self, platform: &PlatformKey) {
        let label = platform.into();
        self.orphans.remove(&label);
        self.sweep_duration.remove(&label);
        self.sweep_last_success.remove(&label);
    }

    /// The page. Whether this replica leads is asked when it is read.
    pub fn page(&self, leads: bool) -> String {
        self.leader.set(i64::from(leads));
        let mut page = String::new();
        encode(&mut page, &self.registry).expect("writing to a String cannot fail");
        page
    }
}

impl CallSink for Metrics {
    fn finished(&self, call: &Call<'_>) {
        let Call { verb, resource, status, took } = *call;
        let code = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        let label = KubernetesCall { verb, resource: resource.to_owned(), code };
        self.kubernetes_calls.get_or_create(&label).inc();
        self.kubernetes_call_duration.get_or_create(&Verb { verb }).observe(took.as_secs_f64());
    }
}

/// Registers what it hands on.
struct Book(Registry);

impl Book {
    fn note<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }
}

fn family<L: Clone + std::hash::Hash + Eq, M: Default>() -> Family<L, M> {
    Family::default()
}

/// From a local call to one that runs into its deadline.
fn durations() -> Histogram {
    Histogram::new([0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
