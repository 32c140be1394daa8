//! Logs on stderr, as JSON or as text.
//!
//! Enters: a format and a filter. Leaves: lines. Whatever the filter asks for, what libraries say of headers, bodies and
//! frames is not let through: an answer of the API server may be a Secret.

use std::io;

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::set_global_default;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people at a terminal.
    Text,
}

/// Without a filter: what operates the operator, and what libraries warn of.
pub const DEFAULT_FILTER: &str = "info";

/// Libraries that are quiet unless the filter names them.
const QUIET: &[&str] =
    &["kube_client", "kube_runtime", "hyper", "hyper_util", "h2", "reqwest", "rustls", "tower"];

/// What may pass at most, by the beginning of the target; the longest one counts. `kube_client::client` repeats at `warn`
/// any answer that it cannot decode, and at `debug` any refusal.
const CEILINGS: &[(&str, LevelFilter)] = &[
    ("kube_client", LevelFilter::DEBUG),
    ("kube_client::client", LevelFilter::ERROR),
    ("kube_runtime", LevelFilter::DEBUG),
    ("h2", LevelFilter::INFO),
    ("hyper", LevelFilter::DEBUG),
    ("hyper_util", LevelFilter::DEBUG),
    ("reqwest", LevelFilter::INFO),
    ("rustls", LevelFilter::INFO),
    ("tower", LevelFilter::DEBUG),
    ("tower_http", LevelFilter::DEBUG),
];

/// Starts logging for the whole process. `filter` is in the syntax of `RUST_LOG`.
///
/// Records of the `log` crate are not collected: everything of ours and of kube speaks `tracing`.
pub fn start(format: LogFormat, filter: Option<&str>) -> Result<(), String> {
    let subscriber = subscriber(format, filter.unwrap_or(DEFAULT_FILTER), io::stderr)?;
    set_global_default(subscriber).map_err(|_| "logging was started before".to_owned())
}

fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    writer: W,
) -> Result<impl Subscriber + for<'a> LookupSpan<'a> + use<W>, String>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = match format {
        LogFormat::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_writer(writer)
            .boxed(),
        LogFormat::Text => fmt::layer().with_ansi(false).with_writer(writer).boxed(),
    };
    let filter = wanted(filter)?.and(filter_fn(may_pass));
    Ok(Registry::default().with(lines.with_filter(filter)))
}

/// The filter as asked for, with libraries at `warn` where it does not name them.
fn wanted(filter: &str) -> Result<EnvFilter, String> {
    let names = |library: &str| {
        filter.split(',').any(|directive| {
            let target = directive.split(['=', '[']).next().unwrap_or_default().trim();
            target == library
                || target.strip_prefix(library).is_some_and(|rest| rest.starts_with("::"))
        })
    };
    let quiet = QUIET.iter().filter(|library| !names(library));
    // Ours first: of two directives for one target the last counts.
    let directives: Vec<_> =
        quiet.map(|library| format!("{library}=warn")).chain([filter.to_owned()]).collect();
    EnvFilter::builder()
        .parse(directives.join(","))
        .map_err(|error| format!("could not read the log filter {filter:?}: {error}"))
}

fn may_pass(metadata: &Metadata<'_>) -> bool {
    ceiling(metadata.target()) >= *metadata.level()
}

fn ceiling(target: &str) -> LevelFilter {
    let within = |prefix: &str| {
        target == prefix || target.strip_prefix(prefix).is_some_and(|rest| rest.starts_with("::"))
    };
    CEILINGS
        .iter()
        .filter(|(prefix, _)| within(prefix))
        .max_by_key(|(prefix, _)| prefix.len())
        .map_or(LevelFilter::from_level(Level::TRACE), |(_, level)| *level)
}

#[cfg(test)]
mod tests;
