//! Does with tasks of this machine what the scheduler decides.

mod change;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ecs::scheduler::{Action, Observation, Revision, Rollout, Scheduler, Task, TaskId, Zone};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::super::blueprint::Blueprint;
use super::super::meter::Meter;
use super::super::scaling::Scaling;
use super::super::status::{Happening, Particulars, ServiceStatus, millis};
use super::super::task::{self, Order, TaskContext};
use super::{News, Report, Request, Stagehand};

/// The most events that are remembered; ECS shows the last hundred.
const MAX_EVENTS: usize = 100;

/// A service that is kept.
pub(super) struct Keeper {
    pub(super) name: String,
    pub(super) stagehand: Stagehand,
    pub(super) scheduler: Scheduler,
    pub(super) blueprints: BTreeMap<Revision, Arc<Blueprint>>,
    pub(super) running: BTreeMap<TaskId, Running>,
    pub(super) tasks: JoinSet<()>,
    pub(super) reports: mpsc::UnboundedSender<Report>,
    pub(super) events: VecDeque<Happening>,
    /// The last word about the newest deployment.
    pub(super) told: Option<(Revision, Rollout)>,
    pub(super) up: watch::Sender<bool>,
    pub(super) scaling: Option<Scaling>,
}

/// A task as its service sees it.
pub(super) struct Running {
    orders: watch::Sender<Order>,
    port: Arc<OnceLock<u16>>,
    meter: Meter,
    /// In the rehearsal's time.
    begun: Duration,
}

impl Running {
    fn at(&self, now: Duration) -> Particulars {
        Particulars {
            port: self.port.get().copied(),
            age: now.saturating_sub(self.begun),
            cpu: self.meter.mean_cpu(),
            memory_bytes: self.meter.memory_bytes(),
        }
    }
}

