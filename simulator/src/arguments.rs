//! The program's arguments: what enters is the command line, what leaves are the simulator's options.
//! It may not read a secret from the command line.

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use keysteward_simulator::{Options, SecretText, SeedClient, Settings};

const SECRET_VARIABLE: &str = "SIMULATOR_CLIENT_SECRET";

/// Twins of platforms' APIs for tests: they behave as documented, and break on request.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub platform: Platform,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Platform {
    /// Genesys Cloud: login host and API host for OAuth clients, roles, divisions and tokens.
    #[command(after_help = AFTER_HELP)]
    Genesys(Genesys),
}

const AFTER_HELP: &str = "\
The admin client's secret comes from --seed-client-secret-file or from the environment variable
SIMULATOR_CLIENT_SECRET; without either one is made and printed once.

Examples:
  keysteward-simulator genesys --port 8080
  keysteward-simulator genesys --port 0 --connection-file /tmp/simulator.json
  keysteward-simulator genesys --port 8080 --login-port 8081 --set choices.putOmittedFields=keep
  keysteward-simulator genesys --no-limits --set propagation.create.listMilliseconds=5000

Faults, counters and the organization's state: http://ADDRESS/_simulator/… as the README tells.";

#[derive(Args, Debug)]
pub(crate) struct Genesys {
    /// The address to listen on; the control endpoints have no password, so stay on loopback
    #[arg(long, default_value = "127.0.0.1")]
    bind: IpAddr,
    /// The port of the API host, and of the login host too unless --login-port is given; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// A port of its own for the login host, so that a request to the wrong host fails as in reality
    #[arg(long)]
    login_port: Option<u16>,
    /// The id of the admin client; made up if left out
    #[arg(long, value_name = "ID")]
    seed_client_id: Option<String>,
    /// A file that holds the admin client's secret; line ends are cut off
    #[arg(long, value_name = "PATH")]
    seed_client_secret_file: Option<PathBuf>,
    /// Write the addresses and the admin client's id and secret as JSON to this file, readable only by you,
    /// instead of printing the secret
    #[arg(long, value_name = "PATH")]
    pub connection_file: Option<PathBuf>,
    /// The organization's id
    #[arg(long, value_name = "ID")]
    organization_id: Option<String>,
    /// The organization's name
    #[arg(long, value_name = "NAME")]
    organization_name: Option<String>,
    /// A JSON file of settings, as GET /_simulator/settings shows them; parts are enough
    #[arg(long, value_name = "PATH")]
    settings_file: Option<PathBuf>,
    /// Change one setting, such as limits.requestsPerMinute=null; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Switch off the rate limits and the limit on the number of clients
    #[arg(long)]
    no_limits: bool,
    /// Threads that answer
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

impl Genesys {
    /// The admin client's secret, if the user has given one.
    pub(crate) fn secret(&self) -> anyhow::Result<Option<SecretText>> {
        let text = match &self.seed_client_secret_file {
            Some(path) => Some(std::fs::read_to_string(path).with_context(|| {
                format!("cannot read --seed-client-secret-file {}", path.display())
            })?),
            None => std::env::var(SECRET_VARIABLE).ok(),
        };
        let Some(text) = text else { return Ok(None) };
        let text = text.trim_end_matches(['\r', '\n']);
        anyhow::ensure!(!text.is_empty(), "the admin client's secret is empty: give it some text");
        Ok(Some(text.into()))
    }

    /// How the simulator starts.
    pub(crate) fn options(&self, secret: Option<SecretText>) -> anyhow::Result<Options> {
        let defaults = Options::default();
        let admin = SeedClient::default();
        Ok(Options {
            bind: self.bind,
            port: self.port,
            login_port: self.login_port,
            admin: SeedClient {
                id: self.seed_client_id.clone().unwrap_or(admin.id),
                secret: secret.unwrap_or(admin.secret),
                roles: None,
            },
            organization_id: self.organization_id.clone().unwrap_or(defaults.organization_id),
            organization_name: self.organization_name.clone().unwrap_or(defaults.organization_name),
            settings: self.settings()?,
            threads: self.threads,
        })
    }

    fn settings(&self) -> anyhow::Result<Settings> {
        let mut settings = Settings::default();
        if let Some(path) = &self.settings_file {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read --settings-file {}", path.display()))?;
            let patch = serde_json::from_str(&text)
                .with_context(|| format!("--settings-file {} is not JSON", path.display()))?;
            settings = settings.patched(&patch)?;
        }
        if self.no_limits {
            settings.limits = settings.limits.off();
        }
        for change in &self.set {
            let (name, value) = change
                .split_once('=')
                .with_context(|| format!("--set {change}: write it as NAME=VALUE"))?;
            settings = settings.with(name, value).with_context(|| format!("--set {change}"))?;
        }
        Ok(settings)
    }
}
