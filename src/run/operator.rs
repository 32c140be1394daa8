//! What all tasks of one process share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::lease::Leadership;
use super::memory::Memory;
use super::metrics::Metrics;
use super::namespaces::NamespaceIndex;
use super::objects::{Guarded, Objects};
use super::pass::Settings;
use super::platforms::Platforms;
use super::secrets::{Change, Name, SecretIndex};
use crate::kubernetes::ObjectKey;
use crate::kubernetes::live::Live;
use crate::provider::genesys::Waits;
use crate::provider::http::AllowedEndpoints;

/// What the command line decides.
#[derive(Clone, Debug)]
pub struct Options {
    pub settings: Settings,
    /// Empty: every namespace.
    pub namespaces: Vec<String>,
    pub allowed_endpoints: AllowedEndpoints,
    /// Platforms are called through the proxy that the environment names.
    pub proxy_from_environment: bool,
    pub waits: Waits,
    /// Passes at once.
    pub concurrency: u16,
    /// Between two sweeps that somebody waits for, at least.
    pub sweep_spacing: SignedDuration,
    /// How long a token may be overdue before the watchdog speaks.
    pub late_after: SignedDuration,
    /// The watchdog's look.
    pub watchdog_every: Duration,
}

/// The way into the work queue of one namespace, or of all.
pub type Waker = (Option<String>, UnboundedSender<ObjectRef<Guarded>>);

/// What all tasks share.
#[derive(Debug)]
pub struct Operator {
    pub live: Live,
    pub options: Options,
    pub leadership: Leadership,
    pub objects: Objects,
    pub secrets: SecretIndex,
    pub namespaces: NamespaceIndex,
    pub platforms: Platforms,
    pub metrics: Arc<Metrics>,
    memories: Mutex<HashMap<Name, Memory>>,
    wakers: OnceLock<Vec<Waker>>,
    /// Cancelled when the work ends: what is under way begins nothing more on a platform.
    stopping: CancellationToken,
}

impl Operator {
    pub fn new(
        live: Live,
        options: Options,
        leadership: Leadership,
        metrics: Arc<Metrics>,
        stopping: CancellationToken,
    ) -> Self {
        Self {
            live,
            options,
            leadership,
            objects: Objects::default(),
            secrets: SecretIndex::default(),
            namespaces: NamespaceIndex::default(),
            platforms: Platforms::default(),
            metrics,
            memories: Mutex::new(HashMap::new()),
            wakers: OnceLock::new(),
            stopping,
        }
    }

    /// Hands over the ways to the work queues, once, before any pass.
    pub fn attach(&self, wakers: Vec<Waker>) {
        self.wakers.set(wakers).unwrap_or_else(|_| tracing::debug!("queues are attached once"));
    }

    /// Whether this process may write at this moment.
    pub fn leads(&self) -> bool {
        !self.stopping.is_cancelled() && self.leadership.is_leader(tokio::time::Instant::now())
    }

    /// Cancelled when the work ends.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Whether objects of a namespace are looked after.
    pub fn covers(&self, namespace: &str) -> bool {
        self.options.namespaces.is_empty() || self.options.namespaces.iter().any(|n| n == namespace)
    }

    /// Wants a pass over an object for a reason that its own version does not show.
    pub fn wake(&self, name: &Name) {
        self.memories().entry(name.clone()).or_default().dirty = true;
        self.trigger(name);
    }

    /// Puts an object into its work queue; the pass itself finds out whether there is anything new.
    pub fn trigger(&self, name: &Name) {
        let queue =
            self.wakers.get().into_iter().flatten().find(|(namespace, _)| {
                namespace.as_ref().is_none_or(|namespace| *namespace == name.0)
            });
        if let Some((_, queue)) = queue
            && queue.send(ObjectRef::new(&name.1).within(&name.0)).is_err()
        {
            tracing::debug!(object = %format!("{}/{}", name.0, name.1), "the work queue is closed");
        }
    }

    /// The watch shows a change of a Secret of ours: wants a pass, unless it is our own doing.
    pub fn secret_changed(&self, change: Change) {
        let Change { object, secret, version } = change;
        let mut memories = self.memories();
        let Some(memory) = memories.get_mut(&object) else { return };
        if memory.running {
            memory.meanwhile.push((secret, version));
            return;
        }
        let news =
            memory.left.as_ref().is_some_and(|left| left.is_news(&secret, version.as_deref()));
        drop(memories);
        if news {
            self.wake(&object);
        }
    }

    /// Wants a pass over an object that lost a claim or waits for a person: a rival changed.
    pub fn trigger_if_stuck(&self, name: &Name) {
        let stuck = self
            .memories()
            .get(name)
            .is_some_and(|memory| memory.left.as_ref().is_some_and(|left| !left.settled));
        if stuck {
            self.wake(name);
        }
    }

    /// Wants a pass over every object of a namespace.
    pub fn wake_namespace(&self, namespace: &str) {
        for guarded in self.objects.all() {
            if guarded.namespace().as_deref() == Some(namespace) {
                self.wake(&(namespace.to_owned(), guarded.name_any()));
            }
        }
    }

    /// The watch shows this version: a status that was written before it need not be remembered.
    pub fn shown(&self, key: &ObjectKey, version: Option<&str>) {
        let name = (key.namespace.clone(), key.name.clone());
        if let Some(memory) = self.memories().get_mut(&name) {
            memory.shown(version);
        }
    }

    /// What is remembered of all objects. Held for moments only.
    pub fn memories(&self) -> MutexGuard<'_, HashMap<Name, Memory>> {
        self.memories.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The clock of this process; decisions get the time as an argument.
#[expect(clippy::disallowed_methods, reason = "the one clock of the wiring")]
pub fn clock() -> Timestamp {
    Timestamp::now()
}
