//! What the process of a container uses of the machine, as Linux tells it.

use std::time::Duration;

/// Processor time since the process began, and memory now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    pub(crate) memory_bytes: u64,
}

impl Usage {
    /// That of the process `id`; none where it is gone or the system does not tell.
    pub(super) fn of(id: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        Self::parse(
            &stat,
            rustix::param::clock_ticks_per_second(),
            rustix::param::page_size() as u64,
        )
    }

    /// Reads fields 14, 15 and 24 of `proc_pid_stat(5)`; the name before them may hold anything.
    fn parse(stat: &str, ticks_per_second: u64, page_bytes: u64) -> Option<Self> {
        let (_, rest) = stat.rsplit_once(')')?;
        let field = |number: usize| {
            let text = rest.split_ascii_whitespace().nth(number - 3)?;
            text.parse::<u64>().ok()
        };
        let ticks = field(14)? + field(15)?;
        Some(Self {
            cpu: Duration::from_millis(ticks * 1000 / ticks_per_second.max(1)),
            memory_bytes: field(24)? * page_bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_does_not_confuse() {
        let stat = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 13 14 15 16 17 18 19 20 1000 22";
        let usage = Usage::parse(stat, 100, 4096).unwrap();
        assert_eq!(usage.cpu, Duration::from_secs(2));
        assert_eq!(usage.memory_bytes, 1000 * 4096);
        assert_eq!(Usage::parse("42 (node) S 1", 100, 4096), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_own_process_uses_something() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.memory_bytes > 0);
    }
}
