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

    /// Reads `containers` again and again, kills what exceeds its limit or, where all together exceed
    /// the task's, the largest, and says so.
    pub(crate) async fn run(
        self,
        containers: Vec<Gauged>,
        task_limit: Option<u64>,
        period: Duration,
        mut say: impl FnMut(String),
    ) {
        loop {
            tokio::time::sleep(period.min(PERIOD)).await;
            let mut all = Usage::default();
            let mut memory = Vec::new();
            for container in &containers {
                let usage = container.gauge.read().unwrap_or_default();
                all.cpu += usage.cpu;
                all.memory_bytes += usage.memory_bytes;
                memory.push((usage.memory_bytes, container.limit_bytes));
            }
            self.readings().latest = all;
            for (index, used, limit) in too_large(&memory, task_limit) {
                let name = &containers[index].name;
                let (used, limit) = (mib(used), mib(limit));
                say(format!(
                    "{name} uses {used} MiB of memory, its limit is {limit}: out of memory, killed"
                ));
                containers[index].gauge.kill();
            }
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

/// Which of these containers, each with its use and its limit, the kernel would kill, with what it may
/// use: those above their own limits, else the largest where all are above the task's.
fn too_large(containers: &[(u64, Option<u64>)], task_limit: Option<u64>) -> Vec<(usize, u64, u64)> {
    let places = containers.iter().enumerate();
    let own = places.filter_map(|(place, (used, limit))| {
        let limit = limit.filter(|limit| used > limit)?;
        Some((place, *used, limit))
    });
    let own: Vec<_> = own.collect();
    if !own.is_empty() {
        return own;
    }
    let all: u64 = containers.iter().map(|(used, _)| used).sum();
    let places = containers.iter().enumerate();
    let largest = places.max_by_key(|(_, (used, _))| *used);
    let largest = task_limit.filter(|limit| all > *limit).zip(largest);
    largest
        .map(|(limit, (place, (used, _)))| (place, *used, limit.saturating_sub(all - used)))
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::too_large;

    #[test]
    fn a_container_dies_of_its_own_limit_or_the_largest_of_the_tasks() {
        let containers = [(30, Some(40)), (60, Some(50)), (70, None)];
        assert_eq!(too_large(&containers, None), [(1, 60, 50)]);
        let containers = [(30, Some(40)), (60, None)];
        assert_eq!(too_large(&containers, Some(90)), []);
        assert_eq!(too_large(&containers, Some(80)), [(1, 60, 50)]);
        assert_eq!(too_large(&[], Some(0)), []);
    }
}
