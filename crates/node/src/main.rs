//! `node`: one link of the chain.

use std::process::ExitCode;

use clap::Parser;
use node::Cli;

/// A rally is many small allocations: this one takes half as long over them as the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    Cli::parse().run()
}
