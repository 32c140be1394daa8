//! What a real API server says of the chart.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret, SecurityContext};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use keysteward::api::ServiceAccountCredential;
use keysteward::cli::crds;
use keysteward_testbed::{ControlPlane, Tool, apply_yaml, eventually, own, require, shared};
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::helm::{RELEASE, VALUES, chart, helm, of_kind, rendered, told};
use super::schemas;

/// How long a server may take until what it took is in force.
const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn kubeconform_finds_every_field_known_and_of_its_type() {
    let Some(program) = require(Tool::Kubeconform).await else {
        return;
    };
    let Some(control_plane) = shared().await else {
        return;
    };
    let client = control_plane.client();
    install_definitions(&client).await;
    let folder = tempfile::tempdir().unwrap();
    let paths = [
        "api/v1",
        "apis/apps/v1",
        "apis/apiextensions.k8s.io/v1",
        "apis/keysteward.dev/v1alpha1",
        "apis/policy/v1",
        "apis/rbac.authorization.k8s.io/v1",
    ];
    schemas::export(&client, &paths, folder.path()).await;
    let location =
        format!("{}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json", folder.path().display());
    let check = |manifest: &str| {
        let file = folder.path().join("manifest.yaml");
        fs::write(&file, manifest).unwrap();
        Command::new(&program)
            .args(["-strict", "-summary", "-schema-location", &location])
            .arg(file)
            .output()
            .expect("kubeconform can be started")
    };
    for (what, values) in VALUES {
        let Some(output) = helm(&["template", RELEASE], "system", values).await else {
            return;
        };
        let manifest = String::from_utf8(output.stdout).unwrap();
        let checked = check(&manifest);
        assert!(checked.status.success(), "{what}: {}", told(&checked));

        // The check itself must be able to fail.
        let misspelled = manifest.replace("enableServiceLinks", "enableServiceLink");
        assert!(!check(&misspelled).status.success(), "a misspelled field was not found");
    }
    for folder in ["examples", "examples/more", "examples/templates"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                let checked = check(&fs::read_to_string(&path).unwrap());
                assert!(checked.status.success(), "{}: {}", path.display(), told(&checked));
            }
        }
    }
}

async fn install_definitions(client: &Client) {
    for (_, text) in crds::files() {
        apply_yaml(client, &text, "helm").await.expect("the server takes our definitions");
    }
}

/// Applies the chart into a namespace of its own, and returns that with what was applied.
async fn applied(control_plane: &ControlPlane, values: &[&str]) -> Option<(String, Vec<Value>)> {
    let client = control_plane.client();
    let namespace = control_plane.new_namespace("chart").await.expect("a namespace can be made");
    let fullname = format!("fullnameOverride={namespace}");
    let values = [values, &[&fullname]].concat();
    let objects = rendered(&namespace, &values).await?;
    install_definitions(&client).await;
    for object in &objects {
        // All tests of this binary share the definitions, and Helm's labels on them differ by release.
        if object["kind"] == "CustomResourceDefinition" {
            continue;
        }
        let done = apply_yaml(&client, &object.to_string(), "helm").await;
        done.map_err(|error| error.to_string()).expect("the server takes it");
    }
    Some((namespace, objects))
}

#[tokio::test]
async fn a_server_takes_everything_with_strict_field_validation() {
    let Some(control_plane) = shared().await else {
        return;
    };
    for team in ["team-a", "team-b"] {
        let namespace =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": team } });
        apply_yaml(&control_plane.client(), &namespace.to_string(), "helm").await.unwrap();
    }
    for (_, values) in VALUES {
        if applied(control_plane, values).await.is_none() {
            return;
        }
    }
    // The definitions as Helm labels them.
    let Some(objects) = rendered("system", &[]).await else {
        return;
    };
    let api: Api<CustomResourceDefinition> = Api::all(control_plane.client());
    for definition in of_kind(&objects, "CustomResourceDefinition") {
        let name = definition["metadata"]["name"].as_str().unwrap();
        let mut parameters = PatchParams::apply("helm").validation_strict().force();
        parameters.dry_run = true;
        api.patch(name, &parameters, &Patch::Apply(definition)).await.unwrap();
    }
}

