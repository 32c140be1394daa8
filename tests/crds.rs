//! The custom resources on a real API server: what it takes, what it refuses and with which sentence.
//!
//! `UPDATE_CRDS=1 cargo test --test crds` rewrites `crds/`.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests play the user of the API server"
)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use keysteward::api::{ClusterPlatform, Platform, ServiceAccountCredential};
use keysteward::cli::crds;
use keysteward_testbed::{apply_yaml, shared};
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::client::Body;
use kube::core::Request;
use kube::{Api, Client};
use serde_json::{Value, json};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Name and text of every YAML file of a folder, in the order in which kubectl applies them.
fn yaml_files(name: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(folder(name))
        .expect("the folder is there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .map(|path| {
            let text = fs::read_to_string(&path).expect("the file can be read");
            (
                path.file_name()
                    .expect("a file has a name")
                    .to_string_lossy()
                    .into_owned(),
                text,
            )
        })
        .collect();
    files.sort();
    files
}

/// A client of an API server that knows our kinds; None where there is none.
async fn client() -> Option<Client> {
    let client = shared().await?.client();
    for (name, text) in crds::files() {
        let applied = apply_yaml(&client, &text, "crds").await;
        applied
            .map_err(|error| format!("{name}: {error}"))
            .expect("the server takes them");
    }
    Some(client)
}

async fn namespace(prefix: &str) -> String {
    let control_plane = shared().await.expect("the client came from it");
    control_plane
        .new_namespace(prefix)
        .await
        .expect("a namespace can be made")
}

/// A credential that is accepted, for tests to change.
fn accepted(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "keysteward.dev/v1alpha1",
        "kind": "ServiceAccountCredential",
        "metadata": { "namespace": namespace, "name": name },
        "spec": {
            "platformRef": { "kind": "Platform", "name": "contact-center" },
            "genesysCloud": {
                "client": { "name": name },
                "grantTypes": ["client_credentials"],
                "roles": [{ "name": "Employee", "division": "Home" }],
            },
            "token": { "secretName": "token" },
        },
    })
}

fn credential(value: Value) -> ServiceAccountCredential {
    serde_json::from_value(value).expect("the test writes one that can be read")
}

#[test]
fn the_committed_definitions_are_the_generated_ones() {
    let generated = crds::files();
    if env::var_os("UPDATE_CRDS").is_some_and(|value| value == "1") {
        for (name, text) in &generated {
            fs::write(folder("crds").join(name), text).unwrap();
        }
    }
    let mut expected = generated;
    expected.sort();
    assert!(
        yaml_files("crds") == expected,
        "crds/ is not what src/api says: run `UPDATE_CRDS=1 cargo test --test crds`"
    );
}

#[test]
fn the_printed_definitions_are_those_of_the_files() {
    let mut printed = Vec::new();
    crds::print(&mut printed).unwrap();
    let printed = String::from_utf8(printed).unwrap();
    let documents: Vec<CustomResourceDefinition> = serde_saphyr::from_multiple(&printed).unwrap();
    let expected = keysteward::api::all();
    assert_eq!(documents, expected);
}

#[tokio::test]
async fn a_server_takes_the_definitions_without_a_warning() {
    let Some(client) = client().await else { return };
    for (name, text) in crds::files() {
        let crd: Value = serde_saphyr::from_str(&text).unwrap();
        let name_of_crd = crd["metadata"]["name"].as_str().unwrap();
        let request = Request::new("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
            .patch(
                name_of_crd,
                &PatchParams::apply("crds").validation_strict(),
                &Patch::Apply(&crd),
            )
            .unwrap();
        let request = request.map(Body::from);
        let answer = client.send(request).await.unwrap();
        assert!(answer.status().is_success(), "{name}: {}", answer.status());
        let warnings: Vec<_> = answer.headers().get_all("warning").iter().collect();
        assert!(warnings.is_empty(), "{name}: {warnings:?}");
    }
}

#[tokio::test]
async fn every_example_is_accepted() {
    let Some(client) = client().await else { return };
    let system = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "keysteward-system" },
    });
    apply_yaml(&client, &system.to_string(), "user")
        .await
        .unwrap();
    for part in ["examples", "examples/more", "examples/templates"] {
        for (name, text) in yaml_files(part) {
            let applied = apply_yaml(&client, &text, "user").await;
            applied.unwrap_or_else(|error| panic!("{part}/{name}: {error}"));
        }
    }
}

