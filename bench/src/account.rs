//! What Linux says of processes and of the machine: time on the processor, memory.

use std::fs;

/// User and system time of a process in microseconds, all its threads included.
pub(crate) fn cpu_us(pid: u32) -> u64 {
    let fields = stat(pid);
    // Numbered as in proc_pid_stat(5), which counts from 1; the first two are cut off.
    ticks(&fields, 14) + ticks(&fields, 15)
}

/// The same of this process's children that have ended.
pub(crate) fn children_cpu_us() -> u64 {
    let fields = stat(std::process::id());
    ticks(&fields, 16) + ticks(&fields, 17)
}

/// Resident memory in bytes.
pub(crate) fn resident_bytes(pid: u32) -> u64 {
    let pages = stat(pid).get(24 - 3).copied().unwrap_or_default();
    pages * rustix::param::page_size() as u64
}

/// The time that all processors of the machine were busy, in microseconds.
pub(crate) fn machine_busy_us() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace();
    let fields: Vec<u64> = fields.filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, then idle and waiting, then interrupts
    let busy = fields
        .iter()
        .enumerate()
        .filter(|(n, _)| ![3, 4].contains(n));
    busy.take(5).map(|(_, ticks)| ticks * tick_us()).sum()
}

fn stat(pid: u32) -> Vec<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold anything.
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let fields = fields.split_whitespace();
    fields
        .map(|field| field.parse().unwrap_or_default())
        .collect()
}

fn ticks(fields: &[u64], number: usize) -> u64 {
    fields.get(number - 3).copied().unwrap_or_default() * tick_us()
}

fn tick_us() -> u64 {
    1_000_000 / rustix::param::clock_ticks_per_second()
}
