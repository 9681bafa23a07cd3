//! `roadie bench`: a measured load on one address that its user owns.
//!
//! - `target`: what is asked, and whether it may be;
//! - `hops`: which node is slow, and who answers, asked now and then while the load lasts;
//! - `report`: what is said in the end, as text or as JSON.

mod hops;
mod report;
mod target;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior};

use self::hops::Sampler;
use self::report::Report;
use self::target::Target;
use crate::load::{Answer, Load, Plan, Tally};
use crate::stdio;

/// Exit status when no load was made, as for a wrong command line.
const COULD_NOT_ASK: u8 = 2;

/// The highest rate on a host that is not this one: enough to see it work, too little to hurt it.
const MAX_RATE_ELSEWHERE: f64 = 1000.0;

/// The rate there when none is given.
const RATE_ELSEWHERE: f64 = 50.0;

/// Ask a URL over and over, and say how fast and how well it answers.
#[derive(Args, Clone, Debug)]
pub(crate) struct Bench {
    /// What to ask, such as <http://127.0.0.1:8080>; a URL without a path means /start
    url: String,

    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,

    /// Requests a second, however slow the answers are; without it, each connection asks again as soon
    /// as it has its answer (50 a second on another host than this one)
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,

    /// How long
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=300))]
    seconds: u16,

    /// End after this many requests
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,

    /// The longest to wait for an answer
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u16).range(1..))]
    timeout_ms: u16,

    /// The only body that is a good answer; without it, any with status 200
    #[arg(long, value_name = "BODY")]
    expect: Option<String>,

    /// Do not ask for the hops of a rally meanwhile
    #[arg(long)]
    no_hops: bool,

    /// You may load this host, although it is another one: at most 1000 requests a second
    #[arg(long)]
    i_own_this_host: bool,

    /// How to say it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, with a line of progress each second
    Text,
    /// One JSON object
    Json,
}

/// Asks, and ends: 0, 1 when an answer was not good, 2 when nothing could be asked.
pub(crate) fn main(options: &Bench) -> ExitCode {
    // One thread: the load takes as little as it can from what it measures.
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")
        .and_then(|runtime| runtime.block_on(bench(options)));
    match outcome {
        Ok(report) if report.is_good() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => stdio::failure(&error, COULD_NOT_ASK),
    }
}

async fn bench(options: &Bench) -> anyhow::Result<Report> {
    let target = Target::find(&options.url).await?;
    let pace = target.allow(options)?;
    let plan = Plan {
        addresses: target.addresses.clone(),
        host: target.host.clone(),
        path: target.path.clone(),
        connections: usize::from(options.connections),
        pace,
        time: Duration::from_secs(options.seconds.into()),
        requests: options.requests,
        timeout: Duration::from_millis(options.timeout_ms.into()),
    };
    let expected = options.expect.clone();
    let load = Load::start(&plan, move |answer| judge(answer, expected.as_deref()));
    let sampler = (!options.no_hops && target.is_rally()).then(|| Sampler::start(&plan));
    let mut progress = Progress::new(options.format);
    tokio::select! {
        () = load.finished() => {}
        () = progress.tell(&load, &plan) => {}
        // Whoever has seen enough gets the report up to here.
        _ = tokio::signal::ctrl_c() => {}
    }
    progress.end();
    let tally = load.end().await;
    let hops = match sampler {
        Some(sampler) => sampler.end().await,
        None => hops::Hops::default(),
    };
    let report = Report::new(&options.url, &plan, tally, hops);
    let text = match options.format {
        Format::Text => report.text(),
        Format::Json => report.json()?,
    };
    stdio::if_read(stdio::print(&text))?;
    Ok(report)
}

/// Whether an answer is good; else what it is instead: a status, with class and hop where a node says
/// them.
fn judge(answer: &Answer<'_>, expected: Option<&str>) -> Result<(), String> {
    if answer.status == 200 {
        return match expected.is_none_or(|expected| expected.as_bytes() == answer.body) {
            true => Ok(()),
            false => Err("200 with another body".to_owned()),
        };
    }
    let envelope: Value = serde_json::from_slice(answer.body).unwrap_or_default();
    let message = &envelope["message"];
    let word = |name: &str| message[name].as_str().filter(|word| is_plain(word));
    let code = word("code").map(|code| format!(" {code}"));
    let hop = word("hop").map(|hop| format!(" at {hop}"));
    Err(format!(
        "{}{}{}",
        answer.status,
        code.unwrap_or_default(),
        hop.unwrap_or_default()
    ))
}

/// What a server says goes to a terminal: nothing there may obey it.
fn is_plain(word: &str) -> bool {
    (1..=100).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_graphic())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok();
    rate.filter(|rate| (0.1..=1_000_000.0).contains(rate))
        .ok_or_else(|| "takes a number from 0.1 to 1000000".to_owned())
}

/// A line a second on standard error; on a terminal it is the same one.
struct Progress {
    told: bool,
    terminal: bool,
}

impl Progress {
    fn new(format: Format) -> Self {
        Self {
            told: format == Format::Text,
            terminal: stdio::tells_terminal(),
        }
    }

    /// Never ends.
    async fn tell(&mut self, load: &Load, plan: &Plan) {
        let begun = Instant::now();
        let mut each_second = tokio::time::interval(Duration::from_secs(1));
        each_second.set_missed_tick_behavior(MissedTickBehavior::Skip);
        each_second.tick().await;
        let mut before = 0;
        loop {
            each_second.tick().await;
            if !self.told {
                continue;
            }
            let tally: Tally = load.so_far();
            let (second, requests) = (begun.elapsed().as_secs(), tally.requests());
            let line = format!(
                "{second} of {} s  {} in the last second  p50 {}  p99 {}  {} failed",
                plan.time.as_secs(),
                report::grouped(requests - before),
                report::time(tally.latency.quantile(500)),
                report::time(tally.latency.quantile(990)),
                report::grouped(tally.failed()),
            );
            before = requests;
            match self.terminal {
                true => stdio::tell_styled(&format!("\r{line}\x1b[K")),
                false => stdio::tell(&format!("{line}\n")),
            }
        }
    }

    /// Makes room for the report.
    fn end(&self) {
        if self.told && self.terminal {
            stdio::tell_styled("\r\x1b[K");
        }
    }
}
