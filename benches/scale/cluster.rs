//! In: a size. Out: a real API server with the objects, and among them the Secrets of others.
//! What the operator asks of it is counted from the server's own audit log.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use keysteward::kubernetes::rbac::{Place, manifests as rights};
use keysteward_testbed::{AuditLog, AuditMark, ControlPlane, apply_yaml, count};
use kube::api::{DynamicObject, ListParams, ObjectMeta, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::Value;
use tempfile::TempDir;

use super::manifests::{self, ACCOUNT, HOME};
use super::platform::Platform;
use super::size::Size;

const CRDS: [&str; 3] = [
    include_str!("../../crds/keysteward.dev_clusterplatforms.yaml"),
    include_str!("../../crds/keysteward.dev_platforms.yaml"),
    include_str!("../../crds/keysteward.dev_serviceaccountcredentials.yaml"),
];
const TEAM: &str = "team";
/// Bytes of a Secret of others.
const WEIGHT: usize = 10_000;
/// Requests at once while the server is filled; nothing is measured then.
const AT_ONCE: usize = 32;

/// An API server and what is on it.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) server: ControlPlane,
    pub(crate) size: Size,
    log: AuditLog,
    // After the server, which has read it at its start.
    _policy: TempDir,
}

/// Successful writes of the operator by verb and resource, renewals of its Lease not counted.
#[derive(Clone, Debug)]
pub(crate) struct Writes(pub(crate) BTreeMap<(String, String), usize>);

impl Writes {
    pub(crate) fn total(&self) -> usize {
        self.0.values().sum()
    }
}

impl Cluster {
    pub(crate) async fn start(size: Size) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let policy = directory.path().join("audit-policy.json");
        fs::write(&policy, manifests::audit_policy().to_string())?;
        let server = ControlPlane::builder()
            .audited()
            .apiserver_flag(format!("--audit-policy-file={}", policy.display()))
            .start()
            .await?;
        let log = server.audit_log().context("the API server keeps no audit log")?;
        Ok(Self { server, size, log, _policy: directory })
    }

    /// Everything that is there before the operator starts.
    pub(crate) async fn fill(&self, platform: &Platform) -> Result<()> {
        let client = self.server.client();
        for crd in CRDS {
            apply_yaml(&client, crd, "chart").await?;
        }
        self.namespace(HOME).await?;
        self.server.new_service_account(HOME, ACCOUNT).await?;
        let place = Place {
            name: ACCOUNT,
            namespace: HOME,
            service_account: ACCOUNT,
            lease: "keysteward",
            served: &[],
        };
        for manifest in rights(&place) {
            apply_yaml(&client, &manifest.to_string(), "chart").await?;
        }
        self.size.say(&format!("making {} Secrets of others", self.size.secrets));
        self.others().await?;
        self.size.say(&format!("making {} objects", self.size.objects));
        self.namespace(TEAM).await?;
        self.add_team(TEAM, platform, false).await?;
        self.accounts(TEAM, self.size.objects).await
    }

    /// Where the objects are.
    #[expect(clippy::unused_self, reason = "it is the cluster's")]
    pub(crate) fn team(&self) -> &'static str {
        TEAM
    }

    pub(crate) async fn namespace(&self, name: &str) -> Result<()> {
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        Api::all(self.server.client()).create(&PostParams::default(), &namespace).await?;
        Ok(())
    }

    /// A platform object with its credential.
    pub(crate) async fn add_team(
        &self,
        namespace: &str,
        platform: &Platform,
        defaults: bool,
    ) -> Result<()> {
        for manifest in manifests::platform(namespace, platform, defaults) {
            apply_yaml(&self.server.client(), &manifest.to_string(), "team").await?;
        }
        Ok(())
    }

    /// Objects 0 to `number` in a namespace.
    pub(crate) async fn accounts(&self, namespace: &str, number: usize) -> Result<()> {
        let api = objects(&self.server.client(), namespace);
        each(number, async |number| {
            let account = serde_json::from_value(manifests::account(namespace, number))?;
            api.create(&PostParams::default(), &account).await?;
            Ok(())
        })
        .await
    }

    /// Secrets of others: some beside the objects, most elsewhere.
    async fn others(&self) -> Result<()> {
        let mut namespaces = manifests::other_namespaces();
        for namespace in &namespaces {
            self.namespace(namespace).await?;
        }
        namespaces.push(HOME.to_owned());
        let client = self.server.client();
        each(self.size.secrets, async |number| {
            let weight = ByteString(vec![u8::try_from(number % 251).unwrap_or_default(); WEIGHT]);
            let secret = Secret {
                metadata: ObjectMeta {
                    name: Some(format!("other-{number:06}")),
                    ..ObjectMeta::default()
                },
                data: Some([("blob".to_owned(), weight)].into()),
                ..Secret::default()
            };
            let namespace = &namespaces[number % namespaces.len()];
            let api = Api::<Secret>::namespaced(client.clone(), namespace);
            api.create(&PostParams::default(), &secret).await?;
            Ok(())
        })
        .await
    }

    /// The present end of the audit log.
    pub(crate) fn mark(&self) -> Result<AuditMark> {
        self.log.mark()
    }

    /// What the operator has written since.
    pub(crate) fn writes_since(&self, mark: AuditMark) -> Result<Writes> {
        let user = manifests::user();
        let records = self.log.since(mark)?;
        let writes = records.iter().filter(|record| {
            let writes = ["create", "update", "patch", "delete", "deletecollection"];
            record.user == user
                && record.code < 300
                && record.resource != "leases"
                && writes.contains(&record.verb.as_str())
        });
        Ok(Writes(count(writes)))
    }

    /// The client ids of all objects, in the order of their names.
    pub(crate) async fn client_ids(&self) -> Result<Vec<String>> {
        let all = objects(&self.server.client(), TEAM).list(&ListParams::default()).await?;
        let id = |object: &DynamicObject| {
            let id = object.data["status"]["remote"]["clientId"].as_str().map(str::to_owned);
            id.with_context(|| format!("{:?} has no client", object.metadata.name))
        };
        all.items.iter().map(id).collect()
    }

    /// The status of an object.
    pub(crate) async fn status(&self, number: usize) -> Result<Value> {
        let api = objects(&self.server.client(), TEAM);
        let mut object = api.get(&manifests::name(number)).await?;
        Ok(object.data["status"].take())
    }
}

/// The objects of a namespace.
pub(crate) fn objects(client: &Client, namespace: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("keysteward.dev", "v1alpha1", "ServiceAccountCredential");
    Api::namespaced_with(client.clone(), namespace, &ApiResource::from_gvk(&kind))
}

/// Whether a condition is True.
pub(crate) fn holds(status: &Value, condition: &str) -> bool {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    conditions.filter(|c| c["type"] == condition).any(|c| c["status"] == "True")
}

async fn each(number: usize, make: impl AsyncFn(usize) -> Result<()>) -> Result<()> {
    let make = &make;
    stream::iter((0..number).map(|number| async move { make(number).await }))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}
