//! The rights of the table: with all of them nothing is refused, and each one that is taken away is missed.

use std::sync::Arc;

use futures::StreamExt;
use keysteward::kubernetes::rbac::{Names, RULES, Scope};
use keysteward_testbed::{ControlPlane, ControlPlaneBuilder, own, unique_name};
use serde_json::{Value, json};

use super::harness::{ADMIN, Account, PLATFORM, Plan, Right, World};

/// Worlds at once: each is an operator and a story.
const AT_ONCE: usize = 5;

/// A server that guards owner references, as some distributions do.
fn guarded() -> ControlPlaneBuilder {
    ControlPlane::builder()
        .apiserver_flag("--enable-admission-plugins=OwnerReferencesPermissionEnforcement")
}

/// Every single right of the table.
fn rights() -> Vec<Right> {
    let mut rights = Vec::new();
    for rule in RULES {
        for resource in rule.resources {
            for verb in rule.verbs {
                rights.push(Right { scope: rule.scope, resource, verb, names: rule.names });
            }
        }
    }
    rights
}

fn authorities(namespace: &str) -> Value {
    let key = rcgen::KeyPair::generate().unwrap();
    let authority = rcgen::CertificateParams::new(vec!["acme.example".into()]).unwrap();
    let pem = authority.self_signed(&key).unwrap().pem();
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "corp-ca", "namespace": namespace },
        "data": { "ca.crt": pem },
    })
}

/// A life of an object that needs every right of the table.
async fn story(world: &World, instance: &str) {
    let mut secret = world.admin_secret();
    secret["metadata"]["namespace"] = json!(world.home);
    world.apply(&secret).await;
    for namespace in [&world.namespace, &world.home] {
        world.apply(&authorities(namespace)).await;
    }
    let shared = unique_name("shared");
    let ca = json!({ "kind": "ConfigMap", "name": "corp-ca", "key": "ca.crt" });
    let mut platform = world.platform();
    platform["spec"]["caBundleRef"] = ca;
    world.apply(&platform).await;
    platform["kind"] = json!("ClusterPlatform");
    platform["metadata"] = json!({ "name": shared });
    platform["spec"]["allow"] = json!([{
        "namespaces": { "names": [world.namespace] },
        "roles": [{ "name": "*", "division": "*" }],
    }]);
    world.apply(&platform).await;
    world.apply(&Account::of(world, "etl")).await;
    let mut other = Account::of(world, "shared");
    other["spec"]["platformRef"] = json!({ "kind": "ClusterPlatform", "name": shared });
    world.apply(&other).await;
    for name in ["etl", "shared"] {
        world.ready(name).await;
    }
    world.platform_says(PLATFORM, "True", "Succeeded").await;

    // A repeated event counts in the first one.
    for _ in 0..2 {
        let before = world.secret("etl-credential").await.unwrap();
        world.edit_secret("etl-credential", "client_secret", "edited").await;
        world
            .until("the credential as it was", async || {
                let now = world.secret("etl-credential").await.ok_or("missing")?;
                (now["data"] == before["data"]).then_some(()).ok_or("edited".to_owned())
            })
            .await;
    }
    told(world, &world.namespace, "etl", "CredentialRepaired", instance, 2).await;
    // The status is no guide here: the operators of other worlds write it too.
    told(world, "default", &shared, "Succeeded", instance, 1).await;
    world.delete("Secret", &world.home, ADMIN).await;
    told(world, "default", &shared, "CredentialMissing", instance, 1).await;
    world.apply(&secret).await;
    told(world, "default", &shared, "Succeeded", instance, 2).await;

    // Who keeps the client, and who gives it up.
    world.change("etl", &json!({ "token": { "secretName": "another-name" } })).await;
    world.gone("Secret", &world.namespace, "etl-token").await;
    for name in ["etl", "shared"] {
        world.delete_object(name).await;
    }
    for name in ["etl", "shared"] {
        world.object_gone(name).await;
    }
    world.delete("ClusterPlatform", "", &shared).await;
}

