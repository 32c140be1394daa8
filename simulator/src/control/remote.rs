//! The handle a test in another process holds: what enters are its orders, what leaves are the control endpoints' answers.
//! It may not do anything that the handle in the same process cannot.

use std::time::Duration;

use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client_view::{ClientEdit, ClientView, Credentials, NewClient};
use super::counters::Counters;
use super::faults::{Fault, FaultId, FaultView};
use super::organization_view::OrganizationEdit;
use super::routes::{Advance, IdleTimeout, Injected, SecretClaim, TokenClaim, TokenOwner, Verdict};
use crate::secret::SecretText;
use crate::settings::Settings;
use crate::tenant::division::Division;
use crate::tenant::role::Role;

/// Orders for a twin in another process, as `Control` gives them in the same one.
#[derive(Clone, Debug)]
pub struct RemoteControl {
    base: String,
    http: reqwest::Client,
}

/// An order that was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error("cannot reach the simulator: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("the simulator answered {status} to {path}: {body}")]
    Refused { status: u16, path: String, body: String },
}

type Answer<T> = Result<T, RemoteError>;

impl RemoteControl {
    /// A handle for the simulator at one of its URLs, such as `http://127.0.0.1:8080`.
    pub fn new(url: &str) -> Self {
        Self {
            base: format!("{}/_simulator", url.trim_end_matches('/')),
            http: reqwest::Client::new(),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer<reqwest::Response> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let body = response.text().await?;
        Err(RemoteError::Refused { status, path: path.to_owned(), body })
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        Ok(self.send(Method::GET, path, None).await?.json().await?)
    }

    async fn order(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Answer<reqwest::Response> {
        let body = serde_json::to_value(body).unwrap_or_default();
        self.send(method, path, Some(body)).await
    }

    async fn delete(&self, path: &str) -> Answer<()> {
        self.send(Method::DELETE, path, None).await.map(drop)
    }

    pub async fn inject(&self, fault: &Fault) -> Answer<FaultId> {
        let injected: Injected = self.order(Method::POST, "/faults", fault).await?.json().await?;
        Ok(injected.id)
    }

    pub async fn faults(&self) -> Answer<Vec<FaultView>> {
        self.read("/faults").await
    }

    pub async fn clear_fault(&self, id: FaultId) -> Answer<()> {
        self.delete(&format!("/faults/{}", id.0)).await
    }

    pub async fn clear_faults(&self) -> Answer<()> {
        self.delete("/faults").await
    }

    pub async fn settings(&self) -> Answer<Settings> {
        self.read("/settings").await
    }

    pub async fn patch_settings(&self, patch: &Value) -> Answer<Settings> {
        Ok(self.order(Method::PATCH, "/settings", patch).await?.json().await?)
    }

    pub async fn counters(&self) -> Answer<Counters> {
        self.read("/counters").await
    }

    pub async fn reset_counters(&self) -> Answer<()> {
        self.delete("/counters").await
    }

    pub async fn clients(&self) -> Answer<Vec<ClientView>> {
        self.read("/clients").await
    }

    pub async fn client(&self, id: &str) -> Answer<Option<ClientView>> {
        Ok(self.clients().await?.into_iter().find(|client| client.id == id))
    }

    pub async fn add_client(&self, new: &NewClient) -> Answer<Credentials> {
        Ok(self.order(Method::POST, "/clients", new).await?.json().await?)
    }

    pub async fn edit_client(&self, id: &str, edit: &ClientEdit) -> Answer<()> {
        self.order(Method::PATCH, &format!("/clients/{id}"), edit).await.map(drop)
    }

    pub async fn rotate_secret(&self, id: &str) -> Answer<SecretText> {
        let path = format!("/clients/{id}/secret");
        let made: Credentials = self.send(Method::POST, &path, None).await?.json().await?;
        Ok(made.client_secret)
    }

    pub async fn delete_client(&self, id: &str) -> Answer<()> {
        self.delete(&format!("/clients/{id}")).await
    }

    pub async fn end_tokens(&self, id: &str) -> Answer<()> {
        self.delete(&format!("/clients/{id}/tokens")).await
    }

    pub async fn secret_is(&self, id: &str, secret: &str) -> Answer<bool> {
        let path = format!("/clients/{id}/secret/verify");
        let claim = SecretClaim { secret: secret.into() };
        let verdict: Verdict = self.order(Method::POST, &path, &claim).await?.json().await?;
        Ok(verdict.matches)
    }

    pub async fn token_owner(&self, token: &str) -> Answer<Option<String>> {
        let claim = TokenClaim { token: token.into() };
        let owner: TokenOwner =
            self.order(Method::POST, "/tokens/verify", &claim).await?.json().await?;
        Ok(owner.client_id)
    }

    pub async fn edit_organization(&self, edit: &OrganizationEdit) -> Answer<()> {
        self.order(Method::PATCH, "/organization", edit).await.map(drop)
    }

    pub async fn set_idle_timeout(&self, limit: Option<Duration>) -> Answer<()> {
        let timeout = IdleTimeout { seconds: limit.map(|limit| limit.as_secs()) };
        self.order(Method::PUT, "/idle-timeout", &timeout).await.map(drop)
    }

    pub async fn put_role(&self, role: &Role) -> Answer<()> {
        self.order(Method::PUT, "/roles", role).await.map(drop)
    }

    pub async fn remove_role(&self, id: &str) -> Answer<()> {
        self.delete(&format!("/roles/{id}")).await
    }

    pub async fn put_division(&self, division: &Division) -> Answer<()> {
        self.order(Method::PUT, "/divisions", division).await.map(drop)
    }

    pub async fn remove_division(&self, id: &str) -> Answer<()> {
        self.delete(&format!("/divisions/{id}")).await
    }

    pub async fn advance(&self, by: Duration) -> Answer<()> {
        let advance = Advance { seconds: by.as_secs_f64() };
        self.order(Method::POST, "/clock/advance", &advance).await.map(drop)
    }

    pub async fn reset(&self) -> Answer<()> {
        self.send(Method::POST, "/reset", None).await.map(drop)
    }
}
