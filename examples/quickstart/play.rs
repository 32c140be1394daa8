//! The acts in their order, from nothing to the end of the story.
//!
//! Enters: an empty stage. Leaves: a full one. Each act reads back what it did; the first that cannot ends the play.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use keysteward::api::ServiceAccountCredential;
use keysteward::cli::crds;
use keysteward::kubernetes::rbac;
use keysteward::model::secret_text::SecretText;
use keysteward_testbed::Tool;
use kube::CustomResourceExt;
use serde_json::{Value, json};

use crate::access::Access;
use crate::cluster::{Cluster, identity};
use crate::examples::{Examples, Fit};
use crate::operator::Operator;
use crate::page::Page;
use crate::place::{Place, SERVICE_ACCOUNT};
use crate::program::Program;
use crate::scene::Scene;
use crate::tenant::Tenant;
use crate::wait::until;
use crate::{http, ready, story, tour};

/// How long a new credential is left alone before its first use, and how long a list may show what was before a write.
/// The simulated tenant shows everything at once; the defaults are what a real one needs.
const WAIT: &str = "2s";
/// How often each platform is compared with its objects; the default is 5m.
const SWEEP: &str = "5s";

/// What runs, in the order in which it is taken down.
#[derive(Default)]
pub(crate) struct Stage {
    pub(crate) operator: Option<Operator>,
    pub(crate) access: Option<Access>,
    pub(crate) tenant: Option<Tenant>,
    pub(crate) cluster: Option<Cluster>,
    pub(crate) place: Option<Place>,
    /// The namespaces of the objects.
    pub(crate) namespaces: Vec<String>,
    /// The cluster had no definitions of ours.
    pub(crate) made_definitions: bool,
}

impl Stage {
    /// Plays everything. `existing` is the kubeconfig of a cluster of somebody else.
    pub(crate) async fn play(&mut self, page: &Page, existing: Option<&Path>) -> Result<()> {
        let program = program(page).await?;
        let cluster = self.cluster.insert(cluster(page, existing).await?);
        let place = match existing {
            None => Place::of_our_own(),
            Some(_) => Place::among_others(),
        };
        let place = self.place.insert(place);
        let tenant = self.tenant.insert(tenant(page)?);
        let examples = Examples::read(&Fit {
            place,
            login: tenant.login(),
            api: tenant.api(),
            admin: tenant.admin(),
            sweep_interval: SWEEP,
        })?;
        self.namespaces = examples.namespace_names();
        self.made_definitions = definitions(page, cluster).await?;
        let served = if existing.is_some() { &self.namespaces[..] } else { &[] };
        rights(page, cluster, place, &examples, served).await?;
        let access = Access::of(cluster, &place.system(), SERVICE_ACCOUNT).await?;
        let access = self.access.insert(access);
        let operator = operator(page, &program, access, tenant, served).await?;
        let operator = self.operator.insert(operator);
        apply(page, cluster, &examples).await?;

        let names = tenant.names().await?;
        let namespaces = self.namespaces.clone();
        let scene = Scene { page, place, cluster, tenant, operator, names, namespaces };
        page.step(
            "Watch the objects become Ready",
            "as kubectl get -w would show it: each client is made, proven, and its token published",
        );
        ready::become_ready(&scene, examples.credentials.len()).await?;
        page.step("Look into the tenant", "where every client must be just as its object says");
        tour::clients(&scene).await?;
        page.step("Look at the Secrets", "by keys and sizes only: they are what programs mount");
        tour::secrets(&scene).await?;
        tour::tokens(&scene).await?;
        let mut secrets = story::play(&scene).await?;
        page.step(
            "Search the operator's log for secrets",
            "because a log is read by more people than a Secret",
        );
        secrets.push(SecretText::new(tenant.admin().client_secret.reveal()));
        operator.never_wrote(secrets.iter().map(SecretText::reveal))?;
        page.say(&format!("None of {} that were used above is in it.", secrets.len()));
        Ok(())
    }
}

async fn program(page: &Page) -> Result<Program> {
    let program = Program::beside_this_one()?;
    if !program.is_fresh() {
        page.step("Build the operator", "because it is not built yet or its sources are newer");
        page.say(&program.command());
        program.build().await?;
    }
    Ok(program)
}

async fn cluster(page: &Page, existing: Option<&Path>) -> Result<Cluster> {
    let Some(kubeconfig) = existing else {
        let (etcd, server) = (Tool::Etcd.version(), Tool::KubeApiserver.version());
        page.step(
            &format!("Start etcd {etcd} and kube-apiserver {server}"),
            "so that everything below happens on a real API server",
        );
        let cluster = Cluster::start().await?;
        page.say(&format!("{} answers on {}", cluster.version().await?, cluster.url));
        return Ok(cluster);
    };
    page.step(
        "Connect to your cluster",
        "with a kubeconfig that may make namespaces and grant rights",
    );
    let cluster = Cluster::existing(kubeconfig).await?;
    page.say(&format!("{} answers on {}", cluster.version().await?, cluster.url));
    let operators = cluster.operators().await?;
    ensure!(
        operators.is_empty(),
        "Keysteward is on this cluster already ({}): two would disturb each other, so try another cluster",
        operators.join(", ")
    );
    Ok(cluster)
}

fn tenant(page: &Page) -> Result<Tenant> {
    page.step("Start a simulated Genesys Cloud organization", "so that nothing real is touched");
    let tenant = Tenant::start()?;
    page.say(&format!("login {}, api {}", tenant.login(), tenant.api()));
    Ok(tenant)
}

