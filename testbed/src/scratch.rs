//! In: nothing. Out: a directory for one server or one operator, readable by us alone.
//! It is removed on drop, and by a watcher when this process dies without dropping.

use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::process::Watcher;

/// A temporary directory that does not outlive this process.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: TempDir,
    // After the directory: a drop removes it at once, and the watcher then finds nothing to do.
    _watcher: Watcher,
}

impl Scratch {
    pub(crate) fn new() -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("keysteward-testbed-")
            .tempdir()
            .context("could not make a temporary directory: check TMPDIR")?;
        let path = directory.path().to_str().context("the name of TMPDIR is not UTF-8")?;
        let watcher = Watcher::of_a_directory(path).context("could not start /bin/sh")?;
        Ok(Self { directory, _watcher: watcher })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}
