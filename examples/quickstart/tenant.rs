//! The simulated Genesys Cloud organization, as its administrator and as a program of the team see it.
//!
//! Enters: client ids, secrets and tokens. Leaves: what the organization answers. Nothing here asks Keysteward.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use keysteward::model::secret_text::SecretText;
use keysteward_simulator::{ClientView, Control, Credentials, Options, Simulator};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;

use crate::http;

/// A running organization.
#[derive(Debug)]
pub(crate) struct Tenant {
    simulator: Simulator,
    http: Client,
}

/// What a token request was answered.
#[derive(Debug)]
pub(crate) enum Minted {
    Token(SecretText),
    /// The status and the words that came with it.
    Refused(String),
}

/// Names by id, as the organization's administrator sees them.
#[derive(Debug)]
pub(crate) struct Names {
    roles: BTreeMap<String, String>,
    divisions: BTreeMap<String, String>,
}

impl Tenant {
    /// Starts it with the platform's own limits, and with login and API on addresses of their own, as in reality.
    pub(crate) fn start() -> Result<Self> {
        let options = Options {
            organization_name: "Acme Contact Center (simulated)".to_owned(),
            ..Options::default()
        };
        let simulator = Simulator::start(options.with_two_ports())
            .context("could not start the simulated organization")?;
        Ok(Self { simulator, http: http::client()? })
    }

    pub(crate) fn login(&self) -> String {
        self.simulator.login_url()
    }

    pub(crate) fn api(&self) -> String {
        self.simulator.api_url()
    }

    pub(crate) fn admin(&self) -> Credentials {
        self.simulator.admin_client()
    }

    /// The hand of another administrator.
    pub(crate) fn another_admin(&self) -> Control {
        self.simulator.control()
    }

    /// The client of that name; there must be one and no more.
    pub(crate) fn client(&self, name: &str) -> Result<ClientView> {
        let mut found = self.another_admin().clients_named(name);
        found.retain(|client| client.state != "deleted");
        match (found.pop(), found.len()) {
            (Some(client), 0) => Ok(client),
            (None, _) => bail!("the tenant has no client {name:?}"),
            (Some(_), more) => bail!("the tenant has {} clients {name:?}", more + 1),
        }
    }

    /// Asks for a token as any program does.
    pub(crate) async fn mint(&self, client_id: &str, client_secret: &SecretText) -> Result<Minted> {
        let request = self
            .http
            .post(format!("{}/oauth/token", self.login()))
            .basic_auth(client_id, Some(client_secret.reveal()))
            .form(&[("grant_type", "client_credentials")]);
        let (status, body) = send(request).await?;
        if status == StatusCode::OK {
            let token = body["access_token"].as_str().context("a 200 without a token")?;
            return Ok(Minted::Token(SecretText::new(token)));
        }
        let word = |key: &str| body[key].as_str().unwrap_or("?").to_owned();
        Ok(Minted::Refused(format!(
            "HTTP {} {}: {}",
            status.as_u16(),
            word("error"),
            word("description")
        )))
    }

    /// The id of the client whose token this is, by `tokens/me`; an error when the token is worth nothing.
    pub(crate) async fn owner_of(&self, token: &SecretText) -> Result<String> {
        let url = format!("{}/api/v2/tokens/me?preserveIdleTTL=true", self.api());
        let (status, body) = send(self.http.get(url).bearer_auth(token.reveal())).await?;
        if status != StatusCode::OK {
            bail!("tokens/me answers HTTP {}", status.as_u16());
        }
        let owner = body["OAuthClient"]["id"].as_str().context("tokens/me names no client")?;
        Ok(owner.to_owned())
    }

    /// The names of all roles and divisions.
    pub(crate) async fn names(&self) -> Result<Names> {
        let admin = self.admin();
        let secret = SecretText::new(admin.client_secret.reveal());
        let token = match self.mint(&admin.client_id, &secret).await? {
            Minted::Token(token) => token,
            Minted::Refused(words) => bail!("the tenant refuses its administrator: {words}"),
        };
        let named = async |what: &str| {
            let url = format!("{}/api/v2/authorization/{what}?pageSize=100", self.api());
            let (status, body) = send(self.http.get(url).bearer_auth(token.reveal())).await?;
            let entities = body["entities"]
                .as_array()
                .with_context(|| format!("the tenant lists no {what}: HTTP {}", status.as_u16()))?;
            let pair = |entity: &Value| {
                Some((entity["id"].as_str()?.to_owned(), entity["name"].as_str()?.to_owned()))
            };
            anyhow::Ok(entities.iter().filter_map(pair).collect::<BTreeMap<_, _>>())
        };
        Ok(Names { roles: named("roles").await?, divisions: named("divisions").await? })
    }
}

impl Names {
    /// The roles of a client as people name them, sorted.
    pub(crate) fn roles_of(&self, client: &ClientView) -> Vec<String> {
        let mut roles: Vec<_> = client
            .role_divisions
            .iter()
            .map(|grant| {
                let role = self.roles.get(&grant.role_id).unwrap_or(&grant.role_id);
                let division = match grant.division_id.as_str() {
                    "*" => "every division",
                    id => self.divisions.get(id).map_or(id, String::as_str),
                };
                format!("{role} in {division}")
            })
            .collect();
        roles.sort();
        roles
    }
}

/// Sends a request; a text that is not JSON counts as null.
async fn send(request: RequestBuilder) -> Result<(StatusCode, Value)> {
    let (status, text) = http::send(request).await.context("could not ask the simulated tenant")?;
    Ok((status, serde_json::from_str(&text).unwrap_or_default()))
}
