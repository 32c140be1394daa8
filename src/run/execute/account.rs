//! Steps on the remote account.

use std::collections::BTreeSet;

use super::{lost, provider, view};
use crate::decide::diff;
use crate::kubernetes::Cluster;
use crate::model::account::{Account, AccountId, Field, State, Wish};
use crate::model::fault::{Fault, RefusalKind, Trouble, TroubleKind};
use crate::model::seen::{Answer, Seen};
use crate::model::step::Because;
use crate::provider::{Provider, Snapshot};
use crate::run::memory::Memory;
use crate::run::observe::{client_id, look_at_remote};
use crate::run::pass::Scene;

pub(super) async fn create<P: Provider, K: Cluster>(
    wish: &Wish,
    scene: &Scene<'_, P, K>,
    memory: &mut Memory,
    seen: &mut Seen,
) -> Result<(), Because> {
    let provider = provider(scene)?;
    // From here on the reservation no longer means "nothing was sent".
    seen.carried.reserved = false;
    let created = match provider.create(wish).await {
        Ok(created) => created,
        Err(fault) => {
            // It did not happen: nothing has to be looked for. Trouble here only means a look more.
            if !matches!(fault, Fault::Unknown(_))
                && let Err(error) = super::secrets::drop_reservation(scene, seen).await
            {
                tracing::debug!(object = %scene.object.key, ?error, "the reservation stays for now");
            }
            return Err(fault.into());
        }
    };
    let now = (scene.clock)();
    let lag = provider.capabilities().create_lag;
    memory.learn_made(created.account.clone(), now, lag);
    memory.found();
    seen.remote.mine = Some(created.account);
    seen.carried.answer =
        Some(Answer { credential: created.credential, at: now, tries: 0, tried_at: None });
    Ok(())
}

pub(super) async fn regenerate<P: Provider, K: Cluster>(
    id: &AccountId,
    scene: &Scene<'_, P, K>,
    memory: &mut Memory,
    seen: &mut Seen,
) -> Result<(), Because> {
    // What was found may be gone by now, and then this pass must not make another: it looks again.
    seen.carried.reserved = false;
    if read_for_write(id, scene, memory, seen).await?.is_none() {
        return Ok(());
    }
    let credential = provider(scene)?.regenerate(id).await?;
    seen.carried.answer =
        Some(Answer { credential, at: (scene.clock)(), tries: 0, tried_at: None });
    Ok(())
}

/// Whether a platform object itself uses the account.
fn manages<P, K>(scene: &Scene<'_, P, K>, account: &Account) -> bool {
    view(scene).is_ok_and(|view| view.managing_clients.contains(&account.id.0))
}

/// The account as it is now; None, and known as it is, if it is gone, held or no longer ours.
async fn read_for_write<P: Provider, K: Cluster>(
    id: &AccountId,
    scene: &Scene<'_, P, K>,
    memory: &mut Memory,
    seen: &mut Seen,
) -> Result<Option<Snapshot>, Because> {
    let provider = provider(scene)?;
    let lag = provider.capabilities().write_lag;
    let Some(snapshot) = provider.read(id).await? else {
        memory.learn_read(id, None, (scene.clock)(), lag);
        forget_account(id, seen);
        return Ok(None);
    };
    let Snapshot { account, document } = snapshot;
    let believed = memory.learn_read(id, Some(account), (scene.clock)(), lag);
    refresh(scene, memory, seen);
    Ok(believed
        .filter(|account| !account.held && !manages(scene, account))
        .filter(|account| {
            account.marker.as_ref().is_none_or(|found| found.same_object(&scene_marker(scene)))
        })
        .map(|account| Snapshot { account, document }))
}

pub(super) async fn read<P: Provider, K: Cluster>(
    id: &AccountId,
    scene: &Scene<'_, P, K>,
    memory: &mut Memory,
    seen: &mut Seen,
) -> Result<(), Because> {
    let provider = provider(scene)?;
    let snapshot = provider.read(id).await?;
    let lag = provider.capabilities().write_lag;
    if let Some(Snapshot { account, document }) = snapshot {
        let believed = memory.learn_read(id, Some(account.clone()), (scene.clock)(), lag);
        memory.found();
        seen.remote.snapshot = believed.clone().map(|account| Snapshot { account, document });
        seen.remote.lagging =
            believed.as_ref().filter(|believed| **believed != account).map(|_| account);
        seen.remote.mine = believed;
    } else {
        memory.learn_read(id, None, (scene.clock)(), lag);
        let sweep =
            scene.session.and_then(|session| session.inventory.as_ref()).map_or(0, |i| i.sweep);
        memory.miss(sweep);
        seen.remote.mine = None;
        seen.remote.snapshot = None;
        seen.remote.absent_now = true;
    }
    seen.remote.misses = memory.misses;
    Ok(())
}

