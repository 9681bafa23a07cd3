//! What became of the requests of a load.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::histogram::Histogram;

/// Kinds of errors that are told apart; a server can make them up without end.
const MAX_KINDS: usize = 32;

/// Good answers by latency, all others by what was wrong with them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Of answers that were checked and found good.
    pub(crate) latency: Histogram,
    /// How many of each kind.
    pub(crate) errors: BTreeMap<String, u64>,
    /// From the start to the last answer.
    pub(crate) took: Duration,
    pub(super) last: Option<Instant>,
}

impl Tally {
    /// Adds what another load came to; the longer of both counts as the time it took.
    pub(crate) fn add(&mut self, other: &Self) {
        self.latency.add(&other.latency);
        for (kind, count) in &other.errors {
            *self.errors.entry(kind.clone()).or_default() += count;
        }
        self.took = self.took.max(other.took);
        self.last = self.last.max(other.last);
    }

    /// All requests.
    pub(crate) fn requests(&self) -> u64 {
        self.latency.count() + self.failed()
    }

    /// Those that got no good answer.
    pub(crate) fn failed(&self) -> u64 {
        self.errors.values().sum()
    }

    pub(super) fn record(&mut self, outcome: Result<(), String>, due: Instant, now: Instant) {
        self.last = Some(now);
        match outcome {
            Ok(()) => self.latency.record(now - due),
            Err(kind) if self.errors.len() < MAX_KINDS || self.errors.contains_key(&kind) => {
                *self.errors.entry(kind).or_default() += 1;
            }
            Err(_) => *self.errors.entry("other".to_owned()).or_default() += 1,
        }
    }
}
