//! `node`: one link of the chain.

use std::process::ExitCode;

use clap::Parser;
use node::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
