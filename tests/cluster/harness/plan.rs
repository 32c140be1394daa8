//! In: how a test's world differs from the usual one. Out: that world, used and then searched for leaks.
//! The usual one: two served namespaces, one for the operator, a platform object, one operator that works.

use keysteward::kubernetes::rbac::{Place, manifests};
use keysteward_simulator::{Options, Simulator};
use keysteward_testbed::{ControlPlane, ControlPlaneBuilder, apply_yaml, own, shared};
use serde_json::Value;

use super::{Operator, Server, World};

const CRDS: [&str; 3] = [
    include_str!("../../../crds/keysteward.dev_clusterplatforms.yaml"),
    include_str!("../../../crds/keysteward.dev_platforms.yaml"),
    include_str!("../../../crds/keysteward.dev_serviceaccountcredentials.yaml"),
];

/// How a world is made.
#[derive(Clone)]
pub(crate) struct Plan {
    own: Option<ControlPlaneBuilder>,
    options: Options,
    operators: usize,
    arguments: Vec<String>,
    platform: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            own: None,
            options: Options::default().without_limits(),
            operators: 1,
            arguments: Vec::new(),
            platform: true,
        }
    }
}

impl Plan {
    /// With an API server of its own, which the test may stop.
    pub(crate) fn own_server(mut self, builder: ControlPlaneBuilder) -> Self {
        self.own = Some(builder);
        self
    }

    /// With another simulated tenant.
    pub(crate) fn tenant(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// With so many operators at the start.
    pub(crate) fn operators(mut self, number: usize) -> Self {
        self.operators = number;
        self
    }

    /// With more arguments for every operator; a later one wins over the harness's own.
    pub(crate) fn argument(mut self, name: &str, value: &str) -> Self {
        self.arguments.push(format!("--{name}={value}"));
        self
    }

    /// Without platform object and credential.
    pub(crate) fn no_platform(mut self) -> Self {
        self.platform = false;
        self
    }

    /// Runs a test in such a world; skipped where there is no API server.
    pub(crate) async fn run(self, test: impl AsyncFnOnce(&mut World)) {
        let server = match self.own.clone() {
            None => shared().await.map(Server::Shared),
            Some(builder) => own(builder).await.map(|server| Server::Own(Box::new(server))),
        };
        let Some(server) = server else { return };
        let mut world = World::make(self, server).await;
        test(&mut world).await;
        world.assert_no_secret_leaked().await;
    }

    /// The arguments of an operator, but for those that tell its place.
    pub(super) fn arguments(&self) -> &[String] {
        &self.arguments
    }
}

impl World {
    async fn make(plan: Plan, server: Server) -> Self {
        let client = server.client();
        definitions(&server).await;
        let namespace = server.new_namespace("team").await.unwrap();
        let neighbour = server.new_namespace("neighbour").await.unwrap();
        let home = server.new_namespace("home").await.unwrap();
        let simulator = Simulator::start(plan.options.clone()).unwrap();
        let tenant = simulator.control();
        tenant.remember_tokens();
        let mut world = Self {
            operators: Vec::new(),
            tenant,
            simulator,
            client,
            namespace,
            neighbour,
            home,
            canaries: Vec::new(),
            server,
            plan,
        };
        world.server.new_service_account(&world.home, "operator").await.unwrap();
        for manifest in world.rights() {
            apply_yaml(&world.client, &manifest.to_string(), "chart").await.unwrap();
        }
        if world.plan.platform {
            world.apply(&world.admin_secret()).await;
            world.apply(&world.platform()).await;
        }
        for _ in 0..world.plan.operators {
            world.start_operator().await;
        }
        world
    }

    /// The roles and bindings that the chart gives to an operator of some namespaces.
    pub(crate) fn rights(&self) -> Vec<Value> {
        manifests(&Place {
            name: &self.home,
            namespace: &self.home,
            service_account: "operator",
            served: &[&self.namespace, &self.neighbour],
        })
    }

    /// One more operator.
    pub(crate) async fn start_operator(&mut self) {
        let number = self.operators.len();
        let operator = Operator::start(self, &self.plan, number).await;
        self.operators.push(operator);
    }
}

/// Installs the definitions; on a shared server all tests do, with the same result.
pub(crate) async fn definitions(server: &ControlPlane) {
    let client = server.client();
    for crd in CRDS {
        apply_yaml(&client, crd, "chart").await.unwrap();
    }
}
