//! Keysteward from nothing, in about a minute: a real API server, a simulated Genesys Cloud organization, the operator as
//! a process of its own, the examples of this directory, and the story for which it was made.
//!
//! `cargo run --release --example quickstart [-- --once] [-- --kubeconfig FILE]`

mod access;
mod cluster;
mod examples;
mod farewell;
mod http;
mod operator;
mod page;
mod place;
mod play;
mod program;
mod ready;
mod scene;
mod story;
mod tenant;
mod tour;
mod wait;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::page::Page;
use crate::play::Stage;

/// As a shell says it of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Shows Keysteward at work on a real API server and a simulated Genesys Cloud organization.
#[derive(Debug, Parser)]
#[command(name = "quickstart")]
struct Arguments {
    /// Do not stay: exit 0 if every step really happened.
    #[arg(long)]
    once: bool,
    /// Use this cluster instead of starting an API server. Everything gets names of its own and is removed at the end.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match play_all(&arguments) {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn play_all(arguments: &Arguments) -> Result<ExitCode> {
    // kube and reqwest meet in rustls: with one provider installed neither has to choose.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow!("a TLS provider was installed twice"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(evening(arguments));
    // A build of the programs may be under way in a thread that nobody waits for after Ctrl-C.
    runtime.shutdown_background();
    code
}

async fn evening(arguments: &Arguments) -> Result<ExitCode> {
    let mut signals = Signals::listen().context("could not listen for signals")?;
    let page = Page::new();
    page.title("Keysteward quickstart: a real API server, a simulated tenant, and the operator between them");
    let mut stage = Stage::default();
    let played = tokio::select! {
        played = stage.play(&page, arguments.kubeconfig.as_deref()) => Some(played),
        () = signals.next() => None,
    };
    let mut code = match played {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            complain(&format!("\nerror: {}: {error:#}", page.current_step()));
            if let Some(operator) = &stage.operator {
                complain("the operator's last lines:");
                operator.last_lines().iter().for_each(|line| complain(&format!("  {line}")));
            }
            ExitCode::FAILURE
        }
        None => {
            complain(&format!("\ninterrupted before the end, at: {}", page.current_step()));
            ExitCode::from(INTERRUPTED)
        }
    };
    let elapsed = page.elapsed();
    if code == ExitCode::SUCCESS {
        page.plain(&format!("\nEvery step happened and was read back, in {elapsed:.1} s."));
        if !arguments.once {
            stage.invite(&page)?;
            tokio::select! {
                stayed = stage.stay() => {
                    if let Err(error) = stayed {
                        complain(&format!("\nerror: {error:#}"));
                        code = ExitCode::FAILURE;
                    }
                }
                () = signals.next() => page.plain("\nTaking everything down …"),
            }
        }
    }
    let taken_down = tokio::select! {
        taken_down = stage.take_down(&page) => taken_down,
        () = signals.next() => Err(anyhow!("interrupted a second time: something may be left on the cluster")),
    };
    if let Err(error) = taken_down {
        complain(&format!("error: could not take everything down: {error:#}"));
        return Ok(ExitCode::FAILURE);
    }
    page.plain("Everything that was started is stopped and removed.");
    Ok(code)
}

/// Ctrl-C and the polite request to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[expect(clippy::print_stderr, reason = "what went wrong is said beside the story, not in it")]
fn complain(line: &str) {
    eprintln!("{line}");
}
