//! The simulator as a program: what enters are its arguments, what leaves are its addresses on standard output.
//! It may not take a secret as an argument, and it prints one only when it made it itself.

#![expect(clippy::print_stdout, reason = "the addresses and the generated secret are the output")]

mod arguments;
mod connection;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use keysteward_simulator::Simulator;
use tracing_subscriber::EnvFilter;

use crate::arguments::{Arguments, Platform};
use crate::connection::Connection;

fn main() -> anyhow::Result<ExitCode> {
    let Arguments { platform: Platform::Genesys(arguments) } = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let secret = arguments.secret()?;
    let generated = secret.is_none();
    let options = arguments.options(secret)?;
    if let Some(path) = &arguments.connection_file {
        Connection::forget(path)?;
    }
    let address = options.bind;
    let simulator = Simulator::start(options)
        .with_context(|| format!("cannot listen on {address}: choose another --bind or --port"))?;

    let connection = Connection::of(&simulator);
    println!("login: {}", connection.login_url);
    println!("api:   {}", connection.api_url);
    println!("admin client id:     {}", connection.client_id);
    if let Some(path) = &arguments.connection_file {
        connection.write(path)?;
        println!("connection file:     {}", path.display());
    } else if generated {
        println!("admin client secret: {} (shown once)", connection.client_secret.reveal());
    }
    wait_for_signal()?;
    Ok(ExitCode::SUCCESS)
}

fn wait_for_signal() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            _ = terminate.recv() => {}
        }
        Ok(())
    })
}
