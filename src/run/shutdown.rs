//! From signals to the end of the process.
//!
//! Enters: SIGTERM and SIGINT. Leaves: a token that tasks wait on; the end of what is under way, or after [`DEADLINE`]
//! that it did not end; at a second signal, the exit of the process, whatever is under way.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

/// The exit code after a second signal: not a success, whatever was left undone.
pub const FORCED: u8 = 130;

/// How long what is under way may take to end: an answer of a platform (30 s), and storing it. The grace period of the pod
/// must leave some time more, for the Lease.
pub const DEADLINE: Duration = Duration::from_secs(50);

/// What was under way when the work ended goes on for too long.
#[derive(Debug, thiserror::Error)]
#[error(
    "could not wait for the end of what is under way: it takes more than {} s; the next start takes it up",
    DEADLINE.as_secs()
)]
pub struct Unfinished;

/// Waits for the end of what is under way.
pub async fn ended(tasks: &TaskTracker) -> Result<(), Unfinished> {
    tasks.close();
    timeout(DEADLINE, tasks.wait()).await.map_err(|_| Unfinished)
}

/// Cancels the token at the first signal and ends the process at the second. Needs a runtime.
pub fn on_signals() -> io::Result<CancellationToken> {
    let signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
    };
    let token = CancellationToken::new();
    // A tracker of its own: nobody waits for a second signal that may never come.
    TaskTracker::new().spawn(listen(signals, token.clone()));
    Ok(token)
}

async fn listen(mut signals: Signals, token: CancellationToken) {
    signals.next().await;
    info!("stopping; a second signal ends the process at once");
    token.cancel();
    signals.next().await;
    warn!("ended by a second signal");
    exit();
}

#[expect(clippy::exit, reason = "whoever signals twice does not want to wait for anything")]
fn exit() -> ! {
    std::process::exit(i32::from(FORCED))
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;
    use std::time::Duration;

    use tokio::io::{AsyncBufReadExt, BufReader};
    use tokio::process::{Child, Command};
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_may_end_in_its_time_and_no_later() {
        let tasks = TaskTracker::new();
        let begun_at = Instant::now();
        tasks.spawn(timeout(Duration::from_secs(40), std::future::pending::<()>()));
        ended(&tasks).await.unwrap();
        assert_eq!(begun_at.elapsed().as_secs(), 40);

        tasks.reopen();
        tasks.spawn(std::future::pending::<()>());
        let begun_at = Instant::now();
        let told = ended(&tasks).await.unwrap_err().to_string();
        assert!(told.contains("more than 50 s"), "{told}");
        assert_eq!(begun_at.elapsed().as_secs(), DEADLINE.as_secs());
    }

    async fn send(signal: &str, child: &Child) {
        let id = child.id().unwrap().to_string();
        let status = Command::new("sh").args(["-c", "kill \"$@\"", "sh", signal, &id]).status();
        assert!(status.await.unwrap().success());
    }

    #[tokio::test]
    async fn the_first_signal_stops_and_the_second_ends_the_process() {
        for (first, second) in [("-TERM", "-INT"), ("-INT", "-TERM")] {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "run::shutdown::tests::stops_and_never_ends", "--ignored"])
                .arg("--nocapture")
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let mut heard = async |expected: &str| {
                while let Some(line) = lines.next_line().await.unwrap() {
                    if line.contains(expected) {
                        return;
                    }
                }
                panic!("{expected} was not said");
            };
            let story = async {
                heard("listening").await;
                send(first, &child).await;
                heard("token cancelled").await;
                send(second, &child).await;
            };
            timeout(Duration::from_secs(20), story).await.unwrap();
            let status = timeout(Duration::from_secs(20), child.wait()).await.unwrap().unwrap();
            assert_eq!(status.code(), Some(i32::from(FORCED)));
        }
    }

    /// The process of the test above.
    #[tokio::test]
    #[ignore = "waits for signals that the other test sends"]
    async fn stops_and_never_ends() {
        let token = on_signals().unwrap();
        println!("listening");
        token.cancelled().await;
        println!("token cancelled");
        std::future::pending::<()>().await;
    }
}
