//! The request budget of one platform: so many calls a minute, the urgent ones first, none while the platform asks to wait.
//!
//! Enters: a priority. Leaves: admission, or the reason why not in time. Dropping a waiting call gives its place up.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout_at};

use crate::provider::Priority;

/// Longest pause that an answer can cause, whatever it asks for.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
const RANKS: usize = 3;

/// What one platform object may ask in a minute. It outlives sessions: each login would else begin with a full one.
#[derive(Debug)]
pub struct Budget {
    limiter: DefaultDirectRateLimiter,
    clock: DefaultClock,
    paused_until: Mutex<Option<Instant>>,
    /// One line for each priority, first come first served.
    lines: [tokio::sync::Mutex<()>; RANKS],
    waiting: [AtomicUsize; RANKS],
    changed: Notify,
}

/// Why a call was not admitted in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Withheld {
    /// The platform asked us to wait longer than the bound.
    Paused { rest: Duration },
    /// Too many calls before this one.
    Busy,
}

struct Place<'a> {
    budget: &'a Budget,
    rank: usize,
}

impl Budget {
    /// A quarter of the minute's calls may come at once: at the default of 240 a minute no window of a minute then
    /// holds more than the 300 that Genesys Cloud allows a token.
    pub fn new(requests_per_minute: u32) -> Self {
        let rate = NonZeroU32::new(requests_per_minute).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(rate.get() / 4).unwrap_or(NonZeroU32::MIN);
        Self {
            limiter: RateLimiter::direct(Quota::per_minute(rate).allow_burst(burst)),
            clock: DefaultClock::default(),
            paused_until: Mutex::new(None),
            lines: Default::default(),
            waiting: Default::default(),
            changed: Notify::new(),
        }
    }

    /// The budget of the same platform at another rate: what the platform asked for holds on.
    #[must_use]
    pub fn at_rate(&self, requests_per_minute: u32) -> Self {
        let other = Self::new(requests_per_minute);
        if let Some(rest) = self.rest_of_pause(Instant::now()) {
            other.pause(rest);
        }
        other
    }

    /// Waits for the turn of a call, at most for `bound`.
    pub(super) async fn admit(&self, priority: Priority, bound: Duration) -> Result<(), Withheld> {
        let begun = Instant::now();
        let place = self.line_up(priority);
        let turn = self.turn(place.rank, begun, bound);
        timeout_at(begun + bound, turn).await.unwrap_or(Err(Withheld::Busy))
    }

    /// Admits nothing before this much time has passed.
    pub(crate) fn pause(&self, wait: Duration) {
        let end = Instant::now() + wait.min(LONGEST_PAUSE);
        let mut paused = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        *paused = Some(paused.map_or(end, |before| before.max(end)));
        drop(paused);
        self.changed.notify_waiters();
    }

