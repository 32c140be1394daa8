//! In: whether the platform limits its callers. Out: a simulated platform in a process of its own.
//! It is this very program with another argument, so that its memory is not the operator's.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use keysteward_simulator::{
    ClientView, Counters, Options, RemoteControl, SecretText, SeedClient, Simulator,
};
use keysteward_testbed::OperatorProcess;
use tokio::time::sleep;
use uuid::Uuid;

/// The argument that makes this program the platform.
pub(crate) const CHILD: &str = "simulated-platform";

const ID: &str = "SCALE_CLIENT_ID";
const SECRET: &str = "SCALE_CLIENT_SECRET";
const LIMITED: &str = "SCALE_LIMITED";
const LISTENS: &str = "listens on ";
const LIST: &str = "GET /api/v2/oauth/clients";

/// Whether the platform limits its callers as the real one does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Limits {
    Off,
    AsDocumented,
}

/// A running platform.
#[derive(Debug)]
pub(crate) struct Platform {
    pub(crate) url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) control: RemoteControl,
    // Ends with this value.
    _process: OperatorProcess,
}

/// The platform's side: answers until it is killed.
pub(crate) fn serve() -> Result<()> {
    let variable = |name: &str| std::env::var(name).with_context(|| format!("{name} must be set"));
    let admin = SeedClient {
        id: variable(ID)?,
        secret: SecretText::new(variable(SECRET)?),
        ..SeedClient::default()
    };
    let options = Options { admin, ..Options::default() };
    let limited = std::env::var_os(LIMITED).is_some();
    let simulator = Simulator::start(if limited { options } else { options.without_limits() })?;
    println!("{LISTENS}{}", simulator.api_url());
    loop {
        std::thread::park();
    }
}

impl Platform {
    pub(crate) async fn start(limits: Limits) -> Result<Self> {
        let program = std::env::current_exe()?;
        let client_id = Uuid::new_v4().to_string();
        let client_secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let mut variables = vec![(ID, client_id.clone()), (SECRET, client_secret.clone())];
        if limits == Limits::AsDocumented {
            variables.push((LIMITED, "1".to_owned()));
        }
        let mut process =
            OperatorProcess::start(&program, Path::new("/dev/null"), [CHILD], variables)?;
        let line = process.wait_for_output(LISTENS, Duration::from_secs(30)).await?;
        let url = line.trim_start_matches(LISTENS).trim().to_owned();
        let control = RemoteControl::new(&url);
        Ok(Self { url, client_id, client_secret, control, _process: process })
    }

    /// Tokens made for the clients of objects: not those of the operator's own sessions.
    pub(crate) async fn mints(&self) -> Result<u64> {
        let counters = self.control.counters().await?;
        let of_objects = counters.mints.iter().filter(|(id, _)| **id != self.client_id);
        Ok(of_objects.map(|(_, mints)| mints).sum())
    }

    /// Waits until the operator has asked for the list of clients, with which each sweep ends, so many times more.
    /// Returns all that was counted so far.
    pub(crate) async fn after_sweeps(&self, number: u64) -> Result<Counters> {
        let deadline = Instant::now() + Duration::from_secs(60 + 30 * number);
        let wanted = self.control.counters().await?.of(LIST) + number;
        loop {
            let counters = self.control.counters().await?;
            if counters.of(LIST) >= wanted {
                return Ok(counters);
            }
            anyhow::ensure!(Instant::now() < deadline, "the operator no longer sweeps");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// A client in truth.
    pub(crate) async fn client(&self, id: &str) -> Result<ClientView> {
        self.control.client(id).await?.with_context(|| format!("the platform has no client {id}"))
    }
}
