//! `keysteward run`: the operator.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{ArgAction, Args};
use jiff::SignedDuration;
use tokio::net::TcpListener;

use crate::api::duration::Span;
use crate::kubernetes::live::{Live, connect};

use crate::provider::genesys::Waits;
use crate::provider::http::AllowedEndpoints;
use crate::run::lease::Pace;
use crate::run::metrics::Metrics;
use crate::run::operator::Options;
use crate::run::pass::Settings;
use crate::run::telemetry::{self, LogFormat};
use crate::run::{Start, shutdown};

/// How the operator runs. Every flag has a value that suits a cluster.
#[derive(Args, Debug)]
pub struct RunArguments {
    /// Kubeconfig of the cluster. Default: KUBECONFIG, the home directory's, or the pod's own account.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Look after these namespaces only.
    #[arg(long, value_name = "A,B", value_delimiter = ',', env = "KEYSTEWARD_NAMESPACES")]
    namespaces: Vec<String>,
    /// Namespace of the true copies of credentials, of the Lease, and of what cluster-wide platforms refer to. Default:
    /// the namespace of the pod or of the kubeconfig.
    #[arg(long, value_name = "NAME", env = "POD_NAMESPACE")]
    operator_namespace: Option<String>,
    /// Name of this Keysteward in the markers of its remote clients. Default: the UID of the namespace kube-system,
    /// which does not survive a rebuilt cluster.
    #[arg(long, value_name = "ID", env = "KEYSTEWARD_OWNER_ID")]
    owner_id: Option<String>,
    /// Private addresses that platforms may have: URLs or hosts. Without it only public ones are called.
    #[arg(
        long,
        value_name = "URL,URL",
        value_delimiter = ',',
        env = "KEYSTEWARD_ALLOWED_ENDPOINTS"
    )]
    allowed_endpoints: Vec<String>,
    /// Call platforms through the proxy of HTTPS_PROXY, HTTP_PROXY and NO_PROXY, which are ignored otherwise. The proxy
    /// resolves the names of platforms: whether a name leads to a private address, only the proxy can then tell and refuse.
    #[arg(long)]
    proxy_from_environment: bool,
    /// Where /livez, /readyz and /metrics are served.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// Let one of several replicas work, by a Lease. false: this is the only one.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    leader_election: bool,
    /// Name of the Lease.
    #[arg(long, value_name = "NAME", default_value = "keysteward")]
    lease_name: String,
    /// How long other replicas wait after the leader's last renewal.
    #[arg(long, value_name = "SPAN", default_value = "15s")]
    lease_duration: Span,
    /// How long a leader works after its last renewal.
    #[arg(long, value_name = "SPAN", default_value = "10s")]
    lease_renew_deadline: Span,
    /// How often the Lease is renewed or looked at.
    #[arg(long, value_name = "SPAN", default_value = "2s")]
    lease_retry: Span,
    /// Name of this replica. Default: the host's name.
    #[arg(long, value_name = "NAME", env = "POD_NAME")]
    instance: Option<String>,
    /// Objects of one platform that are worked on at once.
    #[arg(long, value_name = "N", default_value_t = 16)]
    concurrency: u16,
    /// How logs are written.
    #[arg(long, value_enum, default_value_t = LogFormat::Json)]
    log_format: LogFormat,
    /// What is logged, for example info,keysteward=debug.
    #[arg(long = "log", value_name = "FILTER", env = "RUST_LOG")]
    log: Option<String>,
    #[command(flatten, next_help_heading = "Waiting times")]
    waits: WaitArguments,
}

