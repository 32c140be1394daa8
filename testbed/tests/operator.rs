//! In: a shell in the place of an operator. Out: proof that its life and its words are in our
//! hands.

use std::path::Path;
use std::time::Duration;

use keysteward_testbed::{OperatorProcess, eventually, is_running};

const SOON: Duration = Duration::from_secs(10);

fn shell(script: &str) -> OperatorProcess {
    OperatorProcess::start(
        Path::new("/bin/sh"),
        Path::new("/nowhere/kubeconfig"),
        ["-c", script],
        [("GREETING", "hello")],
    )
    .expect("every machine has a shell")
}

#[tokio::test]
async fn it_gets_its_kubeconfig_and_its_variables_and_no_others() {
    let mut operator = shell("echo $GREETING $KUBECONFIG; env; echo done >&2; sleep 60");
    let line = operator.wait_for_output("hello", SOON).await.unwrap();
    assert_eq!(line, "hello /nowhere/kubeconfig");
    operator.wait_for_output("done", SOON).await.unwrap();
    let output = operator.output().unwrap();
    assert!(!output.contains("CARGO"), "{output}");
}

#[tokio::test]
async fn it_is_asked_to_end_and_its_status_is_told() {
    let mut operator = shell("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done");
    operator.wait_for_output("up", SOON).await.unwrap();
    assert!(operator.is_running().unwrap());
    assert_eq!(operator.terminate(SOON).await.unwrap().code(), Some(7));
    operator.wait_for_output("bye", SOON).await.unwrap();
    assert!(!operator.is_running().unwrap());
}

#[tokio::test]
async fn one_that_does_not_end_is_an_error_and_is_then_killed() {
    let mut operator = shell("trap '' TERM; echo up; while :; do sleep 0.05; done");
    operator.wait_for_output("up", SOON).await.unwrap();
    let error = operator.terminate(Duration::from_millis(200)).await.unwrap_err().to_string();
    assert_eq!(error, "/bin/sh still ran after 200ms");
    operator.kill().unwrap();
    assert!(!operator.is_running().unwrap());
}

#[tokio::test]
async fn a_restart_is_another_process_with_the_output_of_both() {
    let mut operator = shell("echo run by $$; sleep 60");
    let first = operator.pid();
    operator.wait_for_output(&format!("run by {first}"), SOON).await.unwrap();
    operator.restart().unwrap();
    let second = operator.pid();
    assert_ne!(first, second);
    assert!(!is_running(first));
    operator.wait_for_output(&format!("run by {second}"), SOON).await.unwrap();
    assert!(operator.output().unwrap().contains(&format!("run by {first}")));
    operator.restart_with(["-c", "echo another; sleep 60"]).unwrap();
    operator.wait_for_output("another", SOON).await.unwrap();
}

#[tokio::test]
async fn waiting_for_words_ends_with_the_process() {
    let mut operator = shell("echo something else; exit 3");
    let error = operator.wait_for_output("never", SOON).await.unwrap_err().to_string();
    assert!(error.contains("exit status: 3") && error.contains("something else"), "{error}");
    assert_eq!(operator.ended(SOON).await.unwrap().code(), Some(3));
}

#[tokio::test]
async fn a_secret_in_the_output_is_found_and_not_repeated() {
    let mut operator = shell("echo first; echo the key is xyzzy; sleep 60");
    operator.wait_for_output("key", SOON).await.unwrap();
    operator.assert_never_wrote("plugh").unwrap();
    let error = operator.assert_never_wrote("xyzzy").unwrap_err().to_string();
    assert_eq!(error, "the operator wrote a secret of 5 bytes, around line 2 of its output");
}

#[tokio::test]
async fn its_memory_is_read_while_it_runs() {
    let mut operator = shell("echo up; sleep 60");
    operator.wait_for_output("up", SOON).await.unwrap();
    assert!(operator.rss_kib().unwrap() > 100);
    operator.kill().unwrap();
    operator.rss_kib().unwrap_err();
}

#[tokio::test]
async fn a_paused_one_says_nothing_until_it_is_resumed() {
    let mut operator = shell("i=0; while :; do i=$((i + 1)); echo tick $i; sleep 0.02; done");
    operator.wait_for_output("tick 3", SOON).await.unwrap();
    operator.pause().unwrap();
    let stopped = |pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        if status.contains("State:\tT") { Ok(()) } else { Err(status) }
    };
    eventually(SOON, "the process stopped", async || stopped(operator.pid())).await;
    let words = operator.output().unwrap();
    let next = words.lines().count() + 1;
    operator
        .wait_for_output(&format!("tick {next}"), Duration::from_millis(300))
        .await
        .unwrap_err();
    operator.resume().unwrap();
    operator.wait_for_output(&format!("tick {next}"), SOON).await.unwrap();
}

#[tokio::test]
async fn its_children_end_with_it() {
    let mut operator = shell("sleep 1000 & echo child $!; wait");
    let line = operator.wait_for_output("child", SOON).await.unwrap();
    let child: u32 = line.trim_start_matches("child ").parse().unwrap();
    assert!(is_running(child));
    drop(operator);
    eventually(
        SOON,
        "the child gone",
        async || {
            if is_running(child) { Err("it runs") } else { Ok(()) }
        },
    )
    .await;
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let started = OperatorProcess::start(
        Path::new("/nowhere/operator"),
        Path::new("/nowhere/kubeconfig"),
        [] as [&str; 0],
        [] as [(&str, &str); 0],
    );
    assert_eq!(started.unwrap_err().to_string(), "could not start /nowhere/operator");
}
