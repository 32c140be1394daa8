//! Minting: what enters are a client's credentials and its wish, what leaves is a token or a refusal.
//! It may not read requests: the login host has taken them apart before.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Tenant;
use super::client::{CLIENT_CREDENTIALS, ClientState};
use super::organization::OrganizationState;
use super::rate::Window;
use super::tokens::Token;
use crate::clock::later;
use crate::secret::SecretText;
use crate::settings::choices::{ScopeParameter, TokenRefusal};

/// What a client asks the token endpoint for.
#[derive(Debug)]
pub(crate) struct Wish<'a> {
    pub client_id: &'a str,
    pub secret: SecretText,
    /// As written in the request.
    pub grant_type: &'a str,
    pub scope: Option<&'a str>,
    /// Seconds by which the token dies before its announced end: the API host's clock is ahead.
    pub clock_ahead_seconds: i64,
}

/// A new token.
#[derive(Debug)]
pub(crate) struct Minted {
    pub token: SecretText,
    pub expires_in: i64,
}

impl Tenant {
    /// Makes a token, or tells why not.
    pub(crate) fn mint(&mut self, wish: &Wish<'_>, now: Timestamp) -> Result<Minted, TokenRefusal> {
        let minted = self.try_mint(wish, now);
        if minted.is_err() {
            self.mints_refused += 1;
        }
        minted
    }

    fn try_mint(&mut self, wish: &Wish<'_>, now: Timestamp) -> Result<Minted, TokenRefusal> {
        self.throttle(wish.client_id, now)?;
        let poison = self.settings.propagation.poison_milliseconds;
        let poison = SignedDuration::from_millis(i64::try_from(poison).unwrap_or(i64::MAX));
        let known = self.clients.known(wish.client_id, poison, now);
        let choices = &self.settings.choices;
        let refusals = &choices.token_refusals;
        let known = known
            .filter(|known| known.client.fields.state != ClientState::Deleted)
            .ok_or_else(|| refusals.client_unknown.clone())?;
        if known.secret != wish.secret && known.old_secret.as_ref() != Some(&wish.secret) {
            return Err(refusals.secret_wrong.clone());
        }
        match known.client.fields.state {
            ClientState::Active => {}
            ClientState::Inactive => return Err(refusals.client_inactive.clone()),
            ClientState::Disabled | ClientState::Deleted => {
                return Err(refusals.client_disabled.clone());
            }
        }
        if wish.grant_type != "client_credentials"
            || known.client.fields.grant_type != CLIENT_CREDENTIALS
        {
            return Err(refusals.other_grant_type.clone());
        }
        if self.organization.state != OrganizationState::Active {
            return Err(refusals.organization_suspended.clone());
        }
        let scope = match (wish.scope, choices.scope_parameter) {
            (None, _) | (_, ScopeParameter::Ignore) => Vec::new(),
            (Some(scope), ScopeParameter::Echo) => {
                scope.split_whitespace().map(ToOwned::to_owned).collect()
            }
            (Some(_), ScopeParameter::Refuse) => return Err(refusals.scope_refused.clone()),
        };

        let expires_in = known.client.fields.validity_seconds;
        let lifetime = expires_in - wish.clock_ahead_seconds;
        let generation = self.clients.record(wish.client_id).map_or(0, |record| record.generation);
        let token = Token {
            client: Arc::clone(&known.client.id),
            generation,
            expires: later(now, SignedDuration::from_secs(lifetime)),
            last_used: now,
            window: Window::new(now),
            scope,
        };
        let text = SecretText::random_token();
        self.tokens.insert(text.clone(), token, now);
        *self.mints.entry(Arc::clone(&known.client.id)).or_insert(0) += 1;
        Ok(Minted { token: text, expires_in })
    }

    fn throttle(&mut self, client_id: &str, now: Timestamp) -> Result<(), TokenRefusal> {
        let Some(allowed) = self.settings.limits.token_requests_per_minute else {
            return Ok(());
        };
        if self.mint_windows.len() > 100_000 {
            self.mint_windows.retain(|_, window| !window.is_over(now));
        }
        let window = self.mint_windows.entry(client_id.into()).or_insert_with(|| Window::new(now));
        let standing = window.take(allowed, now);
        if !standing.exceeded {
            return Ok(());
        }
        let mut refusal = self.settings.choices.token_refusals.rate_limited.clone();
        let seconds = standing.reset_seconds.to_string();
        refusal.description = refusal.description.replace("{seconds}", &seconds);
        Err(refusal)
    }
}
