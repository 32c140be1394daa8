//! In: nothing, or a choice of options. Out: a real etcd and kube-apiserver of one's own, with
//! access for an administrator and for any ServiceAccount.
//! No controller runs: no garbage collection, no end of a namespace, no default ServiceAccounts.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::{ObjectMeta, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client};
use rustix::process::Signal;
use tokio::task::spawn_blocking;

use crate::apiserver::{ApiServer, Wiring};
use crate::audit::AuditLog;
use crate::certificates::{Certificates, encoded};
use crate::etcd::Etcd;
use crate::kubeconfig::{Endpoint, ServiceAccountAccess, write_privately};
use crate::memory;
use crate::port;
use crate::scratch::Scratch;
use crate::server::is_port_clash;
use crate::tool::Tool;

/// The lifetime of a token unless another is asked for.
const TOKEN_LIFETIME: Duration = Duration::from_hours(1);

/// Options of a control plane.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ControlPlaneBuilder {
    audit: bool,
    more_flags: Vec<String>,
}

/// A running etcd and kube-apiserver, which end when this is dropped or this process ends.
#[derive(Debug)]
pub struct ControlPlane {
    apiserver: ApiServer,
    etcd: Etcd,
    endpoint: Endpoint,
    admin_kubeconfig: PathBuf,
    admin: kube::Config,
    audit_log: Option<PathBuf>,
    accesses: AtomicU32,
    // Last: the servers are gone before their files are.
    scratch: Scratch,
}

// === impl ControlPlaneBuilder ===

impl ControlPlaneBuilder {
    /// Records every request, to be read with [`ControlPlane::audit_log`].
    pub fn audited(mut self) -> Self {
        self.audit = true;
        self
    }

    /// Adds a flag of kube-apiserver, such as `--feature-gates=WatchList=false`.
    pub fn apiserver_flag(mut self, flag: impl Into<String>) -> Self {
        self.more_flags.push(flag.into());
        self
    }

    /// Finds or builds the programs, starts them and waits until the API server is ready.
    pub async fn start(self) -> Result<ControlPlane> {
        let (etcd, apiserver) = spawn_blocking(|| {
            Ok::<_, anyhow::Error>((Tool::Etcd.obtain()?, Tool::KubeApiserver.obtain()?))
        })
        .await??;

        let scratch = Scratch::new()?;
        let directory = scratch.path();
        let certificates = Certificates::make(directory)?;
        let etcd = Etcd::start(etcd, directory).await?;
        let audit_log = self.audit.then(|| directory.join("audit.log"));
        let admin_kubeconfig = directory.join("admin.kubeconfig");

        let mut tries = 5;
        let (apiserver, endpoint, admin) = loop {
            tries -= 1;
            let port = port::free()?;
            let endpoint = Endpoint {
                url: format!("https://127.0.0.1:{port}"),
                authority: encoded(&certificates.authority)?,
            };
            endpoint.write_admin(&admin_kubeconfig, &certificates)?;
            let admin = config(&admin_kubeconfig).await?;
            let wiring = Wiring {
                directory,
                certificates: &certificates,
                etcd_url: &etcd.url,
                port,
                audit_log: audit_log.as_deref(),
                more_flags: &self.more_flags,
            };
            let client = Client::try_from(admin.clone())?;
            match ApiServer::start(apiserver.clone(), &wiring, &client).await {
                Ok(apiserver) => break (apiserver, endpoint, admin),
                Err(error) if tries > 0 && is_port_clash(&error) => {}
                Err(error) => return Err(error),
            }
        };
        Ok(ControlPlane {
            apiserver,
            etcd,
            endpoint,
            admin_kubeconfig,
            admin,
            audit_log,
            accesses: AtomicU32::new(0),
            scratch,
        })
    }
}

// === impl ControlPlane ===

impl ControlPlane {
    /// Starts one with no options.
    pub async fn start() -> Result<Self> {
        Self::builder().start().await
    }

    /// The options.
    pub fn builder() -> ControlPlaneBuilder {
        ControlPlaneBuilder::default()
    }

    /// The address of the API server, `https://127.0.0.1:PORT`, the same after a restart.
    pub fn url(&self) -> &str {
        &self.endpoint.url
    }

    /// The path of a kubeconfig that may do everything.
    pub fn admin_kubeconfig(&self) -> &Path {
        &self.admin_kubeconfig
    }

    /// A new client that may do everything and repeats nothing by itself; it belongs to the
    /// runtime it is made in, so a test makes its own.
    pub fn client(&self) -> Client {
        Client::try_from(self.admin.clone())
            .expect("the server was started with this configuration")
    }

    /// A client that acts as the ServiceAccount, repeats nothing by itself, and belongs to the
    /// runtime it is made in.
    pub async fn client_for(&self, access: &ServiceAccountAccess) -> Result<Client> {
        Ok(Client::try_from(config(&access.kubeconfig).await?)?)
    }

