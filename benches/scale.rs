//! In: `SCALE_OBJECTS`, `SCALE_SECRETS`, `SCALE_DEFAULT`. Out: progress on stderr, and one JSON object as the last line.
//! The operator runs as its own process on a real API server, beside a simulated platform in another process.
//! It measures from outside and changes nothing to look better; `docs/performance.md` explains each figure.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints")]
#![expect(
    clippy::disallowed_methods,
    reason = "the benchmark plays the user of the API server and of the platform, and it waits"
)]

mod scale {
    pub(crate) mod calm;
    pub(crate) mod cluster;
    pub(crate) mod defaults;
    pub(crate) mod figures;
    pub(crate) mod floor;
    pub(crate) mod manifests;
    pub(crate) mod operator;
    pub(crate) mod platform;
    pub(crate) mod ready;
    pub(crate) mod repair;
    pub(crate) mod replay;
    pub(crate) mod restart;
    pub(crate) mod size;
}

use std::process::ExitCode;

use anyhow::Result;

use scale::cluster::Cluster;
use scale::figures::Figures;
use scale::operator::Operator;
use scale::platform::{self, Limits, Platform};
use scale::size::Size;
use scale::{calm, defaults, floor, ready, repair, restart};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let done = if arguments.iter().any(|argument| argument == platform::CHILD) {
        platform::serve()
    } else if arguments.iter().any(|argument| argument == "--bench") {
        measured()
    } else {
        eprintln!("this takes minutes and a quiet machine: run it with cargo bench --bench scale");
        Ok(())
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:?}");
            ExitCode::FAILURE
        }
    }
}

fn measured() -> Result<()> {
    let size = Size::from_environment()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let figures = runtime.block_on(measure(size))?;
    println!("{}", figures.line());
    Ok(())
}

async fn measure(size: Size) -> Result<Figures> {
    let mut figures = Figures::of(size);
    size.say("starting an API server and a platform");
    let platform = Platform::start(Limits::Off).await?;
    let cluster = Cluster::start(size).await?;
    cluster.fill(&platform).await?;

    size.say("starting the operator");
    let begun = cluster.mark()?;
    let mut operator = Operator::without_waits(&cluster).await?;
    let seconds = ready::all(&cluster, cluster.team(), size.objects, operator.started_at()).await?;
    let writes = cluster.writes_since(begun)?;
    size.say(&format!("all ready after {seconds:.1} s, {} writes", writes.total()));
    ready::tokens_live(&cluster, cluster.team(), size.objects, &platform).await?;
    figures.ready(seconds, &writes);

    size.say("waiting for rest, then looking at it for a minute");
    figures.calm(&calm::look(&cluster, &mut operator, &platform).await?);
    size.say("changing clients behind the operator's back");
    figures.repair(&repair::all(&cluster, &platform).await?);
    size.say("restarting the operator");
    figures.restart(&restart::twice(&cluster, &mut operator, &platform).await?);
    operator.end().await?;

    size.say("making the same writes without the operator");
    figures.floor(floor::replay(&cluster, &writes).await?);
    if size.with_defaults {
        size.say("once more with the waits, budget and limits that are the default");
        figures.defaults(defaults::ready(&cluster).await?);
    }
    size.say("done");
    Ok(figures)
}
