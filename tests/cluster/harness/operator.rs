//! In: a world and a plan. Out: the operator as its own process, in a namespace, under its account.
//! What it says in its log and on its pages is read here; nothing reaches into it.

use std::path::Path;
use std::time::Duration;

use keysteward_testbed::{OperatorProcess, ServiceAccountAccess};
use serde_json::Value;

use super::{Plan, SOON, World};

/// An operator under test.
pub(crate) struct Operator {
    pub(crate) process: OperatorProcess,
    pub(crate) access: ServiceAccountAccess,
}

impl Operator {
    pub(super) async fn start(world: &World, plan: &Plan, number: usize) -> Self {
        let access = world.server.kubeconfig_for(&world.home, "operator").await.unwrap();
        let mut arguments: Vec<String> = vec!["run".into()];
        let mut usual = vec![
            ("namespaces", format!("{},{}", world.namespace, world.neighbour)),
            ("operator-namespace", world.home.clone()),
            ("owner-id", world.home.clone()),
            ("allowed-endpoints", "127.0.0.1".into()),
            ("listen", "127.0.0.1:0".into()),
            ("leader-election", "true".into()),
            ("instance", format!("operator-{number}")),
            ("log", "info,keysteward=trace".into()),
            ("settle", "0s".into()),
            ("create-lag", "2s".into()),
            ("write-lag", "0s".into()),
            ("sweep-spacing", "1s".into()),
        ];
        usual.retain(|(name, _)| !plan.leaves_out(name));
        arguments.extend(usual.iter().map(|(name, value)| format!("--{name}={value}")));
        arguments.extend(plan.arguments().iter().cloned());
        let program = Path::new(env!("CARGO_BIN_EXE_keysteward"));
        let none: [(&str, &str); 0] = [];
        let process =
            OperatorProcess::start(program, access.kubeconfig(), arguments, none).unwrap();
        Self { process, access }
    }

    /// Ends it at once and starts it again.
    pub(crate) fn restart(&mut self) {
        self.process.restart().unwrap();
    }

    /// Ends it as the kubelet does and starts it again: its Lease is given up.
    pub(crate) async fn roll(&mut self) {
        self.process.terminate(Duration::from_secs(30)).await.unwrap();
        self.process.restart().unwrap();
    }

    /// The address of its pages, once it listens.
    pub(crate) async fn address(&mut self) -> String {
        let starts = "keysteward starts";
        self.process.wait_for_output(starts, SOON).await.unwrap();
        let output = self.process.output().unwrap();
        let line = output.lines().rev().find(|line| line.contains(starts)).unwrap();
        let line: Value = serde_json::from_str(line).unwrap();
        let listens = line["listen"].as_str().or_else(|| line["fields"]["listen"].as_str());
        format!("http://{}", listens.unwrap_or_else(|| panic!("no address in {line}")))
    }

    /// One of its pages.
    pub(crate) async fn page(&mut self, path: &str) -> (u16, String) {
        let url = format!("{}{path}", self.address().await);
        let answer = reqwest::Client::new().get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The value of a metric, summed over its labels; 0 where there is none.
    pub(crate) async fn metric(&mut self, name: &str) -> f64 {
        let (_, page) = self.page("/metrics").await;
        page.lines()
            .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum()
    }
}
