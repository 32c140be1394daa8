//! In: a program, a kubeconfig, arguments and variables. Out: the program running as its own
//! process, with all it writes in a file.
//! It knows nothing of what the program does.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::memory;
use crate::process::Process;
use crate::scratch::Scratch;

/// The variables that the process gets from us; all others would make a test depend on a laptop.
const INHERITED: [&str; 5] = ["PATH", "HOME", "TMPDIR", "RUST_BACKTRACE", "LLVM_PROFILE_FILE"];

/// An operator under test, which ends when this is dropped or this process ends.
#[derive(Debug)]
pub struct OperatorProcess {
    program: PathBuf,
    kubeconfig: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    process: Process,
    output: PathBuf,
    // Last: the process is gone before its output is.
    _scratch: Scratch,
}

impl OperatorProcess {
    /// Starts `program` with `KUBECONFIG` set to `kubeconfig`; does not wait for anything.
    pub fn start<A, K, V>(
        program: &Path,
        kubeconfig: &Path,
        arguments: impl IntoIterator<Item = A>,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self>
    where
        A: Into<OsString>,
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let scratch = Scratch::new()?;
        let output = scratch.path().join("output.log");
        let arguments: Vec<_> = arguments.into_iter().map(Into::into).collect();
        let variables: Vec<_> =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let process = launch(program, kubeconfig, &arguments, &variables, &output)?;
        Ok(Self {
            program: program.to_owned(),
            kubeconfig: kubeconfig.to_owned(),
            arguments,
            variables,
            process,
            output,
            _scratch: scratch,
        })
    }

    /// Kills the process if it runs and starts it again as before; the output goes on in the same
    /// file.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        self.process = launch(
            &self.program,
            &self.kubeconfig,
            &self.arguments,
            &self.variables,
            &self.output,
        )?;
        Ok(())
    }

    /// The same with other arguments.
    pub fn restart_with<A: Into<OsString>>(
        &mut self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<()> {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self.restart()
    }

    /// Ends the process at once, as a lost node does.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        self.process.kill().with_context(|| format!("could not kill {}", self.program.display()))
    }

    /// Sends SIGTERM, as the kubelet does, and waits for the end; an error when it still runs at
    /// the deadline.
    pub async fn terminate(&mut self, deadline: Duration) -> Result<ExitStatus> {
        self.process.signal(Signal::TERM)?;
        self.ended(deadline).await
    }

    /// Waits until the process ends by itself; an error when it still runs at the deadline.
    pub async fn ended(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let program = self.program.display().to_string();
        self.process
            .ended_within(deadline)
            .await?
            .with_context(|| format!("{program} still ran after {deadline:?}"))
    }

    /// Makes the process hang, as a starved node does; [`Self::resume`] lets it go on.
    pub fn pause(&mut self) -> Result<()> {
        Ok(self.process.signal(Signal::STOP)?)
    }

    /// Lets a paused process go on.
    pub fn resume(&mut self) -> Result<()> {
        Ok(self.process.signal(Signal::CONT)?)
    }

    /// True until the process has ended.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.process.try_wait()?.is_none())
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Resident memory in KiB.
    pub fn rss_kib(&self) -> Result<u64> {
        let attempted = || format!("could not read the memory of {}", self.program.display());
        memory::rss_kib(self.pid()).with_context(attempted)
    }

    /// All that the process has written to stdout and stderr so far, over its restarts.
    pub fn output(&self) -> Result<String> {
        let bytes = fs::read(&self.output).context("could not read the output of the operator")?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The file with the output.
    pub fn output_file(&self) -> &Path {
        &self.output
    }

    /// Waits for a line that contains `text` and returns it; an error when the process ends
    /// without one, or at the deadline.
    pub async fn wait_for_output(&mut self, text: &str, deadline: Duration) -> Result<String> {
        let until = Instant::now() + deadline;
        loop {
            // The end is looked at first: what it wrote last must not be missed.
            let status = self.process.try_wait()?;
            let output = self.output()?;
            if let Some(line) = output.lines().find(|line| line.contains(text)) {
                return Ok(line.to_owned());
            }
            let last = tail(&output);
            if let Some(status) = status {
                bail!(
                    "the operator ended with {status} and did not write {text:?}; its last lines:\n{last}"
                );
            }
            if Instant::now() >= until {
                bail!(
                    "the operator did not write {text:?} in {deadline:?}; its last lines:\n{last}"
                );
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Fails when the output contains `secret`, without repeating it.
    pub fn assert_never_wrote(&self, secret: &str) -> Result<()> {
        let output = self.output()?;
        if let Some(at) = output.find(secret) {
            let line = output[..at].lines().count().max(1);
            bail!(
                "the operator wrote a secret of {} bytes, around line {line} of its output",
                secret.len()
            );
        }
        Ok(())
    }
}

impl Drop for OperatorProcess {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let output = self.output().unwrap_or_default();
            #[expect(clippy::print_stderr, reason = "a failed test shows what the operator said")]
            {
                eprintln!("the last lines of the operator under test:\n{}", tail(&output));
            }
        }
    }
}

fn launch(
    program: &Path,
    kubeconfig: &Path,
    arguments: &[OsString],
    variables: &[(OsString, OsString)],
    output: &Path,
) -> Result<Process> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    for name in INHERITED {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("KUBECONFIG", kubeconfig).envs(variables.iter().cloned());
    File::options()
        .create(true)
        .append(true)
        .open(output)
        .and_then(|output| Process::start(command, output))
        .with_context(|| format!("could not start {}", program.display()))
}

fn tail(output: &str) -> String {
    let lines: Vec<_> = output.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
