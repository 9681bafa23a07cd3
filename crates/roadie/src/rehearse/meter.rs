//! What a task uses of the machine, and what happens to a container that uses too much.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::container::{Gauge, Usage};

/// How often usage is read, at most.
const PERIOD: Duration = Duration::from_secs(1);

/// A task's usage; handles to it are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Meter(Arc<Mutex<Readings>>);

#[derive(Debug)]
struct Readings {
    begun: Instant,
    latest: Usage,
    /// Until when the usage was accounted for, and what it was then.
    taken: (Instant, Duration),
}

/// A container to be read.
#[derive(Clone, Debug)]
pub(crate) struct Gauged {
    pub(crate) name: String,
    pub(crate) limit_bytes: Option<u64>,
    pub(crate) gauge: Gauge,
}

impl Meter {
    pub(crate) fn new() -> Self {
        let begun = Instant::now();
        Self(Arc::new(Mutex::new(Readings {
            begun,
            latest: Usage::default(),
            taken: (begun, Duration::ZERO),
        })))
    }

    /// Reads `containers` again and again, kills what exceeds its limit, and says so.
    pub(crate) async fn run(
        self,
        containers: Vec<Gauged>,
        period: Duration,
        mut say: impl FnMut(String),
    ) {
        loop {
            tokio::time::sleep(period.min(PERIOD)).await;
            let mut all = Usage::default();
            for container in &containers {
                let Some(usage) = container.gauge.read() else {
                    continue;
                };
                all.cpu += usage.cpu;
                all.memory_bytes += usage.memory_bytes;
                let limit = container.limit_bytes;
                if let Some(limit) = limit.filter(|limit| usage.memory_bytes > *limit) {
                    let (used, limit) = (mib(usage.memory_bytes), mib(limit));
                    say(format!(
                        "{} uses {used} MiB of memory, its limit is {limit}: out of memory, killed",
                        container.name
                    ));
                    container.gauge.kill();
                }
            }
            self.readings().latest = all;
        }
    }

    /// Memory now, in bytes.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.readings().latest.memory_bytes
    }

    /// Processor time since the task began, as a share of one processor.
    pub(crate) fn mean_cpu(&self) -> f64 {
        let readings = self.readings();
        let age = readings.begun.elapsed().as_secs_f64();
        readings.latest.cpu.as_secs_f64() / age.max(f64::EPSILON)
    }

    /// Processor time since this was last asked, and how long ago that was.
    pub(crate) fn take_cpu(&self) -> (Duration, Duration) {
        let mut readings = self.readings();
        let now = (Instant::now(), readings.latest.cpu);
        let before = std::mem::replace(&mut readings.taken, now);
        (now.1.saturating_sub(before.1), now.0 - before.0)
    }

    fn readings(&self) -> MutexGuard<'_, Readings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whole MiB, rounded up: what exceeds a limit shall look so.
pub(crate) fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1024 * 1024)
}
