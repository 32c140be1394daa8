//! The API server as its administrator sees it: the quickstart's only caller of `kube::Api`.
//!
//! Enters: names and manifests. Leaves: objects as stored, and a note of all that was made, so that it can be removed.
#![expect(
    clippy::disallowed_methods,
    reason = "this module is the quickstart's seam to Kubernetes"
)]

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use futures::stream::BoxStream;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authentication::v1::{SelfSubjectReview, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use keysteward::api::{ClusterPlatform, Platform, ServiceAccountCredential};
use keysteward::decide::records::MANAGED_BY;
use keysteward::model::secret_text::SecretText;
use keysteward_testbed::{ControlPlane, apply_yaml, delete_yaml};
use kube::api::{
    DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Config, CustomResourceExt, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::timeout;

const FIELD_MANAGER: &str = "keysteward-quickstart";
/// Every chart of Keysteward puts this on its Deployment.
const OPERATORS: &str = "app.kubernetes.io/part-of=keysteward";

/// How long a reader of versions waits before it looks around.
const NEWS_WITHIN: Duration = Duration::from_millis(200);

/// The versions of one object as they come, none left out.
pub(crate) struct Versions {
    watch: BoxStream<'static, kube::Result<WatchEvent<ServiceAccountCredential>>>,
}

/// An API server and full access to it.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    /// A kubeconfig that may do everything that the quickstart does.
    pub(crate) kubeconfig: PathBuf,
    pub(crate) url: String,
    made: RefCell<Vec<Value>>,
    /// Last: the server outlives every connection to it. None: it is somebody else's.
    own: Option<ControlPlane>,
}

impl Cluster {
    /// One of our own, which ends with us.
    pub(crate) async fn start() -> Result<Self> {
        let server = ControlPlane::start().await?;
        let kubeconfig = server.admin_kubeconfig().to_owned();
        Self::open(kubeconfig, Some(server)).await
    }

    /// One that exists.
    pub(crate) async fn existing(kubeconfig: &Path) -> Result<Self> {
        Self::open(kubeconfig.to_owned(), None).await
    }

    async fn open(kubeconfig: PathBuf, own: Option<ControlPlane>) -> Result<Self> {
        let config = config(&kubeconfig).await?;
        let url = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let client = Client::try_from(config)?;
        Ok(Self { client, kubeconfig, url, made: RefCell::default(), own })
    }

    pub(crate) async fn version(&self) -> Result<String> {
        let version = self.client.apiserver_version().await;
        Ok(version
            .with_context(|| format!("could not reach the API server {}", self.url))?
            .git_version)
    }

    /// Whether the server was started by us and ends with us.
    pub(crate) fn is_our_own(&self) -> bool {
        self.own.is_some()
    }

    // === write ===

    /// Applies manifests as `kubectl apply --server-side` does, and remembers them.
    pub(crate) async fn apply(&self, manifests: &[Value]) -> Result<()> {
        for manifest in manifests {
            // First the note: an apply whose answer never comes is removed too.
            self.made.borrow_mut().push(manifest.clone());
            let yaml = serde_json::to_string(manifest)?;
            apply_yaml(&self.client, &yaml, FIELD_MANAGER).await?;
        }
        Ok(())
    }

    /// Deletes what was applied and fits, the last first.
    pub(crate) async fn delete_made(&self, fits: impl Fn(&Value) -> bool) -> Result<()> {
        let made: Vec<_> =
            self.made.borrow().iter().filter(|manifest| fits(manifest)).cloned().collect();
        for manifest in made.iter().rev() {
            delete_yaml(&self.client, &serde_json::to_string(manifest)?).await?;
        }
        Ok(())
    }

    pub(crate) async fn delete<K>(&self, object: &K) -> Result<()>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let api: Api<K> = self.api(&object.namespace().unwrap_or_default());
        api.delete(&object.name_any(), &DeleteParams::default()).await?;
        Ok(())
    }

    /// Takes the finalizers off an object whose operator is gone.
    pub(crate) async fn release(&self, object: &ServiceAccountCredential) -> Result<()> {
        let api: Api<ServiceAccountCredential> = self.api(&object.namespace().unwrap_or_default());
        let none = json!({ "metadata": { "finalizers": null } });
        api.patch(&object.name_any(), &PatchParams::default(), &Patch::Merge(none)).await?;
        Ok(())
    }

    /// A token for a `ServiceAccount`, good for an hour.
    pub(crate) async fn token(&self, namespace: &str, service_account: &str) -> Result<SecretText> {
        let request = TokenRequest {
            spec: TokenRequestSpec {
                expiration_seconds: Some(3600),
                ..TokenRequestSpec::default()
            },
            ..TokenRequest::default()
        };
        let issued = self
            .api::<ServiceAccount>(namespace)
            .create_token_request(service_account, &PostParams::default(), &request)
            .await
            .context("could not get a token for the operator's ServiceAccount")?;
        let status = issued.status.context("the API server issued no token")?;
        Ok(SecretText::new(status.token))
    }

    // === read ===

    pub(crate) async fn credentials(
        &self,
        namespaces: &[String],
    ) -> Result<Vec<ServiceAccountCredential>> {
        self.all(namespaces, &ListParams::default()).await
    }

    pub(crate) async fn credential(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<ServiceAccountCredential> {
        Ok(self.api(namespace).get(name).await?)
    }

    pub(crate) async fn platforms(&self, namespaces: &[String]) -> Result<Vec<Platform>> {
        self.all(namespaces, &ListParams::default()).await
    }

    pub(crate) async fn cluster_platforms(&self) -> Result<Vec<ClusterPlatform>> {
        Ok(Api::all(self.client.clone()).list(&ListParams::default()).await?.items)
    }

    pub(crate) async fn secret(&self, namespace: &str, name: &str) -> Result<Secret> {
        let attempted = || format!("could not read the Secret {namespace}/{name}");
        self.api(namespace).get(name).await.with_context(attempted)
    }

    /// The Secrets that Keysteward wrote.
    pub(crate) async fn managed_secrets(&self, namespaces: &[String]) -> Result<Vec<Secret>> {
        let ours = ListParams::default().labels(&format!("{}={}", MANAGED_BY.0, MANAGED_BY.1));
        self.all(namespaces, &ours).await
    }

    /// The versions of an object that come after this one.
    pub(crate) async fn follow(&self, object: &ServiceAccountCredential) -> Result<Versions> {
        let api: Api<ServiceAccountCredential> = self.api(&object.namespace().unwrap_or_default());
        let one = WatchParams::default().fields(&format!("metadata.name={}", object.name_any()));
        let since = object.resource_version().unwrap_or_default();
        let watch = api.watch(&one, &since).await.context("could not watch the object")?;
        Ok(Versions { watch: watch.boxed() })
    }

    /// What was told of an object, the oldest first.
    pub(crate) async fn events(&self, namespace: &str, name: &str) -> Result<Vec<Event>> {
        let events: Api<Event> = self.api(namespace);
        let regarding = ListParams::default().fields(&format!("regarding.name={name}"));
        let mut events = events.list(&regarding).await?.items;
        events.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
        Ok(events)
    }

    pub(crate) async fn definition(&self, name: &str) -> Result<Option<CustomResourceDefinition>> {
        Ok(Api::all(self.client.clone()).get_opt(name).await?)
    }

    /// Whether the definition of the objects is there.
    pub(crate) async fn knows_our_kinds(&self) -> Result<bool> {
        Ok(self.definition(ServiceAccountCredential::crd_name()).await?.is_some())
    }

    /// The objects of our kinds in other namespaces than these.
    pub(crate) async fn foreign_objects(&self, namespaces: &[String]) -> Result<Vec<String>> {
        let mut foreign = Vec::new();
        let all = ListParams::default();
        for object in Api::<ServiceAccountCredential>::all(self.client.clone()).list(&all).await? {
            foreign.push((object.namespace(), object.name_any()));
        }
        for object in Api::<Platform>::all(self.client.clone()).list(&all).await? {
            foreign.push((object.namespace(), object.name_any()));
        }
        foreign
            .extend(self.cluster_platforms().await?.iter().map(|object| (None, object.name_any())));
        let ours =
            |namespace: &Option<String>| namespace.as_ref().is_some_and(|n| namespaces.contains(n));
        foreign.retain(|(namespace, _)| !ours(namespace));
        let named = |(namespace, name): (Option<String>, String)| match namespace {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name,
        };
        Ok(foreign.into_iter().map(named).collect())
    }

    /// Deployments of Keysteward, as NAMESPACE/NAME.
    pub(crate) async fn operators(&self) -> Result<Vec<String>> {
        let api: Api<Deployment> = Api::all(self.client.clone());
        let found = api.list(&ListParams::default().labels(OPERATORS)).await?;
        let named =
            |d: &Deployment| format!("{}/{}", d.namespace().unwrap_or_default(), d.name_any());
        Ok(found.items.iter().map(named).collect())
    }

    async fn all<K>(&self, namespaces: &[String], which: &ListParams) -> Result<Vec<K>>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let mut found = Vec::new();
        for namespace in namespaces {
            found.extend(self.api(namespace).list(which).await?.items);
        }
        Ok(found)
    }

    fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }
}

