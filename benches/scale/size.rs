//! In: the environment. Out: how much is measured, and on what machine.

use std::fs;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Instant;

use anyhow::{Context, Result};

/// How many objects the operator looks after, and among how many Secrets of others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) objects: usize,
    /// Of 10 KB each.
    pub(crate) secrets: usize,
    /// Measure a second time with every default; takes a quarter of an hour for 1,000 objects.
    pub(crate) with_defaults: bool,
}

/// What it is measured on.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) memory_gib: f64,
    pub(crate) processor: String,
    /// Over the last minute, when the benchmark began.
    pub(crate) load: f64,
}

impl Size {
    pub(crate) fn from_environment() -> Result<Self> {
        Ok(Self {
            objects: number("SCALE_OBJECTS", 1000)?.max(1),
            secrets: number("SCALE_SECRETS", 10_000)?,
            with_defaults: number("SCALE_DEFAULT", 0)? != 0,
        })
    }

    /// Tells people what is going on.
    #[expect(clippy::unused_self, reason = "what is said is said of a measurement")]
    pub(crate) fn say(self, what: &str) {
        static BEGUN: OnceLock<Instant> = OnceLock::new();
        let begun = BEGUN.get_or_init(Instant::now);
        eprintln!("{:7.1} s  {what}", begun.elapsed().as_secs_f64());
    }
}

impl Machine {
    pub(crate) fn here() -> Self {
        let line = |path: &str, name: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let found = text.lines().find_map(|line| line.strip_prefix(name));
            found
                .map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned())
                .unwrap_or_default()
        };
        let kib = line("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse::<f64>();
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().and_then(|first| first.parse().ok());
        Self {
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            memory_gib: kib.unwrap_or_default() / (1024.0 * 1024.0),
            processor: line("/proc/cpuinfo", "model name"),
            load: load.unwrap_or_default(),
        }
    }
}

fn number<T: FromStr>(name: &str, default: T) -> Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} must be a number, not {text:?}")),
        Err(_) => Ok(default),
    }
}
