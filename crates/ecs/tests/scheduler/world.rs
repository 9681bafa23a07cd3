//! Tasks that behave as they are told, on a clock that jumps from one event to the next.

use std::collections::BTreeMap;
use std::time::Duration;

use ecs::deployment::{DeploymentCircuitBreaker, DeploymentConfiguration};
use ecs::scheduler::{
    Action, Observation, Revision, Rollout, Scheduler, Settings, Task, TaskId, Time, Zone,
};

/// What a revision's tasks do, in seconds from their start.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behaviour {
    /// Runs, and is healthy `healthy_in` seconds later.
    Good { starts_in: u64, healthy_in: u64 },
    /// Ends before it runs.
    NeverStarts { ends_in: u64 },
    /// Runs, and ends.
    Crashes { ends_in: u64 },
    /// Runs, and is found unhealthy.
    Unhealthy { after: u64 },
    /// Is found unhealthy at first, and healthy later.
    Slow { unhealthy_at: u64, healthy_at: u64 },
    /// Is healthy, and then is not.
    TurnsBad { healthy_at: u64, unhealthy_at: u64 },
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A checked service with these percentages, without circuit breaker, grace period or draining.
pub(crate) fn limits(minimum: u32, maximum: u32) -> Settings {
    Settings {
        deployment: DeploymentConfiguration {
            minimum_healthy_percent: Some(minimum),
            maximum_percent: Some(maximum),
            ..DeploymentConfiguration::default()
        },
        checked: true,
        grace_period: Duration::ZERO,
        deregistration_delay: Duration::ZERO,
        zones: 2,
        rebalances: false,
    }
}

pub(crate) fn breaker(mut settings: Settings) -> Settings {
    settings.deployment.deployment_circuit_breaker = Some(DeploymentCircuitBreaker {
        enable: true,
        rollback: true,
    });
    settings
}

pub(crate) struct World {
    pub(crate) scheduler: Scheduler,
    pub(crate) now: Time,
    /// Tasks that were started.
    pub(crate) started: u64,
    /// Tasks of the newest revision that failed.
    pub(crate) failed: u32,
    /// The fewest healthy and the most active tasks since the last thing that was asked for.
    pub(crate) fewest_healthy: u32,
    pub(crate) most_active: u32,
    pub(crate) fewest_active: u32,
    behaviours: BTreeMap<Revision, Behaviour>,
    /// What will be observed, by time and order of insertion.
    coming: BTreeMap<(Time, u64), (TaskId, Observation)>,
    inserted: u64,
    last_actions: Vec<Action>,
}

impl World {
    pub(crate) fn new(settings: Settings, desired: u32, behaviour: Behaviour) -> Self {
        let mut world = Self {
            scheduler: Scheduler::new(settings, desired, 1, Time::ZERO),
            now: Time::ZERO,
            started: 0,
            failed: 0,
            fewest_healthy: 0,
            most_active: 0,
            fewest_active: 0,
            behaviours: BTreeMap::from([(1, behaviour)]),
            coming: BTreeMap::new(),
            inserted: 0,
            last_actions: Vec::new(),
        };
        world.advance();
        world
    }

    /// A service whose first deployment has completed.
    pub(crate) fn settled(settings: Settings, desired: u32, behaviour: Behaviour) -> Self {
        let mut world = Self::new(settings, desired, behaviour);
        world.settle();
        world.reset_extremes();
        world
    }

    pub(crate) fn deploy(&mut self, behaviour: Behaviour) {
        let revision = self.behaviours.len() as Revision + 1;
        self.behaviours.insert(revision, behaviour);
        self.failed = 0;
        self.reset_extremes();
        self.scheduler.deploy(revision, self.now);
        self.advance();
    }

    pub(crate) fn scale(&mut self, desired: u32) {
        self.reset_extremes();
        self.scheduler.scale(desired);
        self.advance();
    }

    pub(crate) fn kill(&mut self, task: TaskId) {
        self.reset_extremes();
        self.scheduler.observe(task, Observation::Exited, self.now);
        self.advance();
    }

    /// The health of these tasks is bad from now on.
    pub(crate) fn sicken(&mut self, tasks: &[TaskId]) {
        self.reset_extremes();
        for task in tasks {
            let ill = Observation::Unhealthy;
            self.scheduler.observe(*task, ill, self.now);
        }
        self.advance();
    }

    pub(crate) fn heal(&mut self, task: TaskId) {
        self.scheduler.observe(task, Observation::Healthy, self.now);
        self.advance();
    }

    /// The zone goes dark, and its tasks with it.
    pub(crate) fn lose_zone(&mut self, zone: Zone) {
        self.reset_extremes();
        self.scheduler.lose_zone(zone);
        let tasks = self.scheduler.tasks().iter();
        let there: Vec<_> = tasks
            .filter(|task| task.zone() == zone)
            .map(Task::id)
            .collect();
        for task in there {
            self.scheduler.observe(task, Observation::Lost, self.now);
        }
        self.advance();
    }

