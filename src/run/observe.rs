//! Observe: reads only. The object's Secrets and what is known of its account become a [`Seen`].

use futures::future::try_join_all;
use futures::try_join;

use super::memory::{Memory, Viewer};
use super::pass::Scene;
use crate::decide::records::{reservation_name, true_copy_name};
use crate::kubernetes::{Cluster, Error};
use crate::model::account::{AccountId, State};
use crate::model::platform::PlatformSeen;
use crate::model::secret::StoredSecret;
use crate::model::seen::{Carried, RemoteSeen, Seen, Slot};
use crate::provider::Provider;

/// Reads everything that this pass decides on. Nothing remote is called: lists and our own knowledge suffice.
pub async fn observe<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    memory: &Memory,
) -> Result<Seen, Error> {
    let key = &scene.object.key;
    let desired = scene.desired.as_ref().ok();
    let token_name = desired.and_then(|d| d.token.as_ref()).map(|token| token.secret_name.as_str());
    let credential_name = desired.and_then(|d| d.credential_secret.as_deref());
    let operator = scene.settings.operator_namespace.as_str();
    let (true_copy_id, reservation_id) = (true_copy_name(key), reservation_name(key));
    let stale_names = scene
        .own_secrets
        .iter()
        .filter(|name| Some(name.as_str()) != token_name && Some(name.as_str()) != credential_name);
    let (true_copy, reservation, published, token, stale) = try_join!(
        scene.cluster.secret(operator, &true_copy_id),
        scene.cluster.secret(operator, &reservation_id),
        read(scene.cluster, &key.namespace, credential_name),
        read(scene.cluster, &key.namespace, token_name),
        try_join_all(stale_names.map(|name| scene.cluster.secret(&key.namespace, name))),
    )?;
    let place = scene.place();
    let now = (scene.clock)();
    let mut seen = Seen {
        remote: RemoteSeen::default(),
        true_copy: place.read_true_copy(true_copy),
        reservation: place.read_reservation(reservation, now),
        published: place.read_published(published),
        token: place.read_token(token),
        stale: stale.into_iter().flatten().filter(|stored| place.owns(stored)).collect(),
        carried: Carried::default(),
    };
    look_at_remote(scene, memory, &mut seen);
    Ok(seen)
}

async fn read<K: Cluster>(
    cluster: &K,
    namespace: &str,
    name: Option<&str>,
) -> Result<Option<StoredSecret>, Error> {
    match name {
        Some(name) => cluster.secret(namespace, name).await,
        None => Ok(None),
    }
}

/// Fills in what lists and our own knowledge say of the account.
pub(super) fn look_at_remote<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    memory: &Memory,
    seen: &mut Seen,
) {
    let key = &scene.object.key;
    let Some(session) = scene.session else { return };
    let begun_at = seen.reservation.ours().map(|reservation| reservation.begun_at);
    let own = client_id(seen);
    let viewer = Viewer {
        namespace: &key.namespace,
        name: &key.name,
        client_name: scene.desired.as_ref().map_or("", |desired| desired.client_name.as_str()),
        own: own.as_ref(),
        begun_at,
    };
    seen.remote.list = session
        .inventory
        .as_deref()
        .map(|inventory| memory.list_view(inventory, &session.recent, &viewer));
    // A client that manages a platform is never a target, whatever its description says.
    if let (Some(list), PlatformSeen::Ready(view)) = (&mut seen.remote.list, scene.platform) {
        list.marked.retain(|account| !view.managing_clients.contains(&account.id.0));
    }
    seen.remote.mine = own
        .and_then(|id| memory.account(&id, session.inventory.as_deref()))
        .filter(|account| account.state != State::Deleted);
    seen.remote.misses = memory.misses;
}

/// The client of the stored credential.
pub(super) fn client_id(seen: &Seen) -> Option<AccountId> {
    match (&seen.true_copy, &seen.reservation) {
        (Slot::Ours(copy), _) => Some(AccountId(copy.credential.client_id.clone())),
        (_, Slot::Ours(reservation)) => {
            reservation.answer.as_ref().map(|answer| AccountId(answer.credential.client_id.clone()))
        }
        _ => None,
    }
}
