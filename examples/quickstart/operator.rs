//! The operator as a process of its own.
//!
//! Enters: the program, a kubeconfig and flags. Leaves: its addresses, its log, and whether it still runs.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use keysteward_testbed::OperatorProcess;
use serde_json::Value;

/// Lines of the log that are shown after a failure.
const LAST_LINES: usize = 12;

/// A running operator, which ends when this is dropped or this process ends.
#[derive(Debug)]
pub(crate) struct Operator {
    process: RefCell<OperatorProcess>,
    log: PathBuf,
    /// Where `/readyz` and `/metrics` are served, `http://127.0.0.1:PORT`.
    pub(crate) admin: String,
}

impl Operator {
    /// Starts the program and waits until it has said where it listens.
    pub(crate) async fn start(program: &Path, kubeconfig: &Path, flags: &[String]) -> Result<Self> {
        let none: [(&str, &str); 0] = [];
        let mut process = OperatorProcess::start(program, kubeconfig, flags, none)?;
        let line = process.wait_for_output("keysteward starts", Duration::from_secs(30)).await?;
        let listen = serde_json::from_str::<Value>(&line)
            .ok()
            .and_then(|line| Some(line.get("listen")?.as_str()?.to_owned()))
            .with_context(|| format!("the operator did not say where it listens: {line}"))?;
        let log = process.output_file().to_owned();
        Ok(Self { process: RefCell::new(process), log, admin: format!("http://{listen}") })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.borrow().pid()
    }

    /// The file with everything that the process writes.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// An error when the process has ended.
    pub(crate) fn check(&self) -> Result<()> {
        if self.process.borrow_mut().is_running()? {
            return Ok(());
        }
        bail!("the operator's process has ended by itself");
    }

    /// The end of the log.
    pub(crate) fn last_lines(&self) -> Vec<String> {
        let output = self.process.borrow().output().unwrap_or_default();
        let lines: Vec<_> = output.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].iter().map(ToString::to_string).collect()
    }

    /// Fails when the log contains one of the secrets, without repeating it.
    pub(crate) fn never_wrote<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) -> Result<()> {
        secrets.into_iter().try_for_each(|secret| self.process.borrow().assert_never_wrote(secret))
    }

    /// Ends the process as the kubelet does, if it still runs.
    pub(crate) async fn stop(self) -> Result<()> {
        if self.check().is_err() {
            return Ok(());
        }
        let status = self.process.into_inner().terminate(Duration::from_secs(10)).await?;
        if !status.success() {
            bail!("the operator ended with {status} when it was asked to stop");
        }
        Ok(())
    }
}