impl Keeper {
    /// Keeps the service until the rehearsal is over and its tasks have ended.
    pub(super) async fn run(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<Request>,
        mut reported: mpsc::UnboundedReceiver<Report>,
    ) {
        let mut over = self.stagehand.clone();
        loop {
            let now = self.stagehand.clock.now();
            self.scale_by_itself(now);
            for action in self.scheduler.advance(now) {
                self.act(action);
            }
            self.tell();
            let wake = self.scheduler.wakes_at(now);
            let due = self.scaling.as_ref().map(Scaling::next);
            let wake = wake.into_iter().chain(due).min();
            let clock = self.stagehand.clock;
            tokio::select! {
                // Whoever asks is answered before the tasks, of which there may be thousands.
                biased;
                () = over.over() => break,
                Some(request) = inbox.recv() => self.answer(request),
                Some(report) = reported.recv() => self.hear(report),
                Some(_) = self.tasks.join_next() => {}
                () = clock.until(wake) => {}
            }
        }
        // The tasks know that it is over, too.
        while self.tasks.join_next().await.is_some() {}
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Start {
                task,
                revision,
                zone,
            } => self.start(task, revision, zone),
            Action::Deregister { task } => self.order(task, Order::Drain),
            Action::Stop { task } => self.order(task, Order::Stop),
        }
    }

    fn start(&mut self, task: TaskId, revision: Revision, zone: Zone) {
        let Some(blueprint) = self.blueprints.get(&revision).map(Arc::clone) else {
            return;
        };
        let (orders, ordered) = watch::channel(Order::Run);
        let place = self.zone(zone).to_owned();
        self.say(format!(
            "started task {} of release {} in {place}",
            task.0, blueprint.release
        ));
        let port = Arc::default();
        let meter = Meter::new();
        self.tasks.spawn(task::run(TaskContext {
            id: task,
            service: self.name.clone(),
            revision,
            zone: place,
            meter: meter.clone(),
            blueprint,
            stagehand: self.stagehand.clone(),
            orders: ordered,
            reports: self.reports.clone(),
            port: Arc::clone(&port),
        }));
        let begun = self.stagehand.clock.now();
        let running = Running {
            orders,
            port,
            meter,
            begun,
        };
        self.running.insert(task, running);
    }

    fn order(&mut self, task: TaskId, order: Order) {
        if let Some(running) = self.running.get(&task) {
            running.orders.send_replace(order);
        }
        match order {
            Order::Drain => self.say(format!("task {} is draining", task.0)),
            Order::Stop => self.say(format!("stopping task {}", task.0)),
            Order::Run | Order::Kill | Order::Vanish => {}
        }
    }

    fn hear(&mut self, report: Report) {
        let now = self.stagehand.clock.now();
        match report.news {
            News::Said(what) => self.say(what),
            News::Observed(observation) => {
                self.scheduler.observe(report.task, observation, now);
                let known = self.scheduler.tasks().iter();
                if !known.into_iter().any(|task| task.id() == report.task) {
                    self.running.remove(&report.task);
                }
            }
        }
    }

    fn lose_zone(&mut self, zone: Zone, now: Duration) {
        self.scheduler.lose_zone(zone);
        let tasks = self.scheduler.tasks().iter();
        let there = tasks.filter(|task| task.zone() == zone);
        let there: Vec<_> = there.map(Task::id).collect();
        let place = self.zone(zone).to_owned();
        self.say(format!(
            "zone {place} is lost, and {} tasks with it",
            there.len()
        ));
        for task in there {
            self.order(task, Order::Vanish);
            self.scheduler.observe(task, Observation::Lost, now);
        }
    }

    fn answer(&mut self, request: Request) {
        let now = self.stagehand.clock.now();
        match request {
            Request::Deploy(blueprint, reply) => {
                let claimed = self.claim(self.scheduler.desired(), &blueprint);
                if claimed.is_ok() {
                    self.deploy(*blueprint, now);
                }
                let _ = reply.send(claimed);
            }
            Request::Scale(desired, reply) => {
                let claimed = self.claim_for(desired);
                if claimed.is_ok() {
                    self.say(format!("scaling to {desired} tasks"));
                    self.scheduler.scale(desired);
                }
                let _ = reply.send(claimed);
            }
            Request::Kill(task, reply) => {
                let known = self.running.contains_key(&task);
                self.order(task, Order::Kill);
                let _ = reply.send(known);
            }
            Request::LoseZone(zone) => self.lose_zone(zone, now),
            Request::RestoreZone(zone) => {
                let place = self.zone(zone).to_owned();
                self.say(format!("zone {place} is back"));
                self.scheduler.restore_zone(zone);
            }
            Request::Status(reply) => {
                let _ = reply.send(self.status());
            }
        }
    }

    /// Says how the newest deployment goes, when that has changed.
    fn tell(&mut self) {
        let primary = self.scheduler.primary();
        let (revision, rollout, back) =
            (primary.revision(), primary.rollout(), primary.is_rollback());
        let before = self.told.replace((revision, rollout));
        if before == Some((revision, rollout)) {
            return;
        }
        let release = self.release(revision).to_owned();
        if let Some((failed, _)) = before.filter(|(failed, _)| back && *failed != revision) {
            let failed = self.release(failed).to_owned();
            self.say(format!(
                "deployment of release {failed} failed: too many of its tasks did"
            ));
            self.say(format!("rolling back to release {release}"));
        }
        match rollout {
            Rollout::InProgress => {}
            Rollout::Completed => {
                self.up.send_replace(true);
                self.say(format!("deployment of release {release} completed"));
            }
            Rollout::Failed => self.say(format!("deployment of release {release} failed")),
        }
    }

    fn zone(&self, zone: Zone) -> &str {
        self.stagehand.zones.get(zone).map_or("", |name| name)
    }

    fn release(&self, revision: Revision) -> &str {
        self.blueprints
            .get(&revision)
            .map_or("", |blueprint| &blueprint.release)
    }

    fn say(&mut self, what: String) {
        self.stagehand.roadie.say(&format!("{}: {what}", self.name));
        if self.events.len() == MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(Happening {
            at_ms: millis(self.stagehand.clock.now()),
            message: what,
        });
    }

    fn status(&self) -> ServiceStatus {
        let now = self.stagehand.clock.now();
        ServiceStatus::of(
            &self.name,
            &self.scheduler,
            &self.events,
            |revision| self.release(revision).to_owned(),
            |zone| self.zone(zone).to_owned(),
            |task| {
                self.running
                    .get(&task)
                    .map_or_else(Particulars::default, |r| r.at(now))
            },
        )
    }
}
