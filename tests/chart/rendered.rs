//! What the chart renders, without a server.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::time::Duration;

use clap::Parser;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use keysteward::cli::{self, Arguments, crds};
use keysteward::kubernetes::rbac::{self, Place};
use keysteward::run::lease::Pace;
use keysteward::run::shutdown;
use serde_json::Value;

use super::helm::{RELEASE, VALUES, arguments, chart, helm, of_kind, rendered, told};
use super::rbac_template;

#[test]
fn the_chart_holds_the_definitions_and_the_rights_of_the_code() {
    let mut wanted: BTreeMap<String, String> = crds::files()
        .into_iter()
        .map(|(name, text)| (format!("files/crds/{name}"), text))
        .collect();
    wanted.insert("templates/rbac.yaml".into(), rbac_template::text());
    if env::var_os("UPDATE_CHART").is_some_and(|value| value == "1") {
        for (name, text) in &wanted {
            fs::write(chart().join(name), text).unwrap();
        }
    }
    for (name, text) in &wanted {
        assert!(
            fs::read_to_string(chart().join(name)).is_ok_and(|there| there == *text),
            "{name} is not what the code says: run `UPDATE_CHART=1 cargo test --test chart`"
        );
    }
    let definitions = fs::read_dir(chart().join("files/crds")).unwrap().count();
    assert_eq!(definitions, wanted.len() - 1, "files/crds holds a file too many");
}

#[tokio::test]
async fn helm_finds_nothing_to_complain_about() {
    for (what, values) in VALUES {
        let Some(output) = helm(&["lint", "--strict"], "system", values).await else {
            return;
        };
        assert!(output.status.success(), "{what}: {}", told(&output));
    }
}

#[tokio::test]
async fn wrong_values_are_refused() {
    for (value, expected) in [
        ("replicas=2", "replicas"),
        ("replicaCount=two", "replicaCount"),
        ("watchNamespaces={Team}", "watchNamespaces"),
        ("watchNamespaces={a,a}", "watchNamespaces"),
        ("ownerId=a b", "ownerId"),
        ("image.digest=latest", "digest"),
        ("allowedEndpoints={gateway.acme.example}", "allowedEndpoints"),
    ] {
        let Some(output) = helm(&["template", RELEASE], "system", &[value]).await else {
            return;
        };
        assert!(!output.status.success(), "{value} was taken");
        assert!(told(&output).contains(expected), "{value}: {}", told(&output));
    }
}

#[tokio::test]
async fn the_rendered_definitions_are_those_of_the_code() {
    let Some(objects) = rendered("system", &[]).await else {
        return;
    };
    let mut definitions = BTreeMap::new();
    for object in of_kind(&objects, "CustomResourceDefinition") {
        assert_eq!(object["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
        assert!(object["metadata"]["labels"]["app.kubernetes.io/instance"].is_null());
        let definition: CustomResourceDefinition = serde_json::from_value(object.clone()).unwrap();
        definitions.insert(definition.metadata.name.unwrap(), definition.spec);
    }
    let expected: BTreeMap<_, _> = keysteward::api::all()
        .into_iter()
        .map(|definition| (definition.metadata.name.unwrap(), definition.spec))
        .collect();
    assert!(definitions == expected, "the chart changes the definitions on their way");

    let objects = rendered("system", &["crds.install=false"]).await.unwrap();
    assert!(of_kind(&objects, "CustomResourceDefinition").is_empty());
    let objects = rendered("system", &["crds.keep=false"]).await.unwrap();
    let definition = of_kind(&objects, "CustomResourceDefinition")[0];
    assert!(definition["metadata"]["annotations"].is_null());
}

#[tokio::test]
async fn the_rendered_rights_are_those_of_the_table() {
    for served in [&[][..], &["team-a", "team-b"][..]] {
        let value = format!("watchNamespaces={{{}}}", served.join(","));
        let values: &[&str] = if served.is_empty() { &[] } else { &[&value] };
        let Some(objects) = rendered("system", values).await else {
            return;
        };
        let name = "steward-keysteward";
        let place = Place { name, namespace: "system", service_account: name, lease: name, served };
        let sorted = |mut manifests: Vec<Value>| {
            for manifest in &mut manifests {
                manifest["metadata"].as_object_mut().unwrap().remove("labels");
            }
            manifests.sort_by_key(Value::to_string);
            manifests
        };
        let rendered = objects
            .into_iter()
            .filter(|object| object["apiVersion"] == "rbac.authorization.k8s.io/v1")
            .collect();
        assert_eq!(sorted(rendered), sorted(rbac::manifests(&place)), "{served:?}");
    }
}

#[tokio::test]
async fn what_is_written_in_the_values_reaches_the_command_line() {
    let Some(objects) = rendered("system", &[]).await else {
        return;
    };
    let plain = arguments(&objects);
    for absent in ["--namespaces", "--owner-id", "--allowed-endpoints", "--proxy"] {
        assert!(!plain.iter().any(|argument| argument.starts_with(absent)), "{plain:?}");
    }
    let values = [
        "watchNamespaces={team-a,team-b}",
        "ownerId=prod-eu",
        "allowedEndpoints={https://a.example,https://b.example}",
        "proxyFromEnvironment=true",
        "extraArgs={--settle=0s}",
    ];
    let objects = rendered("system", &values).await.unwrap();
    let given = arguments(&objects);
    for wanted in [
        "--namespaces=team-a,team-b",
        "--owner-id=prod-eu",
        "--allowed-endpoints=https://a.example,https://b.example",
        "--proxy-from-environment",
        "--settle=0s",
    ] {
        assert!(given.iter().any(|argument| argument == wanted), "{wanted} is not in {given:?}");
    }
}

#[tokio::test]
async fn the_pod_is_given_the_time_that_the_program_takes_to_end() {
    let Some(objects) = rendered("system", &[]).await else {
        return;
    };
    let pod = &of_kind(&objects, "Deployment")[0]["spec"]["template"]["spec"];
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    // Giving the Lease up is two calls at most.
    let lease = Pace::default().call_deadline() * 2;
    assert!(shutdown::DEADLINE + lease <= Duration::from_secs(grace), "{grace} s");
}

#[tokio::test]
async fn the_program_understands_the_command_line_of_the_chart() {
    for (what, values) in VALUES {
        let Some(objects) = rendered("system", values).await else {
            return;
        };
        let line = [vec!["keysteward".to_owned()], arguments(&objects)].concat();
        let understood = Arguments::try_parse_from(&line);
        let command = understood.map_err(|error| format!("{what}: {error}")).unwrap().command;
        assert!(matches!(command, cli::Command::Run(_)), "{what}: {line:?}");
    }
}

#[tokio::test]
async fn a_name_that_looks_like_a_number_stays_a_text() {
    let values = ["--set-string=fullnameOverride=7,nameOverride=8,watchNamespaces={9},ownerId=10"];
    let Some(objects) = rendered("42", &values).await else {
        return;
    };
    for object in objects.iter().filter(|object| object["kind"] != "CustomResourceDefinition") {
        let metadata = &object["metadata"];
        assert!(metadata["name"].is_string(), "{metadata}");
        let namespaced = !object["kind"].as_str().unwrap().starts_with("Cluster");
        assert!(!namespaced || metadata["namespace"].is_string(), "{metadata}");
        for label in metadata["labels"].as_object().unwrap().values() {
            assert!(label.is_string(), "{metadata}");
        }
    }
    assert!(arguments(&objects).contains(&"--owner-id=10".to_owned()));
}