pub(super) async fn update<P: Provider, K: Cluster>(
    wish: &Wish,
    fields: &BTreeSet<Field>,
    scene: &Scene<'_, P, K>,
    memory: &mut Memory,
    seen: &mut Seen,
) -> Result<(), Because> {
    let provider = provider(scene)?;
    let snapshot = seen.remote.snapshot.take().ok_or_else(|| lost("the account"))?;
    let mut fields = fields.clone();
    if let (Some(lagging), Ok(view)) = (&seen.remote.lagging, view(scene)) {
        // The document shows what was before our last write: sent back as it is, it would undo that write.
        let shown = diff::fields(&diff::diff(wish, lagging, &view.catalog));
        let truly = diff::fields(&diff::diff(wish, &snapshot.account, &view.catalog));
        fields.extend(shown.difference(&truly));
    }
    let account = provider.update(&snapshot, wish, &fields).await?;
    learn_write(provider, scene, memory, seen, account);
    seen.carried.updated = true;
    Ok(())
}

pub(super) async fn switch_off<P: Provider, K: Cluster>(
    id: &AccountId,
    scene: &Scene<'_, P, K>,
    memory: &mut Memory,
    seen: &mut Seen,
) -> Result<(), Because> {
    let Some(snapshot) = read_for_write(id, scene, memory, seen).await? else { return Ok(()) };
    let (provider, marker) = (provider(scene)?, scene_marker(scene));
    let wish = Wish { settings: snapshot.account.settings.clone(), enabled: false, marker };
    let account = provider.update(&snapshot, &wish, &BTreeSet::from([Field::Enabled])).await?;
    learn_write(provider, scene, memory, seen, account);
    Ok(())
}

pub(super) async fn delete<P: Provider, K: Cluster>(
    id: &AccountId,
    scene: &Scene<'_, P, K>,
    memory: &mut Memory,
    seen: &mut Seen,
) -> Result<(), Because> {
    let Some(snapshot) = read_for_write(id, scene, memory, seen).await? else { return Ok(()) };
    let provider = provider(scene)?;
    if provider.capabilities().inactive_before_delete && snapshot.account.state == State::Active {
        // Switched on since the list was taken: off first, as the next step.
        return Ok(());
    }
    match provider.delete(id).await {
        Ok(()) => {}
        Err(Fault::Refused(refusal)) if refusal.kind == RefusalKind::NotFound => {}
        Err(fault) => return Err(fault.into()),
    }
    // Observed, not assumed: a delete that was accepted may still be on its way.
    let lag = provider.capabilities().write_lag;
    match provider.read(id).await? {
        None => {
            memory.learn_written(id, None, (scene.clock)(), lag);
            forget_account(id, seen);
            Ok(())
        }
        Some(_) => Err(Because::Platform(Fault::Unknown(Trouble {
            kind: TroubleKind::Garbled,
            text: format!(
                "the platform took the delete of client {id} and still shows it: looking again"
            ),
        }))),
    }
}

fn learn_write<P: Provider, K: Cluster>(
    provider: &P,
    scene: &Scene<'_, P, K>,
    memory: &mut Memory,
    seen: &mut Seen,
    account: Account,
) {
    memory.learn_written(
        &account.id.clone(),
        Some(account),
        (scene.clock)(),
        provider.capabilities().write_lag,
    );
    refresh(scene, memory, seen);
}

/// Lists and knowledge again, now that knowledge is newer.
fn refresh<P: Provider, K: Cluster>(scene: &Scene<'_, P, K>, memory: &Memory, seen: &mut Seen) {
    seen.remote.snapshot = None;
    look_at_remote(scene, memory, seen);
}

fn forget_account(id: &AccountId, seen: &mut Seen) {
    if let Some(list) = &mut seen.remote.list {
        list.marked.retain(|account| account.id != *id);
    }
    if client_id(seen).as_ref() == Some(id) {
        seen.remote.mine = None;
        seen.remote.snapshot = None;
        seen.remote.absent_now = true;
    }
}

fn scene_marker<P, K>(scene: &Scene<'_, P, K>) -> crate::model::marker::Marker {
    let key = &scene.object.key;
    crate::model::marker::Marker {
        owner: scene.settings.owner.clone(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        uid: key.uid.clone(),
    }
}

/// The name under which the account is known, for a Secret that outlives the object.
pub(super) fn client_name<P, K>(scene: &Scene<'_, P, K>, seen: &Seen) -> String {
    match (&seen.remote.mine, scene.desired) {
        (Some(account), _) if account.state != State::Deleted => account.settings.name.clone(),
        (_, Ok(desired)) => desired.client_name.clone(),
        (_, Err(_)) => String::new(),
    }
}

/// Id of the tenant that the platform object stands for, if it can be known.
pub(super) fn tenant_id<P, K>(scene: &Scene<'_, P, K>) -> Option<String> {
    view(scene).ok().map(|view| view.tenant.id.clone())
}
