//! Helm on our chart: the values that tests use, and what comes out.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use keysteward_testbed::{Tool, require};
use serde_json::Value;

pub(crate) const RELEASE: &str = "steward";
pub(crate) const KUBERNETES: &str = "1.36.3";
/// Sets of values that together reach every branch of every template.
pub(crate) const VALUES: &[(&str, &[&str])] = &[
    ("the defaults", &[]),
    ("some namespaces", &["watchNamespaces={team-a,team-b}", "ownerId=prod-eu"]),
    (
        "everything",
        &[
            "allowedEndpoints={https://gateway.acme.example,http://10.0.0.1:8080}",
            "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].key=metadata.name",
            "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].operator=In",
            "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].values={node-1}",
            "commonLabels.team=platform",
            "crds.keep=false",
            "extraArgs={--settle=0s}",
            "extraEnv[0].name=HTTPS_PROXY",
            "extraEnv[0].value=http://proxy:3128",
            "image.digest=sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "imagePullSecrets[0].name=registry",
            r"log.filter=info\,keysteward=debug",
            "log.format=text",
            "metrics.service.enabled=true",
            "metrics.service.annotations.scrape=yes-please",
            "nodeSelector.disk=ssd",
            "podAnnotations.note=hello",
            "podDisruptionBudget.enabled=true",
            "podLabels.zone=a",
            "proxyFromEnvironment=true",
            "priorityClassName=system-cluster-critical",
            "replicaCount=2",
            "serviceAccount.annotations.note=hello",
            "tolerations[0].operator=Exists",
            "topologySpreadConstraints[0].maxSkew=1",
            "topologySpreadConstraints[0].topologyKey=zone",
            "topologySpreadConstraints[0].whenUnsatisfiable=ScheduleAnyway",
        ],
    ),
    ("the least", &["crds.install=false", "rbac.create=false", "serviceAccount.create=false"]),
];

pub(crate) fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/keysteward")
}

pub(crate) fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Runs helm on the chart; None where there is no helm.
pub(crate) async fn helm(command: &[&str], namespace: &str, values: &[&str]) -> Option<Output> {
    let mut helm = Command::new(require(Tool::Helm).await?);
    helm.args(command).arg(chart());
    helm.args(["--namespace", namespace, "--kube-version", KUBERNETES]);
    for value in values {
        // A value is an assignment, unless it is an option of helm itself.
        if value.starts_with("--") {
            helm.arg(value);
        } else {
            helm.args(["--set", value]);
        }
    }
    Some(helm.output().expect("helm can be started"))
}

/// What the chart renders; None where there is no helm.
pub(crate) async fn rendered(namespace: &str, values: &[&str]) -> Option<Vec<Value>> {
    let output = helm(&["template", RELEASE], namespace, values).await?;
    assert!(output.status.success(), "{}", told(&output));
    let text = String::from_utf8(output.stdout).expect("helm writes UTF-8");
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).expect("helm writes YAML");
    Some(documents.into_iter().filter(|document| !document.is_null()).collect())
}

pub(crate) fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

pub(crate) fn arguments(objects: &[Value]) -> Vec<String> {
    let deployment = of_kind(objects, "Deployment")[0];
    let arguments = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
    serde_json::from_value(arguments.clone()).expect("arguments are texts")
}
