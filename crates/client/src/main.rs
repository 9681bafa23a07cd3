//! `client`: the letter page.

use std::process::ExitCode;

use clap::Parser;
use client::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
