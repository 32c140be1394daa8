//! How a simulator is started: what enters are a test's or a user's wishes, what leaves is the state before the first request.
//! It may not open anything.

use std::net::{IpAddr, Ipv4Addr};

use uuid::Uuid;

use crate::secret::SecretText;
use crate::settings::Settings;
use crate::tenant::grant::RoleDivision;

/// The administrator's client that exists from the start.
#[derive(Clone, Debug)]
pub struct SeedClient {
    pub id: String,
    pub secret: SecretText,
    /// `None`: every seeded role in all divisions.
    pub roles: Option<Vec<RoleDivision>>,
}

impl Default for SeedClient {
    fn default() -> Self {
        Self { id: Uuid::new_v4().to_string(), secret: SecretText::random_secret(), roles: None }
    }
}

/// What a simulator starts with; the default is a free loopback port, the documented limits and a generated admin client.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on.
    pub bind: IpAddr,
    /// The port of the API host, and of the login host unless `login_port` is given; 0 is a free one.
    pub port: u16,
    /// A port of its own for the login host, so that a request to the wrong host fails as it does in reality.
    pub login_port: Option<u16>,
    pub admin: SeedClient,
    pub organization_id: String,
    pub organization_name: String,
    pub settings: Settings,
    /// Threads that answer; one is enough for thousands of requests a second.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            login_port: None,
            admin: SeedClient::default(),
            organization_id: crate::seed::ORGANIZATION.to_owned(),
            organization_name: "Simulated Contact Center".to_owned(),
            settings: Settings::default(),
            threads: 1,
        }
    }
}

impl Options {
    /// All rate limits off, as for a benchmark.
    #[must_use]
    pub fn without_limits(mut self) -> Self {
        self.settings.limits = self.settings.limits.off();
        self
    }

    /// Login and API on two ports.
    #[must_use]
    pub fn with_two_ports(mut self) -> Self {
        self.login_port = Some(0);
        self
    }
}
