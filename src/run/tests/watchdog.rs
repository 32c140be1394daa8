//! The watchdog beside a pass that is under way.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::Event;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::ground::{Ground, OPERATOR_NAMESPACE, credential_path, object};
use crate::decide::records::REFRESH_AT;
use crate::run::memory::Memory;
use crate::run::secrets::Listing;
use crate::run::watchdog;

#[tokio::test(start_paused = true)]
async fn an_object_whose_pass_is_running_speaks_for_itself() {
    let mut ground = Ground::new();
    let fresh = json!({"status": {"conditions": [{
        "type": "TokenFresh", "status": "True", "reason": "Succeeded", "message": "",
        "lastTransitionTime": "2026-11-01T10:00:00Z",
    }]}});
    for name in ["idle", "running"] {
        ground.show(object(name, fresh.clone()));
        let late: PartialObjectMeta<Secret> = serde_json::from_value(json!({"metadata": {
            "namespace": "team-a", "name": format!("{name}-token"), "resourceVersion": "1",
            "annotations": {
                "keysteward.dev/namespace": "team-a", "keysteward.dev/name": name,
                REFRESH_AT: "2026-11-01T10:00:00Z",
            },
        }}))
        .unwrap();
        let mut listing = Listing::default();
        let event = Event::Apply(late);
        ground.operator.secrets.take(&mut listing, event, OPERATOR_NAMESPACE, |_| true);
    }
    let running = ("team-a".to_owned(), "running".to_owned());
    ground.operator.memories().insert(running.clone(), Memory::running());

    let watched = watchdog::run(ground.operator.clone(), CancellationToken::new());
    tokio::time::timeout(Duration::from_secs(12), watched).await.unwrap_err();
    let said = format!("PATCH {}/status", credential_path("team-a", "idle"));
    assert_eq!(ground.server.written(), [said], "once, and of the idle one only");
    assert_eq!(ground.said("team-a", "idle", "TokenFresh").1, "RefreshLate");
    let dirty = ground.operator.memories().get(&running).is_some_and(|memory| memory.dirty);
    assert!(dirty, "looked at once more when its pass is through");
    let woken = std::iter::from_fn(|| ground.woken.try_recv().ok()).count();
    assert_eq!(woken, 2);
}
