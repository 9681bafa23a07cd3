//! The `process_*` figures that every Prometheus dashboard expects, read from Linux's `/proc`.
//!
//! Elsewhere the files are missing and the figures are left out.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

#[derive(Debug)]
pub(super) struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let mut write = |name, help, unit: Option<&Unit>, metric: &dyn Figure| {
            metric.write(&mut encoder, name, help, unit)
        };
        if let Some(stat) = Stat::read() {
            let cpu = ConstCounter::new(stat.cpu_seconds);
            write(
                "process_cpu",
                "User and system time",
                Some(&Unit::Seconds),
                &cpu,
            )?;
            let threads = ConstGauge::new(stat.threads);
            write("process_threads", "Threads", None, &threads)?;
            let resident = ConstGauge::new(stat.resident_bytes);
            write(
                "process_resident_memory",
                "Resident memory",
                Some(&Unit::Bytes),
                &resident,
            )?;
            let virt = ConstGauge::new(stat.virtual_bytes);
            write(
                "process_virtual_memory",
                "Virtual memory",
                Some(&Unit::Bytes),
                &virt,
            )?;
            if let Some(boot) = boot_time() {
                let start = ConstGauge::new(boot + stat.started_after_boot_seconds);
                let help = "Start of the process since the Unix epoch";
                write("process_start_time", help, Some(&Unit::Seconds), &start)?;
            }
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            let open = ConstGauge::new(i64::try_from(open.count()).unwrap_or(i64::MAX));
            write("process_open_fds", "Open file descriptors", None, &open)?;
        }
        Ok(())
    }
}

/// A metric with a value, whatever its kind.
trait Figure {
    fn write(
        &self,
        encoder: &mut DescriptorEncoder,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
    ) -> Result<(), std::fmt::Error>;
}

impl<M: EncodeMetric> Figure for M {
    fn write(
        &self,
        encoder: &mut DescriptorEncoder,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
    ) -> Result<(), std::fmt::Error> {
        self.encode(encoder.encode_descriptor(name, help, unit, self.metric_type())?)
    }
}

struct Stat {
    cpu_seconds: f64,
    threads: i64,
    started_after_boot_seconds: f64,
    virtual_bytes: i64,
    resident_bytes: i64,
}

impl Stat {
    /// Fields of `proc_pid_stat(5)`, which counts them from 1.
    fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // Field 2, the name in parentheses, may hold spaces and parentheses itself.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u32>().ok();
        let wide = |number: usize| fields.get(number - 3)?.parse::<i64>().ok();
        let tick = f64::from(u32::try_from(rustix::param::clock_ticks_per_second()).ok()?);
        let page = i64::try_from(rustix::param::page_size()).ok()?;
        Some(Self {
            cpu_seconds: (f64::from(field(14)?) + f64::from(field(15)?)) / tick,
            threads: wide(20)?,
            started_after_boot_seconds: f64::from(field(22)?) / tick,
            virtual_bytes: wide(23)?,
            resident_bytes: wide(24)? * page,
        })
    }
}

fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}