    async fn turn(&self, rank: usize, begun: Instant, bound: Duration) -> Result<(), Withheld> {
        let until = begun + bound;
        let _first_in_line = self.lines[rank].lock().await;
        // Who waited for half of the bound stands with the most urgent: a flood of repairs must not end all sweeps.
        let aged = begun + bound / 2;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let now = Instant::now();
            if now < aged && self.somebody_before(rank) {
                tokio::select! { () = changed => {}, () = sleep(aged - now) => {} }
                continue;
            }
            if let Some(rest) = self.rest_of_pause(now) {
                if now + rest > until {
                    return Err(Withheld::Paused { rest });
                }
                tokio::select! { () = changed => {}, () = sleep(rest) => {} }
                continue;
            }
            match self.limiter.check() {
                Ok(()) => return Ok(()),
                Err(full) => {
                    let wait = full.wait_time_from(self.clock.now());
                    if now + wait > until {
                        return Err(Withheld::Busy);
                    }
                    let wait = wait.max(Duration::from_millis(1));
                    tokio::select! { () = changed => {}, () = sleep(wait) => {} }
                }
            }
        }
    }

    fn line_up(&self, priority: Priority) -> Place<'_> {
        let rank = match priority {
            Priority::Token => 0,
            Priority::Repair => 1,
            Priority::Sweep => 2,
        };
        self.waiting[rank].fetch_add(1, Ordering::AcqRel);
        self.changed.notify_waiters();
        Place { budget: self, rank }
    }

    fn somebody_before(&self, rank: usize) -> bool {
        self.waiting[..rank].iter().any(|waiting| waiting.load(Ordering::Acquire) > 0)
    }

    fn rest_of_pause(&self, now: Instant) -> Option<Duration> {
        let paused = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        paused.filter(|end| *end > now).map(|end| end - now)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.budget.waiting[self.rank].fetch_sub(1, Ordering::AcqRel);
        self.budget.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::FutureExt;
    use tokio::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    /// 300 a minute: one call every 200 ms once the burst is used up.
    fn used_up() -> Arc<Budget> {
        let budget = Budget::new(300);
        while budget.limiter.check().is_ok() {}
        Arc::new(budget)
    }

    #[tokio::test]
    async fn the_urgent_goes_before_those_who_came_first() {
        let budget = used_up();
        let (say, mut heard) = mpsc::unbounded_channel();
        let mut calls = tokio::task::JoinSet::new();
        for (index, priority) in
            [Priority::Sweep, Priority::Sweep, Priority::Repair, Priority::Token]
                .into_iter()
                .enumerate()
        {
            let (own, say) = (budget.clone(), say.clone());
            calls.spawn(async move {
                own.admit(priority, LONG).await.unwrap();
                say.send(priority).unwrap();
            });
            while budget.waiting.iter().map(|w| w.load(Ordering::Acquire)).sum::<usize>() <= index {
                tokio::task::yield_now().await;
            }
        }
        drop(say);
        let mut order = Vec::new();
        while let Some(priority) = heard.recv().await {
            order.push(priority);
        }
        let expected = [Priority::Token, Priority::Repair, Priority::Sweep, Priority::Sweep];
        assert_eq!(order, expected);
    }

    #[tokio::test]
    async fn a_dropped_call_gives_its_place_up() {
        let budget = used_up();
        let mut urgent = Box::pin(budget.admit(Priority::Token, LONG));
        assert!(urgent.as_mut().now_or_never().is_none());
        drop(urgent);
        assert!(!budget.somebody_before(2));
        budget.admit(Priority::Sweep, LONG).await.unwrap();
    }

    #[tokio::test]
    async fn a_pause_holds_everybody_and_ends() {
        let budget = Budget::new(100_000);
        let begun = Instant::now();
        budget.pause(Duration::from_millis(150));
        budget.pause(Duration::from_millis(1));
        budget.admit(Priority::Token, LONG).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(150));
    }

    #[tokio::test]
    async fn a_pause_beyond_the_bound_is_said_at_once() {
        let budget = Budget::new(100_000);
        budget.pause(Duration::from_mins(5));
        let begun = Instant::now();
        let said = budget.admit(Priority::Token, LONG).await;
        assert!(matches!(said, Err(Withheld::Paused { rest }) if rest > LONG), "{said:?}");
        assert!(begun.elapsed() < LONG);
    }

    #[tokio::test]
    async fn another_rate_does_not_end_a_pause() {
        let budget = Budget::new(240);
        budget.pause(Duration::from_mins(5));
        let said = budget.at_rate(100_000).admit(Priority::Token, LONG).await;
        assert!(matches!(said, Err(Withheld::Paused { .. })), "{said:?}");
    }

    #[tokio::test]
    async fn nobody_waits_beyond_the_bound() {
        let bound = Duration::from_millis(20);
        assert_eq!(used_up().admit(Priority::Token, bound).await, Err(Withheld::Busy));
    }

    #[tokio::test]
    async fn a_minute_holds_no_more_than_the_rate_and_a_quarter() {
        let budget = Budget::new(240);
        let mut at_once = 0;
        while budget.limiter.check().is_ok() {
            at_once += 1;
        }
        assert!((60..=61).contains(&at_once), "{at_once}");
    }
}
