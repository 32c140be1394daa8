//! In: a cluster. Out: the operator as its own process under its `ServiceAccount`, with the waits of the benchmark or
//! with every default.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use keysteward_testbed::{OperatorProcess, peak_rss_kib};
use serde_json::Value;

use super::cluster::Cluster;
use super::manifests::{ACCOUNT, HOME};

const LASTING: Duration = Duration::from_hours(12);
const STARTS: &str = "keysteward starts";

/// The operator.
#[derive(Debug)]
pub(crate) struct Operator {
    process: OperatorProcess,
    started_at: Instant,
    starts: usize,
}

impl Operator {
    /// With the waiting times of the platform at zero; all else is the default.
    pub(crate) async fn without_waits(cluster: &Cluster) -> Result<Self> {
        let waits = ["--settle=0s", "--create-lag=0s", "--write-lag=0s", "--sweep-spacing=0s"];
        Self::start(cluster, &waits).await
    }

    /// With every default, in one namespace.
    pub(crate) async fn with_defaults(cluster: &Cluster, namespace: &str) -> Result<Self> {
        Self::start(cluster, &[&format!("--namespaces={namespace}")]).await
    }

    async fn start(cluster: &Cluster, more: &[&str]) -> Result<Self> {
        let access = cluster.server.kubeconfig_lasting(HOME, ACCOUNT, LASTING).await?;
        let home = format!("--operator-namespace={HOME}");
        let place = ["run", &home, "--allowed-endpoints=127.0.0.1", "--listen=127.0.0.1:0"];
        let arguments = place.iter().chain(more).copied();
        let program = Path::new(env!("CARGO_BIN_EXE_keysteward"));
        let none: [(&str, &str); 0] = [];
        let started_at = Instant::now();
        let process = OperatorProcess::start(program, access.kubeconfig(), arguments, none)?;
        Ok(Self { process, started_at, starts: 1 })
    }

    /// When the process was last started.
    pub(crate) fn started_at(&self) -> Instant {
        self.started_at
    }

    /// Resident memory in MiB.
    pub(crate) fn rss_mib(&self) -> Result<f64> {
        mib(self.process.rss_kib()?)
    }

    /// The most resident memory since the start, in MiB.
    pub(crate) fn peak_rss_mib(&self) -> Result<f64> {
        mib(peak_rss_kib(self.process.pid())?)
    }

    /// Kills it and starts it again.
    pub(crate) fn crash(&mut self) -> Result<()> {
        self.started_at = Instant::now();
        self.starts += 1;
        self.process.restart()
    }

    /// Ends it as the kubelet does and starts it again.
    pub(crate) async fn roll(&mut self) -> Result<()> {
        self.process.terminate(Duration::from_secs(30)).await?;
        self.crash()
    }

    /// Ends it as the kubelet does.
    pub(crate) async fn end(&mut self) -> Result<()> {
        self.process.terminate(Duration::from_secs(30)).await?;
        Ok(())
    }

    /// The sum of a metric over its labels; 0 where there is none.
    pub(crate) async fn metric(&mut self, name: &str) -> Result<f64> {
        let url = format!("http://{}/metrics", self.address()?);
        let page = reqwest::get(url).await?.error_for_status()?.text().await?;
        let of_metric =
            |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        let values = page.lines().filter(of_metric);
        Ok(values.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum())
    }

    /// Where it listens since its last start.
    fn address(&self) -> Result<String> {
        let output = self.process.output()?;
        let mut starts = output.lines().filter(|line| line.contains(STARTS));
        let line = starts.nth(self.starts - 1).context("the operator does not listen yet")?;
        let line: Value = serde_json::from_str(line)?;
        let listens = line["listen"].as_str().or_else(|| line["fields"]["listen"].as_str());
        listens.map(str::to_owned).context("the operator does not say where it listens")
    }
}

fn mib(kib: u64) -> Result<f64> {
    Ok(f64::from(u32::try_from(kib)?) / 1024.0)
}