#[tokio::test]
async fn every_bad_example_is_refused_with_its_sentence() {
    let Some(client) = client().await else { return };
    let analytics = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "analytics" },
    });
    // Its name comes from the examples, which another test may be applying at this moment.
    apply_yaml(&client, &analytics.to_string(), "user")
        .await
        .unwrap();
    let files = yaml_files("examples/bad");
    assert!(
        files.len() > 50,
        "only {} bad examples were found",
        files.len()
    );
    let mut wrong = Vec::new();
    for (name, text) in files {
        let expected = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# refused: "));
        let expected = expected.unwrap_or_else(|| panic!("{name} does not say what is expected"));
        match apply_yaml(&client, &text, "user").await {
            Ok(_) => wrong.push(format!("{name}: was accepted")),
            Err(error) if !error.to_string().contains(expected) => {
                wrong.push(format!("{name}: {error}"));
            }
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_new_object_shows_its_defaults_and_a_status_that_is_not_done() {
    let Some(client) = client().await else { return };
    let namespace = namespace("defaults").await;
    let api: Api<ServiceAccountCredential> = Api::namespaced(client.clone(), &namespace);
    let made = api
        .create(
            &PostParams::default(),
            &credential(accepted(&namespace, "etl")),
        )
        .await
        .unwrap();
    assert_eq!(made.status.unwrap().observed_generation, Some(-1));
    assert!(made.spec.enabled && !made.spec.suspend);
    assert_eq!(made.spec.token.unwrap().refresh_after_percent, 66);
    assert!(made.spec.policy.is_none(), "policy has no schema defaults");

    let platform = json!({
        "apiVersion": "keysteward.dev/v1alpha1",
        "kind": "Platform",
        "metadata": { "namespace": namespace, "name": "contact-center" },
        "spec": {
            "genesysCloud": { "region": "eu-central-1" },
            "credentialsSecretRef": { "name": "admin" },
        },
    });
    let made = &apply_yaml(&client, &platform.to_string(), "user")
        .await
        .unwrap()[0]
        .data;
    assert_eq!(made["status"], json!({ "observedGeneration": -1 }));
    assert_eq!(made["spec"]["sweepInterval"], "5m");
    assert_eq!(made["spec"]["requestsPerMinute"], 240);
}

#[tokio::test]
async fn what_may_change_changes_and_what_is_fixed_is_refused() {
    let Some(client) = client().await else { return };
    let namespace = namespace("changes").await;
    let api: Api<ServiceAccountCredential> = Api::namespaced(client, &namespace);
    api.create(
        &PostParams::default(),
        &credential(accepted(&namespace, "etl")),
    )
    .await
    .unwrap();
    let merge = |patch: Value| {
        let api = api.clone();
        async move {
            api.patch("etl", &PatchParams::default(), &Patch::Merge(patch))
                .await
        }
    };
    for allowed in [
        json!({ "spec": { "platformRef": { "kind": "ClusterPlatform", "name": "other" } } }),
        json!({ "spec": { "genesysCloud": { "client": { "name": "renamed" } } } }),
        json!({ "spec": { "token": { "secretName": "another" } } }),
        json!({ "spec": { "enabled": false, "suspend": true } }),
        json!({ "spec": { "token": null, "credential": { "secretName": "c" } } }),
        json!({ "spec": { "genesysCloud": {
            "grantTypes": ["authorization_code"], "roles": null, "scopes": ["users"],
            "redirectUris": ["https://app.acme.example/callback"],
        } } }),
    ] {
        let told = allowed.to_string();
        merge(allowed)
            .await
            .unwrap_or_else(|error| panic!("{told}: {error}"));
    }
    let error = merge(json!({ "spec": { "genesysCloud": null } }))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("must not be exchanged for another"),
        "{error}"
    );
}

#[tokio::test]
async fn two_writers_share_sets_and_maps_but_not_the_roles() {
    let Some(client) = client().await else { return };
    let namespace = namespace("writers").await;
    let mut object = accepted(&namespace, "etl");
    object["spec"]["token"]["data"] = json!([{ "key": "a", "from": "AccessToken" }]);
    apply_yaml(&client, &object.to_string(), "first")
        .await
        .unwrap();

    let part = |spec: Value| {
        let mut object = accepted(&namespace, "etl");
        object["spec"] = spec;
        object.to_string()
    };
    let second = part(json!({ "token": { "data": [{ "key": "b", "from": "Region" }] } }));
    let merged = &apply_yaml(&client, &second, "second").await.unwrap()[0].data;
    let keys: Vec<&str> = merged["spec"]["token"]["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["a", "b"]);

    let roles = part(json!({
        "genesysCloud": { "roles": [{ "name": "Supervisor", "division": "Home" }] },
    }));
    let error = apply_yaml(&client, &roles, "second")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("conflict") && error.contains(".roles"),
        "{error}"
    );
}

#[tokio::test]
async fn two_writers_share_scopes() {
    let Some(client) = client().await else { return };
    let namespace = namespace("scopes").await;
    let mut object = accepted(&namespace, "app");
    object["spec"] = json!({
        "platformRef": { "kind": "Platform", "name": "p" },
        "genesysCloud": {
            "client": { "name": "app" },
            "grantTypes": ["authorization_code"],
            "scopes": ["users"],
            "redirectUris": ["https://app.acme.example/callback"],
        },
    });
    apply_yaml(&client, &object.to_string(), "first")
        .await
        .unwrap();
    object["spec"] = json!({ "genesysCloud": { "scopes": ["analytics"] } });
    let merged = &apply_yaml(&client, &object.to_string(), "second")
        .await
        .unwrap()[0]
        .data;
    assert_eq!(
        merged["spec"]["genesysCloud"]["scopes"],
        json!(["users", "analytics"])
    );
}

#[tokio::test]
async fn conditions_are_merged_by_type_and_bounded() {
    let Some(client) = client().await else { return };
    let namespace = namespace("conditions").await;
    let api: Api<ServiceAccountCredential> = Api::namespaced(client, &namespace);
    api.create(
        &PostParams::default(),
        &credential(accepted(&namespace, "etl")),
    )
    .await
    .unwrap();
    let apply = |manager: &'static str, kind: &'static str, reason: &'static str| {
        let api = api.clone();
        let status = json!({
            "apiVersion": "keysteward.dev/v1alpha1",
            "kind": "ServiceAccountCredential",
            "status": {
                "observedGeneration": 1,
                "conditions": [{
                    "type": kind, "status": "True", "reason": reason, "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }],
            },
        });
        async move {
            let parameters = PatchParams::apply(manager).validation_strict().force();
            api.patch_status("etl", &parameters, &Patch::Apply(status))
                .await
        }
    };
    apply("one", "Ready", "Succeeded").await.unwrap();
    let object = apply("two", "Synced", "Succeeded").await.unwrap();
    let status = object.status.unwrap();
    let types: Vec<&str> = status.conditions.iter().map(|c| c.type_.as_str()).collect();
    assert_eq!(types, ["Ready", "Synced"]);
    assert_eq!(status.observed_generation, Some(1));
    let error = apply("one", "Ready", "not a word")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("status.conditions[0].reason"), "{error}");
}

#[tokio::test]
async fn objects_are_found_by_platform_and_by_secret() {
    let Some(client) = client().await else { return };
    let namespace = namespace("selectors").await;
    let api: Api<ServiceAccountCredential> = Api::namespaced(client, &namespace);
    for name in ["one", "two"] {
        let mut object = accepted(&namespace, name);
        object["spec"]["platformRef"]["name"] = json!(name);
        object["spec"]["credential"] = json!({ "secretName": format!("{name}-credential") });
        api.create(&PostParams::default(), &credential(object))
            .await
            .unwrap();
    }
    for (selector, count) in [
        ("spec.platformRef.name=one", 1),
        ("spec.platformRef.kind=Platform", 2),
        ("spec.token.secretName=token", 2),
        ("spec.credential.secretName=two-credential", 1),
    ] {
        let found = api
            .list(&ListParams::default().fields(selector))
            .await
            .unwrap();
        assert_eq!(found.items.len(), count, "{selector}");
    }
}

#[tokio::test]
async fn every_kind_is_found_by_its_category_and_short_name() {
    let Some(client) = client().await else { return };
    let resources = client
        .list_api_group_resources("keysteward.dev/v1alpha1")
        .await
        .unwrap();
    let kinds: Vec<_> = resources
        .resources
        .iter()
        .filter(|r| !r.name.contains('/'))
        .collect();
    assert_eq!(kinds.len(), 3);
    for resource in kinds {
        assert_eq!(
            resource.categories,
            Some(vec!["keysteward".to_owned()]),
            "{}",
            resource.name
        );
        let short =
            (resource.kind == "ServiceAccountCredential").then(|| vec!["sacred".to_owned()]);
        assert_eq!(resource.short_names, short, "{}", resource.name);
    }
    // The typed lists read what a server gives.
    Api::<Platform>::all(client.clone())
        .list(&ListParams::default())
        .await
        .unwrap();
    Api::<ClusterPlatform>::all(client)
        .list(&ListParams::default())
        .await
        .unwrap();
}
