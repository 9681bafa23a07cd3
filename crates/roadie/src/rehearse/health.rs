//! The health of a task: its containers' own checks and its targets', and what they come to.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::clock::Clock;
use crate::container::{Port, Probe};

/// What is known of each thing that is checked; nothing before its first verdict.
#[derive(Clone, Debug)]
pub(crate) struct Board(Arc<watch::Sender<Vec<Option<bool>>>>);

/// A container's own check, with AWS's meaning of the numbers.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    /// What is run.
    pub(crate) command: Vec<String>,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) retries: u32,
    pub(crate) start_period: Duration,
}

impl Board {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Vec::new())))
    }

    /// A place for one more verdict.
    pub(crate) fn add(&self) -> usize {
        let mut place = 0;
        self.0.send_modify(|verdicts| {
            place = verdicts.len();
            verdicts.push(None);
        });
        place
    }

    pub(crate) fn set(&self, place: usize, healthy: bool) {
        self.0.send_if_modified(|verdicts| {
            let before = verdicts[place].replace(healthy);
            before != Some(healthy)
        });
    }

    /// Whether the verdict at `place` is good.
    pub(crate) fn is_good(&self, place: usize) -> bool {
        self.0.borrow()[place] == Some(true)
    }

    /// Waits until the verdict at `place` is good.
    pub(crate) async fn healthy(&self, place: usize) {
        let mut verdicts = self.0.subscribe();
        // The sender lives in the board that this borrows.
        let _ = verdicts
            .wait_for(|verdicts| verdicts[place] == Some(true))
            .await;
    }

    /// Waits for another summary than `last`: bad when one is bad, good when all are good.
    pub(crate) async fn change(&self, last: Option<bool>) -> Option<bool> {
        let mut verdicts = self.0.subscribe();
        let changed = verdicts
            .wait_for(|verdicts| summary(verdicts) != last)
            .await;
        changed.map_or(last, |verdicts| summary(&verdicts))
    }
}

fn summary(verdicts: &[Option<bool>]) -> Option<bool> {
    match verdicts.contains(&Some(false)) {
        true => Some(false),
        false => verdicts
            .iter()
            .all(|verdict| *verdict == Some(true))
            .then_some(true),
    }
}

impl Check {
    /// Checks for ever. The first check comes at once, not after an interval as on ECS: nobody should
    /// wait for a rehearsal that could begin.
    pub(crate) async fn run(
        self,
        probe: Probe,
        port: Port,
        clock: Clock,
        board: Board,
        place: usize,
    ) {
        let started = clock.now();
        let mut healthy_once = false;
        let mut failures = 0;
        loop {
            // The check runs in the container: it knows the port that the program listens on.
            let listening = port.borrow().unwrap_or(0);
            let passed = probe.passes(&self.command, listening, self.timeout).await;
            if passed {
                healthy_once = true;
                failures = 0;
                board.set(place, true);
            } else if healthy_once || clock.now() >= started + self.start_period {
                failures += 1;
                if failures >= self.retries {
                    board.set(place, false);
                }
            }
            clock.sleep(self.interval).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn one_bad_verdict_is_enough_and_a_good_one_takes_all() {
        assert_eq!(summary(&[None, None]), None);
        assert_eq!(summary(&[Some(true), None]), None);
        assert_eq!(summary(&[Some(true), Some(true)]), Some(true));
        assert_eq!(summary(&[None, Some(false)]), Some(false));
        assert_eq!(summary(&[Some(true), Some(false)]), Some(false));
    }
}