    /// Makes a namespace whose name begins with `prefix` and is used by nobody else.
    pub async fn new_namespace(&self, prefix: &str) -> Result<String> {
        let name = unique_name(prefix);
        let namespace = Namespace {
            metadata: ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() },
            ..Namespace::default()
        };
        let api = Api::<Namespace>::all(self.client());
        api.create(&PostParams::default(), &namespace)
            .await
            .with_context(|| format!("could not make the namespace {name}"))?;
        Ok(name)
    }

    /// Makes a ServiceAccount, which may do nothing yet.
    pub async fn new_service_account(&self, namespace: &str, name: &str) -> Result<()> {
        let account = ServiceAccount {
            metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
            ..ServiceAccount::default()
        };
        Api::namespaced(self.client(), namespace)
            .create(&PostParams::default(), &account)
            .await
            .with_context(|| format!("could not make the ServiceAccount {namespace}/{name}"))?;
        Ok(())
    }

    /// A kubeconfig with a token of one hour for a ServiceAccount that exists.
    pub async fn kubeconfig_for(
        &self,
        namespace: &str,
        service_account: &str,
    ) -> Result<ServiceAccountAccess> {
        self.kubeconfig_lasting(namespace, service_account, TOKEN_LIFETIME).await
    }

    /// The same with another lifetime; the API server refuses less than ten minutes.
    pub async fn kubeconfig_lasting(
        &self,
        namespace: &str,
        service_account: &str,
        lifetime: Duration,
    ) -> Result<ServiceAccountAccess> {
        let number = self.accesses.fetch_add(1, Ordering::Relaxed);
        let file = |extension| {
            let name = format!("{namespace}.{service_account}.{number}.{extension}");
            self.scratch.path().join(name)
        };
        let access = ServiceAccountAccess {
            namespace: namespace.to_owned(),
            name: service_account.to_owned(),
            lifetime,
            kubeconfig: file("kubeconfig"),
            token_file: file("token"),
        };
        self.renew_token(&access).await?;
        self.endpoint.write_for(&access)?;
        Ok(access)
    }

    /// Puts a new token into the token file, in one step; the earlier token stays good.
    pub async fn renew_token(&self, access: &ServiceAccountAccess) -> Result<()> {
        let ServiceAccountAccess { namespace, name, lifetime, .. } = access;
        let request = TokenRequest {
            spec: TokenRequestSpec {
                expiration_seconds: Some(i64::try_from(lifetime.as_secs())?),
                ..TokenRequestSpec::default()
            },
            ..TokenRequest::default()
        };
        let issued = Api::<ServiceAccount>::namespaced(self.client(), namespace)
            .create_token_request(name, &PostParams::default(), &request)
            .await
            .with_context(|| {
                format!("could not get a token for the ServiceAccount {namespace}/{name}")
            })?;
        let token = issued.status.context("the API server issued no token")?.token;
        write_privately(&access.token_file, &token)
    }

    /// Ends the API server as an upgrade does; etcd goes on.
    pub async fn stop_apiserver(&self) -> Result<()> {
        self.apiserver.stop().await
    }

    /// Ends the API server at once, with requests and watches open; etcd goes on.
    pub async fn kill_apiserver(&self) -> Result<()> {
        self.apiserver.kill().await
    }

    /// Starts the API server again, on the same port with the same data, and waits for it.
    pub async fn start_apiserver(&self) -> Result<()> {
        self.apiserver.start_again(&self.client()).await
    }

    /// Makes the API server hang: connections stay open and nothing is answered.
    pub async fn pause_apiserver(&self) -> Result<()> {
        self.apiserver.signal(Signal::STOP).await
    }

    /// Lets a paused API server go on.
    pub async fn resume_apiserver(&self) -> Result<()> {
        self.apiserver.signal(Signal::CONT).await
    }

    /// The process id of the API server, if it runs.
    pub async fn apiserver_pid(&self) -> Option<u32> {
        self.apiserver.pid().await
    }

    /// The process id of etcd.
    pub fn etcd_pid(&self) -> u32 {
        self.etcd.process.pid()
    }

    /// Resident memory of the API server in KiB.
    pub async fn apiserver_rss_kib(&self) -> Result<u64> {
        let pid = self.apiserver.pid().await.context("the API server does not run")?;
        Ok(memory::rss_kib(pid)?)
    }

    /// Resident memory of etcd in KiB.
    pub fn etcd_rss_kib(&self) -> Result<u64> {
        Ok(memory::rss_kib(self.etcd_pid())?)
    }

    /// The record of all requests, if [`ControlPlaneBuilder::audited`] was chosen.
    pub fn audit_log(&self) -> Option<AuditLog> {
        self.audit_log.clone().map(AuditLog::new)
    }
}

/// `prefix` and ten random letters and digits: a name for something that must clash with nothing.
pub fn unique_name(prefix: &str) -> String {
    format!("{prefix}-{:010x}", port::random() & 0xff_ffff_ffff)
}

async fn config(kubeconfig: &Path) -> Result<kube::Config> {
    let attempted = || format!("could not read {}", kubeconfig.display());
    let read = Kubeconfig::read_from(kubeconfig).with_context(attempted)?;
    let mut config = kube::Config::from_custom_kubeconfig(read, &KubeConfigOptions::default())
        .await
        .with_context(attempted)?;
    // By default a refused request is repeated for minutes.
    config.default_retry = false;
    Ok(config)
}
