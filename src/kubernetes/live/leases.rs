//! The Lease that says which replica works.
//!
//! Enters: who holds it, for how long. Leaves: what is stored. Every replacement carries the resourceVersion that was
//! read, so that of two claimants one gets a conflict. Who may claim is decided in `run::lease`.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};

use super::request::{LEASE, Target};
use super::{FIELD_MANAGER, Live};
use crate::kubernetes::Error;

/// A Lease as stored, or as to be stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeaseRecord {
    /// Empty: nobody holds it.
    pub holder: String,
    pub duration: Duration,
    /// How often it went from one holder to another.
    pub transitions: i32,
    /// When the holder took it; by its own clock, for people.
    pub acquired_at: Option<Timestamp>,
    /// When the holder last renewed it; by its own clock, for people.
    pub renewed_at: Option<Timestamp>,
    /// Empty on a record that was never stored.
    pub resource_version: String,
}

impl Live {
    pub async fn read_lease(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<LeaseRecord>, Error> {
        let found = self.ask_if_any(Target::new(LEASE, namespace, name).get()).await?;
        Ok(found.map(record))
    }

    /// [`Error::Conflict`] if there is one already.
    pub async fn create_lease(
        &self,
        namespace: &str,
        name: &str,
        wanted: &LeaseRecord,
    ) -> Result<LeaseRecord, Error> {
        let lease = lease(namespace, name, wanted);
        let ask = Target::new(LEASE, namespace, name).create(&lease, FIELD_MANAGER);
        self.ask(ask).await.map(record)
    }

    /// [`Error::Conflict`] if it changed since its `resource_version` was read.
    pub async fn replace_lease(
        &self,
        namespace: &str,
        name: &str,
        wanted: &LeaseRecord,
    ) -> Result<LeaseRecord, Error> {
        let lease = lease(namespace, name, wanted);
        let ask = Target::new(LEASE, namespace, name).replace(&lease, FIELD_MANAGER);
        self.ask(ask).await.map(record)
    }
}

fn lease(namespace: &str, name: &str, record: &LeaseRecord) -> Lease {
    let LeaseRecord { holder, duration, transitions, acquired_at, renewed_at, resource_version } =
        record;
    // Whole seconds, at least one: the API server refuses 0.
    let seconds = i32::try_from(duration.as_secs().max(1)).unwrap_or(i32::MAX);
    Lease {
        metadata: ObjectMeta {
            namespace: Some(namespace.into()),
            name: Some(name.into()),
            resource_version: (!resource_version.is_empty()).then(|| resource_version.clone()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(holder.clone()),
            lease_duration_seconds: Some(seconds),
            lease_transitions: Some(*transitions),
            acquire_time: acquired_at.map(MicroTime),
            renew_time: renewed_at.map(MicroTime),
            ..LeaseSpec::default()
        }),
    }
}

fn record(lease: Lease) -> LeaseRecord {
    let spec = lease.spec.unwrap_or_default();
    let seconds = spec.lease_duration_seconds.unwrap_or_default();
    LeaseRecord {
        holder: spec.holder_identity.unwrap_or_default(),
        duration: Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
        transitions: spec.lease_transitions.unwrap_or_default(),
        acquired_at: spec.acquire_time.map(|time| time.0),
        renewed_at: spec.renew_time.map(|time| time.0),
        resource_version: lease.metadata.resource_version.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
