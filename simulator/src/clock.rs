//! The simulator's clock: what enters is the machine's time and how far a test has moved it.
//! What leaves is the time that every date, expiry and delay in the twin is measured by.
//! It may not go backwards by itself.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The machine's clock plus an offset.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    ahead_milliseconds: AtomicI64,
}

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        let ahead = self.ahead_milliseconds.load(Ordering::Relaxed);
        Timestamp::now()
            .saturating_add(SignedDuration::from_millis(ahead))
            .unwrap_or(Timestamp::MAX)
    }

    /// Lets time pass at once.
    pub(crate) fn advance(&self, by: Duration) {
        let milliseconds = i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 4);
        self.ahead_milliseconds.fetch_add(milliseconds, Ordering::Relaxed);
    }

    pub(crate) fn reset(&self) {
        self.ahead_milliseconds.store(0, Ordering::Relaxed);
    }
}

/// A date-time as Genesys Cloud writes it: `2026-11-21T03:30:00.000Z`.
pub(crate) fn iso(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// The `Date` header's form of a time.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// A moment later, and the last moment there is when that is out of range.
pub(crate) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX })
}
