//! In: a tool that is nowhere. Out: the tool, built by Go in the cache, once for all processes.
//! It tells on stderr what it does, as a build takes minutes; it changes nothing outside of the
//! cache and Go's own.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::cache::Lock;
use super::{Tool, ToolError};
use crate::process::Process;

const TELL_EVERY: Duration = Duration::from_secs(15);

/// Builds `tool` unless another process did so while we waited for it.
pub(super) fn build(tool: Tool) -> Result<PathBuf, ToolError> {
    let directory = tool.cache_directory()?;
    let finished = directory.join(tool.name());
    if !go_is_installed() {
        return Err(ToolError::Missing { tool, cache: directory });
    }
    let ticker = Ticker::new();
    let _lock = Lock::take(tool, &beside(&directory, "lock"), |waited| {
        ticker.tell(|| {
            format!("waiting for another process that builds {tool}: {} s", waited.as_secs())
        });
    })?;
    if finished.is_file() {
        return Ok(finished);
    }
    say(&format!(
        "{tool} {} is not on this machine yet: building it with go, once, into {}{}",
        tool.version(),
        directory.display(),
        if tool == Tool::KubeApiserver { " (about 8 minutes on two cores)" } else { "" },
    ));

    // One name for all: the lock is ours, so what lies there was left by a builder that died.
    let workshop = beside(&directory, "partial");
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ToolError::Cache { tool, path, source }
    };
    discard(&workshop).map_err(failed(&workshop))?;
    let outcome = build_in(tool, &workshop, failed);
    if outcome.is_ok() {
        let product = workshop.join("product");
        // Whatever lies there is no finished build: the lock is ours and the program is absent.
        discard(&directory).map_err(failed(&directory))?;
        fs::rename(&product, &directory).map_err(failed(&directory))?;
    }
    discard(&workshop).map_err(failed(&workshop))?;
    outcome.map(|()| finished)
}

fn build_in<F>(tool: Tool, workshop: &Path, failed: impl Fn(&Path) -> F) -> Result<(), ToolError>
where
    F: FnOnce(io::Error) -> ToolError,
{
    let product = workshop.join("product");
    fs::create_dir_all(&product).map_err(failed(&product))?;
    let module = tool.module();
    for (name, text) in [("go.mod", module.go_mod), ("go.sum", module.go_sum)] {
        let path = workshop.join(name);
        fs::write(&path, text).map_err(failed(&path))?;
    }
    let log = workshop.join("go.log");
    let mut command = Command::new("go");
    command
        .current_dir(workshop)
        .args(["build", "-v", "-trimpath", "-ldflags", &tool.ldflags(), "-o"])
        .arg(product.join(tool.name()))
        .arg(tool.package())
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-mod=readonly")
        .env("GOWORK", "off")
        .env_remove("GOOS")
        .env_remove("GOARCH");
    let output = File::create(&log).map_err(failed(&log))?;
    let mut go = Process::start(command, output).map_err(failed(&log))?;

    let (begun_at, ticker) = (Instant::now(), Ticker::new());
    let status = loop {
        if let Some(status) = go.try_wait().map_err(failed(&log))? {
            break status;
        }
        ticker.tell(|| {
            let read = fs::read_to_string(&log).unwrap_or_default();
            format!("building {tool}: {} s, {}", begun_at.elapsed().as_secs(), progress(&read))
        });
        pause();
    };
    if status.success() {
        say(&format!("built {tool} {} in {} s", tool.version(), begun_at.elapsed().as_secs()));
        return Ok(());
    }
    let output = tail(&fs::read_to_string(&log).unwrap_or_default(), 20);
    Err(ToolError::Build { tool, version: tool.version(), status, output })
}

/// What the lines of `go build -v` so far amount to.
fn progress(log: &str) -> String {
    let (downloads, packages): (Vec<_>, Vec<_>) =
        log.lines().partition(|line| line.starts_with("go: "));
    match (packages.last(), downloads.last()) {
        (Some(last), _) => format!("{} packages compiled, now {last}", packages.len()),
        (None, Some(last)) => last.trim_start_matches("go: ").to_owned(),
        (None, None) => "reading the module, or linking what an earlier build compiled".to_owned(),
    }
}

/// The last `count` lines of `text`.
fn tail(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// The path of `directory` with an ending; its name has dots of its own, in the version.
fn beside(directory: &Path, ending: &str) -> PathBuf {
    let mut path = directory.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    path.into()
}

fn go_is_installed() -> bool {
    program_on_path(OsStr::new("go")).is_some()
}

/// Where the `PATH` has a program of this name.
pub(crate) fn program_on_path(name: &OsStr) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

fn discard(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Lets a little time pass between two looks at something that cannot call back.
#[expect(clippy::disallowed_methods, reason = "a lock and a child process can only be polled")]
pub(super) fn pause() {
    std::thread::sleep(Duration::from_millis(100));
}

/// Writes past the test harness, which would keep the line until the test ends.
pub(crate) fn say(line: &str) {
    // Nobody is left to tell when stderr is closed.
    drop(writeln!(io::stderr(), "testbed: {line}"));
}

/// Speaks at most once every 15 seconds, and not in the first.
struct Ticker {
    told_at: std::cell::Cell<Instant>,
}

impl Ticker {
    fn new() -> Self {
        Self { told_at: std::cell::Cell::new(Instant::now()) }
    }

    fn tell(&self, line: impl FnOnce() -> String) {
        if self.told_at.get().elapsed() >= TELL_EVERY {
            self.told_at.set(Instant::now());
            say(&line());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_names_the_download_then_counts_the_packages() {
        assert!(progress("").starts_with("reading the module"));
        assert_eq!(
            progress("go: downloading k8s.io/api v0.36.3\n"),
            "downloading k8s.io/api v0.36.3"
        );
        assert_eq!(
            progress("go: downloading k8s.io/api v0.36.3\nunicode\nk8s.io/api/core/v1\n"),
            "2 packages compiled, now k8s.io/api/core/v1"
        );
    }

    #[test]
    fn a_version_in_a_name_is_not_taken_for_an_ending() {
        let lock = beside(Path::new("/cache/etcd-v3.6.8-0123"), "lock");
        assert_eq!(lock, Path::new("/cache/etcd-v3.6.8-0123.lock"));
    }

    #[test]
    fn a_tail_is_the_end_of_a_text() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a\n", 2), "a");
    }
}
