//! In: what a test needs. Out: a [`World`]: namespaces, a platform with a credential, a simulated tenant, an operator.
//! At the end of each test it looks whether a secret of that test is anywhere where none may be.

mod canary;
mod credential;
mod objects;
mod operator;
mod plan;
mod right;
mod secrets;
mod tenant;
mod tls;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use keysteward_simulator::{Control, Simulator};
use keysteward_testbed::{ControlPlane, apply_yaml, eventually};
use kube::Client;
use serde_json::{Value, json};

pub(crate) use self::credential::{Account, message, says, summary, tells};
pub(crate) use self::operator::Operator;
pub(crate) use self::plan::Plan;
pub(crate) use self::right::Right;
pub(crate) use self::secrets::text;
pub(crate) use self::tls::{Tls, authority};

/// How long a condition may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(90);
/// The name of the platform object that every world has.
pub(crate) const PLATFORM: &str = "contact-center";
/// The Secret with the managing credential.
pub(crate) const ADMIN: &str = "contact-center-admin";

const MANAGER: &str = "somebody";

/// The API server of a test.
#[derive(Debug)]
pub(crate) enum Server {
    Shared(&'static ControlPlane),
    Own(Arc<ControlPlane>),
}

impl Deref for Server {
    type Target = ControlPlane;

    fn deref(&self) -> &ControlPlane {
        match self {
            Self::Shared(server) => server,
            Self::Own(server) => server,
        }
    }
}

/// Everything around one operator under test.
pub(crate) struct World {
    pub(crate) operators: Vec<Operator>,
    pub(crate) simulator: Simulator,
    pub(crate) tenant: Control,
    pub(crate) client: Client,
    /// Where the objects are.
    pub(crate) namespace: String,
    /// A second namespace that the operator serves.
    pub(crate) neighbour: String,
    /// Where the operator lives.
    pub(crate) home: String,
    /// Secrets that the simulator does not know, with what they are.
    canaries: Vec<(String, String)>,
    plan: Plan,
    // Last: the operators end before the server does.
    pub(crate) server: Server,
}

/// Runs a test in a world of its own, and looks for leaks at its end.
pub(crate) async fn in_a_world(test: impl AsyncFnOnce(&mut World)) {
    Plan::default().run(test).await;
}

impl World {
    /// The operator, where there is one.
    pub(crate) fn operator(&mut self) -> &mut Operator {
        &mut self.operators[0]
    }

    /// Applies an object as somebody who owns every field that it names and no other.
    pub(crate) async fn apply(&self, object: &Value) -> Value {
        let applied = apply_yaml(&self.client, &object.to_string(), MANAGER).await;
        let mut applied = applied.unwrap_or_else(|error| panic!("{error}"));
        serde_json::to_value(applied.remove(0)).unwrap()
    }

    /// Applies an object that the API server must refuse, and returns its sentence.
    pub(crate) async fn refused(&self, object: &Value) -> String {
        let applied = apply_yaml(&self.client, &object.to_string(), MANAGER).await;
        match applied {
            Ok(_) => panic!("the server took {object}"),
            Err(error) => error.to_string(),
        }
    }

    /// Waits until something holds; the last state is in the message of the failure.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        look: impl AsyncFnMut() -> Result<T, String>,
    ) -> T {
        eventually(SOON, what, look).await
    }

    /// The Secret with the managing credential as a user writes it.
    pub(crate) fn admin_secret(&self) -> Value {
        let admin = self.simulator.admin_client();
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": ADMIN, "namespace": self.namespace },
            "type": "keysteward.dev/input",
            "stringData": {
                "client_id": admin.client_id,
                "client_secret": admin.client_secret.reveal(),
            },
        })
    }

    /// The platform object as a user writes it.
    pub(crate) fn platform(&self) -> Value {
        self.platform_at(&self.simulator)
    }

    /// A platform object for the tenant at a simulator.
    pub(crate) fn platform_at(&self, simulator: &Simulator) -> Value {
        json!({
            "apiVersion": "keysteward.dev/v1alpha1",
            "kind": "Platform",
            "metadata": { "name": PLATFORM, "namespace": self.namespace },
            "spec": {
                "genesysCloud": {
                    "region": "eu-central-1",
                    "endpoints": { "login": simulator.login_url(), "api": simulator.api_url() },
                },
                "credentialsSecretRef": { "name": ADMIN },
                "sweepInterval": "5s",
                "requestsPerMinute": 100_000,
            },
        })
    }

    /// Waits until a platform object says this of itself.
    pub(crate) async fn platform_says(&self, name: &str, status: &str, reason: &str) -> Value {
        self.until(&format!("platform {name} {status} {reason}"), async || {
            let found =
                self.get("Platform", &self.namespace, name).await.ok_or("it is not there")?;
            says(&found, "Ready", status, reason)?;
            Ok(found)
        })
        .await
    }

    /// Changes an object by a merge patch, as somebody at the keyboard.
    pub(crate) async fn patch(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Value {
        let patch = kube::api::Patch::Merge(patch);
        let patched =
            self.api(kind, namespace).patch(name, &kube::api::PatchParams::default(), &patch).await;
        let patched = patched.unwrap_or_else(|error| panic!("{kind} {namespace}/{name}: {error}"));
        serde_json::to_value(patched).unwrap()
    }
}
