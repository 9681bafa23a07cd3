//! One deployment of a service: a revision on its way to the desired count.

use super::{FIRST_PAUSE, LONGEST_PAUSE, Revision, Time};

/// `rolloutState`, as ECS calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollout {
    /// Under way.
    InProgress,
    /// All its tasks served.
    Completed,
    /// The circuit breaker gave it up.
    Failed,
}

/// Tells deployments apart, also those of one revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DeploymentId(pub(super) u64);

/// A deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    pub(super) id: DeploymentId,
    revision: Revision,
    rollout: Rollout,
    is_rollback: bool,
    failed_tasks: u32,
    failures_in_a_row: u32,
    not_before: Time,
    /// Older tasks that were given up before newer ones served, because there was no room for those.
    made_way: u32,
}

impl Deployment {
    pub(super) fn new(id: DeploymentId, revision: Revision, now: Time) -> Self {
        Self {
            id,
            revision,
            rollout: Rollout::InProgress,
            is_rollback: false,
            failed_tasks: 0,
            failures_in_a_row: 0,
            not_before: now,
            made_way: 0,
        }
    }

    /// What it brings.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// How far it is.
    #[must_use]
    pub fn rollout(&self) -> Rollout {
        self.rollout
    }

    /// Whether it had completed before, and is back because a newer one failed.
    #[must_use]
    pub fn is_rollback(&self) -> bool {
        self.is_rollback
    }

    /// Tasks that ended by themselves or became unhealthy.
    #[must_use]
    pub fn failed_tasks(&self) -> u32 {
        self.failed_tasks
    }

    /// No task is started before this.
    #[must_use]
    pub fn not_before(&self) -> Time {
        self.not_before
    }

    /// A task was found unhealthy. What takes its place need not wait: that took its time.
    pub(super) fn count_ill(&mut self) {
        self.failed_tasks += 1;
    }

    /// A task has ended by itself. The next ones wait, longer with each further one.
    pub(super) fn count_failure(&mut self, now: Time) {
        self.failed_tasks += 1;
        let doubled = FIRST_PAUSE.saturating_mul(1 << self.failures_in_a_row.min(20));
        self.failures_in_a_row += 1;
        self.not_before = now + doubled.min(LONGEST_PAUSE);
    }

    pub(super) fn end_row_of_failures(&mut self) {
        self.failures_in_a_row = 0;
    }

    pub(super) fn made_way(&self) -> u32 {
        self.made_way
    }

    pub(super) fn make_way(&mut self) {
        self.made_way += 1;
    }

    pub(super) fn complete(&mut self) {
        self.rollout = Rollout::Completed;
    }

    pub(super) fn fail(&mut self) {
        self.rollout = Rollout::Failed;
    }

    pub(super) fn come_back(&mut self, now: Time) {
        self.rollout = Rollout::InProgress;
        self.is_rollback = true;
        self.failures_in_a_row = 0;
        self.made_way = 0;
        self.not_before = now;
    }
}