/// Installs the definitions unless the same are there; returns whether they were installed.
async fn definitions(page: &Page, cluster: &Cluster) -> Result<bool> {
    page.step(
        "Install the definitions in crds/",
        "so that the API server knows the kinds and refuses nonsense",
    );
    let ours = keysteward::api::all();
    let mut known = Vec::new();
    for definition in &ours {
        let name = definition.metadata.name.clone().unwrap_or_default();
        if let Some(there) = cluster.definition(&name).await? {
            let schemas = |of: &CustomResourceDefinition| {
                of.spec.versions.iter().map(|version| version.schema.clone()).collect::<Vec<_>>()
            };
            ensure!(
                schemas(&there) == schemas(definition),
                "the cluster has another version of {name}: apply crds/ first if nobody needs the old one"
            );
            known.push(name);
        }
    }
    if !known.is_empty() {
        let foreign = cluster.cluster_platforms().await?;
        ensure!(
            foreign.is_empty(),
            "the cluster has ClusterPlatforms of its own, about which this operator would speak: try another cluster"
        );
    }
    if known.len() == ours.len() {
        page.say("They are there already, just as these, and will stay.");
        return Ok(false);
    }
    ensure!(
        known.is_empty(),
        "the cluster has {} but not all definitions: apply crds/ first",
        known.join(", ")
    );
    let mut manifests = Vec::new();
    for (_, yaml) in crds::files() {
        manifests.push(serde_saphyr::from_str::<Value>(&yaml)?);
    }
    cluster.apply(&manifests).await?;
    let name = ServiceAccountCredential::crd_name();
    ensure!(
        cluster.definition(name).await?.is_some(),
        "expected the definition {name}; it is not there"
    );
    page.say(&format!("{} kinds, ready for objects", manifests.len()));
    Ok(true)
}

async fn rights(
    page: &Page,
    cluster: &Cluster,
    place: &Place,
    examples: &Examples,
    served: &[String],
) -> Result<()> {
    page.step(
        "Make the operator's ServiceAccount and its rights",
        "from the table of which the chart is made: no more than in production",
    );
    let namespace = place.system();
    let metadata = json!({ "name": SERVICE_ACCOUNT, "namespace": namespace });
    let mut manifests = examples.namespaces.clone();
    manifests.push(
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } }),
    );
    manifests.push(json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata }));
    let served: Vec<_> = served.iter().map(String::as_str).collect();
    let roles = rbac::manifests(&rbac::Place {
        name: &place.roles,
        namespace: &namespace,
        service_account: SERVICE_ACCOUNT,
        lease: "keysteward",
        served: &served,
    });
    let count = roles.len() / 2;
    let count_of_rules: usize =
        roles.iter().filter_map(|role| Some(role["rules"].as_array()?.len())).sum();
    manifests.extend(roles);
    cluster.apply(&manifests).await?;
    page.say(&format!(
        "{count_of_rules} rules in {count} roles, bound to {namespace}/{SERVICE_ACCOUNT}"
    ));
    Ok(())
}

async fn operator(
    page: &Page,
    program: &Program,
    access: &Access,
    tenant: &Tenant,
    served: &[String],
) -> Result<Operator> {
    page.step(
        "Start the operator as a process of its own",
        "under that ServiceAccount and nobody else",
    );
    let endpoints = format!("{},{}", tenant.login(), tenant.api());
    let mut flags: Vec<String> =
        ["run", "--listen", "127.0.0.1:0", "--settle", WAIT, "--write-lag", WAIT]
            .map(str::to_owned)
            .into();
    flags.extend(["--allowed-endpoints".to_owned(), endpoints]);
    if !served.is_empty() {
        flags.extend(["--namespaces".to_owned(), served.join(",")]);
    }
    let operator = Operator::start(&program.path, &access.kubeconfig(), &flags).await?;
    let what = "the operator's /readyz to answer 200";
    let ready = format!("{}/readyz", operator.admin);
    until(&operator, what, Duration::from_secs(30), async || http::page(&ready).await).await?;
    let who = identity(&access.kubeconfig()).await?;
    let expected = format!(":{SERVICE_ACCOUNT}");
    ensure!(
        who.starts_with("system:serviceaccount:") && who.ends_with(&expected),
        "expected the operator to be a ServiceAccount; the API server takes it for {who}"
    );
    page.say(&format!("process {}, to the API server {who}", operator.pid()));
    page.say(&format!("keysteward {}", flags.join(" ")));
    page.say(&format!(
        "The waiting times of {WAIT} fit the simulated tenant; a real one needs the defaults of 10s."
    ));
    Ok(operator)
}

async fn apply(page: &Page, cluster: &Cluster, examples: &Examples) -> Result<()> {
    page.step("Apply examples/*.yaml", "as you would: one short file for each account");
    cluster.apply(&examples.secrets).await?;
    cluster.apply(&examples.platforms).await?;
    cluster.apply(&examples.credentials).await.context("the examples must be valid")?;
    page.say(&format!(
        "{} platforms and {} objects from {} files",
        examples.platforms.len(),
        examples.credentials.len(),
        examples.files
    ));
    page.say(&format!(
        "Only the platforms differ from the files: spec.genesysCloud.endpoints is the simulator, sweepInterval {SWEEP};"
    ));
    page.say("their credential is the simulated administrator's, in Secrets made from examples/templates.");
    Ok(())
}
