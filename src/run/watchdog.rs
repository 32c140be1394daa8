//! A look at the clock outside the work queue: tokens that should have been renewed by now.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use tokio_util::sync::CancellationToken;

use super::memory::Written;
use super::metrics::ObjectCounts;
use super::objects::key_of;
use super::operator::{Operator, clock};
use super::secrets::Name;
use crate::api::conditions::{ConditionType, Reason};
use crate::decide::status::late;
use crate::kubernetes::{Cluster, Event, Severity};

/// Looks until `stop`. It reads only the index of Secrets, so a stuck queue or platform cannot keep it from speaking.
#[expect(clippy::disallowed_methods, reason = "the watchdog's own pace")]
pub async fn run(operator: Arc<Operator>, stop: CancellationToken) {
    let mut known: HashSet<Name> = HashSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(operator.options.watchdog_every) => {}
        }
        let now = clock();
        let bound = now.saturating_sub(operator.options.late_after).unwrap_or(Timestamp::MIN);
        let overdue = operator.secrets.overdue(bound);
        let names: HashSet<Name> = overdue.iter().map(|(name, _)| name.clone()).collect();
        for name in known.difference(&names) {
            if let Some(object) = operator.objects.get(name) {
                operator.metrics.token_late(&key_of(&*object), SignedDuration::ZERO);
            }
        }
        for (name, refresh_at) in overdue {
            let fresh = !known.contains(&name);
            bark(&operator, &name, now.duration_since(refresh_at), fresh).await;
        }
        known = names;
        operator.metrics.objects(count(&operator));
    }
}

/// How many objects are in which state, as their statuses say.
fn count(operator: &Operator) -> ObjectCounts {
    let mut counts = ObjectCounts::default();
    for guarded in operator.objects.all() {
        let Some(status) = guarded.0.as_ref().ok().and_then(|object| object.status.as_ref()) else {
            continue;
        };
        let holds = |kind: ConditionType| {
            status.conditions.iter().any(|c| c.type_ == kind.as_str() && c.status == "True")
        };
        counts.ready += usize::from(holds(ConditionType::Ready));
        counts.reconciling += usize::from(holds(ConditionType::Reconciling));
        counts.stalled += usize::from(holds(ConditionType::Stalled));
    }
    counts
}

/// Says that a token is late: metric each time, condition, event and a wake once.
async fn bark(operator: &Operator, name: &Name, by: SignedDuration, fresh: bool) {
    let Some(guarded) = operator.objects.get(name) else { return };
    let Ok(object) = &guarded.0 else { return };
    let wanted = object.spec.token.is_some() && object.spec.enabled;
    if !wanted || object.metadata.deletion_timestamp.is_some() {
        return;
    }
    let key = key_of(object);
    operator.metrics.token_late(&key, by);
    if !fresh || !operator.leads() {
        return;
    }
    operator.wake(name);
    // A pass that is under way says how things stand; two writers would only undo each other.
    if operator.memories().get(name).is_some_and(|memory| memory.running) {
        return;
    }
    let shown = object.status.clone().unwrap_or_default();
    let version = object.resource_version();
    let before = match operator.memories().get_mut(name) {
        Some(memory) => memory.status(shown, version.as_deref()),
        None => shown,
    };
    let message = format!("the token should have been renewed {} s ago", by.as_secs());
    let Some(status) = late(&before, &message, clock()) else { return };
    tracing::warn!(
        namespace = name.0,
        name = name.1,
        overdue_seconds = by.as_secs(),
        "a token is late"
    );
    match operator.live.write_status(&key, &status).await {
        Ok(version) => {
            if let Some(memory) = operator.memories().get_mut(name) {
                memory.written = Some(Written::new(status, version));
            }
        }
        Err(error) => {
            tracing::warn!(namespace = name.0, name = name.1, %error, "lateness was not written");
        }
    }
    let event = Event {
        severity: Severity::Warning,
        reason: Reason::RefreshLate.as_str().into(),
        action: "Refresh".into(),
        note: format!("{}: {message}", ConditionType::TokenFresh),
    };
    operator.live.publish(&key, &event).await;
}
