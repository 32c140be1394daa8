//! The definitions as files, as text, and as a server takes them.

use std::env;
use std::fs;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use keysteward::api::{ClusterPlatform, Platform, ServiceAccountCredential};
use keysteward::cli::crds;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::client::Body;
use kube::core::Request;
use serde_json::{Value, json};

use super::{accepted, client, credential, folder, namespace, yaml_files};

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
async fn objects_are_found_by_platform_and_by_secret() {
    let Some(client) = client().await else { return };
    let namespace = namespace("selectors").await;
    let api: Api<ServiceAccountCredential> = Api::namespaced(client, &namespace);
    for name in ["one", "two"] {
        let mut object = accepted(&namespace, name);
        object["spec"]["platformRef"]["name"] = json!(name);
        object["spec"]["credential"] = json!({ "secretName": format!("{name}-credential") });
        api.create(&PostParams::default(), &credential(object)).await.unwrap();
    }
    for (selector, count) in [
        ("spec.platformRef.name=one", 1),
        ("spec.platformRef.kind=Platform", 2),
        ("spec.token.secretName=token", 2),
        ("spec.credential.secretName=two-credential", 1),
    ] {
        let found = api.list(&ListParams::default().fields(selector)).await.unwrap();
        assert_eq!(found.items.len(), count, "{selector}");
    }
}

#[tokio::test]
async fn every_kind_is_found_by_its_category_and_short_name() {
    let Some(client) = client().await else { return };
    let resources = client.list_api_group_resources("keysteward.dev/v1alpha1").await.unwrap();
    let kinds: Vec<_> = resources.resources.iter().filter(|r| !r.name.contains('/')).collect();
    assert_eq!(kinds.len(), 3);
    for resource in kinds {
        assert_eq!(resource.categories, Some(vec!["keysteward".to_owned()]), "{}", resource.name);
        let short =
            (resource.kind == "ServiceAccountCredential").then(|| vec!["sacred".to_owned()]);
        assert_eq!(resource.short_names, short, "{}", resource.name);
    }
    // The typed lists read what a server gives.
    Api::<Platform>::all(client.clone()).list(&ListParams::default()).await.unwrap();
    Api::<ClusterPlatform>::all(client).list(&ListParams::default()).await.unwrap();
}
