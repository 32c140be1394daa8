//! The watches and the work queues.
//!
//! One set for each namespace looked after, or one for all. Secrets and namespaces are watched by metadata only.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt, future, stream};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::core::PartialObjectMeta;
use kube::runtime::controller::Config;
use kube::runtime::reflector::{ObjectRef, Store, store::Writer};
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{Controller, Predicate, WatchStreamExt, predicates};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::gate::Gate;
use super::objects::{Guarded, key_of};
use super::operator::{Operator, Waker};
use super::reconcile::{error_policy, reconcile};
use super::secrets::{Listing, Name};
use crate::api::INPUT_SECRET_TYPE;
use crate::api::credential::PlatformKind;
use crate::decide::records::{MANAGED_BY, OWNER, owner_label};
use crate::kubernetes::live::watch_refused;

/// So many platforms can use all their passes at once.
const PLATFORMS_AT_ONCE: u16 = 8;
/// Objects in one page of the first list. Without pages the whole list is in memory at once, as text and as values, and
/// a process that starts among a thousand objects keeps 7 MiB more for ever.
const PAGE: u32 = 100;
/// Many events of one object become one pass.
const DEBOUNCE: Duration = Duration::from_millis(10);

/// The queue of one watch scope.
#[derive(Debug)]
pub struct Scope {
    /// None: all namespaces.
    pub namespace: Option<String>,
    store: Store<Guarded>,
    writer: Writer<Guarded>,
    queue: UnboundedReceiver<ObjectRef<Guarded>>,
}

/// The scopes of this process, and the ways into their queues.
pub type Scopes = (Vec<Scope>, Vec<Waker>);

/// The scopes that the command line asks for.
pub fn scopes(namespaces: &[String]) -> Scopes {
    let wanted: Vec<Option<String>> = if namespaces.is_empty() {
        vec![None]
    } else {
        namespaces.iter().cloned().map(Some).collect()
    };
    wanted
        .into_iter()
        .map(|namespace| {
            let writer = Writer::<Guarded>::default();
            let (sender, queue) = unbounded_channel();
            let store = writer.as_reader();
            (Scope { namespace: namespace.clone(), store, writer, queue }, (namespace, sender))
        })
        .unzip()
}

/// An API over a scope.
pub fn api<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

impl Scope {
    pub fn store(&self) -> Store<Guarded> {
        self.store.clone()
    }

    /// Watches objects and works the queue off until `stop`.
    pub async fn run(self, client: Client, operator: Arc<Operator>, stop: CancellationToken) {
        let Self { namespace, store, writer, mut queue } = self;
        let watched = Arc::clone(&operator);
        let api: Api<Guarded> = api(&client, namespace.as_deref());
        let mut first_list = true;
        let events = watcher(api, watcher::Config::default().page_size(PAGE))
            .default_backoff()
            .modify(slim)
            .reflect(writer)
            .inspect_ok(move |event| {
                note(&watched, event);
                if matches!(event, Event::InitDone) && std::mem::take(&mut first_list) {
                    watched.objects.first_list();
                }
            })
            .inspect_err(|error| tracing::warn!(error = %watch_refused("objects", error), "a watch is begun again"))
            .applied_objects()
            .predicate_filter(
                predicates::generation.combine(predicates::finalizers).combine(predicates::annotations),
                kube::runtime::PredicateConfig::default(),
            );
        let config = Config::default()
            .debounce(DEBOUNCE)
            .concurrency(operator.options.concurrency.saturating_mul(PLATFORMS_AT_ONCE));
        Controller::for_stream(events, store)
            .with_config(config)
            .reconcile_on(stream::poll_fn(move |context| queue.poll_recv(context)))
            .graceful_shutdown_on(stop.cancelled_owned())
            .run(reconcile, error_policy, operator)
            .for_each(|result| {
                if let Err(error) = result {
                    tracing::debug!(%error, "a trigger came to nothing");
                }
                future::ready(())
            })
            .await;
    }
}

/// What no pass reads is not kept in memory.
fn slim(object: &mut Guarded) {
    let metadata = object.meta_mut();
    metadata.managed_fields = None;
    if let Some(annotations) = &mut metadata.annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    metadata.labels = None;
}

fn note(operator: &Operator, event: &Event<Guarded>) {
    match event {
        Event::Apply(guarded) | Event::InitApply(guarded) => {
            operator.shown(&key_of(guarded), guarded.resource_version().as_deref());
            let Ok(object) = &guarded.0 else { return };
            for rival in operator.objects.note(object) {
                operator.trigger_if_stuck(&rival);
            }
        }
        Event::Delete(guarded) => {
            let key = key_of(guarded);
            let name = (key.namespace.clone(), key.name.clone());
            operator.metrics.forget_object(&key);
            forget(operator, &name);
        }
        Event::Init => {}
        Event::InitDone => {
            // A deletion that the watch missed: the object is remembered and no longer there.
            let names: Vec<Name> = operator.memories().keys().cloned().collect();
            for name in names.iter().filter(|name| operator.objects.get(name).is_none()) {
                if operator.objects.complete() {
                    forget(operator, name);
                }
            }
        }
    }
}

