//! One load by `roadie bench`, and what it cost whom.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::account;
use crate::band::Band;
use crate::machine::percent;

/// What a load looks like.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Load {
    pub(crate) connections: u32,
    /// Rallies a second; none: as many as there can be.
    pub(crate) rate: Option<u32>,
    pub(crate) seconds: u32,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
    /// User and system time of the contender's processes for each rally.
    pub(crate) cpu_us: f64,
    /// Where the machine counts them.
    pub(crate) instructions: Option<f64>,
    /// What neither contender nor load had of the processors: others disturbed.
    pub(crate) others_percent: u64,
}

#[derive(Deserialize)]
struct Report {
    good: u32,
    failed: u32,
    seconds: f64,
    latency_us: Latency,
    errors: serde_json::Value,
}

#[derive(Deserialize)]
struct Latency {
    p50: f64,
    p99: f64,
    p999: f64,
}

impl Load {
    /// Loads `band`; an answer that is not the expected one is an error.
    pub(crate) fn run(self, band: &Band, count: bool) -> anyhow::Result<Outcome> {
        let mut command = match count {
            true => perf(&band.pids()),
            false => Command::new("target/release/roadie"),
        };
        command
            .args(["bench", &band.url(), "--no-hops", "--format", "json"])
            .args(["--expect", &band.expected()])
            .args(["--connections", &self.connections.to_string()])
            .args(["--seconds", &self.seconds.to_string()]);
        if let Some(rate) = self.rate {
            command.args(["--rate", &rate.to_string()]);
        }
        let (busy, children, cpu) = (
            account::machine_busy_us(),
            account::children_cpu_us(),
            band.cpu_us(),
        );
        let begun = Instant::now();
        let output = command.stdin(Stdio::null()).output();
        let output = output.context("cannot start roadie")?;
        let took = begun.elapsed();
        let cpu = band.cpu_us() - cpu;
        let children = account::children_cpu_us() - children;
        let busy = account::machine_busy_us() - busy;

        let errors = String::from_utf8_lossy(&output.stderr);
        let report: Report = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("roadie bench: {}", errors.trim()))?;
        ensure!(
            report.failed == 0 && report.good > 0,
            "{} of {} answers were not good: {}",
            report.failed,
            report.good + report.failed,
            report.errors
        );
        let rallies = f64::from(report.good);
        Ok(Outcome {
            per_second: rallies / report.seconds,
            p50_us: report.latency_us.p50,
            p99_us: report.latency_us.p99,
            p999_us: report.latency_us.p999,
            cpu_us: micros(cpu) / rallies,
            instructions: counted(&errors).map(|all| all / rallies),
            others_percent: percent(busy.saturating_sub(cpu + children), took),
        })
    }
}

/// Whether the machine counts instructions; why not.
pub(crate) fn counts_instructions() -> Result<(), String> {
    let tried = Command::new("perf")
        .args(["stat", "-x,", "-e", "instructions", "true"])
        .output();
    match tried {
        Err(_) => Err("there is no perf".to_owned()),
        Ok(output) if counted(&String::from_utf8_lossy(&output.stderr)).is_some() => Ok(()),
        Ok(_) => Err("perf has no such counter here".to_owned()),
    }
}

/// Counts the instructions of `pids` while the command that follows runs.
fn perf(pids: &[u32]) -> Command {
    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
    let mut perf = Command::new("perf");
    perf.args(["stat", "-x,", "-e", "instructions", "-p", &pids.join(",")]);
    perf.args(["--", "target/release/roadie"]);
    perf
}

/// The number in perf's line `1234,,instructions,…`.
fn counted(lines: &str) -> Option<f64> {
    let line = lines.lines().find(|line| line.contains(",instructions"))?;
    line.split(',').next()?.parse().ok()
}

fn micros(us: u64) -> f64 {
    Duration::from_micros(us).as_secs_f64() * 1e6
}
