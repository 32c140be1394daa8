//! In: an object. Out: its client on the platform, and what the operator asked of the platform.
//! "Somebody else" edits through the simulator's control, past the operator.

use keysteward_simulator::{ClientEdit, ClientView};

use super::World;

/// Requests that change something on the platform.
const WRITES: [&str; 4] = [
    "POST /api/v2/oauth/clients",
    "PUT /api/v2/oauth/clients/{clientId}",
    "DELETE /api/v2/oauth/clients/{clientId}",
    "POST /api/v2/oauth/clients/{clientId}/secret",
];
const LIST: &str = "GET /api/v2/oauth/clients";

impl World {
    /// The id of the client of an object, as its status has it.
    pub(crate) async fn client_id(&self, name: &str) -> String {
        let object = self.object(name).await;
        let id = object["status"]["remote"]["clientId"].as_str();
        id.unwrap_or_else(|| panic!("no client in the status of {name}")).to_owned()
    }

    /// The client of an object, in truth.
    pub(crate) async fn remote(&self, name: &str) -> ClientView {
        let id = self.client_id(name).await;
        self.tenant.client(&id).unwrap_or_else(|| panic!("no client {id}"))
    }

    /// Clients that an operator of this world has marked, for any object or for one.
    pub(crate) fn marked(&self, name: Option<&str>) -> Vec<ClientView> {
        let place = format!("keysteward:{}/", self.home);
        let mine = |description: &str| {
            description.lines().any(|line| {
                line.starts_with(&place)
                    && name.is_none_or(|name| line.split('/').nth(2) == Some(name))
            })
        };
        let clients = self.tenant.clients();
        clients.into_iter().filter(|c| c.description.as_deref().is_some_and(mine)).collect()
    }

    /// Changes a client as somebody else.
    pub(crate) fn edit(&self, id: &str, edit: &ClientEdit) {
        self.tenant.edit_client(id, edit).unwrap();
    }

    /// Waits until the client is so, in truth.
    pub(crate) async fn remote_is(
        &self,
        id: &str,
        what: &str,
        holds: impl Fn(&ClientView) -> bool,
    ) -> ClientView {
        self.until(&format!("client: {what}"), async || {
            let client = self.tenant.client(id).ok_or("the client is gone")?;
            if holds(&client) { Ok(client) } else { Err(format!("{client:?}")) }
        })
        .await
    }

    /// Requests so far that changed something on the platform.
    pub(crate) fn remote_writes(&self) -> u64 {
        let counters = self.tenant.counters();
        WRITES.iter().map(|write| counters.of(write)).sum()
    }

    /// Tokens made so far for the clients of objects: not those of the operator's own sessions.
    pub(crate) fn mints(&self) -> u64 {
        let admin = self.simulator.admin_client().client_id;
        let counters = self.tenant.counters();
        counters.mints.iter().filter(|(id, _)| **id != admin).map(|(_, count)| count).sum()
    }

    /// Waits until the operator has looked at the whole platform so many times more.
    pub(crate) async fn sweeps(&self, number: u64) {
        let lists = || self.tenant.counters().of(LIST);
        // The first list may have been begun before this moment.
        let wanted = lists() + number + 1;
        self.until(&format!("{number} sweeps"), async || {
            let now = lists();
            (now >= wanted).then_some(()).ok_or_else(|| format!("{now} of {wanted} lists"))
        })
        .await;
    }
}
