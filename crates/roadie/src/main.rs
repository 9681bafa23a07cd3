//! `roadie`: the operator's command.

mod aws;
mod bench;
mod cli;
mod container;
mod deploy;
mod destroy;
mod lint;
mod load;
mod rehearse;
mod rollback;
mod status;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::Cli::parse().run()
}

/// The exit status of a command, its error told on standard error.
fn report(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
