//! The program: TLS, arguments, the command, the exit code.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use keysteward::cli::{Arguments, Command, crds};

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let done = match command {
        Command::Crds => crds::print(&mut io::stdout().lock()).map_err(anyhow::Error::from),
        Command::Run(run) => operate(*run),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A reader that went away is no failure of ours.
            if error
                .downcast_ref::<io::Error>()
                .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
            {
                return ExitCode::SUCCESS;
            }
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the one place where the program says why it ends")]
fn complain(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}

fn operate(arguments: keysteward::cli::run::RunArguments) -> anyhow::Result<()> {
    // kube and reqwest meet in rustls: with one provider installed neither has to choose.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a TLS provider was installed twice"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)?;
    let done = runtime.block_on(arguments.run());
    // What did not end in its time is not waited for again: a name that is being resolved, for example.
    runtime.shutdown_background();
    done
}
