//! Genesys Cloud: an account is an OAuth client, its id the client id.
//!
//! Enters: ids, wishes, credentials. Leaves: model values or faults. Facts: the vendor's swagger, its SDKs and its
//! Terraform provider. A 401 `bad.credentials` is given before a request is looked at: our own session is then minted
//! anew, and the request sent once more.

mod body;
mod calls;
mod lists;
mod regions;
mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;

use super::http::{Answer, Body, Call, CallCounts, Proof, Sender};
use super::{Addresses, Capabilities, Created, Provider, Snapshot, oauth};
use crate::model::account::{Account, AccountId, Field, State, Wish};
use crate::model::inventory::{Catalog, CatalogPart};
use crate::model::{Credential, Fault, Introspection, RefusalKind, SecretText, Token};

use calls::Endpoint;
pub use regions::{Hosts, InvalidHosts};
use session::{Session, Ticket};
use wire::{ClientDto, IdleTimeoutDto, NamedDto, SecretDto, SubjectDto, TokenInfoDto};

/// What a connection to one organization is made of.
#[derive(Debug)]
pub struct GenesysConfig {
    pub hosts: Hosts,
    /// The managing OAuth client.
    pub credential: Credential,
    pub sender: Sender,
    pub waits: Waits,
}

/// How long this platform takes to show what was written (Terraform provider, `resource_genesyscloud_oauth_client.go`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Waits {
    /// How long a new client may be missing from the list.
    pub create_lag: SignedDuration,
    /// How long a write may be missing from reads.
    pub write_lag: SignedDuration,
    /// How long to wait before a new secret or role is first used: an early try poisons the platform's caches.
    pub settle: SignedDuration,
}

/// One organization, with the session of its managing client.
#[derive(Debug)]
pub struct Genesys {
    hosts: Hosts,
    credential: Credential,
    sender: Sender,
    session: Session,
    capabilities: Capabilities,
}

// === impl Genesys ===

impl Genesys {
    pub fn new(config: GenesysConfig) -> Self {
        let GenesysConfig { hosts, credential, sender, waits } = config;
        let capabilities = Capabilities {
            platform: "Genesys Cloud",
            create_lag: waits.create_lag,
            write_lag: waits.write_lag,
            settle: waits.settle,
            catalog_parts: &[
                CatalogPart::Tenant,
                CatalogPart::Roles,
                CatalogPart::Divisions,
                CatalogPart::OwnGrants,
                CatalogPart::IdleTimeout,
            ],
            inactive_before_delete: true,
        };
        Self { hosts, credential, sender, session: Session::default(), capabilities }
    }

    /// What came of all calls to this organization.
    pub fn counts(&self) -> &CallCounts {
        self.sender.counts()
    }

    /// Sends a call in our own session; a session that ended in the meantime is replaced once.
    async fn ask<T>(
        &self,
        call: Call,
        read: impl Fn(&Answer) -> Result<T, String>,
    ) -> Result<T, Fault> {
        let ticket = self.ticket().await?;
        let first = self.sender.ask(&call, Proof::Bearer(&ticket.access_token), &read).await;
        if !first.as_ref().is_err_and(token_is_dead) {
            return first;
        }
        self.session.forget(&ticket).await;
        let ticket = self.ticket().await?;
        self.sender.ask(&call, Proof::Bearer(&ticket.access_token), &read).await
    }

    async fn ticket(&self) -> Result<Ticket, Fault> {
        let tried = format!("open a session as the managing client {}", self.credential.client_id);
        self.session.ticket(|| self.grant(&self.credential, tried)).await.map_err(before_the_call)
    }

    async fn grant(&self, credential: &Credential, tried: String) -> Result<Token, Fault> {
        let call = calls::token(&self.hosts.login, tried);
        self.sender.ask(&call, Proof::Basic(credential), |answer| oauth::token(&answer.body)).await
    }

    async fn read_client(&self, id: &AccountId) -> Result<Snapshot, Fault> {
        let call = self.client_call(Endpoint::ReadClient, id);
        self.ask(call, |answer| {
            let document = body::without_secret(answer.json()?);
            Ok(Snapshot { account: account_of(&document, id)?, document })
        })
        .await
    }

    fn client_call(&self, endpoint: Endpoint, id: &AccountId) -> Call {
        calls::client(&self.hosts.api, endpoint, id)
    }
}

impl Provider for Genesys {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn accounts(&self) -> Result<Vec<Account>, Fault> {
        self.linked_pages(Endpoint::ListClients, ClientDto::id).await
    }

    async fn catalog(&self, part: CatalogPart, catalog: &mut Catalog) -> Result<(), Fault> {
        let call = |endpoint: Endpoint| calls::plain(&self.hosts.api, endpoint);
        match part {
            CatalogPart::Tenant => {
                let tenant: NamedDto =
                    self.ask(call(Endpoint::ReadOrganization), Answer::json).await?;
                catalog.tenant = Some(tenant.into());
            }
            CatalogPart::Roles => {
                catalog.roles = Some(self.numbered_pages(Endpoint::ListRoles, NamedDto::id).await?);
            }
            CatalogPart::Divisions => {
                let divisions = self.numbered_pages(Endpoint::ListDivisions, NamedDto::id).await?;
                catalog.divisions = Some(divisions);
            }
            CatalogPart::OwnGrants => {
                let subject: SubjectDto =
                    self.ask(call(Endpoint::ReadOwnGrants), Answer::json).await?;
                catalog.own_grants = Some(subject.into());
            }
            CatalogPart::IdleTimeout => {
                let read = |answer: &Answer| answer.json::<IdleTimeoutDto>()?.span();
                let span = self.ask(call(Endpoint::ReadIdleTimeout), read).await?;
                catalog.idle_timeout = Some(span);
            }
        }
        Ok(())
    }

