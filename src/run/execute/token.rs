//! Steps on the token and its Secret.

use jiff::Timestamp;

use super::{lost, provider, view};
use crate::api::credential::OnIdleTimeout;
use crate::decide::pace::{before_idle, refresh_at, spread};
use crate::decide::records::whole_seconds;
use crate::kubernetes::Cluster;
use crate::model::desired::TokenWish;
use crate::model::fault::{Fault, RefusalKind};
use crate::model::secret::{SecretManifest, StoredSecret};
use crate::model::secret_text::SecretText;
use crate::model::seen::{Minted, Seen, TokenCheck, TokenSlot};
use crate::model::step::Because;
use crate::model::token::{Credential, Introspection};
use crate::provider::Provider;
use crate::run::pass::Scene;

/// Tries the reserved credential: a token, and a question about it. A refusal is counted on the reservation.
pub(super) async fn prove<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    seen: &mut Seen,
) -> Result<(), Because> {
    let answer = seen
        .reservation
        .ours()
        .and_then(|reservation| reservation.answer.clone())
        .ok_or_else(|| lost("the reservation"))?;
    match mint_with(scene, &answer.credential).await {
        Ok(minted) => {
            seen.carried.minted = Some(minted);
            seen.carried.proven = true;
            Ok(())
        }
        Err(fault) => {
            if is_verdict(&fault) {
                note_refusal(scene, seen).await?;
            }
            Err(fault.into())
        }
    }
}

async fn note_refusal<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    seen: &mut Seen,
) -> Result<(), Because> {
    let now = (scene.clock)();
    let Some(reservation) = seen.reservation.ours() else { return Ok(()) };
    let Some(mut answer) = reservation.answer.clone() else { return Ok(()) };
    answer.tries += 1;
    answer.tried_at = Some(now);
    let place = scene.place();
    let manifest = place.answered(reservation, &answer);
    let stored = scene.cluster.replace_secret(&reservation.stored, &manifest).await?;
    seen.reservation = place.read_reservation(Some(stored), now);
    Ok(())
}

/// Whether the platform judged the credential, rather than failing to answer.
fn is_verdict(fault: &Fault) -> bool {
    matches!(
        fault.refusal(),
        Some(
            RefusalKind::Unauthorized
                | RefusalKind::Forbidden
                | RefusalKind::Invalid
                | RefusalKind::NotFound
        )
    )
}

async fn mint_with<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    credential: &Credential,
) -> Result<Minted, Fault> {
    let Some(session) = scene.session else {
        return Err(Fault::NotSent(crate::model::fault::Trouble {
            kind: crate::model::fault::TroubleKind::Withheld,
            text: "the platform has no session".into(),
        }));
    };
    let provider = &session.provider;
    // Counted from before the request: the token cannot be older than we think.
    let at = (scene.clock)();
    let token = provider.mint(credential).await?;
    let introspected = ask(&**provider, &token.access_token).await?;
    Ok(Minted {
        token,
        client_id: credential.client_id.clone(),
        at,
        introspected: Some(introspected),
    })
}

/// Only the platform's own no holds a token back; that it did not answer does not.
async fn ask<P: Provider>(provider: &P, access_token: &SecretText) -> Result<Introspection, Fault> {
    match provider.introspect(access_token).await {
        Ok(introspection) => Ok(introspection),
        Err(fault)
            if matches!(
                fault.refusal(),
                Some(RefusalKind::Unauthorized | RefusalKind::Forbidden)
            ) =>
        {
            Err(fault)
        }
        Err(_) => Ok(Introspection::default()),
    }
}

pub(super) async fn mint<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    seen: &mut Seen,
) -> Result<(), Because> {
    let copy = seen.true_copy.ours().ok_or_else(|| lost("the true copy"))?;
    let provider = provider(scene)?;
    let at = (scene.clock)();
    let token = provider.mint(&copy.credential).await?;
    seen.carried.minted = Some(Minted {
        token,
        client_id: copy.credential.client_id.clone(),
        at,
        introspected: None,
    });
    Ok(())
}

