//! The operator's program, built from the sources that this quickstart was built from.
//!
//! Enters: the place of this executable. Leaves: the path of `keysteward` beside it. Only cargo builds it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};
use tokio::process::Command;

/// What the program is made of.
const SOURCES: [&str; 3] = ["src", "Cargo.toml", "Cargo.lock"];

/// Where the program lies, and how it is made.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    target: PathBuf,
    profile: String,
}

impl Program {
    /// The program of the profile with which this executable was built.
    pub(crate) fn beside_this_one() -> Result<Self> {
        let this = env::current_exe().context("could not find out where this program lies")?;
        let place = || {
            let profile = this.parent()?.parent()?;
            Some((profile.parent()?.to_owned(), profile.file_name()?.to_str()?.to_owned()))
        };
        let (target, directory) = place().with_context(|| {
            format!(
                "{} does not lie in cargo's target directory: start it with cargo run",
                this.display()
            )
        })?;
        let file = format!("keysteward{}", env::consts::EXE_SUFFIX);
        let path = target.join(&directory).join(file);
        // The directory of the profile `dev` has a name of its own.
        let profile = if directory == "debug" { "dev".to_owned() } else { directory };
        Ok(Self { path, target, profile })
    }

    /// Whether no source is newer than the program.
    pub(crate) fn is_fresh(&self) -> bool {
        let Ok(built) = fs::metadata(&self.path).and_then(|file| file.modified()) else {
            return false;
        };
        SOURCES
            .iter()
            .all(|source| newest(&checkout().join(source)).is_ok_and(|changed| changed <= built))
    }

    /// Together with this example, which is there already: the program alone would have all libraries built again, for
    /// want of the features that examples and tests ask of them.
    fn arguments(&self) -> [&str; 7] {
        ["build", "--profile", &self.profile, "--bin", "keysteward", "--example", "quickstart"]
    }

    /// The cargo command, as a person would type it.
    pub(crate) fn command(&self) -> String {
        format!("cargo {}", self.arguments().join(" "))
    }

    /// Builds the program; cargo tells its progress on stderr.
    pub(crate) async fn build(&self) -> Result<()> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(&cargo)
            .args(self.arguments())
            .arg("--target-dir")
            .arg(&self.target)
            .current_dir(checkout())
            .kill_on_drop(true)
            .status()
            .await
            .with_context(|| format!("could not start {}", Path::new(&cargo).display()))?;
        if !status.success() {
            bail!("{} ended with {status}: its messages are above", self.command());
        }
        ensure!(self.path.is_file(), "{} left no {}", self.command(), self.path.display());
        Ok(())
    }
}

/// The sources.
pub(crate) fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn newest(path: &Path) -> std::io::Result<SystemTime> {
    let metadata = fs::metadata(path)?;
    let mut newest = metadata.modified()?;
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            newest = newest.max(self::newest(&entry?.path())?);
        }
    }
    Ok(newest)
}
