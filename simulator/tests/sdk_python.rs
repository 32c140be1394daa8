//! The official Python SDK logs in, lists, creates, updates, rotates and deletes a client against the simulator.
//! The SDK is installed once into a virtual environment under the workspace's `target`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use keysteward_simulator::{Options, Simulator};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/sdk");

#[test]
fn the_python_sdk_tells_the_life_of_a_client() {
    let python = match environment() {
        Ok(python) => python,
        Err(missing) => return skip(&missing),
    };
    let simulator = Simulator::start(Options::default()).unwrap();
    let admin = simulator.admin_client();
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(python)
        .arg(Path::new(SDK).join("genesys_python.py"))
        .env("GENESYSCLOUD_API_URL", simulator.api_url())
        .env("GENESYSCLOUD_OAUTHCLIENT_ID", &admin.client_id)
        .env("GENESYSCLOUD_OAUTHCLIENT_SECRET", admin.client_secret.reveal())
        // The SDK reads a configuration file of the user's, which may name another host.
        .env("HOME", home.path())
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let story = printed(&output);
    let expected = json!({
        "listed_before": 1,
        "listed_after": ["Administrator", "made by the SDK"],
        "token_of": "made by the SDK",
        "organization": "Simulated Contact Center",
        "granted": [["Reporting Viewer", "Home"]],
        "forbidden": "missing.any.permissions",
        "description": "by the SDK",
        "secret_shown_by_get": false,
        "validity": 600,
        "secret_changed": true,
        "old_secret_logs_in": false,
        "new_secret_logs_in": true,
        "delete_while_active": "cannot.delete.client",
        "after_delete": "client.not.found",
        "listed_at_the_end": 1,
    });
    assert_eq!(story, expected);
    let counters = simulator.control().counters();
    assert_eq!(counters.of("POST /api/v2/oauth/clients"), 1);
    assert_eq!(counters.of("POST /api/v2/oauth/clients/{clientId}/secret"), 1);
    assert_eq!(counters.of("DELETE /api/v2/oauth/clients/{clientId}"), 2);
}

fn printed(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the script failed: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A missing tool is no failure on a laptop, but where everything has to be there it is.
fn skip(missing: &str) {
    let required = std::env::var("KEYSTEWARD_REQUIRE_ALL").is_ok_and(|value| value == "1");
    assert!(!required, "KEYSTEWARD_REQUIRE_ALL=1, but {missing}");
    // Past the capture of the test harness, which shows nothing of a test that passes.
    let mut terminal = std::io::stderr();
    writeln!(terminal, "skipped: {missing}").unwrap();
}

/// The interpreter of a virtual environment with exactly the pinned packages.
fn environment() -> Result<PathBuf, String> {
    let requirements = Path::new(SDK).join("requirements.txt");
    let digest = Sha256::digest(std::fs::read(&requirements).unwrap());
    let digest = u64::from_be_bytes(*digest.first_chunk().unwrap());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sdk-python-{digest:016x}"));
    let (python, complete) = (folder.join("bin/python"), folder.join("complete"));
    if complete.exists() {
        return Ok(python);
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(&requirements))?;
    std::fs::write(complete, "").unwrap();
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("the Python SDK needs python3 with venv and pip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors.trim().lines().last().unwrap_or("no message").to_owned();
    Err(format!("the Python SDK cannot be installed: {last}"))
}
