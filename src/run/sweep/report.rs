//! What a sweep says: the status of the platform object, its orphans, metrics.

use std::collections::HashMap;

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::Connected;
use crate::api::PlatformStatus;
use crate::api::conditions::{ConditionType, Reason};
use crate::api::platform::Orphan;
use crate::decide::pace::back_off;
use crate::decide::platform_status::{self, Health};
use crate::decide::records::whole_seconds;
use crate::kubernetes::{Event, Severity};
use crate::model::account::State;
use crate::model::fault::Fault;
use crate::model::inventory::Tenant;
use crate::run::operator::{Operator, clock};
use crate::run::platforms::{Entry, Live};

/// As many orphans as a status shows.
const SHOWN_ORPHANS: usize = 100;

/// The status as it was last written, and the tenant that it remembers.
#[derive(Debug, Default)]
pub(super) struct Said {
    status: PlatformStatus,
    tenant: Option<Tenant>,
    /// A tenant has answered to this generation of the object.
    verified: bool,
}

/// The calls counted so far.
#[derive(Debug, Default)]
pub(super) struct Counted(HashMap<(&'static str, &'static str), u64>);

impl Said {
    pub(super) fn of(entry: &Entry) -> Self {
        let mut status = entry.status.clone();
        let same = status.observed_generation == Some(entry.generation);
        if !same {
            // Another address or credential has yet to be accepted.
            status.conditions.retain(|c| c.type_ != ConditionType::CredentialValid.as_str());
        }
        let accepted = status.conditions.iter().any(|condition| {
            condition.type_ == ConditionType::CredentialValid.as_str() && condition.status == "True"
        });
        Self { status, tenant: None, verified: same && accepted }
    }

    pub(super) fn verified(&mut self) {
        self.verified = true;
    }

    pub(super) fn is_verified(&self) -> bool {
        self.verified
    }

    pub(super) fn tenant_id(&self) -> Option<String> {
        self.tenant.as_ref().map(|t| t.id.clone()).or_else(|| self.status.tenant_id.clone())
    }

    pub(super) fn tenant_name(&self) -> String {
        let remembered = self.tenant.as_ref().map(|tenant| tenant.name.clone());
        remembered.or_else(|| self.status.tenant_name.clone()).unwrap_or_default()
    }

    pub(super) fn remember(&mut self, tenant: &Tenant) {
        self.tenant = Some(tenant.clone());
    }
}

/// How long to wait after so many failed sweeps in a row: what the platform asked for, else soon and then later, up to
/// the usual interval.
pub(super) fn pause(fault: &Fault, failures: u32, usual: SignedDuration) -> SignedDuration {
    fault.retry_after().unwrap_or_else(|| back_off(failures).min(usual))
}

/// Feeds the metrics with the calls made since the last look.
pub(super) fn count(operator: &Operator, entry: &Entry, session: &mut Connected) {
    for row in session.provider.counts().snapshot() {
        let outcome = row.outcome.as_str();
        let before = session.counted.0.insert((row.endpoint, outcome), row.calls).unwrap_or(0);
        let calls = row.calls.saturating_sub(before);
        operator.metrics.remote_calls(&entry.key, row.endpoint, outcome, calls);
    }
}

pub(super) async fn ready(operator: &Operator, entry: &Entry, live: &Live, said: &mut Said) {
    let health = match &live.other_tenant {
        None => Health::Well,
        Some(other) => {
            Health::OtherTenant { other: other.id.clone(), pinned: live.tenant.id.clone() }
        }
    };
    let orphans = if live.other_tenant.is_none() {
        orphans(operator, live, said)
    } else {
        said.status.orphans.clone()
    };
    operator.metrics.orphans(&entry.key, orphans.len());
    write(operator, entry, &health, Some(orphans), said).await;
}

pub(super) async fn not_ready(
    operator: &Operator,
    entry: &Entry,
    reason: Reason,
    message: &str,
    said: &mut Said,
) {
    let health = Health::NotConnected { reason, message: message.to_owned() };
    write(operator, entry, &health, None, said).await;
}

pub(super) async fn unhealthy(
    operator: &Operator,
    entry: &Entry,
    health: &Health,
    said: &mut Said,
) {
    write(operator, entry, health, None, said).await;
}

async fn write(
    operator: &Operator,
    entry: &Entry,
    health: &Health,
    orphans: Option<Vec<Orphan>>,
    said: &mut Said,
) {
    let status = PlatformStatus {
        observed_generation: Some(entry.generation),
        conditions: platform_status::conditions(
            &said.status.conditions,
            health,
            entry.generation,
            clock(),
        ),
        tenant_id: said.tenant_id(),
        tenant_name: Some(said.tenant_name()).filter(|name| !name.is_empty()),
        orphans: orphans.unwrap_or_else(|| said.status.orphans.clone()),
    };
    if status == said.status || !operator.leads() || !operator.platforms.is_current(entry) {
        return;
    }
    if let Err(error) = operator.live.write_platform_status(&entry.key, &entry.uid, &status).await {
        tracing::warn!(platform = %entry.key, %error, "the platform's status was not written");
        return;
    }
    if let Some(event) = moved(&said.status.conditions, &status.conditions) {
        operator.live.publish_for_platform(&entry.key, &entry.uid, &event).await;
    }
    said.status = status;
}

fn moved(before: &[Condition], after: &[Condition]) -> Option<Event> {
    let ready = |conditions: &[Condition]| {
        conditions.iter().find(|c| c.type_ == ConditionType::Ready.as_str()).cloned()
    };
    let now = ready(after)?;
    let same =
        ready(before).is_some_and(|old| old.status == now.status && old.reason == now.reason);
    (!same).then(|| Event {
        severity: if now.status == "True" { Severity::Normal } else { Severity::Warning },
        reason: now.reason,
        action: "Sweep".into(),
        note: now.message,
    })
}

/// Clients with our marker whose object is gone.
fn orphans(operator: &Operator, live: &Live, said: &Said) -> Vec<Orphan> {
    let Some(inventory) = live.inventory.as_ref().filter(|_| operator.objects.complete()) else {
        return said.status.orphans.clone();
    };
    let mut found: Vec<Orphan> = inventory
        .ours()
        .filter(|(marker, account)| {
            let name = (marker.namespace.clone(), marker.name.clone());
            account.state != State::Deleted
                && operator.covers(&marker.namespace)
                && operator.objects.get(&name).is_none()
        })
        .map(|(marker, account)| {
            let before = said.status.orphans.iter().find(|orphan| orphan.id == account.id.0);
            let name = (marker.namespace.clone(), marker.name.clone());
            Orphan {
                id: account.id.0.clone(),
                name: account.settings.name.clone(),
                since: before
                    .and_then(|orphan| orphan.since)
                    .or_else(|| operator.secrets.retained_at(&name).map(whole_seconds))
                    .or_else(|| Some(whole_seconds(clock()))),
                from: format!("{}/{}", marker.namespace, marker.name),
            }
        })
        .collect();
    found.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
    found.truncate(SHOWN_ORPHANS);
    found
}
