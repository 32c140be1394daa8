//! In: what a test needs of the machine. Out: whether it can run here.
//! A laptop may lack a tool: the test says so in one line and is skipped. With
//! `KEYSTEWARD_REQUIRE_ALL=1`, as in CI, it fails instead.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;

use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::control_plane::ControlPlane;
use crate::tool::{Tool, ToolError, program_on_path, say};

/// The path of a tool, found or built; `None` after it was said that the test is skipped.
///
/// Panics when the tool cannot be built, and when it is missing where nothing may be skipped.
pub async fn require(tool: Tool) -> Option<PathBuf> {
    let outcome = spawn_blocking(move || tool.obtain()).await;
    match outcome.expect("looking for a tool does not panic") {
        Ok(path) => Some(path),
        Err(error) if error.is_missing() => skip(&error.to_string()),
        #[expect(clippy::panic, reason = "a tool that does not build is a failed test")]
        Err(error) => panic!("{}", with_causes(&error)),
    }
}

/// The path of a program on the `PATH`, such as `python3`; `None` after it was said that the test
/// is skipped.
pub fn require_program(name: &str) -> Option<PathBuf> {
    let found = program_on_path(OsStr::new(name));
    found.or_else(|| skip(&format!("there is no {name} on the PATH")))
}

/// Says why a test is skipped, or fails it where nothing may be skipped; always `None`.
#[track_caller]
pub fn skip<T>(reason: &str) -> Option<T> {
    assert!(
        env::var_os("KEYSTEWARD_REQUIRE_ALL").is_none_or(|value| value != "1"),
        "a test cannot run and KEYSTEWARD_REQUIRE_ALL=1 forbids to skip it: {reason}"
    );
    // The harness names a thread after its test.
    let thread = std::thread::current();
    say(&format!("skipped {}: {reason}", thread.name().unwrap_or("a test")));
    None
}

/// The one control plane that all tests of a binary share, started by the first of them; `None`
/// after it was said that the test is skipped.
///
/// A test takes namespaces of its own from it ([`ControlPlane::new_namespace`]) and never stops
/// it: a test that does has its own.
pub async fn shared() -> Option<&'static ControlPlane> {
    static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
    require(Tool::Etcd).await?;
    require(Tool::KubeApiserver).await?;
    let started = SHARED.get_or_try_init(ControlPlane::start).await;
    match started {
        Ok(control_plane) => Some(control_plane),
        #[expect(clippy::panic, reason = "a server that does not start is a failed test")]
        Err(error) => panic!("could not start the shared control plane: {error:#}"),
    }
}

/// A control plane of one's own, or `None` after it was said that the test is skipped.
pub async fn own(builder: crate::control_plane::ControlPlaneBuilder) -> Option<ControlPlane> {
    require(Tool::Etcd).await?;
    require(Tool::KubeApiserver).await?;
    match builder.start().await {
        Ok(control_plane) => Some(control_plane),
        #[expect(clippy::panic, reason = "a server that does not start is a failed test")]
        Err(error) => panic!("could not start a control plane: {error:#}"),
    }
}

fn with_causes(error: &ToolError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
