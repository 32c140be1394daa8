//! Execute: carry one step out and fold its answer into what was seen, as the next look would see it.

mod account;
mod secrets;
mod token;

use super::memory::{Memory, Written};
use super::pass::Scene;
use crate::kubernetes::{Cluster, Error};
use crate::model::fault::Fault;
use crate::model::platform::PlatformView;
use crate::model::seen::Seen;
use crate::model::step::{Because, Step};
use crate::provider::Provider;

impl From<Fault> for Because {
    fn from(fault: Fault) -> Self {
        Self::Platform(fault)
    }
}

impl From<Error> for Because {
    fn from(error: Error) -> Self {
        Self::Cluster(error)
    }
}

/// Carries one step out.
pub(super) async fn execute<P: Provider, K: Cluster>(
    step: &Step,
    scene: &mut Scene<'_, P, K>,
    memory: &mut Memory,
    seen: &mut Seen,
) -> Result<(), Because> {
    match step {
        Step::Hold => {
            scene.cluster.hold(&scene.object.key).await?;
            scene.object.held = true;
            memory.held = true;
            Ok(())
        }
        Step::Release => {
            scene.cluster.release(&scene.object.key).await?;
            scene.object.held = false;
            memory.held = false;
            Ok(())
        }
        Step::RecordDrift(drift) => {
            let mut status = scene.object.status.clone();
            status.drift = Some((**drift).clone());
            let written = scene.cluster.write_status(&scene.object.key, &status).await;
            // A write without an answer may have happened: what this pass reports must not undo it.
            if matches!(written, Ok(_) | Err(Error::Unavailable(_))) {
                scene.object.status = status;
            }
            memory.written = Some(Written::new(scene.object.status.clone(), written?));
            seen.carried.drift_recorded = true;
            Ok(())
        }
        Step::Reserve { attempt } => secrets::reserve(*attempt, scene, seen).await,
        Step::StoreAnswer => secrets::store_answer(scene, memory, seen).await,
        Step::Promote => secrets::promote(scene, memory, seen).await,
        Step::DropReservation => secrets::drop_reservation(scene, seen).await,
        Step::TakeBack => secrets::rewrite_true_copy(scene, memory, seen, None).await,
        Step::Retain => {
            let now = (scene.clock)();
            secrets::rewrite_true_copy(scene, memory, seen, Some(now)).await
        }
        Step::Restore => secrets::restore(scene, memory, seen).await,
        Step::Forget => secrets::forget(scene, memory, seen).await,
        Step::Publish => secrets::publish(scene, seen).await,
        Step::DeleteSecret(name) => secrets::delete(name, scene, seen).await,
        Step::Create(wish) => account::create(wish, scene, memory, seen).await,
        Step::Regenerate(id) => account::regenerate(id, scene, memory, seen).await,
        Step::Read(id) => account::read(id, scene, memory, seen).await,
        Step::Update(wish, fields) => account::update(wish, fields, scene, memory, seen).await,
        Step::SwitchOff(id) => account::switch_off(id, scene, memory, seen).await,
        Step::Delete(id) => account::delete(id, scene, memory, seen).await,
        Step::Prove => token::prove(scene, seen).await,
        Step::Mint => token::mint(scene, seen).await,
        Step::Introspect => token::introspect(scene, seen).await,
        Step::WriteToken => token::write(scene, seen).await,
        Step::CheckToken => token::check(scene, seen).await,
        Step::DoubtToken => token::doubt(Some((scene.clock)()), scene, seen).await,
        Step::TrustToken => token::doubt(None, scene, seen).await,
        Step::RevokeToken => token::revoke(scene, seen).await,
        Step::ClearToken => token::clear(scene, seen).await,
    }
}

/// The session; a step that needs one is only decided when there is one.
fn provider<'a, P, K>(scene: &Scene<'a, P, K>) -> Result<&'a P, Because> {
    scene.session.map(|session| &*session.provider).ok_or_else(|| lost("the platform's session"))
}

fn view<'a, P, K>(scene: &Scene<'a, P, K>) -> Result<&'a PlatformView, Because> {
    match scene.platform {
        crate::model::platform::PlatformSeen::Ready(view) => Ok(view),
        crate::model::platform::PlatformSeen::Missing
        | crate::model::platform::PlatformSeen::OtherSystem { .. }
        | crate::model::platform::PlatformSeen::NotReady { .. } => Err(lost("the platform")),
    }
}

/// Something that the decision rested on is gone: look again.
fn lost(what: &str) -> Because {
    Because::Cluster(Error::Conflict(format!("{what} changed while this object was looked at")))
}
