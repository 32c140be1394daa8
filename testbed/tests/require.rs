//! In: this very program, run again with one of its ignored tests. Out: proof that a missing tool
//! skips a test on a laptop and fails it where nothing may be skipped.
#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

use std::process::{Command, Output};

use keysteward_testbed::{Tool, require, require_program, shared};

/// Runs an ignored test of this file in a process with no Go, no cache and no programs.
fn run(test: &str, require_all: Option<&str>) -> Output {
    let empty = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "--test-threads=2", test])
        .env_clear()
        .env("PATH", empty.path())
        .env("KEYSTEWARD_CACHE", empty.path());
    if let Some(value) = require_all {
        command.env("KEYSTEWARD_REQUIRE_ALL", value);
    }
    command.output().unwrap()
}

#[test]
fn a_missing_tool_skips_the_test_in_one_line() {
    for (test, why) in [
        ("needs_helm", "helm is neither in KUBEBUILDER_ASSETS nor in "),
        ("needs_a_server", "etcd is neither in KUBEBUILDER_ASSETS nor in "),
        ("needs_a_program", "there is no no-such-program on the PATH"),
    ] {
        let output = run(test, None);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{told}");
        assert!(told.starts_with(&format!("testbed: skipped {test}: {why}")), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}

#[test]
fn a_missing_tool_fails_the_test_where_nothing_may_be_skipped() {
    for test in ["needs_helm", "needs_a_server", "needs_a_program"] {
        let output = run(test, Some("1"));
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success(), "{told}");
        assert!(told.contains("KEYSTEWARD_REQUIRE_ALL=1 forbids to skip it"), "{told}");
    }
    assert!(run("needs_helm", Some("0")).status.success());
}

#[tokio::test]
#[ignore = "run by the tests above, in a process without tools"]
async fn needs_helm() {
    assert_eq!(require(Tool::Helm).await, None);
}

#[tokio::test]
#[ignore = "run by the tests above, in a process without tools"]
async fn needs_a_server() {
    assert!(shared().await.is_none());
}

#[test]
#[ignore = "run by the tests above, in a process without tools"]
fn needs_a_program() {
    assert_eq!(require_program("no-such-program"), None);
}