#[tokio::test]
async fn the_pod_meets_the_restricted_standard() {
    let Some(control_plane) = shared().await else {
        return;
    };
    let Some((namespace, _)) = applied(control_plane, &[]).await else {
        return;
    };
    let client = control_plane.client();
    let restricted = json!({ "metadata": { "labels": {
        "pod-security.kubernetes.io/enforce": "restricted",
    } } });
    Api::<Namespace>::all(client.clone())
        .patch(&namespace, &PatchParams::default(), &Patch::Merge(restricted))
        .await
        .unwrap();
    let deployment =
        Api::<Deployment>::namespaced(client.clone(), &namespace).get(&namespace).await.unwrap();
    let template = deployment.spec.unwrap().template;
    let mut pod =
        Pod { metadata: template.metadata.unwrap(), spec: template.spec, ..Pod::default() };
    pod.metadata.name = Some("steward".into());
    let pods = Api::<Pod>::namespaced(client, &namespace);
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    // First that the standard is enforced at all, then that the pod meets it.
    context(&mut pod).allow_privilege_escalation = Some(true);
    eventually(SOON, "the standard to be in force", async || {
        match pods.create(&dry_run, &pod).await {
            Err(error) if error.to_string().contains("violates PodSecurity") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    context(&mut pod).allow_privilege_escalation = Some(false);
    pods.create(&dry_run, &pod).await.unwrap();
}

fn context(pod: &mut Pod) -> &mut SecurityContext {
    let spec = pod.spec.as_mut().expect("a pod has a spec");
    spec.containers[0].security_context.as_mut().expect("the chart sets it")
}

#[tokio::test]
async fn the_service_account_reads_secrets_only_where_it_serves() {
    let Some(control_plane) = shared().await else {
        return;
    };
    let team = control_plane.new_namespace("team").await.unwrap();
    let foreign = control_plane.new_namespace("foreign").await.unwrap();
    let watched = format!("watchNamespaces={{{team}}}");
    for (values, reads_foreign) in [(&[][..], true), (&[watched.as_str()][..], false)] {
        let Some((own, objects)) = applied(control_plane, values).await else {
            return;
        };
        let account = of_kind(&objects, "ServiceAccount")[0]["metadata"]["name"].as_str().unwrap();
        let access = control_plane.kubeconfig_for(&own, account).await.unwrap();
        let client = control_plane.client_for(&access).await.unwrap();
        let reads = async |namespace: &str| {
            let secrets = Api::<Secret>::namespaced(client.clone(), namespace);
            match secrets.list(&ListParams::default()).await {
                Ok(_) => true,
                Err(kube::Error::Api(status)) if status.code == 403 => false,
                Err(error) => panic!("{error}"),
            }
        };
        eventually(SOON, "the rights to be in force", async || {
            if reads(&own).await && reads(&team).await {
                Ok(())
            } else {
                Err(format!("{values:?}"))
            }
        })
        .await;
        assert_eq!(reads(&foreign).await, reads_foreign, "{values:?}");
    }
}

#[tokio::test]
async fn a_release_comes_changes_and_goes_and_the_definitions_stay() {
    let Some(program) = require(Tool::Helm).await else {
        return;
    };
    // Of its own: a release wants to own the definitions, which the other tests share.
    let Some(control_plane) = own(ControlPlane::builder()).await else {
        return;
    };
    let helm = |arguments: &[&str]| {
        let output = Command::new(&program)
            .args(arguments)
            .args(["--namespace", "keysteward-system", "--kubeconfig"])
            .arg(control_plane.admin_kubeconfig())
            .output()
            .expect("helm can be started");
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
        told(&output)
    };
    let chart = chart();
    let chart = chart.to_str().unwrap();
    let served = "watchNamespaces={default}";
    let notes = helm(&["install", RELEASE, chart, "--create-namespace"]);
    assert!(
        notes.contains("serves every namespace") && notes.contains("--set ownerId="),
        "{notes}"
    );
    let notes = helm(&[
        "upgrade",
        RELEASE,
        chart,
        "--set",
        served,
        "--set",
        "ownerId=prod",
        "--wait=false",
    ]);
    assert!(notes.contains("serves the namespaces default"), "{notes}");
    assert!(!notes.contains("ownerId is not set"), "{notes}");
    helm(&["rollback", RELEASE, "1"]);

    let minimal = include_str!("../../examples/20-minimal.yaml").replace("analytics", "default");
    let client = control_plane.client();
    // A definition may be established while the store of its objects is not yet open.
    eventually(SOON, "an object can be written", async || {
        apply_yaml(&client, &minimal, "user").await
    })
    .await;
    helm(&["uninstall", RELEASE]);
    let objects: Api<ServiceAccountCredential> = Api::namespaced(control_plane.client(), "default");
    assert!(objects.get("reporting-etl").await.is_ok(), "the objects outlive the release");
    helm(&["install", RELEASE, chart]);
}