fn forget(operator: &Operator, name: &Name) {
    operator.memories().remove(name);
    for rival in operator.objects.forget(name) {
        operator.wake(&rival);
    }
}

/// Keeps the index of our own Secrets and wakes the objects whose Secrets changed.
pub async fn watch_own_secrets(
    client: Client,
    namespace: Option<String>,
    operator: Arc<Operator>,
    listed: Gate,
    stop: CancellationToken,
) {
    let owner = owner_label(&operator.options.settings.owner);
    let labels = format!("{}={},{OWNER}={owner}", MANAGED_BY.0, MANAGED_BY.1);
    let api: Api<PartialObjectMeta<Secret>> = api(&client, namespace.as_deref());
    let mut events =
        forever("our own Secrets", api, watcher::Config::default().labels(&labels), stop);
    let mut listing = Listing::default();
    while let Some(event) = events.next().await {
        let done = matches!(event, Event::InitDone);
        let own_namespace = &operator.options.settings.operator_namespace;
        let covers = |other: &str| namespace.as_deref().is_none_or(|namespace| namespace == other);
        for change in operator.secrets.take(&mut listing, event, own_namespace, covers) {
            operator.secret_changed(change);
        }
        if done {
            listed.open();
        }
    }
}

/// Reconnects the platforms whose input Secret changed.
pub async fn watch_input_secrets(
    client: Client,
    namespace: Option<String>,
    operator: Arc<Operator>,
    stop: CancellationToken,
) {
    let api: Api<PartialObjectMeta<Secret>> = api(&client, namespace.as_deref());
    let only = format!("type={INPUT_SECRET_TYPE}");
    let mut events = forever("input Secrets", api, watcher::Config::default().fields(&only), stop);
    // The first list says nothing new: sessions are made after it. Later ones may tell what a broken watch missed.
    let mut first_list = true;
    let mut versions: HashMap<Name, Option<String>> = HashMap::new();
    while let Some(event) = events.next().await {
        first_list &= !matches!(event, Event::InitDone);
        let (Event::Apply(secret) | Event::InitApply(secret) | Event::Delete(secret)) = event
        else {
            continue;
        };
        let changed: Name = (secret.namespace().unwrap_or_default(), secret.name_any());
        let version = secret.resource_version();
        let before = versions.insert(changed.clone(), version.clone());
        if first_list || before == Some(version) {
            continue;
        }
        for entry in operator.platforms.all() {
            let namespace = match entry.key.kind {
                PlatformKind::Platform => &entry.key.namespace,
                PlatformKind::ClusterPlatform => &operator.options.settings.operator_namespace,
            };
            let spec = &entry.connection;
            let authorities = spec.ca_bundle_ref.as_ref().map(|reference| reference.name.as_str());
            let named =
                spec.credentials_secret_ref.name == changed.1 || authorities == Some(&changed.1);
            if named && *namespace == changed.0 {
                entry.reconnect();
            }
        }
    }
}

/// Keeps the labels of namespaces and wakes the objects whose namespace changed.
pub async fn watch_namespaces(
    client: Client,
    operator: Arc<Operator>,
    listed: Gate,
    stop: CancellationToken,
) {
    let api: Api<PartialObjectMeta<Namespace>> = Api::all(client);
    let mut events = forever("namespaces", api, watcher::Config::default(), stop);
    while let Some(event) = events.next().await {
        if matches!(event, Event::InitDone) {
            listed.open();
        }
        let Some(namespace) = operator.namespaces.take(&event) else { continue };
        if matches!(event, Event::Apply(_)) && operator.covers(&namespace) {
            operator.wake_namespace(&namespace);
        }
    }
}

/// The events of a watch, begun again by itself, until `stop`.
fn forever<K>(
    what: &'static str,
    api: Api<K>,
    config: watcher::Config,
    stop: CancellationToken,
) -> impl Stream<Item = Event<K>> + Unpin
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug + Send + 'static,
    K::DynamicType: Default,
{
    watcher(api, config)
        .default_backoff()
        .inspect_err(move |error| {
            tracing::warn!(error = %watch_refused(what, error), "a watch is begun again");
        })
        .filter_map(|event| future::ready(event.ok()))
        .take_until(stop.cancelled_owned())
        .boxed()
}

/// Starts a task that everything depends on: when it ends by itself, the process must.
pub fn vital(
    tasks: &TaskTracker,
    stop: &CancellationToken,
    name: &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) {
    let stop = stop.clone();
    tasks.spawn(async move {
        task.await;
        if !stop.is_cancelled() {
            tracing::error!(task = name, "ended by itself: the process stops");
            stop.cancel();
        }
    });
}
