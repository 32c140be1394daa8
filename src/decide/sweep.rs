//! Which objects one sweep must wake: those that differ, and those whose view of the platform changed.

use crate::decide::diff::diff;
use crate::decide::resolve::resolve;
use crate::model::account::{Account, State};
use crate::model::desired::Desired;
use crate::model::inventory::Inventory;
use crate::model::marker::Marker;
use crate::model::platform::PlatformView;

/// Why an object is woken; None if the platform shows it as written. `account` is that of `client_id`, from the list or
/// from what was learned since.
pub fn wakes(
    desired: &Desired,
    marker: &Marker,
    client_id: Option<&str>,
    account: Option<&Account>,
    view: &PlatformView,
    inventory: &Inventory,
) -> Option<&'static str> {
    if view.other_tenant.is_some() {
        return Some("another tenant answers");
    }
    let mut clients = inventory.marked(&marker.namespace, &marker.name);
    let Some(id) = client_id else {
        return clients.next().is_some().then_some("a client of it appeared");
    };
    if clients.any(|account| account.id.0 != id && account.state != State::Deleted) {
        return Some("more than one client of it");
    }
    let Some(account) = account.filter(|account| account.state != State::Deleted) else {
        return Some("its client is not in the list");
    };
    let Ok(wish) = resolve(desired, view, marker.clone(), inventory.taken_at) else {
        return Some("its names do not resolve");
    };
    (!diff(&wish, account, &view.catalog).is_empty()).then_some("its client differs")
}
