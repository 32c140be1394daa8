//! In: a condition and a deadline. Out: what the condition yielded once it held, or the last state
//! that was seen.
//! The one place where tests wait.

use std::fmt::Display;
use std::ops::ControlFlow;
use std::panic::Location;
use std::time::Duration;

use thiserror::Error;
use tokio::time::{Instant, sleep, timeout_at};

/// A condition that did not come to hold in time.
#[derive(Debug, Error)]
#[error("{what}: not within {deadline:?}, after {attempts} looks; last seen: {last}")]
pub struct NotYet {
    /// What was waited for.
    pub what: String,
    /// How long it was waited for.
    pub deadline: Duration,
    /// How often it was looked at.
    pub attempts: u32,
    /// What the last look saw.
    pub last: String,
}

/// Looks again and again until `look` yields `Ok`, whose value is returned; the `Err` is the state
/// that was seen instead, and the last one is in the message of the panic at the deadline.
#[track_caller]
pub fn eventually<T, E: Display>(
    deadline: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<T, E>,
) -> impl Future<Output = T> {
    let caller = Location::caller();
    async move {
        let mut wait = Wait::new(deadline, what);
        loop {
            match wait.for_one(look()).await {
                ControlFlow::Continue(()) => {}
                ControlFlow::Break(Ok(value)) => return value,
                #[expect(clippy::panic, reason = "a test that waited in vain has failed")]
                ControlFlow::Break(Err(not_yet)) => panic!("{caller}: {not_yet}"),
            }
        }
    }
}

/// The same for programs: the deadline is an error, and the future may be spawned.
pub async fn try_eventually<T, E: Display, F>(
    deadline: Duration,
    what: &str,
    mut look: impl FnMut() -> F,
) -> Result<T, NotYet>
where
    F: Future<Output = Result<T, E>>,
{
    let mut wait = Wait::new(deadline, what);
    loop {
        if let ControlFlow::Break(outcome) = wait.for_one(look()).await {
            return outcome;
        }
    }
}

/// What has been seen so far.
struct Wait<'a> {
    what: &'a str,
    deadline: Duration,
    until: Instant,
    pause: Duration,
    attempts: u32,
    last: String,
}

impl<'a> Wait<'a> {
    fn new(deadline: Duration, what: &'a str) -> Self {
        Self {
            what,
            deadline,
            until: Instant::now() + deadline,
            pause: Duration::from_millis(10),
            attempts: 0,
            last: "nothing: the first look did not end".to_owned(),
        }
    }

    /// One look, and the pause after it.
    async fn for_one<T, E: Display>(
        &mut self,
        look: impl Future<Output = Result<T, E>>,
    ) -> ControlFlow<Result<T, NotYet>> {
        self.attempts += 1;
        match timeout_at(self.until, look).await {
            Ok(Ok(value)) => return ControlFlow::Break(Ok(value)),
            // The alternate form of an error tells its causes.
            Ok(Err(state)) => self.last = format!("{state:#}"),
            Err(_) => {}
        }
        if Instant::now() >= self.until {
            return ControlFlow::Break(Err(NotYet {
                what: self.what.to_owned(),
                deadline: self.deadline,
                attempts: self.attempts,
                last: std::mem::take(&mut self.last),
            }));
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_millis(200));
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_looks_until_the_condition_holds() {
        let mut looks = 0;
        let seen = eventually(Duration::from_secs(5), "three looks", async || {
            looks += 1;
            if looks == 3 { Ok(looks) } else { Err(format!("{looks} looks")) }
        })
        .await;
        assert_eq!(seen, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_state_is_in_the_message() {
        let wait = try_eventually(Duration::from_secs(2), "the sky falls", async || {
            Err::<(), _>("it is still up there")
        });
        let message = wait.await.unwrap_err().to_string();
        assert!(message.starts_with("the sky falls: not within 2s, after "), "{message}");
        assert!(message.ends_with("last seen: it is still up there"), "{message}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_never_ends_does_not_pass_the_deadline() {
        let begun_at = Instant::now();
        let wait = try_eventually(Duration::from_secs(2), "an answer", async || {
            std::future::pending::<()>().await;
            Ok::<_, String>(())
        });
        assert_eq!(wait.await.unwrap_err().attempts, 1);
        assert_eq!(begun_at.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "eventually.rs")]
    async fn a_test_that_waits_in_vain_is_told_where() {
        eventually(Duration::from_secs(1), "nothing", async || Err::<(), _>("no")).await;
    }
}
