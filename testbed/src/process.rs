//! In: a command. Out: a child process that never outlives this one, however this one ends.
//! A watcher, a `sh` in the child's process group, holds a pipe from us: when the pipe closes,
//! because we dropped it or because we died, it kills the whole group. No unsafe code is needed.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

/// Waits for the end of its input, then kills its own process group.
const KILL_AT_END: &str = "while read -r _; do :; done; kill -KILL 0";

/// Waits for the end of its input, then removes a directory in which others may still write.
const REMOVE_AT_END: &str = "while read -r _; do :; done
tries=0
until rm -rf -- \"$1\" || [ $tries -ge 20 ]; do tries=$((tries + 1)); sleep 1; done";

/// A `sh` that acts once this process is gone.
#[derive(Debug)]
pub(crate) struct Watcher {
    shell: Child,
    pipe: Option<ChildStdin>,
}

/// A child process in a group of its own, under a watcher.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    // After the child: its group must exist as long as the child may be signalled.
    _watcher: Watcher,
}

// === impl Watcher ===

impl Watcher {
    fn start(script: &str, argument: &str) -> io::Result<Self> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", script, "watcher", argument])
            // A group of its own: Ctrl-C in a terminal must reach us and not the watcher.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// Kills the watcher's process group when the watcher is dropped or this process ends.
    fn of_a_group() -> io::Result<Self> {
        Self::start(KILL_AT_END, "")
    }

    /// Removes `directory` when the watcher is dropped or this process ends.
    pub(crate) fn of_a_directory(directory: &str) -> io::Result<Self> {
        Self::start(REMOVE_AT_END, directory)
    }

    fn group(&self) -> i32 {
        i32::try_from(self.shell.id()).expect("process ids are positive and fit a pid_t")
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.pipe = None;
        // It ends by itself now; an error means that somebody else has reaped it.
        drop(self.shell.wait());
    }
}

// === impl Process ===

impl Process {
    /// Starts `command` with both outputs in `output`, and no input.
    pub(crate) fn start(mut command: Command, output: File) -> io::Result<Self> {
        let watcher = Watcher::of_a_group()?;
        let child = command
            .process_group(watcher.group())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        Ok(Self { child, _watcher: watcher })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How the process ended, if it has.
    pub(crate) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Sends a signal, unless the process has ended.
    pub(crate) fn signal(&mut self, signal: Signal) -> io::Result<()> {
        // A reaped process has given up its id, which may be another's by now.
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        kill_process(Pid::from_child(&self.child), signal).map_err(io::Error::from)
    }

    /// Waits for the end; `None` when the process still runs at the deadline.
    pub(crate) async fn ended_within(
        &mut self,
        deadline: Duration,
    ) -> io::Result<Option<ExitStatus>> {
        let until = Instant::now() + deadline;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends the process at once, without giving it a chance to say good-bye.
    pub(crate) fn kill(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; the watcher sees to whatever is left.
        drop(self.kill());
    }
}
