//! In: a control plane whose owner ends in each of the ways there are. Out: proof that neither a
//! process nor a file of it is left.
#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use keysteward_testbed::{ControlPlane, eventually, is_running, shared};
use rustix::process::{Pid, Signal, kill_process};

const SOON: Duration = Duration::from_secs(15);

/// What must be gone in the end.
#[derive(Debug, Clone)]
struct Traces {
    pids: Vec<u32>,
    directory: PathBuf,
}

impl Traces {
    async fn of(server: &ControlPlane) -> Self {
        Self {
            pids: vec![server.etcd_pid(), server.apiserver_pid().await.unwrap()],
            directory: server.admin_kubeconfig().parent().unwrap().to_owned(),
        }
    }

    fn assert_there(&self) {
        assert!(self.pids.iter().all(|pid| is_running(*pid)), "{self:?}");
        assert!(self.directory.is_dir(), "{self:?}");
    }

    async fn assert_gone(&self) {
        eventually(SOON, "no process and no directory left", async || {
            let pids: Vec<_> = self.pids.iter().filter(|pid| is_running(**pid)).collect();
            // The watcher of the directory ends a moment after it.
            let watchers = processes_that_name(&self.directory);
            if pids.is_empty() && !self.directory.exists() && watchers.is_empty() {
                return Ok(());
            }
            let (path, there) = (self.directory.display(), self.directory.exists());
            Err(format!("{pids:?} and {watchers:?} run, {path}: {there}"))
        })
        .await;
    }
}

/// The command lines that mention `directory`: servers and their watchers.
fn processes_that_name(directory: &Path) -> Vec<String> {
    let directory = directory.to_str().unwrap();
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(directory))
        .collect()
}

/// A control plane that belongs to another process.
fn start_elsewhere() -> (Child, Traces) {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_keysteward-testbed"))
        .arg("control-plane")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(owner.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    let pid = |name: &str| u32::try_from(told[name].as_u64().unwrap()).unwrap();
    let kubeconfig = Path::new(told["KUBECONFIG"].as_str().unwrap());
    let traces = Traces {
        pids: vec![pid("etcd_pid"), pid("apiserver_pid")],
        directory: kubeconfig.parent().unwrap().to_owned(),
    };
    (owner, traces)
}

async fn nothing_is_left_after(signal: Signal) {
    let Some(_) = shared().await else { return };
    let (mut owner, traces) = start_elsewhere();
    traces.assert_there();
    kill_process(Pid::from_child(&owner), signal).unwrap();
    owner.wait().unwrap();
    traces.assert_gone().await;
}

#[tokio::test]
async fn nothing_is_left_after_the_owner_was_killed() {
    nothing_is_left_after(Signal::KILL).await;
}

#[tokio::test]
async fn nothing_is_left_after_ctrl_c() {
    nothing_is_left_after(Signal::INT).await;
}

#[tokio::test]
async fn nothing_is_left_after_a_termination() {
    nothing_is_left_after(Signal::TERM).await;
}

#[tokio::test]
async fn nothing_is_left_after_a_panic() {
    let Some(_) = shared().await else { return };
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let owner = tokio::spawn(async move {
        let server = ControlPlane::start().await.unwrap();
        sender.send(Traces::of(&server).await).unwrap();
        panic!("as a test does whose assertion fails");
    });
    let traces = receiver.await.unwrap();
    assert!(owner.await.unwrap_err().is_panic());
    traces.assert_gone().await;
}

#[tokio::test]
async fn nothing_is_left_after_a_drop_with_the_api_server_killed_or_paused() {
    let Some(_) = shared().await else { return };
    let server = ControlPlane::start().await.unwrap();
    let traces = Traces::of(&server).await;
    traces.assert_there();
    server.pause_apiserver().await.unwrap();
    drop(server);
    traces.assert_gone().await;

    let server = ControlPlane::start().await.unwrap();
    let traces = Traces::of(&server).await;
    server.kill_apiserver().await.unwrap();
    drop(server);
    traces.assert_gone().await;
}
