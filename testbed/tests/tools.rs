//! In: the program `keysteward-testbed tools`, with a `go` of our own making on the `PATH`. Out:
//! proof that a tool is found in its order, built once, and that a failure says what to do.
#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use keysteward_testbed::{Tool, eventually};
use serde_json::Value;
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(20);

/// Writes one line for each build it is asked for, takes its time, and builds an empty file.
const SLOW_GO: &str = r#"
echo "$@" >> "$CALLS"
while [ $# -gt 1 ]; do [ "$1" = -o ] && out=$2; shift; done
echo "unicode" >&2
while [ -e "$CALLS.wait" ]; do sleep 0.05; done
: > "$out""#;

/// A machine with a home, a cache and a `go` that is a script.
struct Machine {
    root: TempDir,
}

impl Machine {
    fn with_go(script: &str) -> Self {
        let machine = Self { root: tempfile::tempdir().unwrap() };
        machine.program("bin/go", script);
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn tools(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keysteward-testbed"));
        command
            .arg("tools")
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display()))
            .env("HOME", self.path("home"))
            .env("CALLS", self.path("calls"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// How many builds there were.
    fn builds(&self) -> usize {
        fs::read_to_string(self.path("calls")).unwrap_or_default().lines().count()
    }

    fn let_go_wait(&self) {
        fs::write(self.path("calls.wait"), "").unwrap();
    }

    fn let_go_finish(&self) {
        fs::remove_file(self.path("calls.wait")).unwrap();
    }
}

fn paths(output: &Output) -> Vec<PathBuf> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["path"].as_str().unwrap().into())
        .collect()
}

#[test]
fn a_tool_is_built_once_and_then_found_in_the_cache_of_the_home() {
    let machine = Machine::with_go(SLOW_GO);
    let first = machine.tools().output().unwrap();
    let built = paths(&first);
    assert_eq!(built.len(), Tool::ALL.len());
    let cache = machine.path("home/.cache/keysteward/tools");
    assert!(built.iter().all(|path| path.starts_with(&cache) && path.is_file()), "{built:?}");
    let told = String::from_utf8(first.stderr).unwrap();
    assert!(told.contains("kube-apiserver v1.36.3 is not on this machine yet"), "{told}");

    assert_eq!(paths(&machine.tools().output().unwrap()), built);
    assert_eq!(machine.builds(), Tool::ALL.len());
}

#[test]
fn a_build_is_told_the_pinned_package_and_version() {
    let machine = Machine::with_go(SLOW_GO);
    machine.tools().output().unwrap();
    let calls = fs::read_to_string(machine.path("calls")).unwrap();
    let api_server = calls.lines().find(|call| call.ends_with("cmd/kube-apiserver")).unwrap();
    let flags =
        "build -v -trimpath -ldflags -s -w -X k8s.io/component-base/version.gitVersion=v1.36.3";
    assert!(api_server.starts_with(flags), "{api_server}");
}

#[test]
fn a_directory_of_ready_programs_comes_before_the_cache() {
    let machine = Machine::with_go(SLOW_GO);
    for name in ["etcd", "kube-apiserver"] {
        machine.program(&format!("assets/{name}"), "");
    }
    let assets = machine.path("assets");
    let output = machine
        .tools()
        .env("KUBEBUILDER_ASSETS", &assets)
        .env("KEYSTEWARD_CACHE", machine.path("elsewhere"))
        .output()
        .unwrap();
    let found = paths(&output);
    assert_eq!(found[0], assets.join("etcd"));
    assert_eq!(found[1], assets.join("kube-apiserver"));
    assert!(found[2].starts_with(machine.path("elsewhere/tools")), "{found:?}");
    assert_eq!(machine.builds(), 2);
}

#[test]
fn without_go_it_is_said_what_to_install() {
    let machine = Machine::with_go("exit 1");
    fs::remove_file(machine.path("bin/go")).unwrap();
    let output = machine.tools().env("PATH", machine.path("bin")).output().unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("install Go 1.26 or later, or set KUBEBUILDER_ASSETS"), "{told}");
}

#[test]
fn a_build_that_fails_shows_what_go_said_and_leaves_nothing_to_be_found() {
    let machine = Machine::with_go("echo 'no route to the proxy' >&2; exit 4");
    let output = machine.tools().output().unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("go could not build etcd"), "{told}");
    assert!(told.contains("exit status: 4") && told.contains("no route to the proxy"), "{told}");

    machine.program("bin/go", SLOW_GO);
    assert_eq!(paths(&machine.tools().output().unwrap()).len(), Tool::ALL.len());
}

#[tokio::test]
async fn two_processes_build_each_tool_once_between_them() {
    let machine = Machine::with_go(SLOW_GO);
    machine.let_go_wait();
    let first = machine.tools().spawn().unwrap();
    let second = machine.tools().spawn().unwrap();
    builds_become(&machine, 1).await;
    machine.let_go_finish();
    let (first, second) = (first.wait_with_output().unwrap(), second.wait_with_output().unwrap());
    assert_eq!(paths(&first), paths(&second));
    assert_eq!(machine.builds(), Tool::ALL.len());
}

#[tokio::test]
async fn a_builder_that_was_killed_leaves_neither_a_lock_nor_half_a_tool() {
    let machine = Machine::with_go(SLOW_GO);
    machine.let_go_wait();
    let mut first = machine.tools().spawn().unwrap();
    builds_become(&machine, 1).await;
    first.kill().unwrap();
    first.wait().unwrap();

    let second = machine.tools().spawn().unwrap();
    builds_become(&machine, 2).await;
    machine.let_go_finish();
    let built = paths(&second.wait_with_output().unwrap());
    assert!(built.iter().all(|path| path.is_file()), "{built:?}");
    assert_eq!(machine.builds(), 1 + Tool::ALL.len());
    assert_eq!(partial_builds(built[0].parent().unwrap().parent().unwrap()), Vec::<PathBuf>::new());
}

async fn builds_become(machine: &Machine, wanted: usize) {
    eventually(SOON, "go to be called", async || {
        let builds = machine.builds();
        if builds == wanted { Ok(()) } else { Err(format!("{builds} calls")) }
    })
    .await;
}

fn partial_builds(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "partial"))
        .collect()
}
