//! The command line: `run` and `crds`. Standard output is data, standard error is talk.

pub mod crds;
pub mod run;

use clap::{Parser, Subcommand};

/// Keeps remote service accounts and their OAuth clients as written, and their tokens fresh.
#[derive(Debug, Parser)]
#[command(name = "keysteward", version, about, propagate_version = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the operator against a cluster.
    Run(Box<run::RunArguments>),
    /// Print the custom resource definitions as YAML: keysteward crds | kubectl apply --server-side -f -
    Crds,
}
