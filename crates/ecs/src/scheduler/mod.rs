//! What the ECS service scheduler does, as a state machine: no clock, no process, no socket.
//!
//! Whoever drives it tells it what is wanted ([`Scheduler::deploy`], [`Scheduler::scale`]) and what
//! became of the tasks ([`Scheduler::observe`]), each time with the time that has passed since some
//! beginning, and then does what [`Scheduler::advance`] answers. [`Scheduler::wakes_at`] says when to
//! ask again though nothing happened.
//!
//! ```text
//! Start ─▶ starting ─▶ running ─▶ steady            Deregister ─▶ draining ─▶ Stop ─▶ stopping ─▶ gone
//!                         └──── unhealthy, replaced, scaled in ────────┘
//! ```

mod decide;
mod deployment;
mod task;
mod zones;

use std::time::Duration;

use crate::deployment::DeploymentConfiguration;

use self::deployment::DeploymentId;
pub use deployment::{Deployment, Rollout};
pub use task::{Observation, Task, TaskId, TaskState};
pub use zones::Zone;
use zones::Zones;

/// Time since the driver's beginning.
pub type Time = Duration;

/// A revision of a task definition, by its number.
pub type Revision = u64;

/// Without any health check, ECS takes a task for steady after it has been running for this long.
pub const STEADY_WITHOUT_CHECKS: Duration = Duration::from_secs(40);

/// The pause after the first failed task of a row; it doubles with each further one. ECS throttles a
/// service whose tasks keep failing without documenting the steps.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: ECS documents an increase up to 27 minutes.
pub const LONGEST_PAUSE: Duration = Duration::from_mins(27);

/// What the files say about a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Limits and circuit breaker.
    pub deployment: DeploymentConfiguration,
    /// Whether the tasks' health is observed at all, by a target group or by a container check.
    pub checked: bool,
    /// How long a running task's bad health is not held against it.
    pub grace_period: Duration,
    /// How long a task drains before it is stopped; zero without a load balancer.
    pub deregistration_delay: Duration,
    /// Over how many zones tasks are spread.
    pub zones: usize,
    /// Whether tasks move when the zones have become uneven.
    pub rebalances: bool,
}

/// What the driver has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Start a task of this revision.
    Start {
        /// Its name from now on.
        task: TaskId,
        /// What to run.
        revision: Revision,
        /// Where to.
        zone: Zone,
    },
    /// Take it out of its target groups: it gets no new requests.
    Deregister {
        /// Which.
        task: TaskId,
    },
    /// SIGTERM, and SIGKILL after the stop timeout.
    Stop {
        /// Which.
        task: TaskId,
    },
}

/// One service.
#[derive(Debug, Clone)]
pub struct Scheduler {
    settings: Settings,
    desired: u32,
    /// The newest first; all but the first are on their way out.
    deployments: Vec<Deployment>,
    tasks: Vec<Task>,
    started: u64,
    deployed: u64,
    zones: Zones,
    /// A task beyond the desired count that shall take the place of one in a fuller zone.
    moving: Option<TaskId>,
}

impl Scheduler {
    /// A service that wants `desired` tasks of `revision`; its first deployment begins now.
    #[must_use]
    pub fn new(settings: Settings, desired: u32, revision: Revision, now: Time) -> Self {
        Self {
            zones: Zones::new(settings.zones),
            moving: None,
            settings,
            desired,
            deployments: vec![Deployment::new(DeploymentId(0), revision, now)],
            tasks: Vec::new(),
            started: 0,
            deployed: 0,
        }
    }

    /// Begins a deployment, also of a revision that runs already: its tasks are replaced then.
    pub fn deploy(&mut self, revision: Revision, now: Time) {
        self.deployed += 1;
        let deployment = Deployment::new(DeploymentId(self.deployed), revision, now);
        self.deployments.insert(0, deployment);
    }

    /// Wants another number of tasks.
    pub fn scale(&mut self, desired: u32) {
        self.desired = desired;
    }

    /// Learns what became of a task. What is said of an unknown task is ignored.
    pub fn observe(&mut self, task: TaskId, observation: Observation, now: Time) {
        let Some(index) = self.tasks.iter().position(|known| known.id == task) else {
            return;
        };
        let failed = self.tasks[index].observe(observation, now);
        let deployment = self.tasks[index].deployment;
        if matches!(observation, Observation::Exited | Observation::Lost) {
            self.tasks.remove(index);
        }
        if let Some(deployment) = self.deployment(deployment) {
            if failed {
                deployment.count_failure(now);
            } else if observation == Observation::Healthy {
                deployment.end_row_of_failures();
            }
        }
    }

    /// Decides what is to be done now.
    pub fn advance(&mut self, now: Time) -> Vec<Action> {
        let mut actions = Vec::new();
        self.judge(now);
        self.break_circuit(now);
        self.settle_move();
        self.retire_replaced(now, &mut actions);
        self.retire_unhealthy(now, &mut actions);
        self.retire_surplus(now, &mut actions);
        self.start_missing(now, &mut actions);
        self.complete();
        self.move_one(now, &mut actions);
        self.stop_drained(now, &mut actions);
        actions
    }

    /// When to ask again though nothing happened.
    #[must_use]
    pub fn wakes_at(&self, now: Time) -> Option<Time> {
        let tasks = self
            .tasks
            .iter()
            .filter_map(|task| task.wakes_at(&self.settings));
        let pause = self.primary().not_before();
        let waits = self.missing() > 0 || self.wants_move();
        let pause = waits.then_some(pause);
        let stable = self.stable().filter(|stable| self.lacks(stable) > 0);
        let pauses = pause.into_iter().chain(stable.map(Deployment::not_before));
        tasks.chain(pauses).filter(|time| *time > now).min()
    }

    /// Tasks that may be active at one time while `desired` are wanted.
    #[must_use]
    pub fn most_tasks(&self, desired: u32) -> u32 {
        self.settings.deployment.most_tasks(desired)
    }

    /// Tasks that are wanted.
    #[must_use]
    pub fn desired(&self) -> u32 {
        self.desired
    }

    /// All tasks that are not gone.
    #[must_use]
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// All deployments, the newest first.
    #[must_use]
    pub fn deployments(&self) -> &[Deployment] {
        &self.deployments
    }

    /// The deployment that decides what is started: the newest.
    #[must_use]
    pub fn primary(&self) -> &Deployment {
        // One is made with the service, and the newest is never removed.
        &self.deployments[0]
    }

    /// Tasks that serve: running and, as far as is known, well.
    #[must_use]
    pub fn healthy(&self) -> u32 {
        count(self.tasks.iter().filter(|task| task.is_steady()))
    }

    /// Tasks of one deployment that serve.
    #[must_use]
    pub fn healthy_of(&self, deployment: &Deployment) -> u32 {
        let own = |task: &&Task| task.is_steady() && task.deployment == deployment.id;
        count(self.tasks.iter().filter(own))
    }

    /// Tasks that count against the maximum: starting or running, and not on their way out.
    #[must_use]
    pub fn active(&self) -> u32 {
        count(self.tasks.iter().filter(|task| task.is_active()))
    }

    fn deployment(&mut self, id: DeploymentId) -> Option<&mut Deployment> {
        self.deployments.iter_mut().find(|known| known.id == id)
    }
}

fn count(tasks: impl Iterator) -> u32 {
    u32::try_from(tasks.count()).unwrap_or(u32::MAX)
}
