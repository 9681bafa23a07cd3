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
mod stdio;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::try_parse() {
        Ok(cli) => cli.run(),
        Err(asked) => stdio::usage(&asked),
    }
}

/// The exit status of a command, its error told on standard error.
fn report(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => stdio::failure(&error, 1),
    }
}