    pub(crate) fn restore_zone(&mut self, zone: Zone) {
        self.reset_extremes();
        self.scheduler.restore_zone(zone);
        self.advance();
    }

    /// How many serving tasks each of `zones` zones has.
    pub(crate) fn spread(&self, zones: usize) -> Vec<usize> {
        let tasks = || {
            self.scheduler
                .tasks()
                .iter()
                .filter(|task| task.is_steady())
        };
        (0..zones)
            .map(|zone| tasks().filter(|task| task.zone() == zone).count())
            .collect()
    }

    pub(crate) fn rollout(&self) -> Rollout {
        self.scheduler.primary().rollout()
    }

    pub(crate) fn task_ids(&self) -> Vec<TaskId> {
        let active = self
            .scheduler
            .tasks()
            .iter()
            .filter(|task| task.is_active());
        active.map(ecs::scheduler::Task::id).collect()
    }

    /// The revisions of the tasks that serve.
    pub(crate) fn revisions(&self) -> Vec<Revision> {
        let serving = self
            .scheduler
            .tasks()
            .iter()
            .filter(|task| task.is_steady());
        serving.map(ecs::scheduler::Task::revision).collect()
    }

    /// Runs until nothing is to come any more, for a week at most.
    pub(crate) fn settle(&mut self) {
        let end = self.now + seconds(7 * 86_400);
        while self.now < end && self.step() {}
    }

    /// Runs until `time`.
    pub(crate) fn run_until(&mut self, time: Time) {
        while self.next_event().is_some_and(|next| next <= time) {
            self.step();
        }
        self.now = time;
        self.advance();
    }

    /// Runs until `action` is asked for.
    pub(crate) fn run_until_action(&mut self, action: Action) {
        while !self.last_actions.contains(&action) {
            assert!(self.step(), "{action:?} never came");
        }
    }

    /// Goes to the next event; false when there is none.
    pub(crate) fn step(&mut self) -> bool {
        let Some(next) = self.next_event() else {
            return false;
        };
        self.now = next;
        while let Some(entry) = self.coming.first_entry().filter(|e| e.key().0 <= self.now) {
            let (task, observation) = entry.remove();
            let known = self
                .scheduler
                .tasks()
                .iter()
                .find(|known| known.id() == task);
            let newest = self.behaviours.len() as Revision;
            let fails = matches!(observation, Observation::Exited | Observation::Unhealthy);
            let counts = known.is_some_and(|known| known.is_active() && known.revision() == newest);
            self.failed += u32::from(fails && counts);
            self.scheduler.observe(task, observation, self.now);
        }
        self.advance();
        true
    }

    fn next_event(&self) -> Option<Time> {
        let coming = self.coming.first_key_value().map(|((time, _), _)| *time);
        coming
            .into_iter()
            .chain(self.scheduler.wakes_at(self.now))
            .min()
    }

    fn advance(&mut self) {
        self.last_actions = self.scheduler.advance(self.now);
        for action in self.last_actions.clone() {
            match action {
                Action::Start { task, revision, .. } => {
                    self.start(task, self.behaviours[&revision]);
                }
                Action::Deregister { .. } => {}
                Action::Stop { task } => self.later(1, task, Observation::Exited),
            }
        }
        self.fewest_healthy = self.fewest_healthy.min(self.scheduler.healthy());
        self.most_active = self.most_active.max(self.scheduler.active());
        self.fewest_active = self.fewest_active.min(self.scheduler.active());
    }

    fn start(&mut self, task: TaskId, behaviour: Behaviour) {
        use Observation::{Exited, Healthy, Running, Unhealthy};
        self.started += 1;
        let events: &[(u64, Observation)] = match behaviour {
            Behaviour::Good {
                starts_in,
                healthy_in,
            } => &[(starts_in, Running), (starts_in + healthy_in, Healthy)],
            Behaviour::NeverStarts { ends_in } => &[(ends_in, Exited)],
            Behaviour::Crashes { ends_in } => &[(0, Running), (ends_in, Exited)],
            Behaviour::Unhealthy { after } => &[(0, Running), (after, Unhealthy)],
            Behaviour::Slow {
                unhealthy_at,
                healthy_at,
            } => &[
                (0, Running),
                (unhealthy_at, Unhealthy),
                (healthy_at, Healthy),
            ],
            Behaviour::TurnsBad {
                healthy_at,
                unhealthy_at,
            } => &[
                (0, Running),
                (healthy_at, Healthy),
                (unhealthy_at, Unhealthy),
            ],
        };
        for (at, observation) in events {
            self.later(*at, task, *observation);
        }
    }

    fn later(&mut self, after: u64, task: TaskId, observation: Observation) {
        self.inserted += 1;
        let key = (self.now + seconds(after), self.inserted);
        self.coming.insert(key, (task, observation));
    }

    fn reset_extremes(&mut self) {
        self.fewest_healthy = self.scheduler.healthy();
        self.most_active = self.scheduler.active();
        self.fewest_active = self.scheduler.active();
    }
}
