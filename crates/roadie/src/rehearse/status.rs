//! What a service tells about itself, as JSON and on the terminal.

use std::collections::VecDeque;
use std::time::Duration;

use ecs::scheduler::{Revision, Rollout, Scheduler, TaskId, TaskState, Zone};
use serde::{Deserialize, Serialize};

use super::meter::mib;

/// A service at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ServiceStatus {
    pub(crate) name: String,
    pub(crate) desired: u32,
    pub(crate) running: u32,
    pub(crate) healthy: u32,
    pub(crate) deployments: Vec<DeploymentStatus>,
    pub(crate) tasks: Vec<TaskStatus>,
    /// The oldest first.
    pub(crate) events: VecDeque<Happening>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeploymentStatus {
    pub(crate) release: String,
    pub(crate) rollout: String,
    pub(crate) rollback: bool,
    pub(crate) failed_tasks: u32,
    /// Its tasks that serve.
    pub(crate) healthy: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TaskStatus {
    pub(crate) id: u64,
    pub(crate) release: String,
    pub(crate) zone: String,
    pub(crate) state: String,
    /// Where its target listens, or what starts last in it; none before it runs.
    pub(crate) port: Option<u16>,
    /// Since it was started, in the rehearsal's time.
    pub(crate) age_ms: u64,
    /// Of one processor, since it was started.
    pub(crate) cpu_percent: f64,
    pub(crate) memory_mib: u64,
}

/// What the scheduler does not know of a task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Particulars {
    pub(crate) port: Option<u16>,
    pub(crate) age: Duration,
    /// A share of one processor.
    pub(crate) cpu: f64,
    pub(crate) memory_bytes: u64,
}

/// Something that happened to a service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Happening {
    /// Milliseconds since the beginning of the rehearsal, in its own time.
    pub(crate) at_ms: u64,
    pub(crate) message: String,
}

impl ServiceStatus {
    pub(crate) fn of(
        name: &str,
        scheduler: &Scheduler,
        events: &VecDeque<Happening>,
        release: impl Fn(Revision) -> String,
        zone: impl Fn(Zone) -> String,
        particulars: impl Fn(TaskId) -> Particulars,
    ) -> Self {
        let deployments = scheduler.deployments().iter();
        let tasks = scheduler.tasks().iter();
        Self {
            name: name.to_owned(),
            desired: scheduler.desired(),
            running: scheduler.active(),
            healthy: scheduler.healthy(),
            deployments: deployments
                .map(|deployment| DeploymentStatus {
                    release: release(deployment.revision()),
                    rollout: rollout(deployment.rollout()).to_owned(),
                    rollback: deployment.is_rollback(),
                    failed_tasks: deployment.failed_tasks(),
                    healthy: scheduler.healthy_of(deployment),
                })
                .collect(),
            tasks: tasks
                .map(|task| (task, particulars(task.id())))
                .map(|(task, particulars)| TaskStatus {
                    port: particulars.port,
                    age_ms: millis(particulars.age),
                    cpu_percent: (1000.0 * particulars.cpu).round() / 10.0,
                    memory_mib: mib(particulars.memory_bytes),
                    zone: zone(task.zone()),
                    id: task.id().0,
                    release: release(task.revision()),
                    state: match task.state() {
                        TaskState::Starting => "starting",
                        TaskState::Running { .. } if task.is_steady() => "healthy",
                        TaskState::Running { .. } if task.is_unhealthy() => "unhealthy",
                        TaskState::Running { .. } => "running",
                        TaskState::Draining { .. } => "draining",
                        TaskState::Stopping => "stopping",
                    }
                    .to_owned(),
                })
                .collect(),
            events: events.clone(),
        }
    }
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whole microseconds.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// As people say it: two units at most.
pub(crate) fn age(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// `rolloutState`, in ECS's words.
fn rollout(rollout: Rollout) -> &'static str {
    match rollout {
        Rollout::InProgress => "IN_PROGRESS",
        Rollout::Completed => "COMPLETED",
        Rollout::Failed => "FAILED",
    }
}
