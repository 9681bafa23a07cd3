//! The machine: what it is, and whether it is quiet.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::account;

/// The machine counts as quiet when less than this share of one processor is busy, in per cent.
const QUIET_PERCENT: u64 = 10;

/// How long it is looked at.
const LOOK: Duration = Duration::from_millis(300);

/// Waits for a quiet machine; the share of a processor that was still busy when it gave up.
pub(crate) fn wait_until_quiet(patience: Duration) -> Result<(), u64> {
    let begun = Instant::now();
    loop {
        let (before, at) = (account::machine_busy_us(), Instant::now());
        std::thread::sleep(LOOK);
        let busy = percent(account::machine_busy_us() - before, at.elapsed());
        if busy < QUIET_PERCENT {
            return Ok(());
        }
        if begun.elapsed() > patience {
            return Err(busy);
        }
    }
}

/// `us` as a share of one processor's time.
pub(crate) fn percent(us: u64, of: Duration) -> u64 {
    us * 100 / u64::try_from(of.as_micros()).unwrap_or(u64::MAX).max(1)
}

/// One line for the head of a table.
pub(crate) fn describe() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let names = cpus
        .lines()
        .filter_map(|line| line.strip_prefix("model name"));
    let names: Vec<_> = names.collect();
    let model = names.first().map_or("unknown processor", |name| {
        name.trim_start_matches([' ', '\t', ':'])
    });
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory
        .split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse().ok());
    let gib = kib.unwrap_or(0_u64) >> 20;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{} × {model}, {gib} GiB, Linux {}",
        names.len(),
        kernel.trim()
    )
}

/// The versions of what is compared.
pub(crate) fn versions() -> Vec<String> {
    let line = |program: &str, flag: &str| {
        let output = Command::new(program).arg(flag).output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        Some(text.lines().next()?.trim().to_owned())
    };
    let node = line("node", "--version").map(|version| format!("Node.js {version}"));
    let versions = [
        line("rustc", "--version"),
        line("go", "version"),
        line("nginx", "-v"),
        node,
    ];
    versions.into_iter().flatten().collect()
}
