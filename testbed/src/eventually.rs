//! In: a condition and a deadline. Out: what the condition yielded once it held, or the last state
//! that was seen.
//! The one place where tests wait.

use std::fmt::Display;
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
    look: impl AsyncFnMut() -> Result<T, E>,
) -> impl Future<Output = T> {
    let caller = Location::caller();
    async move {
        match try_eventually(deadline, what, look).await {
            Ok(value) => value,
            #[expect(clippy::panic, reason = "a test that waited in vain has failed")]
            Err(not_yet) => panic!("{caller}: {not_yet}"),
        }
    }
}

/// The same for programs: the deadline is an error.
pub async fn try_eventually<T, E: Display>(
    deadline: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, NotYet> {
    let until = Instant::now() + deadline;
    let mut pause = Duration::from_millis(10);
    let mut last = "nothing: the first look did not end".to_owned();
    let mut attempts = 0;
    loop {
        attempts += 1;
        match timeout_at(until, look()).await {
            Ok(Ok(value)) => return Ok(value),
            // The alternate form of an error tells its causes.
            Ok(Err(state)) => last = format!("{state:#}"),
            Err(_) => {}
        }
        if Instant::now() >= until {
            return Err(NotYet {
                what: what.to_owned(),
                deadline,
                attempts,
                last,
            });
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(200));
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
            if looks == 3 {
                Ok(looks)
            } else {
                Err(format!("{looks} looks"))
            }
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
        assert!(
            message.starts_with("the sky falls: not within 2s, after "),
            "{message}"
        );
        assert!(
            message.ends_with("last seen: it is still up there"),
            "{message}"
        );
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
        eventually(Duration::from_secs(1), "nothing", async || {
            Err::<(), _>("no")
        })
        .await;
    }
}
