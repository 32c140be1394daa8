//! In: the environment. Out: the directory that keeps built tools from one checkout to the next,
//! and a lock on one of its entries.
//! Nothing here builds; the directory is outside of `target` so that a fresh clone finds it.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Tool, ToolError};

/// `$KEYSTEWARD_CACHE`, else `$XDG_CACHE_HOME/keysteward`, else `~/.cache/keysteward`.
pub(super) fn root() -> Result<PathBuf, ToolError> {
    choose(env::var_os("KEYSTEWARD_CACHE"), env::var_os("XDG_CACHE_HOME"), env::var_os("HOME"))
        .ok_or(ToolError::NoCache)
}

fn choose(
    ours: Option<OsString>,
    xdg: Option<OsString>,
    home: Option<OsString>,
) -> Option<PathBuf> {
    let named = |value: Option<OsString>| value.filter(|text| !text.is_empty()).map(PathBuf::from);
    named(ours)
        .or_else(|| named(xdg).map(|cache| cache.join("keysteward")))
        .or_else(|| named(home).map(|home| home.join(".cache/keysteward")))
}

/// Keeps other processes from building the same tool; released by the kernel when the holder
/// ends, however it ends, so that a lock is never stale.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock; `waiting` hears how long it has taken so far.
    pub(super) fn take(
        tool: Tool,
        path: &Path,
        waiting: impl Fn(Duration),
    ) -> Result<Self, ToolError> {
        let failed = |source| ToolError::Cache { tool, path: path.to_owned(), source };
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        let file = File::options().create(true).append(true).open(path).map_err(failed)?;
        let begun_at = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                Err(TryLockError::WouldBlock) => {
                    waiting(begun_at.elapsed());
                    super::build::pause();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(ours: &str, xdg: &str, home: Option<&str>) -> Option<PathBuf> {
        super::choose(Some(ours.into()), Some(xdg.into()), home.map(Into::into))
    }

    #[test]
    fn our_own_variable_wins_and_an_empty_one_counts_as_unset() {
        assert_eq!(choose("/a", "/b", Some("/c")), Some("/a".into()));
        assert_eq!(choose("", "/b", Some("/c")), Some("/b/keysteward".into()));
        assert_eq!(choose("", "", Some("/c")), Some("/c/.cache/keysteward".into()));
        assert_eq!(choose("", "", None), None);
    }

    #[test]
    fn a_second_holder_waits_until_the_first_lets_go() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tools/etcd.lock");
        let first = Lock::take(Tool::Etcd, &path, |_| panic!("nobody else holds it")).unwrap();
        let (waits, seen) = std::sync::mpsc::channel();
        let second = std::thread::spawn(move || {
            Lock::take(Tool::Etcd, &path, |_| {
                // The receiver is gone once the first wait was seen.
                waits.send(()).ok();
            })
        });
        seen.recv_timeout(Duration::from_secs(10)).unwrap();
        drop(first);
        drop(seen);
        second.join().unwrap().unwrap();
    }
}