impl Versions {
    /// The next version; an error when there was none for a moment.
    pub(crate) async fn next(&mut self) -> Result<ServiceAccountCredential> {
        match timeout(NEWS_WITHIN, self.watch.next())
            .await
            .context("no newer version of the object")?
        {
            Some(Ok(WatchEvent::Modified(object))) => Ok(object),
            Some(Ok(other)) => bail!("the API server told of something else: {other:?}"),
            Some(Err(error)) => Err(error.into()),
            None => bail!("the API server ended the watch"),
        }
    }
}

/// As whom the API server takes the holder of a kubeconfig.
pub(crate) async fn identity(kubeconfig: &Path) -> Result<String> {
    let client = Client::try_from(config(kubeconfig).await?)?;
    let asked = Api::<SelfSubjectReview>::all(client)
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await
        .context("the API server does not take the operator's token")?;
    let user = asked.status.and_then(|status| status.user_info).and_then(|user| user.username);
    user.context("the API server did not say whose token it is")
}

async fn config(kubeconfig: &Path) -> Result<Config> {
    let attempted = || format!("could not read the kubeconfig {}", kubeconfig.display());
    let read = Kubeconfig::read_from(kubeconfig).with_context(attempted)?;
    let options = KubeConfigOptions::default();
    let mut config =
        Config::from_custom_kubeconfig(read, &options).await.with_context(attempted)?;
    // By default a refused request is repeated for minutes.
    config.default_retry = false;
    Ok(config)
}
