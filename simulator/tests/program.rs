//! The simulator as a program: its arguments, what it prints, and that it prints no secret it was given.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

struct Program {
    child: Child,
    printed: Vec<String>,
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().unwrap();
        }
    }
}

impl Program {
    /// Starts it on a free port and reads what it prints up to the line that starts so.
    fn start(arguments: &[&str], secret: Option<&str>, last_line: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keysteward-simulator"));
        command.args(["genesys", "--port", "0"]).args(arguments).stdout(Stdio::piped());
        command.env_remove("SIMULATOR_CLIENT_SECRET");
        if let Some(secret) = secret {
            command.env("SIMULATOR_CLIENT_SECRET", secret);
        }
        let mut program = Self { child: command.spawn().unwrap(), printed: Vec::new() };
        for line in BufReader::new(program.child.stdout.take().unwrap()).lines() {
            program.printed.push(line.unwrap());
            if program.printed.last().unwrap().starts_with(last_line) {
                return program;
            }
        }
        unreachable!("the program ended after {:?}", program.printed)
    }

    fn value(&self, name: &str) -> &str {
        let line = self.printed.iter().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].trim()
    }
}

async fn mint(login: &str, id: &str, secret: &str) -> u16 {
    let request = reqwest::Client::new()
        .post(format!("{login}/oauth/token"))
        .basic_auth(id, Some(secret))
        .form(&[("grant_type", "client_credentials")]);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_generated_secret_is_printed_and_works() {
    let program = Program::start(&[], None, "admin client secret:");
    let secret = program.value("admin client secret:").split(' ').next().unwrap();
    let id = program.value("admin client id:");
    assert_eq!(mint(program.value("login:"), id, secret).await, 200);
    assert_eq!(program.value("login:"), program.value("api:"));
}

#[tokio::test]
async fn a_given_secret_works_and_is_not_printed() {
    let arguments = ["--seed-client-id", "operator", "--login-port", "0"];
    let program = Program::start(&arguments, Some("from the environment"), "admin client id:");
    let login = program.value("login:");
    assert_ne!(login, program.value("api:"));
    assert_eq!(mint(login, "operator", "from the environment").await, 200);
    assert_eq!(mint(program.value("api:"), "operator", "from the environment").await, 404);
    assert!(!program.printed.concat().contains("from the environment"));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "from a file\n").unwrap();
    let arguments =
        ["--seed-client-id", "operator", "--seed-client-secret-file", file.to_str().unwrap()];
    let program = Program::start(&arguments, None, "admin client id:");
    assert_eq!(mint(program.value("login:"), "operator", "from a file").await, 200);
}

#[tokio::test]
async fn a_connection_file_tells_all_to_its_owner_only_and_settings_hold() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("simulator.json");
    std::fs::write(&file, "from an earlier run").unwrap();
    let settings = folder.path().join("settings.json");
    std::fs::write(&settings, r#"{"limits": {"tokenRequestsPerMinute": 1}}"#).unwrap();
    let arguments = [
        "--connection-file",
        file.to_str().unwrap(),
        "--settings-file",
        settings.to_str().unwrap(),
        "--set",
        "choices.tokenRefusals.rateLimited.status=429",
    ];
    let program = Program::start(&arguments, None, "connection file:");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let connection: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let field = |name: &str| connection[name].as_str().unwrap();
    assert_eq!(field("apiUrl"), program.value("api:"));
    let ask = async || mint(field("loginUrl"), field("clientId"), field("clientSecret")).await;
    assert_eq!((ask().await, ask().await), (200, 429));
    assert!(!program.printed.concat().contains(field("clientSecret")));
}

#[test]
fn faulty_arguments_are_refused_by_name() {
    let cases: [(&[&str], &str); 4] = [
        (&["--set", "limits.weather=1"], "weather"),
        (&["--set", "limits"], "write it as NAME=VALUE"),
        (&["--seed-client-secret-file", "/nowhere"], "/nowhere"),
        (&["--seed-client-secret", "hunter2"], "--seed-client-secret"),
    ];
    for (arguments, expected) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_keysteward-simulator"))
            .args(["genesys", "--port", "0"])
            .args(arguments)
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && errors.contains(expected), "{errors}");
    }
}

#[test]
fn a_termination_signal_ends_it_in_peace() {
    let mut program = Program::start(&[], None, "admin client secret:");
    let pid = program.child.id().to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    let deadline = Instant::now() + Duration::from_secs(10);
    let status = loop {
        if let Some(status) = program.child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "the program still runs");
        std::thread::yield_now();
    };
    assert!(status.success(), "{status}");
    assert!(!Path::new("/proc").join(pid).exists());
}