/// Times that the platforms need; tests set them to 0s.
#[derive(Args, Debug)]
struct WaitArguments {
    /// How long a new credential or role is left alone before its first use.
    #[arg(long, value_name = "SPAN", default_value = "10s")]
    settle: Span,
    /// How long a create whose answer was lost is looked for before it is repeated.
    #[arg(long, value_name = "SPAN", default_value = "120s")]
    create_lag: Span,
    /// How long lists and reads may show what was before a write.
    #[arg(long, value_name = "SPAN", default_value = "10s")]
    write_lag: Span,
    /// Least time between two sweeps when somebody waits for one.
    #[arg(long, value_name = "SPAN", default_value = "1s")]
    sweep_spacing: Span,
    /// How long a token's renewal may be overdue before the watchdog speaks.
    #[arg(long, value_name = "SPAN", default_value = "120s")]
    late_after: Span,
}

impl RunArguments {
    /// Runs the operator until a signal, or until another replica leads.
    pub async fn run(self) -> anyhow::Result<()> {
        telemetry::start(self.log_format, self.log.as_deref()).map_err(anyhow::Error::msg)?;
        let stop = shutdown::on_signals().context("could not listen for signals")?;
        let metrics = Arc::new(Metrics::new());
        let connection = connect(self.kubeconfig.as_deref(), Arc::clone(&metrics)).await?;
        let operator_namespace =
            self.operator_namespace.clone().unwrap_or_else(|| connection.namespace.clone());
        let instance = self.instance.clone().unwrap_or_else(host_name);
        let owner = match &self.owner_id {
            Some(owner) => owner_id(owner)?,
            None => Live::new(connection.client.clone(), instance.clone())
                .namespace_uid("kube-system")
                .await
                .context("could not read the UID of the namespace kube-system, the default of --owner-id")?,
        };
        let admin = TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("could not listen on {} (--listen)", self.listen))?;
        tracing::info!(
            server = connection.server,
            namespace = operator_namespace,
            owner,
            listen = %admin.local_addr().context("could not read the address of --listen")?,
            version = env!("CARGO_PKG_VERSION"),
            "keysteward starts"
        );
        let start = Start {
            options: self.options(Settings { owner, operator_namespace })?,
            admin,
            election: self.election()?,
            instance,
        };
        crate::run::run(connection.client, metrics, start, stop).await
    }

    fn options(&self, settings: Settings) -> anyhow::Result<Options> {
        let waits = &self.waits;
        let named: BTreeSet<String> =
            self.namespaces.iter().filter(|name| !name.is_empty()).cloned().collect();
        let namespaces = named.into_iter().collect();
        Ok(Options {
            settings,
            namespaces,
            allowed_endpoints: AllowedEndpoints::parse(&self.allowed_endpoints)?,
            proxy_from_environment: self.proxy_from_environment,
            waits: Waits {
                create_lag: waits.create_lag.parse()?,
                write_lag: waits.write_lag.parse()?,
                settle: waits.settle.parse()?,
            },
            concurrency: self.concurrency.max(1),
            sweep_spacing: waits.sweep_spacing.parse()?.max(SignedDuration::from_millis(100)),
            late_after: waits.late_after.parse()?,
            watchdog_every: Duration::from_secs(5),
        })
    }

    fn election(&self) -> anyhow::Result<Option<(String, Pace)>> {
        if !self.leader_election {
            return Ok(None);
        }
        let pace = Pace {
            duration: self.lease_duration.parse()?.unsigned_abs(),
            renew_deadline: self.lease_renew_deadline.parse()?.unsigned_abs(),
            retry: self.lease_retry.parse()?.unsigned_abs(),
        };
        Ok(Some((self.lease_name.clone(), pace.check().map_err(anyhow::Error::msg)?)))
    }
}

/// The owner stands in markers between slashes.
fn owner_id(owner: &str) -> anyhow::Result<String> {
    let fits = !owner.is_empty() && owner.len() <= 128 && !owner.contains(['/', '\n', ' ']);
    anyhow::ensure!(fits, "--owner-id must have 1 to 128 characters and neither slash nor space");
    Ok(owner.to_owned())
}

fn host_name() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "keysteward".to_owned())
}

#[cfg(test)]
mod tests;
