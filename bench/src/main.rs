//! Measures the suite beside its peers, and beside the least that the same bytes cost.
//!
//! `cargo run --release -p bench` builds what it compares, and then measures it in rounds: A B C, A B C,
//! …, so that whatever drifts, drifts for all. Four processes a contender on loopback, every answer
//! checked. A contender whose runtime is missing is left out by name.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool of this repository: an output that takes no more may end it"
)]

mod account;
mod band;
mod chart;
mod contender;
mod load;
mod machine;
mod measure;
mod peers;
mod results;
mod sink;
mod table;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;

use self::contender::Contender;
use self::measure::Course;

/// Measure the suite beside its peers, four processes each on loopback.
#[derive(Debug, Parser)]
struct Options {
    /// A round or two of less of everything: does the measurement work?
    #[arg(long)]
    quick: bool,

    /// Measure the release programs as they are, without building them first
    #[arg(long)]
    built: bool,

    /// How often each contender is measured
    #[arg(long, default_value_t = 4)]
    rounds: usize,

    /// How long each load lasts
    #[arg(long, default_value_t = 2)]
    seconds: u32,

    /// Rallies a second of the load with a fixed rate
    #[arg(long, default_value_t = 500)]
    rate: u32,

    /// Only contenders whose name contains one of these, comma-separated
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,

    /// Leave the long chains out
    #[arg(long)]
    no_chains: bool,

    /// Where the results go as JSON
    #[arg(long, default_value = "target/bench/results.json")]
    json: PathBuf,

    /// Where the chart goes
    #[arg(long, default_value = "target/bench/chart.svg")]
    chart: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    std::env::set_current_dir(&root).context("cannot go to the repository's root")?;

    sink::start()?;
    let mut absent = Vec::new();
    let mut contenders = Vec::new();
    if !options.built {
        peers::build_ours()?;
    }
    for found in Contender::all() {
        let wanted = |part: &String| found.name.contains(part.as_str());
        if !options.only.is_empty() && !options.only.iter().any(wanted) {
            continue;
        }
        match found.prepare() {
            Ok(()) => contenders.push(found),
            Err(why) => absent.push((found.name, format!("{why:#}"))),
        }
    }
    let course = match options.quick {
        true => Course {
            rounds: 1,
            seconds: 1,
            connections: vec![1, 16],
            rate: options.rate,
            patience: Duration::from_secs(1),
            chains: vec![4, 8],
        },
        false => Course {
            rounds: options.rounds,
            seconds: options.seconds,
            connections: vec![1, 16, 64, 256],
            rate: options.rate,
            patience: Duration::from_secs(20),
            chains: match options.no_chains {
                true => Vec::new(),
                false => vec![4, 8, 16, 32],
            },
        },
    };
    let results = course.run(&contenders, absent)?;

    print!("{}", table::text(&results));
    for (path, text) in [
        (
            &options.json,
            serde_json::to_string_pretty(&results)? + "\n",
        ),
        (&options.chart, chart::svg(&results)),
    ] {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("written: {}", path.display());
    }
    Ok(())
}
