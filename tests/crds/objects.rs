//! Objects on a server: the examples, what is refused, what may change, and who may write what.

use keysteward::api::ServiceAccountCredential;
use keysteward_testbed::apply_yaml;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::{accepted, client, credential, namespace, yaml_files};

#[tokio::test]
async fn every_example_is_accepted() {
    let Some(client) = client().await else { return };
    let system = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "keysteward-system" },
    });
    apply_yaml(&client, &system.to_string(), "user").await.unwrap();
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
    apply_yaml(&client, &analytics.to_string(), "user").await.unwrap();
    let files = yaml_files("examples/bad");
    assert!(files.len() > 50, "only {} bad examples were found", files.len());
    let mut wrong = Vec::new();
    for (name, text) in files {
        let expected = text.lines().next().and_then(|line| line.strip_prefix("# refused: "));
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
    let made =
        api.create(&PostParams::default(), &credential(accepted(&namespace, "etl"))).await.unwrap();
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
    let made = &apply_yaml(&client, &platform.to_string(), "user").await.unwrap()[0].data;
    assert_eq!(made["status"], json!({ "observedGeneration": -1 }));
    assert_eq!(made["spec"]["sweepInterval"], "5m");
    assert_eq!(made["spec"]["requestsPerMinute"], 240);
}

#[tokio::test]
async fn what_may_change_changes_and_what_is_fixed_is_refused() {
    let Some(client) = client().await else { return };
    let namespace = namespace("changes").await;
    let api: Api<ServiceAccountCredential> = Api::namespaced(client, &namespace);
    api.create(&PostParams::default(), &credential(accepted(&namespace, "etl"))).await.unwrap();
    let merge = |patch: Value| {
        let api = api.clone();
        async move { api.patch("etl", &PatchParams::default(), &Patch::Merge(patch)).await }
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
        merge(allowed).await.unwrap_or_else(|error| panic!("{told}: {error}"));
    }
    let error = merge(json!({ "spec": { "genesysCloud": null } })).await.unwrap_err().to_string();
    assert!(error.contains("must not be exchanged for another"), "{error}");
}

#[tokio::test]
async fn two_writers_share_sets_and_maps_but_not_the_roles() {
    let Some(client) = client().await else { return };
    let namespace = namespace("writers").await;
    let mut object = accepted(&namespace, "etl");
    object["spec"]["token"]["data"] = json!([{ "key": "a", "from": "AccessToken" }]);
    apply_yaml(&client, &object.to_string(), "first").await.unwrap();

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
    let error = apply_yaml(&client, &roles, "second").await.unwrap_err().to_string();
    assert!(error.contains("conflict") && error.contains(".roles"), "{error}");
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
    apply_yaml(&client, &object.to_string(), "first").await.unwrap();
    object["spec"] = json!({ "genesysCloud": { "scopes": ["analytics"] } });
    let merged = &apply_yaml(&client, &object.to_string(), "second").await.unwrap()[0].data;
    assert_eq!(merged["spec"]["genesysCloud"]["scopes"], json!(["users", "analytics"]));
}

#[tokio::test]
async fn conditions_are_merged_by_type_and_bounded() {
    let Some(client) = client().await else { return };
    let namespace = namespace("conditions").await;
    let api: Api<ServiceAccountCredential> = Api::namespaced(client, &namespace);
    api.create(&PostParams::default(), &credential(accepted(&namespace, "etl"))).await.unwrap();
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
            api.patch_status("etl", &parameters, &Patch::Apply(status)).await
        }
    };
    apply("one", "Ready", "Succeeded").await.unwrap();
    let object = apply("two", "Synced", "Succeeded").await.unwrap();
    let status = object.status.unwrap();
    let types: Vec<&str> = status.conditions.iter().map(|c| c.type_.as_str()).collect();
    assert_eq!(types, ["Ready", "Synced"]);
    assert_eq!(status.observed_generation, Some(1));
    let error = apply("one", "Ready", "not a word").await.unwrap_err().to_string();
    assert!(error.contains("status.conditions[0].reason"), "{error}");
}