    async fn read(&self, id: &AccountId) -> Result<Option<Snapshot>, Fault> {
        match self.read_client(id).await {
            Ok(snapshot) if snapshot.account.state == State::Deleted => Ok(None),
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(fault) if fault.refusal() == Some(RefusalKind::NotFound) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn create(&self, wish: &Wish) -> Result<Created, Fault> {
        let mut call = calls::plain(&self.hosts.api, Endpoint::CreateClient);
        call.tried = format!("create client {}", wish.settings.name);
        call.body = Body::Json(body::new_client(wish));
        self.ask(call, |answer| {
            let credential = credential_of(answer)?;
            let account = answer.json::<ClientDto>()?.into();
            Ok(Created { account, credential })
        })
        .await
    }

    async fn update(
        &self,
        snapshot: &Snapshot,
        wish: &Wish,
        fields: &BTreeSet<Field>,
    ) -> Result<Account, Fault> {
        let id = &snapshot.account.id;
        let mut call = self.client_call(Endpoint::UpdateClient, id);
        call.body = Body::Json(body::changed_client(&snapshot.document, wish, fields));
        self.ask(call, |answer| account_of(&answer.json()?, id)).await
    }

    async fn regenerate(&self, id: &AccountId) -> Result<Credential, Fault> {
        self.ask(self.client_call(Endpoint::RegenerateSecret, id), credential_of).await
    }

    async fn delete(&self, id: &AccountId) -> Result<(), Fault> {
        match self.ask(self.client_call(Endpoint::DeleteClient, id), Answer::nothing).await {
            Err(fault) if fault.refusal() == Some(RefusalKind::NotFound) => Ok(()),
            done => done,
        }
    }

    async fn mint(&self, credential: &Credential) -> Result<Token, Fault> {
        self.grant(credential, format!("mint a token for client {}", credential.client_id)).await
    }

    async fn introspect(&self, access_token: &SecretText) -> Result<Introspection, Fault> {
        let call = calls::plain(&self.hosts.api, Endpoint::ReadToken);
        let read = |answer: &Answer| answer.json::<TokenInfoDto>()?.introspection();
        self.sender.ask(&call, Proof::Bearer(access_token), read).await
    }

    async fn revoke(&self, access_token: &SecretText) -> Result<(), Fault> {
        let call = calls::plain(&self.hosts.api, Endpoint::RevokeToken);
        match self.sender.ask(&call, Proof::Bearer(access_token), Answer::nothing).await {
            Err(fault) if token_is_dead(&fault) => Ok(()),
            done => done,
        }
    }

    fn addresses(&self) -> Addresses {
        let text = |url: &url::Url| url.as_str().trim_end_matches('/').to_owned();
        Addresses {
            region: self.hosts.region.clone(),
            api: text(&self.hosts.api),
            login: text(&self.hosts.login),
        }
    }
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            create_lag: SignedDuration::from_secs(120),
            write_lag: SignedDuration::from_secs(10),
            settle: SignedDuration::from_secs(10),
        }
    }
}

/// The account in a document, if it is the one that was asked for.
fn account_of(document: &Value, id: &AccountId) -> Result<Account, String> {
    let client = ClientDto::deserialize(document)
        .map_err(|_| "the body is JSON without the fields that belong there".to_owned())?;
    if client.id() != id.0 {
        return Err("the body is about another client".to_owned());
    }
    Ok(client.into())
}

fn credential_of(answer: &Answer) -> Result<Credential, String> {
    let missing = || "the body does not show the client's id and secret".to_owned();
    answer.json::<SecretDto>().ok().and_then(SecretDto::into_credential).ok_or_else(missing)
}

/// Whether a 401 is about the token. `ip.not.authorized` is about the caller, and no new token helps.
fn token_is_dead(fault: &Fault) -> bool {
    match fault {
        Fault::Refused(refusal) => {
            let code = refusal.code.as_deref();
            refusal.kind == RefusalKind::Unauthorized
                && matches!(code, Some("bad.credentials" | "credentials.expired"))
        }
        Fault::NotSent(_) | Fault::Unknown(_) => false,
    }
}

/// A fault of our own session, told as one of the call behind it: that one was never sent.
fn before_the_call(fault: Fault) -> Fault {
    match fault {
        Fault::NotSent(trouble) | Fault::Unknown(trouble) => Fault::NotSent(trouble),
        Fault::Refused(mut refusal) => {
            // The token endpoint is what was not found, not the account.
            if refusal.kind == RefusalKind::NotFound {
                refusal.kind = RefusalKind::Invalid;
            }
            Fault::Refused(refusal)
        }
    }
}
