//! The handle a test in the same process holds: what enters are its orders, what leaves is what the twin holds and saw.
//! It may not be slower than a lock: every method answers at once.

use std::sync::Arc;
use std::time::Duration;

use super::client_view::{ClientEdit, ClientView, Credentials, NewClient};
use super::counters::Counters;
use super::faults::{BadFault, Fault, FaultId, FaultView};
use super::order::{self, ControlError};
use super::organization_view::OrganizationEdit;
use crate::genesys::{Genesys, listing};
use crate::secret::SecretText;
use crate::settings::{BadSettings, Settings};
use crate::tenant::division::Division;
use crate::tenant::organization::IdleTokenTimeout;
use crate::tenant::role::Role;

/// Orders for a running twin, carried out at once and in nobody's name that the API knows.
#[derive(Clone, Debug)]
pub struct Control {
    genesys: Arc<Genesys>,
}

impl Control {
    pub(crate) fn new(genesys: Arc<Genesys>) -> Self {
        Self { genesys }
    }

    /// Sets a fault.
    pub fn inject(&self, fault: Fault) -> Result<FaultId, BadFault> {
        let list = || listing(&mut self.genesys.tenant(), 1, self.genesys.now());
        self.genesys.faults.add(fault, list)
    }

    /// Every fault that is set, those that have no times left included.
    pub fn faults(&self) -> Vec<FaultView> {
        self.genesys.faults.all()
    }

    /// Takes a fault away; requests that hang by it are dropped. False if there is none of that number.
    pub fn clear_fault(&self, id: FaultId) -> bool {
        self.genesys.faults.remove(id)
    }

    pub fn clear_faults(&self) {
        self.genesys.faults.clear();
    }

    pub fn settings(&self) -> Settings {
        self.genesys.tenant().settings.clone()
    }

    /// Changes settings in place: `control.configure(|settings| settings.limits = settings.limits.off())`.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.genesys.tenant().settings);
    }

    /// Changes the settings that the JSON names.
    pub fn patch_settings(&self, patch: &serde_json::Value) -> Result<Settings, BadSettings> {
        let mut tenant = self.genesys.tenant();
        tenant.settings = tenant.settings.patched(patch)?;
        Ok(tenant.settings.clone())
    }

    /// What has happened since the counters were reset.
    pub fn counters(&self) -> Counters {
        let mut counters = self.genesys.counters.read();
        let tenant = self.genesys.tenant();
        counters.mints = tenant.mints.iter().map(|(id, count)| (id.to_string(), *count)).collect();
        counters.mints_refused = tenant.mints_refused;
        counters
    }

    pub fn reset_counters(&self) {
        self.genesys.counters.reset();
        let mut tenant = self.genesys.tenant();
        tenant.mints.clear();
        tenant.mints_refused = 0;
    }

    /// All clients in truth, the administrator's included, oldest first.
    pub fn clients(&self) -> Vec<ClientView> {
        order::view_clients(&self.genesys.tenant(), self.genesys.now())
    }

    pub fn client(&self, id: &str) -> Option<ClientView> {
        self.clients().into_iter().find(|client| client.id == id)
    }

    /// The clients of that name, oldest first.
    pub fn clients_named(&self, name: &str) -> Vec<ClientView> {
        self.clients().into_iter().filter(|client| client.name == name).collect()
    }

    /// Makes a client as somebody else.
    pub fn add_client(&self, new: &NewClient) -> Result<Credentials, ControlError> {
        order::add_client(&mut self.genesys.tenant(), new, self.genesys.now())
    }

    /// Changes a client as somebody else; `disabled` and roles nobody holds are possible.
    pub fn edit_client(&self, id: &str, edit: &ClientEdit) -> Result<(), ControlError> {
        order::edit_client(&mut self.genesys.tenant(), id, edit, self.genesys.now())
    }

    /// Gives a client another secret as somebody else.
    pub fn rotate_secret(&self, id: &str) -> Result<SecretText, ControlError> {
        order::rotate_secret(&mut self.genesys.tenant(), id, self.genesys.now())
    }

    /// Deletes a client as somebody else, whatever its state.
    pub fn delete_client(&self, id: &str) -> Result<(), ControlError> {
        order::delete_client(&mut self.genesys.tenant(), id, self.genesys.now())
    }

    /// Makes every token of a client worthless.
    pub fn end_tokens(&self, id: &str) -> Result<(), ControlError> {
        order::end_tokens(&mut self.genesys.tenant(), id)
    }

    /// Whether this is the client's secret in truth.
    pub fn secret_is(&self, id: &str, secret: &str) -> bool {
        self.genesys.tenant().clients.secret_is(id, &secret.into())
    }

    /// Keeps the text of every token that is made from now on, for [`Self::secrets`].
    pub fn remember_tokens(&self) {
        self.genesys.tenant().tokens.remember();
    }

    /// Every secret that a client ever had, and every remembered token: canaries for a test that looks for leaks.
    pub fn secrets(&self) -> Vec<SecretText> {
        let tenant = self.genesys.tenant();
        [tenant.clients.secrets(), tenant.tokens.remembered()].concat()
    }

    /// The client whose living token this is; looking does not count as a use.
    pub fn token_owner(&self, token: &str) -> Option<String> {
        self.genesys.token_owner(&token.into())
    }

    /// Changes the organization; another id is another tenant behind the same address.
    pub fn edit_organization(&self, edit: OrganizationEdit) {
        order::edit_organization(&mut self.genesys.tenant(), edit);
    }

    /// Sets the idle timeout of tokens, in whole seconds and without the API's bounds; none switches it off.
    pub fn set_idle_timeout(&self, limit: Option<Duration>) {
        let mut tenant = self.genesys.tenant();
        tenant.idle = match limit {
            None => IdleTokenTimeout::default(),
            Some(limit) => IdleTokenTimeout {
                idle_token_timeout_seconds: i32::try_from(limit.as_secs()).unwrap_or(i32::MAX),
                enable_idle_token_timeout: true,
            },
        };
    }

    /// Adds a role, or replaces the one of the same id.
    pub fn put_role(&self, role: Role) {
        let mut tenant = self.genesys.tenant();
        tenant.roles.retain(|known| known.id != role.id);
        tenant.roles.push(role);
    }

    /// Takes a role away; clients keep naming it. False if there is none of that id.
    pub fn remove_role(&self, id: &str) -> bool {
        let mut tenant = self.genesys.tenant();
        let before = tenant.roles.len();
        tenant.roles.retain(|role| role.id != id);
        tenant.roles.len() < before
    }

    /// Adds a division, or replaces the one of the same id.
    pub fn put_division(&self, division: Division) {
        let mut tenant = self.genesys.tenant();
        tenant.divisions.retain(|known| known.id != division.id);
        tenant.divisions.push(division);
    }

    /// Takes a division away; clients keep naming it. False if there is none of that id.
    pub fn remove_division(&self, id: &str) -> bool {
        let mut tenant = self.genesys.tenant();
        let before = tenant.divisions.len();
        tenant.divisions.retain(|division| division.id != id);
        tenant.divisions.len() < before
    }

    /// Lets time pass at once: tokens expire and idle out, delays and rate windows end.
    pub fn advance(&self, by: Duration) {
        self.genesys.clock.advance(by);
    }

    /// Puts state, settings, faults, counters and the clock back to the start.
    pub fn reset(&self) {
        self.genesys.reset();
    }
}
