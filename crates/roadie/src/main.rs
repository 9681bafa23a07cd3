//! `roadie`: the operator's command.

mod cli;
mod container;
mod lint;
mod rehearse;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::Cli::parse().run()
}
