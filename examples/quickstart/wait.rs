//! The one place where the quickstart waits.
//!
//! Enters: a condition and a deadline. Leaves: what the condition yielded, or what was expected and what was seen last.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep, timeout_at};

use crate::operator::Operator;

const PAUSE: Duration = Duration::from_millis(150);

/// Looks again and again until `look` yields a value; its error is the state that was seen instead.
pub(crate) async fn until<T>(
    operator: &Operator,
    expected: &str,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let until = Instant::now() + deadline;
    let mut last = "nothing: the first look did not end".to_owned();
    loop {
        operator.check()?;
        match timeout_at(until, look()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(state)) => last = format!("{state:#}"),
            Err(_) => {}
        }
        if Instant::now() >= until {
            bail!("expected {expected} within {} s; last seen: {last}", deadline.as_secs());
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "a program that watches another has to wait"
        )]
        sleep(PAUSE).await;
    }
}