/// Waits until this operator has told something so many times.
async fn told(
    world: &World,
    namespace: &str,
    name: &str,
    reason: &str,
    instance: &str,
    times: u64,
) {
    world
        .until(&format!("{reason} of {name} told {times} times"), async || {
            let events = world.list("Event", namespace).await;
            let its = |event: &&Value| {
                event["regarding"]["name"] == name
                    && event["reason"] == reason
                    && event["reportingInstance"] == instance
            };
            let counts =
                events.iter().filter(its).map(|e| e["series"]["count"].as_u64().unwrap_or(1));
            let counts: Vec<u64> = counts.collect();
            counts.iter().any(|count| *count >= times).then_some(()).ok_or(format!("{counts:?}"))
        })
        .await;
}

/// What the operator says when it misses a right.
fn complaint(world: &World, right: &Right) -> [String; 2] {
    let Right { scope, resource, verb, names } = right;
    if resource.ends_with("/finalizers") {
        return ["cannot set blockOwnerDeletion".into(), world.namespace.clone()];
    }
    let place = match scope {
        Scope::Cluster => match names {
            Names::Only(name) => format!("in the namespace \"{name}\""),
            Names::All | Names::Lease => "at the cluster scope".to_owned(),
        },
        Scope::Served => format!("in the namespace \"{}\"", world.namespace),
        Scope::Own => format!("in the namespace \"{}\"", world.home),
        Scope::Default => "in the namespace \"default\"".to_owned(),
    };
    [format!("cannot {verb} resource \"{resource}\""), place]
}

/// The log and every status, a line each.
async fn everything_said(world: &World) -> String {
    let mut said = world.operators[0].process.output().unwrap();
    for (kind, namespace) in [
        ("ServiceAccountCredential", world.namespace.as_str()),
        ("Platform", &world.namespace),
        ("ClusterPlatform", ""),
    ] {
        for object in world.list(kind, namespace).await {
            said.push_str(&object["status"].to_string());
            said.push('\n');
        }
    }
    said.replace("\\\"", "\"")
}

async fn is_missed(server: Arc<ControlPlane>, right: Right) -> Result<(), String> {
    let mut outcome = Err(format!("{right:?}: nobody looked"));
    let instance = unique_name("instance");
    Plan::default()
        .on(server)
        .without_argument("owner-id")
        .argument("instance", &instance)
        .no_platform()
        .without(right)
        .run(async |world| {
            world.apply(&world.admin_secret()).await;
            let words = complaint(world, &right);
            let complained = async || {
                let said = everything_said(world).await;
                said.lines().any(|line| words.iter().all(|word| line.contains(word.as_str())))
            };
            let awaited = world.until("a complaint", async || {
                if complained().await { Ok(()) } else { Err(format!("none with {words:?}")) }
            });
            outcome = tokio::select! {
                () = awaited => Ok(()),
                () = story(world, &instance) => {
                    if complained().await { Ok(()) } else { Err(format!("{right:?} was not missed")) }
                }
            };
        })
        .await;
    outcome
}

#[tokio::test]
async fn with_all_rights_nothing_is_refused_and_each_one_taken_away_is_missed() {
    let Some(server) = own(guarded()).await else { return };
    let server = Arc::new(server);
    let instance = unique_name("instance");
    Plan::default()
        .on(Arc::clone(&server))
        .without_argument("owner-id")
        .argument("instance", &instance)
        .no_platform()
        .run(async |world| {
            world.apply(&world.admin_secret()).await;
            story(world, &instance).await;
            let output = world.operators[0].process.output().unwrap();
            let refused: Vec<&str> =
                output.lines().filter(|line| line.contains("orbidden")).collect();
            assert!(refused.is_empty(), "{refused:#?}");
        })
        .await;
    let missed = futures::stream::iter(
        rights().into_iter().map(|right| is_missed(Arc::clone(&server), right)),
    );
    assert!(rights().len() > 30, "the table is not empty");
    let outcomes: Vec<Result<(), String>> = missed.buffer_unordered(AT_ONCE).collect().await;
    let unneeded: Vec<String> = outcomes.into_iter().filter_map(Result::err).collect();
    assert!(unneeded.is_empty(), "{unneeded:#?}");
}
