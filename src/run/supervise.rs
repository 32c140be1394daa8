//! Keeps one sweeping task for each generation of each platform object.

use std::collections::HashMap;
use std::sync::Arc;

use futures::{StreamExt, future, stream};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::controller::api;
use super::gate::Gate;
use super::guard::Guard;
use super::operator::Operator;
use super::platforms::Entry;
use super::sweep;
use crate::api::PlatformStatus;
use crate::api::credential::PlatformKind;
use crate::api::platform::{ClusterPlatform, Connection, Platform};
use crate::kubernetes::live::watch_refused;
use crate::model::object::PlatformKey;

/// A platform object of either kind, as far as it can be read.
struct Seen {
    key: PlatformKey,
    uid: String,
    generation: i64,
    content: Result<(Connection, PlatformStatus), String>,
}

enum Change {
    Listing(usize),
    Listed(usize),
    There(usize, Box<Seen>),
    Gone(PlatformKey),
}

/// Watches both kinds and keeps their tasks until `stop`. `scopes`: the namespaces of `Platform`, None for all.
pub async fn run(
    client: Client,
    scopes: Vec<Option<String>>,
    operator: Arc<Operator>,
    tasks: TaskTracker,
    listed: Gate,
    stop: CancellationToken,
) {
    let mut watches = Vec::new();
    for namespace in &scopes {
        let api: Api<Guard<Platform>> = api(&client, namespace.as_deref());
        watches.push(changes(watches.len(), api, platform));
    }
    let all: Api<Guard<ClusterPlatform>> = Api::all(client);
    watches.push(changes(watches.len(), all, cluster_platform));
    let mut awaited = watches.len();
    let mut first: Vec<bool> = vec![true; awaited];
    let mut found: HashMap<usize, Vec<PlatformKey>> = HashMap::new();
    let mut of_watch: HashMap<PlatformKey, usize> = HashMap::new();
    let mut running: HashMap<PlatformKey, CancellationToken> = HashMap::new();
    let mut events = stream::select_all(watches).take_until(stop.clone().cancelled_owned()).boxed();
    while let Some(change) = events.next().await {
        match change {
            Change::Listing(watch) => {
                found.insert(watch, Vec::new());
            }
            Change::There(watch, seen) => {
                found.entry(watch).or_default().push(seen.key.clone());
                of_watch.insert(seen.key.clone(), watch);
                apply(&operator, &tasks, &stop, &mut running, *seen);
            }
            Change::Gone(key) => end(&operator, &mut running, &key),
            Change::Listed(watch) => {
                let now = found.remove(&watch).unwrap_or_default();
                let gone: Vec<PlatformKey> = of_watch
                    .iter()
                    .filter(|(key, of)| **of == watch && !now.contains(key))
                    .map(|(key, _)| key.clone())
                    .collect();
                for key in gone {
                    of_watch.remove(&key);
                    end(&operator, &mut running, &key);
                }
                if std::mem::take(&mut first[watch]) {
                    awaited -= 1;
                    if awaited == 0 {
                        listed.open();
                    }
                }
            }
        }
    }
}

/// Begins the task of a new generation; the task of the one before ends.
fn apply(
    operator: &Arc<Operator>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
    running: &mut HashMap<PlatformKey, CancellationToken>,
    seen: Seen,
) {
    let Seen { key, uid, generation, content } = seen;
    let before = operator.platforms.get(&key);
    if before.as_ref().is_some_and(|entry| entry.uid == uid && entry.generation == generation) {
        return;
    }
    if let Some(token) = running.remove(&key) {
        token.cancel();
    }
    let (connection, status) = match content {
        Ok(content) => content,
        Err(why) => {
            tracing::warn!(platform = %key, why, "a platform object cannot be read");
            operator.platforms.put_unreadable(&key, &why);
            for name in operator.objects.on(&key) {
                operator.wake(&name);
            }
            return;
        }
    };
    let slots = operator.options.concurrency.into();
    let entry = Entry::new(key.clone(), uid, generation, connection, status, slots);
    let entry = Arc::new(entry.succeeding(before.as_deref()));
    // Until the new generation is through its first sweep nothing is decided: it may say something else about who may
    // do what, or where the platform is.
    operator.platforms.put(Arc::clone(&entry));
    let token = stop.child_token();
    running.insert(key, token.clone());
    tasks.spawn(sweep::run(Arc::clone(operator), entry, token));
}

fn end(
    operator: &Operator,
    running: &mut HashMap<PlatformKey, CancellationToken>,
    key: &PlatformKey,
) {
    if let Some(token) = running.remove(key) {
        token.cancel();
    }
    operator.platforms.remove(key);
    operator.metrics.forget_platform(key);
    for name in operator.objects.on(key) {
        operator.wake(&name);
    }
}

fn changes<K>(
    watch: usize,
    api: Api<Guard<K>>,
    read: fn(&K) -> (Connection, PlatformStatus),
) -> stream::BoxStream<'static, Change>
where
    K: Resource<DynamicType = ()>
        + Clone
        + serde::de::DeserializeOwned
        + std::fmt::Debug
        + Send
        + Sync
        + 'static,
{
    watcher(api, watcher::Config::default().any_semantic())
        .default_backoff()
        .filter_map(|event| {
            if let Err(error) = &event {
                let error = watch_refused("platforms", error);
                tracing::warn!(%error, "a watch is begun again");
            }
            future::ready(event.ok())
        })
        .map(move |event| match event {
            Event::Init => Change::Listing(watch),
            Event::InitDone => Change::Listed(watch),
            Event::Apply(object) | Event::InitApply(object) => {
                Change::There(watch, Box::new(seen(&object, read)))
            }
            Event::Delete(object) => Change::Gone(key_of(&object)),
        })
        .boxed()
}

fn seen<K>(object: &Guard<K>, read: fn(&K) -> (Connection, PlatformStatus)) -> Seen
where
    K: Resource<DynamicType = ()>,
{
    Seen {
        key: key_of(object),
        uid: object.uid().unwrap_or_default(),
        generation: object.meta().generation.unwrap_or(0),
        content: object.0.as_ref().map(read).map_err(|invalid| invalid.error.clone()),
    }
}

fn key_of<K: Resource<DynamicType = ()>>(object: &Guard<K>) -> PlatformKey {
    let namespace = object.namespace();
    let kind = match &namespace {
        Some(_) => PlatformKind::Platform,
        None => PlatformKind::ClusterPlatform,
    };
    PlatformKey { kind, namespace: namespace.unwrap_or_default(), name: object.name_any() }
}

fn platform(object: &Platform) -> (Connection, PlatformStatus) {
    (object.spec.connection.clone(), object.status.clone().unwrap_or_default())
}

fn cluster_platform(object: &ClusterPlatform) -> (Connection, PlatformStatus) {
    (object.spec.connection.clone(), object.status.clone().unwrap_or_default())
}
