//! What the scheduler decides when it is asked: whom to give up, and what to start.

use super::deployment::{Deployment, Rollout};
use super::task::{Task, TaskId};
use super::{Action, Scheduler, Time, count};

impl Scheduler {
    /// Draws the conclusions of the time that has passed: a task that is found unhealthy has failed.
    pub(super) fn judge(&mut self, now: Time) {
        for index in 0..self.tasks.len() {
            if self.tasks[index].settle(now, &self.settings) {
                let deployment = self.tasks[index].deployment;
                if let Some(deployment) = self.deployment(deployment) {
                    deployment.count_ill();
                }
            }
        }
    }

    /// Fails the newest deployment when too many of its tasks have failed, and brings the last one
    /// that completed back, with the tasks that it still has.
    pub(super) fn break_circuit(&mut self, now: Time) {
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

    pub(super) fn stop_drained(&mut self, now: Time, actions: &mut Vec<Action>) {
        for task in &mut self.tasks {
            if task.stop_if_drained(now) {
                actions.push(Action::Stop { task: task.id });
            }
        }
    }

    /// Tasks of older deployments leave as far as the minimum allows it: those that newer ones have
    /// replaced, and, where there is no room to start a newer one, those that stand in its way.
    pub(super) fn retire_replaced(&mut self, now: Time, actions: &mut Vec<Action>) {
        if self.primary().rollout() == Rollout::Failed {
            return;
        }
        let fewest = self.settings.deployment.fewest_tasks(self.desired);
        let most = self.settings.deployment.most_tasks(self.desired);
        let missing = self.missing();
        let spare = self.healthy().saturating_sub(self.desired);
        let in_the_way = match self.active() >= most && missing > 0 {
            true => self.healthy().saturating_sub(fewest).min(missing),
            false => 0,
        };
        let mut steady_to_go = spare.max(in_the_way);
        // One that is starting serves nobody yet, and is only needed where it replaces one of its own.
        let mut starting_to_go = match self.stable() {
            Some(stable) => self
                .useful_of(stable)
                .saturating_sub(self.wanted_of(stable)),
            None => 0,
        };
        // Of a revision that never completed, nobody needs any.
        let mut nobodys = u32::MAX;
        let stable = self.stable().map(|stable| stable.id);
        let primary = self.primary().id;
        let delay = self.settings.deregistration_delay;
        let mut made_way = in_the_way.saturating_sub(spare);
        let replaced = |task: &&mut Task| task.is_active() && task.deployment != primary;
        for task in self.tasks.iter_mut().filter(replaced) {
            let to_go = match (task.is_steady(), task.is_unhealthy()) {
                (_, true) => continue,
                (true, false) => &mut steady_to_go,
                (false, false) if Some(task.deployment) != stable => &mut nobodys,
                (false, false) => &mut starting_to_go,
            };
            if *to_go > 0 {
                *to_go -= 1;
                let steady = task.is_steady();
                actions.push(task.retire(now, delay));
                if steady && made_way > 0 {
                    made_way -= 1;
                    self.deployments[0].make_way();
                }
            }
        }
    }

    /// Unhealthy tasks leave when others serve in their place: better an ill task than none. Where
    /// there is no room for others, one leaves at a time.
    pub(super) fn retire_unhealthy(&mut self, now: Time, actions: &mut Vec<Action>) {
        let most = self.settings.deployment.most_tasks(self.desired);
        let unhealthy = count(self.tasks.iter().filter(|task| task.is_unhealthy()));
        let replaced = (self.healthy() + unhealthy).saturating_sub(self.desired);
        let lacking = self.missing() > 0 || self.stable().is_some_and(|s| self.lacks(s) > 0);
        let starting = self.active() > self.healthy() + unhealthy;
        let in_the_way = u32::from(lacking && !starting && self.active() >= most);
        let primary = self.primary().id;
        let delay = self.settings.deregistration_delay;
        let mut ill: Vec<_> = self.tasks.iter_mut().collect();
        ill.retain(|task| task.is_unhealthy());
        // The oldest revision first, and of one the oldest task.
        ill.sort_by_key(|task| (task.deployment == primary, task.id));
        for task in ill.into_iter().take(replaced.max(in_the_way) as usize) {
            actions.push(task.retire(now, delay));
        }
    }

    /// Tasks of the newest deployment beyond the desired count leave.
    pub(super) fn retire_surplus(&mut self, now: Time, actions: &mut Vec<Action>) {
        let moving = u32::from(self.moving.is_some());
        let useful = self.useful_of(self.primary());
        let delay = self.settings.deregistration_delay;
        for _ in 0..useful.saturating_sub(self.desired.saturating_add(moving)) {
            let least = self.least_needed();
            if let Some(task) = self.tasks.iter_mut().find(|task| Some(task.id) == least) {
                actions.push(task.retire(now, delay));
            }
        }
    }

    /// Starts what is missing, as far as the maximum allows it: first what the last completed revision
    /// has lost, for that one serves.
    pub(super) fn start_missing(&mut self, now: Time, actions: &mut Vec<Action>) {
        let primary = self.primary().clone();
        let may_start = primary.rollout() != Rollout::Failed;
        let stable = self.stable().cloned();
        let stable = stable.map(|stable| (self.lacks(&stable), stable));
        let own = may_start.then(|| (self.missing(), primary));
        for (lacking, deployment) in stable.into_iter().chain(own) {
            if now < deployment.not_before() {
                continue;
            }
            let most = self.settings.deployment.most_tasks(self.desired);
            let room = most.saturating_sub(self.active());
            for _ in 0..lacking.min(room) {
                self.start_one(&deployment, actions);
            }
        }
    }

    /// Starts a task where it is needed most; nothing where no zone is open.
    fn start_one(&mut self, deployment: &Deployment, actions: &mut Vec<Action>) -> Option<TaskId> {
        let zone = self.emptiest_zone(deployment)?;
        let revision = deployment.revision();
        self.started += 1;
        let task = TaskId(self.started);
        self.tasks
            .push(Task::new(task, deployment.id, revision, zone));
        actions.push(Action::Start {
            task,
            revision,
            zone,
        });
        Some(task)
    }

    /// Where the zones have become uneven, one more task is started in the emptiest; when it serves,
    /// it is one too many, and one of the fullest leaves.
    pub(super) fn move_one(&mut self, now: Time, actions: &mut Vec<Action>) {
        if self.wants_move() && now >= self.primary().not_before() {
            let primary = self.primary().clone();
            self.moving = self.start_one(&primary, actions);
        }
    }

    pub(super) fn wants_move(&self) -> bool {
        let most = self.settings.deployment.most_tasks(self.desired);
        let primary = self.primary();
        self.settings.rebalances
            && self.moving.is_none()
            && primary.rollout() == Rollout::Completed
            && (self.own(), self.healthy()) == (self.desired, self.desired)
            && self.active() < most
            && self.is_uneven()
    }

    /// A move is over when its task serves or is no more.
    pub(super) fn settle_move(&mut self) {
        let mut tasks = self.tasks.iter();
        let under_way = tasks.find(|task| Some(task.id) == self.moving);
        if under_way.is_none_or(|task| task.is_steady() || !self.is_own(task)) {
            self.moving = None;
        }
    }

    /// The newest deployment has completed when all its tasks serve and no older one has any.
    pub(super) fn complete(&mut self) {
        let primary = self.primary().id;
        let mut active = self.tasks.iter().filter(|task| task.is_active());
        let all_serve = active.all(|task| task.deployment == primary && task.is_steady());
        let in_progress = self.primary().rollout() == Rollout::InProgress;
        if in_progress && all_serve && self.own() == self.desired {
            self.deployments[0].complete();
            self.deployments.truncate(1);
        }
    }

    /// The deployment that serves while a newer one is on its way: the last that completed.
    pub(super) fn stable(&self) -> Option<&Deployment> {
        let mut older = self.deployments.iter().skip(1);
        older.find(|known| known.rollout() == Rollout::Completed)
    }

    /// Tasks that an older deployment still has to have: those that the newest has not replaced yet,
    /// and that did not have to make way for it.
    fn wanted_of(&self, stable: &Deployment) -> u32 {
        let primary = self.primary();
        let gone = self.healthy_of(primary).max(primary.made_way());
        debug_assert!(stable.id != primary.id, "an older one");
        self.desired.saturating_sub(gone)
    }

    /// Tasks that an older deployment has lost.
    pub(super) fn lacks(&self, stable: &Deployment) -> u32 {
        let useful = self.useful_of(stable);
        self.wanted_of(stable).saturating_sub(useful)
    }

    /// Active tasks of a deployment but those that are unhealthy.
    fn useful_of(&self, deployment: &Deployment) -> u32 {
        let useful = |task: &&Task| {
            task.is_active() && !task.is_unhealthy() && task.deployment == deployment.id
        };
        count(self.tasks.iter().filter(useful))
    }

    /// Active tasks of the newest deployment.
    pub(super) fn own(&self) -> u32 {
        count(self.tasks.iter().filter(|task| self.is_own(task)))
    }

    pub(super) fn is_own(&self, task: &Task) -> bool {
        task.is_active() && task.deployment == self.primary().id
    }

    /// Tasks that the newest deployment still has to start.
    pub(super) fn missing(&self) -> u32 {
        let useful = self.useful_of(self.primary());
        self.desired.saturating_sub(useful)
    }
}
