//! From signals to the end of the process.
//!
//! Enters: SIGTERM and SIGINT. Leaves: a token that tasks wait on; at a second signal, the exit of the process, whatever
//! is under way.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

/// The exit code after a second signal: not a success, whatever was left undone.
pub const FORCED: u8 = 130;

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
    use tokio::time::timeout;

    use super::*;

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
