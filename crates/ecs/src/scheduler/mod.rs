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
        for task in &mut self.tasks {
            task.settle(now, &self.settings);
        }
        let mut actions = Vec::new();
        self.retire_unhealthy(now, &mut actions);
        self.break_circuit(now);
        self.settle_move();
        self.retire_replaced(now, &mut actions);
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
        tasks.chain(pause).filter(|time| *time > now).min()
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

    /// Fails the newest deployment when too many of its tasks have failed, and brings the last one
    /// that completed back, with the tasks that it still has.
    fn break_circuit(&mut self, now: Time) {
        let threshold = self.settings.deployment.failures_that_break(self.desired);
        let primary = &mut self.deployments[0];
        let broken = threshold.is_some_and(|threshold| primary.failed_tasks() >= threshold);
        let fresh = primary.rollout() == Rollout::InProgress && !primary.is_rollback();
        if !(broken && fresh) {
            return;
        }
        primary.fail();
        let completed = |known: &Deployment| known.rollout() == Rollout::Completed;
        if self.settings.deployment.rolls_back()
            && let Some(last) = self.deployments.iter().position(completed)
        {
            let mut last = self.deployments.remove(last);
            last.come_back(now);
            self.deployments.insert(0, last);
        }
    }

    fn stop_drained(&mut self, now: Time, actions: &mut Vec<Action>) {
        for task in &mut self.tasks {
            if task.stop_if_drained(now) {
                actions.push(Action::Stop { task: task.id });
            }
        }
    }

    /// Unhealthy tasks are stopped and replaced, whichever deployment they belong to.
    fn retire_unhealthy(&mut self, now: Time, actions: &mut Vec<Action>) {
        let delay = self.settings.deregistration_delay;
        let mut failed = Vec::new();
        for task in self.tasks.iter_mut().filter(|task| task.is_unhealthy()) {
            failed.push(task.deployment);
            actions.push(task.retire(now, delay));
        }
        for deployment in failed {
            if let Some(deployment) = self.deployment(deployment) {
                deployment.count_failure(now);
            }
        }
    }

    /// Tasks of older deployments leave as far as the minimum allows it: those that newer ones have
    /// replaced, and, where there is no room to start a newer one, those that stand in its way.
    fn retire_replaced(&mut self, now: Time, actions: &mut Vec<Action>) {
        let fewest = self.settings.deployment.fewest_tasks(self.desired);
        let most = self.settings.deployment.most_tasks(self.desired);
        let primary = self.primary().id;
        let stuck = self.primary().rollout() == Rollout::Failed;

        let spare = self.healthy().saturating_sub(self.desired);
        let in_the_way = match self.active() >= most && self.missing() > 0 && !stuck {
            true => self.healthy().saturating_sub(fewest).min(self.missing()),
            false => 0,
        };
        let mut steady_to_go = spare.max(in_the_way);
        let delay = self.settings.deregistration_delay;
        // A task that is not steady serves nobody: it goes first, once it cannot be needed any more.
        let replaced = |task: &&mut Task| task.is_active() && task.deployment != primary;
        for task in self.tasks.iter_mut().filter(replaced) {
            match task.is_steady() {
                true if steady_to_go > 0 => steady_to_go -= 1,
                false if !stuck => {}
                _ => continue,
            }
            actions.push(task.retire(now, delay));
        }
    }

    /// Tasks of the newest deployment beyond the desired count leave.
    fn retire_surplus(&mut self, now: Time, actions: &mut Vec<Action>) {
        let moving = u32::from(self.moving.is_some());
        for _ in 0..self.own().saturating_sub(self.desired + moving) {
            let delay = self.settings.deregistration_delay;
            let least = self.least_needed();
            if let Some(task) = self.tasks.iter_mut().find(|task| Some(task.id) == least) {
                actions.push(task.retire(now, delay));
            }
        }
    }

    fn start_missing(&mut self, now: Time, actions: &mut Vec<Action>) {
        if self.primary().rollout() == Rollout::Failed || now < self.primary().not_before() {
            return;
        }
        let most = self.settings.deployment.most_tasks(self.desired);
        let room = most.saturating_sub(self.active());
        for _ in 0..self.missing().min(room) {
            self.start_one(actions);
        }
    }

    /// Starts a task of the newest deployment where it is needed most; nothing where no zone is open.
    fn start_one(&mut self, actions: &mut Vec<Action>) -> Option<TaskId> {
        let zone = self.emptiest_zone()?;
        let (deployment, revision) = (self.primary().id, self.primary().revision());
        self.started += 1;
        let task = TaskId(self.started);
        self.tasks.push(Task::new(task, deployment, revision, zone));
        actions.push(Action::Start {
            task,
            revision,
            zone,
        });
        Some(task)
    }

    /// Where the zones have become uneven, one more task is started in the emptiest; when it serves,
    /// it is one too many, and one of the fullest leaves.
    fn move_one(&mut self, now: Time, actions: &mut Vec<Action>) {
        if self.wants_move() && now >= self.primary().not_before() {
            self.moving = self.start_one(actions);
        }
    }

    fn wants_move(&self) -> bool {
        let most = self.settings.deployment.most_tasks(self.desired);
        self.settings.rebalances
            && self.moving.is_none()
            && self.primary().rollout() == Rollout::Completed
            && (self.own(), self.healthy()) == (self.desired, self.desired)
            && self.active() < most
            && self.is_uneven()
    }

    /// A move is over when its task serves or is no more.
    fn settle_move(&mut self) {
        let mut tasks = self.tasks.iter();
        let under_way = tasks.find(|task| Some(task.id) == self.moving);
        if under_way.is_none_or(|task| task.is_steady() || !self.is_own(task)) {
            self.moving = None;
        }
    }

    /// The newest deployment has completed when all its tasks serve and no older one has any.
    fn complete(&mut self) {
        let primary = self.primary().id;
        let mut active = self.tasks.iter().filter(|task| task.is_active());
        let all_serve = active.all(|task| task.deployment == primary && task.is_steady());
        let in_progress = self.primary().rollout() == Rollout::InProgress;
        if in_progress && all_serve && self.own() == self.desired {
            self.deployments[0].complete();
            self.deployments.truncate(1);
        }
    }

    fn deployment(&mut self, id: DeploymentId) -> Option<&mut Deployment> {
        self.deployments.iter_mut().find(|known| known.id == id)
    }

    /// Active tasks of the newest deployment.
    fn own(&self) -> u32 {
        count(self.tasks.iter().filter(|task| self.is_own(task)))
    }

    fn is_own(&self, task: &Task) -> bool {
        task.is_active() && task.deployment == self.primary().id
    }

    /// Tasks that the newest deployment still has to start.
    fn missing(&self) -> u32 {
        self.desired.saturating_sub(self.own())
    }
}

fn count(tasks: impl Iterator) -> u32 {
    u32::try_from(tasks.count()).unwrap_or(u32::MAX)
}
