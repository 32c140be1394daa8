//! In: how a test's world differs from the usual one. Out: that world, used and then searched for leaks.
//! The usual one: two served namespaces, one for the operator, a platform object, one operator that works.

use std::sync::Arc;

use keysteward::kubernetes::rbac::{Place, manifests};
use keysteward_simulator::{Options, Simulator};
use keysteward_testbed::{ControlPlane, ControlPlaneBuilder, apply_yaml, own, shared};
use serde_json::Value;

use super::{Operator, Right, Server, World};

const CRDS: [&str; 3] = [
    include_str!("../../../crds/keysteward.dev_clusterplatforms.yaml"),
    include_str!("../../../crds/keysteward.dev_platforms.yaml"),
    include_str!("../../../crds/keysteward.dev_serviceaccountcredentials.yaml"),
];

/// How a world is made.
#[derive(Clone)]
pub(crate) struct Plan {
    own: Option<ControlPlaneBuilder>,
    on: Option<Arc<ControlPlane>>,
    without: Option<Right>,
    left_out: Vec<&'static str>,
    options: Options,
    operators: usize,
    arguments: Vec<String>,
    platform: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            own: None,
            on: None,
            without: None,
            left_out: Vec::new(),
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

    /// On a server that other worlds share.
    pub(crate) fn on(mut self, server: Arc<ControlPlane>) -> Self {
        self.on = Some(server);
        self
    }

    /// Without one of the operator's rights.
    pub(crate) fn without(mut self, right: Right) -> Self {
        self.without = Some(right);
        self
    }

    /// Without one of the harness's own arguments for every operator.
    pub(crate) fn without_argument(mut self, name: &'static str) -> Self {
        self.left_out.push(name);
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

    /// With a Lease that another replica takes over soon; on a busy machine a leader loses it more easily.
    pub(crate) fn short_lease(self) -> Self {
        self.argument("lease-duration", "6s")
            .argument("lease-renew-deadline", "5s")
            .argument("lease-retry", "1s")
    }

    /// Without platform object and credential.
    pub(crate) fn no_platform(mut self) -> Self {
        self.platform = false;
        self
    }

    /// Runs a test in such a world; skipped where there is no API server.
    pub(crate) async fn run(self, test: impl AsyncFnOnce(&mut World)) {
        let server = match (self.on.clone(), self.own.clone()) {
            (Some(server), _) => Some(Server::Own(server)),
            (None, Some(builder)) => {
                Box::pin(own(builder)).await.map(|server| Server::Own(Arc::new(server)))
            }
            (None, None) => shared().await.map(Server::Shared),
        };
        let Some(server) = server else { return };
        // On the heap: what a test remembers between its waits is large.
        let mut world = Box::pin(World::make(self, server)).await;
        Box::pin(test(&mut world)).await;
        let leaks = Box::pin(world.leaks()).await;
        assert!(leaks.is_empty(), "{leaks:#?}");
    }

    /// The arguments that differ from the usual ones.
    pub(super) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// Whether a usual argument is not given.
    pub(super) fn leaves_out(&self, name: &str) -> bool {
        let given = format!("--{name}=");
        self.left_out.contains(&name) || self.arguments.iter().any(|own| own.starts_with(&given))
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
        let mut manifests = manifests(&Place {
            name: &self.home,
            namespace: &self.home,
            service_account: "operator",
            lease: "keysteward",
            served: &[&self.namespace, &self.neighbour],
        });
        if let Some(right) = &self.plan.without {
            right.take_from(&mut manifests);
        }
        manifests
    }

    /// One more operator.
    pub(crate) async fn start_operator(&mut self) {
        let number = self.operators.len();
        let operator = Operator::start(self, &self.plan, number).await;
        self.operators.push(operator);
    }
}

/// Installs the definitions; on a shared server all tests do, with the same result.
async fn definitions(server: &ControlPlane) {
    let client = server.client();
    for crd in CRDS {
        apply_yaml(&client, crd, "chart").await.unwrap();
    }
}
