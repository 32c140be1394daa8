//! What the status shows besides its conditions: the client, the Secrets, the drift.

use jiff::SignedDuration;

use crate::api::credential_status::{CredentialStatus, DriftStatus, RemoteStatus, TokenStatus};
use crate::decide::diff;
use crate::decide::next::Inputs;
use crate::decide::records::whole_seconds;
use crate::model::account::{Account, State};
use crate::model::platform::PlatformSeen;
use crate::model::step::{Config, Lane, Outcome};

/// Tokens that live shorter do not show their end in status: it would change too often.
const SHOWN_LIFE: SignedDuration = SignedDuration::from_mins(15);
const SHOWN_ROLES: usize = 100;

/// What else people should know, appended to the message.
pub(super) fn notes(inputs: &Inputs<'_>) -> String {
    let mut text = String::new();
    if let Some(list) = &inputs.seen.remote.list
        && !list.strangers.is_empty()
    {
        text.push_str("; another client of that name without our marker is left alone: ");
        text.push_str(&list.strangers.join(", "));
    }
    if let Some(at) = account(inputs).and_then(|account| account.deletes_at) {
        text.push_str("; the platform plans to delete the client at ");
        text.push_str(&whole_seconds(at).to_string());
    }
    text
}

/// The account as far as it is known.
pub(super) fn account<'a>(inputs: &Inputs<'a>) -> Option<&'a Account> {
    let remote = &inputs.seen.remote;
    remote.snapshot.as_ref().map(|snapshot| &snapshot.account).or(remote.mine.as_ref())
}

pub(super) fn remote(inputs: &Inputs<'_>) -> Option<RemoteStatus> {
    let before = inputs.object.status.remote.clone();
    let PlatformSeen::Ready(view) = inputs.platform else { return before };
    let Some(account) = account(inputs) else { return before };
    // Without the catalog there are no names: keep what was shown rather than show ids for a while.
    let named = view.catalog.roles.is_some() && view.catalog.divisions.is_some();
    let roles = if named {
        let mut roles = diff::role_names(&account.settings.roles, &view.catalog);
        roles.truncate(SHOWN_ROLES);
        roles
    } else {
        before.map(|status| status.roles).unwrap_or_default()
    };
    Some(RemoteStatus {
        tenant_id: Some(view.tenant.id.clone()),
        client_id: Some(account.id.0.clone()),
        enabled: Some(account.state == State::Active),
        grant_types: account.settings.grant_types.iter().cloned().collect(),
        roles,
        deletes_at: account.deletes_at.map(whole_seconds),
    })
}

pub(super) fn token(inputs: &Inputs<'_>) -> Option<TokenStatus> {
    let record = inputs.seen.token_record()?;
    let life = record.expires_at.duration_since(record.minted_at);
    Some(TokenStatus {
        secret_name: record.stored.name.clone(),
        expires_at: (life >= SHOWN_LIFE).then(|| whole_seconds(record.expires_at)),
    })
}

pub(super) fn credential(inputs: &Inputs<'_>) -> Option<CredentialStatus> {
    let stored = inputs.seen.published.ours()?;
    Some(CredentialStatus { secret_name: stored.name.clone() })
}

pub(super) fn drift(inputs: &Inputs<'_>, outcome: &Outcome) -> Option<DriftStatus> {
    let mut drift = inputs.object.status.drift.clone()?;
    if inputs.object.status.observed_generation != Some(inputs.object.generation) {
        // The spec changed: what others did before is no fight over what it says now.
        drift.undone.clear();
    }
    let agrees = matches!(outcome.config, Lane::Settled(Config::Synced | Config::Off));
    if agrees && drift.detected_at.is_some() && drift.corrected_at.is_none() {
        drift.corrected_at = Some(whole_seconds(inputs.now));
    }
    Some(drift)
}
