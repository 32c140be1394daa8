//! In: a program and its flags. Out: the program running, its output in a file, ready or the
//! reason why not.
//! What is common to etcd and the API server; it knows the flags of neither.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout_at};

use crate::process::Process;

/// How long a server may take to become ready, on a busy machine.
const READY_WITHIN: Duration = Duration::from_mins(2);

/// How to start one server, again and again.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) flags: Vec<OsString>,
    pub(crate) log: PathBuf,
}

/// A server that did not become ready.
#[derive(Debug, Error)]
pub(crate) enum NotReady {
    /// Somebody else has taken its port in the meantime.
    #[error("{name} found its port in use")]
    PortTaken { name: &'static str },
    /// It ended by itself.
    #[error("{name} ended with {status} before it was ready, its last lines:\n{log}")]
    Ended { name: &'static str, status: std::process::ExitStatus, log: String },
    /// It runs and does not answer.
    #[error("{name} was not ready within {} s: {last}; its last lines:\n{log}", READY_WITHIN.as_secs())]
    TooSlow { name: &'static str, last: String, log: String },
}

impl Server {
    /// Starts the program and waits until `probe` is satisfied; its error is the last state.
    pub(crate) async fn start<P>(&self, mut probe: impl FnMut() -> P) -> Result<Process>
    where
        P: Future<Output = Result<(), String>>,
    {
        let attempted = || format!("could not start {} from {}", self.name, self.program.display());
        let output = File::options().create(true).append(true).open(&self.log);
        let begins = fs::metadata(&self.log).map_or(0, |log| log.len());
        let mut command = Command::new(&self.program);
        command.args(&self.flags);
        let mut process =
            Process::start(command, output.with_context(attempted)?).with_context(attempted)?;

        let until = Instant::now() + READY_WITHIN;
        let mut last = "it has not answered yet".to_owned();
        loop {
            match timeout_at(until, probe()).await {
                Ok(Ok(())) => return Ok(process),
                Ok(Err(state)) => last = state,
                Err(_) => {}
            }
            let log = || self.log_since(begins);
            if let Some(status) = process.try_wait().with_context(attempted)? {
                let (name, log) = (self.name, log());
                return Err(if log.contains("address already in use") {
                    NotReady::PortTaken { name }.into()
                } else {
                    NotReady::Ended { name, status, log: tail(&log) }.into()
                });
            }
            if Instant::now() >= until {
                return Err(NotReady::TooSlow { name: self.name, last, log: tail(&log()) }.into());
            }
            sleep(Duration::from_millis(25)).await;
        }
    }

    fn log_since(&self, begins: u64) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let begins = usize::try_from(begins).unwrap_or(usize::MAX).min(log.len());
        String::from_utf8_lossy(&log[begins..]).into_owned()
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// True when the server failed only because its port was taken: another port may do.
pub(crate) fn is_port_clash(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(NotReady::PortTaken { .. }))
}
