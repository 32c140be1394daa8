//! A fixed one-minute window: what enters are requests, what leaves is whether one more is allowed and the header values.
//! It may not know whose requests they are.

use jiff::{SignedDuration, Timestamp};

use crate::clock::later;

const WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// Requests counted since the window opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    opened: Timestamp,
    count: u32,
}

/// Where a caller stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub count: u32,
    pub allowed: u32,
    /// Seconds until the window ends, at least 1.
    pub reset_seconds: i64,
    pub exceeded: bool,
}

impl Window {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { opened: now, count: 0 }
    }

    /// Counts one request.
    pub(crate) fn take(&mut self, allowed: u32, now: Timestamp) -> Standing {
        if later(self.opened, WINDOW) <= now {
            *self = Self::new(now);
        }
        let exceeded = self.count >= allowed;
        if !exceeded {
            self.count += 1;
        }
        let left = now.duration_until(later(self.opened, WINDOW));
        let reset_seconds = left.as_secs() + i64::from(left.subsec_nanos() > 0);
        Standing { count: self.count, allowed, reset_seconds: reset_seconds.max(1), exceeded }
    }

    /// Whether the window is over.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        later(self.opened, WINDOW) <= now
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::Window;

    #[test]
    fn the_window_refuses_above_the_limit_and_opens_again_after_a_minute() {
        let start = Timestamp::UNIX_EPOCH;
        let mut window = Window::new(start);
        assert!(!window.take(2, start).exceeded);
        assert!(!window.take(2, start).exceeded);
        let later = start + SignedDuration::from_millis(17_500);
        let standing = window.take(2, later);
        assert!(standing.exceeded);
        assert_eq!(standing.reset_seconds, 43);
        assert!(!window.take(2, start + SignedDuration::from_secs(60)).exceeded);
    }
}