pub(super) async fn introspect<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    seen: &mut Seen,
) -> Result<(), Because> {
    let provider = provider(scene)?;
    let minted = seen.carried.minted.as_mut().ok_or_else(|| lost("the token"))?;
    minted.introspected = Some(ask(provider, &minted.token.access_token).await?);
    Ok(())
}

pub(super) async fn write<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    seen: &mut Seen,
) -> Result<(), Because> {
    let view = view(scene)?;
    let wish = token_wish(scene)?;
    let minted = seen.carried.minted.as_ref().ok_or_else(|| lost("the token"))?;
    let lifetime = minted.token.expires_in;
    let at = whole_seconds(minted.at);
    let minted = Minted { at, ..minted.clone() };
    let key = &scene.object.key;
    let nth = format!("{}/{}", key.uid, at.as_second());
    let mut due = refresh_at(at, lifetime, wish.refresh_after_percent, spread(&nth));
    if wish.on_idle_timeout == OnIdleTimeout::Remint
        && let Some(Some(idle)) = view.catalog.idle_timeout
    {
        due = before_idle(due, at, idle);
    }
    let manifest = scene.place().token(wish, &minted, due, &view.addresses);
    put(scene, seen, &manifest).await?;
    seen.carried.minted = None;
    seen.carried.token_checked = None;
    Ok(())
}

pub(super) async fn check<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    seen: &mut Seen,
) -> Result<(), Because> {
    let text = published_token(scene, seen).ok_or_else(|| lost("the token"))?;
    let checked = match provider(scene)?.introspect(&text).await {
        Ok(introspection) => TokenCheck::Alive(introspection),
        Err(fault) if fault.refusal() == Some(RefusalKind::Unauthorized) => TokenCheck::Dead,
        Err(fault) => return Err(fault.into()),
    };
    seen.carried.token_checked = Some(checked);
    Ok(())
}

pub(super) async fn doubt<P: Provider, K: Cluster>(
    at: Option<Timestamp>,
    scene: &Scene<'_, P, K>,
    seen: &mut Seen,
) -> Result<(), Because> {
    let record = seen.token_record().ok_or_else(|| lost("the token"))?;
    let manifest = scene.place().doubted(record, at);
    put(scene, seen, &manifest).await
}

/// Ends the published token on the platform. Trouble is no reason to keep it published.
pub(super) async fn revoke<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    seen: &mut Seen,
) -> Result<(), Because> {
    if let Some(text) = published_token(scene, seen) {
        match provider(scene)?.revoke(&text).await {
            Ok(()) | Err(Fault::Refused(_)) => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    seen.carried.revoked = true;
    Ok(())
}

pub(super) async fn clear<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    seen: &mut Seen,
) -> Result<(), Because> {
    let wish = token_wish(scene)?;
    let manifest = scene.place().cleared(&wish.secret_name);
    put(scene, seen, &manifest).await
}

async fn put<P: Provider, K: Cluster>(
    scene: &Scene<'_, P, K>,
    seen: &mut Seen,
    manifest: &SecretManifest,
) -> Result<(), Because> {
    let stored = match stored(seen) {
        Some(stored) => scene.cluster.replace_secret(stored, manifest).await?,
        None => scene.cluster.create_secret(manifest).await?,
    };
    seen.token = scene.place().read_token(Some(stored));
    Ok(())
}

fn stored(seen: &Seen) -> Option<&StoredSecret> {
    seen.token.ours().map(|slot| match slot {
        TokenSlot::Empty(stored) => stored,
        TokenSlot::Token(record) => &record.stored,
    })
}

fn token_wish<'a, P, K>(scene: &Scene<'a, P, K>) -> Result<&'a TokenWish, Because> {
    scene
        .desired
        .as_ref()
        .ok()
        .and_then(|desired| desired.token.as_ref())
        .ok_or_else(|| lost("spec.token"))
}

/// The token itself, taken out of the Secret by the key that holds it plainly or in a format.
fn published_token<P, K>(scene: &Scene<'_, P, K>, seen: &Seen) -> Option<SecretText> {
    let record = seen.token_record()?;
    crate::decide::records::token_in(&record.stored.data, token_wish(scene).ok())
}
