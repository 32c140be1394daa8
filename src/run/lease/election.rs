//! The task of an election.
//!
//! Enters: a store, an identity and times. Leaves: a [`Leadership`] that is kept up to date until the election is told to
//! stop, and then the Lease without a holder, so that the next replica need not wait.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use super::{Claim, Leadership, LeaseStore, Move, Pace, decide};
use crate::kubernetes::Error;
use crate::kubernetes::live::LeaseRecord;

/// One replica's part in an election.
#[derive(Debug)]
pub struct Election<S> {
    store: S,
    me: Arc<str>,
    pace: Pace,
    claim: watch::Sender<Option<Claim>>,
    /// The record as last read or written, and whose claim it is until when.
    seen: Option<(LeaseRecord, Claim)>,
    /// The next move starts with a look: what was seen is not ours, or is out of date.
    look_first: bool,
}

impl<S: LeaseStore> Election<S> {
    /// `me` must be of this process alone: two with one name would both lead.
    pub fn new(store: S, me: impl Into<Arc<str>>, pace: Pace) -> Self {
        let (claim, _) = watch::channel(None);
        Self { store, me: me.into(), pace, claim, seen: None, look_first: true }
    }

    /// Starts it. `stop` is cancelled after the last work: it gives the Lease up.
    pub fn start(self, tasks: &TaskTracker, stop: CancellationToken) -> Leadership {
        let claim = self.claim.subscribe();
        let leadership = Leadership { me: Arc::clone(&self.me), claim, undisputed: None };
        tasks.spawn(self.run(stop));
        leadership
    }

    async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let started_at = Instant::now();
            // Not broken off: a renewal whose answer is not awaited would keep us from giving up.
            let rest = self.step().await;
            // Looks keep their rhythm even when a call took long.
            let rest = rest.saturating_sub(started_at.elapsed());
            if timeout(rest, stop.cancelled()).await.is_ok() {
                break;
            }
        }
        self.give_up().await;
    }

    /// One look or one write; returns the time from its start to the next.
    async fn step(&mut self) -> Duration {
        if self.look_first
            && let Err(error) = self.look().await
        {
            warn!(%error, "lease not read");
            return self.pace.retry;
        }
        let now = Instant::now();
        match decide(self.seen.as_ref().map(|(_, claim)| claim), &self.me, now) {
            Move::Wait(left) => {
                self.look_first = true;
                left.min(self.pace.retry)
            }
            Move::Acquire | Move::Renew => self.write(now).await,
        }
    }

    async fn look(&mut self) -> Result<(), Error> {
        let record = self.in_time(self.store.read()).await?;
        self.observe(record);
        Ok(())
    }

    /// Takes or prolongs the Lease. The claim runs from `started_at`, before the request was sent.
    async fn write(&mut self, started_at: Instant) -> Duration {
        let before = self.seen.as_ref().map(|(record, _)| record);
        let record = self.next_record(before);
        let written = match before {
            None => self.in_time(self.store.create(&record)).await,
            Some(_) => self.in_time(self.store.replace(&record)).await,
        };
        match written {
            Ok(record) => {
                let until = started_at + self.pace.renew_deadline;
                let claim = Claim { holder: self.me.to_string(), until };
                self.show(&claim);
                self.seen = Some((record, claim));
                self.look_first = false;
                self.pace.retry
            }
            Err(Error::Conflict(_) | Error::Gone(_)) => {
                debug!("the lease changed: looking again");
                self.look_first = true;
                // The next look may be at once: the other one won, or our own write arrived without its answer.
                self.pace.retry / 4
            }
            Err(error) => {
                warn!(%error, "lease not written");
                // Perhaps it was: then the version is out of date.
                self.look_first = true;
                self.pace.retry
            }
        }
    }

    fn next_record(&self, before: Option<&LeaseRecord>) -> LeaseRecord {
        let now = now();
        let renewed = before.is_some_and(|before| before.holder == *self.me);
        LeaseRecord {
            holder: self.me.to_string(),
            duration: self.pace.duration,
            transitions: before.map_or(0, |before| before.transitions + i32::from(!renewed)),
            acquired_at: if renewed {
                before.and_then(|before| before.acquired_at)
            } else {
                Some(now)
            },
            renewed_at: Some(now),
            resource_version: before.map_or_else(String::new, |it| it.resource_version.clone()),
        }
    }

    /// Another's claim starts anew whenever its record changed; one that stays the same goes on running out.
    fn observe(&mut self, record: Option<LeaseRecord>) {
        let Some(record) = record else {
            self.seen = None;
            return;
        };
        let same = |(before, _): &&(LeaseRecord, Claim)| {
            before.resource_version == record.resource_version
        };
        let until = match self.seen.as_ref().filter(same) {
            Some((_, claim)) => claim.until,
            // Ours, but not by an answer that we have: it gives no right to work before the next renewal.
            None if record.holder == *self.me => Instant::now(),
            None => Instant::now() + record.duration,
        };
        let claim = Claim { holder: record.holder.clone(), until };
        if claim.holder != *self.me {
            self.show(&claim);
        }
        self.seen = Some((record, claim));
    }

    fn show(&self, claim: &Claim) {
        let before = self.claim.send_replace(Some(claim.clone()));
        let before = before.map(|before| before.holder).unwrap_or_default();
        if before != claim.holder {
            info!(holder = claim.holder, before, "leader changed");
        }
    }

    /// Stops leading, then says so in the Lease. One try: the claim runs out by itself too.
    async fn give_up(mut self) {
        self.claim.send_replace(None);
        if self.look_first && self.look().await.is_err() {
            return;
        }
        let Some((record, _)) = self.seen.take().filter(|(record, _)| record.holder == *self.me)
        else {
            return;
        };
        let record = LeaseRecord {
            holder: String::new(),
            duration: Duration::from_secs(1),
            renewed_at: Some(now()),
            ..record
        };
        match self.in_time(self.store.replace(&record)).await {
            Ok(_) => info!("lease given up"),
            Err(error) => debug!(%error, "lease not given up"),
        }
    }

    async fn in_time<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let limit = self.pace.call_deadline();
        timeout(limit, call).await.unwrap_or_else(|_| {
            Err(Error::Unavailable(format!("no answer about the lease within {limit:?}")))
        })
    }
}

/// The wall clock, for people who read the Lease. Nothing is decided by it.
#[expect(clippy::disallowed_methods, reason = "written for people, compared by nobody")]
fn now() -> Timestamp {
    Timestamp::now()
}
