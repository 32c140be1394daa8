//! Steps on the credential's Secrets.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use jiff::Timestamp;

use super::account::{client_name, tenant_id};
use super::lost;
use crate::decide::records::credential_in;
use crate::kubernetes::{Cluster, Error};
use crate::model::secret::{SecretManifest, StoredSecret};
use crate::model::seen::{Seen, Slot, TokenSlot};
use crate::model::step::Because;
use crate::model::token::Credential;
use crate::provider::Provider;
use crate::run::memory::Memory;
use crate::run::observe::look_at_remote;
use crate::run::pass::Scene;

pub(super) async fn reserve<P: Provider, K: Cluster>(
    attempt: u32,
    scene: &Scene<'_, P, K>,
    seen: &mut Seen,
) -> Result<(), Because> {
    let now = (scene.clock)();
    let manifest = scene.place().reservation(now, attempt);
    // A plain create, or a replace guarded by the version: two passes cannot both begin.
    let stored = match seen.reservation.ours() {
        None => scene.cluster.create_secret(&manifest).await?,
        Some(reservation) => scene.cluster.replace_secret(&reservation.stored, &manifest).await?,
    };
    seen.reservation = scene.place().read_reservation(Some(stored), now);
    seen.carried.reserved = true;
    Ok(())
}

/// The only copy of a secret that the platform shows once: tried hard before it is given up.
pub(super) async fn store_answer<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    memory: &Memory,
    seen: &mut Seen,
) -> Result<(), Because> {
    let answer = seen.carried.answer.clone().ok_or_else(|| lost("the answer"))?;
    let reservation = seen.reservation.ours().cloned().ok_or_else(|| lost("the reservation"))?;
    let place = scene.place();
    let manifest = place.answered(&reservation, &answer);
    let cluster = scene.cluster;
    let write = || async {
        match cluster.replace_secret(&reservation.stored, &manifest).await {
            Err(Error::Conflict(_) | Error::Gone(_)) => write_over(cluster, &manifest).await,
            other => other,
        }
    };
    let patience = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_max_times(10);
    let stored = write
        .retry(patience)
        .when(|error| matches!(error, Error::Unavailable(_) | Error::Conflict(_) | Error::Gone(_)))
        .await;
    // Kept or lost: in either case it is no longer ours to carry. A lost one is found by its marker and replaced.
    seen.carried.answer = None;
    seen.reservation = place.read_reservation(Some(stored?), (scene.clock)());
    look_at_remote(scene, memory, seen);
    Ok(())
}

async fn write_over<K: Cluster>(
    cluster: &K,
    manifest: &SecretManifest,
) -> Result<StoredSecret, Error> {
    match cluster.secret(&manifest.namespace, &manifest.name).await? {
        // A write of ours that was not answered.
        Some(stored) if stored.data == manifest.data => Ok(stored),
        // Another process has an answer of its own: it came later, and made this one worthless.
        Some(stored) if credential_in(&stored.data).is_some() => Err(Error::Invalid(
            "could not store the new credential: another process stored one".into(),
        )),
        Some(stored) => cluster.replace_secret(&stored, manifest).await,
        None => cluster.create_secret(manifest).await,
    }
}

pub(super) async fn promote<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    memory: &Memory,
    seen: &mut Seen,
) -> Result<(), Because> {
    let answer = seen
        .reservation
        .ours()
        .and_then(|reservation| reservation.answer.as_ref())
        .ok_or_else(|| lost("the reservation"))?;
    let written = Written {
        credential: answer.credential.clone(),
        made_at: Some(answer.at),
        retained_at: None,
    };
    write_true_copy(scene, memory, seen, &written).await
}

pub(super) async fn restore<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    memory: &Memory,
    seen: &mut Seen,
) -> Result<(), Because> {
    let credential = seen
        .published
        .ours()
        .and_then(|stored| credential_in(&stored.data))
        .ok_or_else(|| lost("the published credential"))?;
    let written = Written { credential, made_at: None, retained_at: None };
    write_true_copy(scene, memory, seen, &written).await
}

