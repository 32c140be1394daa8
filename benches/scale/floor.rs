//! In: the writes that the operator made. Out: how long the same server takes for the same writes without it.
//! One client, as many requests at once as the operator's passes, under the operator's account and audit policy.
//! The bodies are what the operator wrote, read back from the server and put under other names.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::Value;

use super::cluster::{Cluster, Writes, objects};
use super::manifests::{self, ACCOUNT, HOME};
use super::replay::{Bodies, Replay, Write};

/// Passes at once: the default of `--concurrency`.
const AT_ONCE: usize = 16;
const TEAM: &str = "floor";
const CENTRAL: &str = "floor-central";

/// Seconds for the writes of the operator until all was ready.
pub(crate) async fn replay(cluster: &Cluster, writes: &Writes) -> Result<f64> {
    let number = cluster.size.objects;
    let plan = plan(writes, number)?;
    cluster.namespace(TEAM).await?;
    cluster.namespace(CENTRAL).await?;
    cluster.accounts(TEAM, number).await?;
    let accounts = accounts(cluster).await?;
    let access = cluster.server.kubeconfig_for(HOME, ACCOUNT).await?;
    let client = cluster.server.client_for(&access).await?;
    // The connection is the operator's first step too, but no write.
    objects(&client, TEAM).list(&ListParams::default().limit(1)).await?;

    let mark = cluster.mark()?;
    let begun = Instant::now();
    let replays = accounts.into_iter().zip(plan).map(|(bodies, writes)| {
        let replay = Replay::new(client.clone(), bodies);
        async move { replay.run(&writes).await }
    });
    stream::iter(replays).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    let seconds = begun.elapsed().as_secs_f64();

    let made = cluster.writes_since(mark)?;
    let asked = of_objects(writes);
    anyhow::ensure!(of_objects(&made) == asked, "{:?} were made, and not {asked:?}", made.0);
    cluster.size.say(&format!("the same {} writes took {seconds:.1} s", made.total()));
    Ok(seconds)
}

/// Those on a platform object are as few as sweeps that had something to say: they are left out.
fn of_objects(writes: &Writes) -> BTreeMap<(String, String), usize> {
    let mut writes = writes.0.clone();
    writes.retain(|(_, resource), _| resource != "platforms/status");
    writes
}

/// The writes of each object: as often as the operator made each, evenly, in the order in which a pass makes them.
fn plan(writes: &Writes, objects: usize) -> Result<Vec<Vec<Write>>> {
    let writes = of_objects(writes);
    let known = [
        ("patch", "serviceaccountcredentials"),
        ("create", "secrets"),
        ("update", "secrets"),
        ("delete", "secrets"),
        ("patch", "serviceaccountcredentials/status"),
        ("create", "events"),
        ("patch", "events"),
    ];
    for (verb, resource) in writes.keys() {
        if !known.contains(&(verb, resource)) {
            bail!("the operator made a write that the floor does not know: {verb} {resource}");
        }
    }
    let share = |number: usize, verb: &str, resource: &str| {
        let all = writes.get(&(verb.to_owned(), resource.to_owned())).copied().unwrap_or(0);
        all / objects + usize::from(number < all % objects)
    };
    Ok((0..objects)
        .map(|number| {
            let times = |verb, resource| 0..share(number, verb, resource);
            let made = share(number, "create", "secrets");
            let mut plan = Vec::new();
            plan.extend(times("patch", "serviceaccountcredentials").map(|_| Write::Hold));
            plan.extend((made > 0).then_some(Write::Reserve));
            plan.extend(times("update", "secrets").map(Write::Replace));
            plan.extend((1..made).map(Write::Publish));
            plan.extend(times("delete", "secrets").map(|_| Write::Drop));
            plan.extend(times("patch", "serviceaccountcredentials/status").map(Write::Status));
            plan.extend(times("create", "events").map(Write::Event));
            plan.extend(times("patch", "events").map(Write::Repeat));
            plan
        })
        .collect())
}

/// What the operator wrote for each object, beside an object of the same name that it never saw.
async fn accounts(cluster: &Cluster) -> Result<Vec<Bodies>> {
    let client = cluster.server.client();
    let all = ListParams::default();
    let ours = all.clone().labels("app.kubernetes.io/managed-by=keysteward");
    let mut written: HashMap<String, Vec<Value>> = HashMap::new();
    for namespace in [HOME, cluster.team()] {
        for secret in Api::<Secret>::namespaced(client.clone(), namespace).list(&ours).await? {
            let of = secret.metadata.annotations.as_ref();
            let name = of.and_then(|notes| notes.get("keysteward.dev/name")).cloned();
            let mut secret = serde_json::to_value(secret)?;
            let into = if namespace == HOME { CENTRAL } else { TEAM };
            secret["metadata"]["namespace"] = into.into();
            written.entry(name.context("a Secret names no object")?).or_default().push(secret);
        }
    }
    let event = event(&client, cluster.team()).await?;
    let twins = listed(&client, TEAM).await?;
    let statuses = listed(&client, cluster.team()).await?;
    let mut accounts = Vec::new();
    for number in 0..cluster.size.objects {
        let name = manifests::name(number);
        let uid = |objects: &HashMap<String, DynamicObject>| {
            let uid = objects.get(&name).and_then(|object| object.metadata.uid.clone());
            uid.with_context(|| format!("{name} is gone"))
        };
        let status = statuses.get(&name).map(|object| object.data["status"].clone());
        accounts.push(Bodies {
            uid: uid(&twins)?,
            team: TEAM,
            status: status.unwrap_or_default(),
            secrets: written.remove(&name).unwrap_or_default(),
            event: event.clone(),
            name,
        });
    }
    Ok(accounts)
}

async fn listed(client: &Client, namespace: &str) -> Result<HashMap<String, DynamicObject>> {
    let all = objects(client, namespace).list(&ListParams::default()).await?;
    Ok(all.into_iter().filter_map(|object| Some((object.metadata.name.clone()?, object))).collect())
}

/// One of the events on objects.
async fn event(client: &Client, namespace: &str) -> Result<Value> {
    let kind = GroupVersionKind::gvk("events.k8s.io", "v1", "Event");
    let resource = ApiResource::from_gvk(&kind);
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let events = api.list(&ListParams::default()).await?;
    let found = events
        .into_iter()
        .find(|event| event.data["regarding"]["kind"] == "ServiceAccountCredential");
    match found {
        Some(event) => Ok(serde_json::to_value(event)?),
        None => Ok(serde_json::to_value(Event::default())?),
    }
}
