//! One task in the eyes of the scheduler.

use std::time::Duration;

use super::deployment::DeploymentId;
use super::{Action, Revision, STEADY_WITHOUT_CHECKS, Settings, Time, Zone};

/// The name of a task within its service; a later task has a higher number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u64);

/// What the driver saw of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observation {
    /// All its containers have been started.
    Running,
    /// Its target and its container checks are healthy, all of those that it has.
    Healthy,
    /// One of them is not, or not any more.
    Unhealthy,
    /// It is out of its target groups and has nothing in flight: it need not drain any longer.
    Drained,
    /// An essential container ended, or all did.
    Exited,
    /// Its zone or its machine is gone, and it with that: no failure of its own.
    Lost,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// Its containers are being started.
    Starting,
    /// It runs; `health` as far as it was observed.
    Running {
        /// Since when.
        since: Time,
        /// The last word about its health.
        health: Option<bool>,
    },
    /// It gets no new requests, and is stopped at this time.
    Draining {
        /// The end of the deregistration delay.
        until: Time,
    },
    /// It was told to end.
    Stopping,
}

/// A task that is not gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub(super) id: TaskId,
    pub(super) deployment: DeploymentId,
    revision: Revision,
    zone: Zone,
    state: TaskState,
    steady: bool,
    unhealthy: bool,
    /// Whether its failure has been counted.
    failed: bool,
}

impl Task {
    pub(super) fn new(
        id: TaskId,
        deployment: DeploymentId,
        revision: Revision,
        zone: Zone,
    ) -> Self {
        Self {
            id,
            deployment,
            revision,
            zone,
            state: TaskState::Starting,
            steady: false,
            unhealthy: false,
            failed: false,
        }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// What it runs.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Where it runs.
    #[must_use]
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// How far it is.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.state
    }

    /// Whether it serves: it runs and is healthy, or has been running long enough where nobody checks.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        self.is_active() && self.steady
    }

    /// Whether it is starting or running, and not on its way out.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self.state, TaskState::Starting | TaskState::Running { .. })
    }

    /// Whether it was found unhealthy when that counts; it serves on until another one does.
    #[must_use]
    pub fn is_unhealthy(&self) -> bool {
        self.is_active() && self.unhealthy
    }

    /// Takes note; whether the task has failed by that.
    pub(super) fn observe(&mut self, observation: Observation, now: Time) -> bool {
        match (observation, &mut self.state) {
            (Observation::Running, state @ TaskState::Starting) => {
                *state = TaskState::Running {
                    since: now,
                    health: None,
                };
            }
            (Observation::Healthy, TaskState::Running { health, .. }) => *health = Some(true),
            (Observation::Unhealthy, TaskState::Running { health, .. }) => *health = Some(false),
            (Observation::Drained, TaskState::Draining { until }) => *until = now,
            (Observation::Exited, _) => return self.is_active() && !self.failed,
            _ => {}
        }
        false
    }

    /// Draws the conclusions of the time that has passed; whether the task has failed by that.
    pub(super) fn settle(&mut self, now: Time, settings: &Settings) -> bool {
        if let TaskState::Running { since, health } = self.state {
            self.steady = match settings.checked {
                true => health == Some(true),
                false => now >= since + STEADY_WITHOUT_CHECKS,
            };
            self.unhealthy = health == Some(false) && now >= since + settings.grace_period;
        }
        let fails = self.is_unhealthy() && !self.failed;
        self.failed |= fails;
        fails
    }

    /// When its state may change though nothing is observed.
    pub(super) fn wakes_at(&self, settings: &Settings) -> Option<Time> {
        match self.state {
            TaskState::Running { since, health } => match (settings.checked, health) {
                (true, Some(false)) => Some(since + settings.grace_period),
                (false, _) => Some(since + STEADY_WITHOUT_CHECKS),
                _ => None,
            },
            TaskState::Draining { until } => Some(until),
            TaskState::Starting | TaskState::Stopping => None,
        }
    }

    /// Sends it out: no new requests from now on, and its end after `delay`.
    pub(super) fn retire(&mut self, now: Time, delay: Duration) -> Action {
        self.state = TaskState::Draining { until: now + delay };
        Action::Deregister { task: self.id }
    }

    pub(super) fn stop_if_drained(&mut self, now: Time) -> bool {
        let drained = matches!(self.state, TaskState::Draining { until } if until <= now);
        if drained {
            self.state = TaskState::Stopping;
        }
        drained
    }
}