pub(super) async fn rewrite_true_copy<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    memory: &Memory,
    seen: &mut Seen,
    retained_at: Option<Timestamp>,
) -> Result<(), Because> {
    let copy = seen.true_copy.ours().ok_or_else(|| lost("the true copy"))?;
    let written =
        Written { credential: copy.credential.clone(), made_at: copy.made_at, retained_at };
    write_true_copy(scene, memory, seen, &written).await
}

/// What a true copy says.
struct Written {
    credential: Credential,
    made_at: Option<Timestamp>,
    retained_at: Option<Timestamp>,
}

async fn write_true_copy<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    memory: &Memory,
    seen: &mut Seen,
    written: &Written,
) -> Result<(), Because> {
    let Written { credential, made_at, retained_at } = written;
    let place = scene.place();
    let before = seen.true_copy.ours();
    let tenant = before
        .map(|copy| copy.tenant_id.clone())
        .filter(|tenant| !tenant.is_empty())
        .or_else(|| tenant_id(scene))
        .unwrap_or_default();
    let manifest =
        place.true_copy(credential, &tenant, &client_name(scene, seen), *made_at, *retained_at);
    let stored = match before {
        Some(copy) => scene.cluster.replace_secret(&copy.stored, &manifest).await?,
        None => scene.cluster.create_secret(&manifest).await?,
    };
    seen.true_copy = place.read_true_copy(Some(stored));
    look_at_remote(scene, memory, seen);
    Ok(())
}

pub(super) async fn drop_reservation<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    seen: &mut Seen,
) -> Result<(), Because> {
    if let Some(reservation) = seen.reservation.ours() {
        scene.cluster.delete_secret(&reservation.stored).await?;
    }
    seen.reservation = Slot::Missing;
    Ok(())
}

pub(super) async fn forget<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    memory: &mut Memory,
    seen: &mut Seen,
) -> Result<(), Because> {
    if let Some(copy) = seen.true_copy.ours() {
        scene.cluster.delete_secret(&copy.stored).await?;
    }
    seen.true_copy = Slot::Missing;
    seen.remote.absent_now = false;
    memory.found();
    look_at_remote(scene, memory, seen);
    Ok(())
}

pub(super) async fn publish<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    seen: &mut Seen,
) -> Result<(), Because> {
    let name = scene
        .desired
        .as_ref()
        .ok()
        .and_then(|desired| desired.credential_secret.as_deref())
        .ok_or_else(|| lost("spec.credential"))?;
    let copy = seen.true_copy.ours().ok_or_else(|| lost("the true copy"))?;
    let manifest = scene.place().published(name, &copy.credential);
    let stored = match seen.published.ours() {
        Some(stored) => scene.cluster.replace_secret(stored, &manifest).await?,
        None => scene.cluster.create_secret(&manifest).await?,
    };
    seen.published = scene.place().read_published(Some(stored));
    Ok(())
}

pub(super) async fn delete<P: Provider, K: Cluster>(
    name: &str,
    scene: &Scene<'_, P, K>,
    seen: &mut Seen,
) -> Result<(), Because> {
    let token = seen.token.ours().map(|slot| match slot {
        TokenSlot::Empty(stored) => stored,
        TokenSlot::Token(record) => &record.stored,
    });
    let candidates = token.into_iter().chain(seen.published.ours()).chain(seen.stale.iter());
    for stored in candidates.filter(|stored| stored.name == name) {
        scene.cluster.delete_secret(stored).await?;
    }
    if token.is_some_and(|stored| stored.name == name) {
        seen.token = Slot::Missing;
    }
    if seen.published.ours().is_some_and(|stored| stored.name == name) {
        seen.published = Slot::Missing;
    }
    seen.stale.retain(|stored| stored.name != name);
    Ok(())
}
