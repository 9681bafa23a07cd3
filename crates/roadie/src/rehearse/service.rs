//! One service: the scheduler decides, and what it decides is done with tasks of this machine.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ecs::scheduler::{Action, Observation, Revision, Rollout, Scheduler, TaskId, Zone};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::blueprint::Blueprint;
use super::clock::Clock;
use super::console::Voice;
use super::metadata::Metadata;
use super::meter::Meter;
use super::scaling::{self, Scaling};
use super::scratch::Scratch;
use super::stage::Service;
use super::status::{Happening, Particulars, ServiceStatus, millis};
use super::task::{self, Order, TaskContext};
use crate::container::Engine;

/// The most events that are remembered; ECS shows the last hundred.
const MAX_EVENTS: usize = 100;

/// What every service needs to start containers.
#[derive(Clone)]
pub(crate) struct Stagehand {
    pub(crate) clock: Clock,
    pub(crate) roadie: Voice,
    pub(crate) voices: BTreeMap<String, Voice>,
    pub(crate) scratch: Arc<Scratch>,
    pub(crate) metadata: Metadata,
    /// The names of the zones that tasks are spread over.
    pub(crate) zones: Arc<[String]>,
    pub(crate) engine: Engine,
    /// Variables for every container.
    pub(crate) ambient: BTreeMap<String, String>,
    /// Whether the rehearsal is over.
    pub(crate) over: watch::Receiver<bool>,
}

/// What a service can be asked.
pub(crate) enum Request {
    Deploy(Blueprint),
    Scale(u32),
    Kill(TaskId, oneshot::Sender<bool>),
    /// The zone is gone, with all that was there.
    LoseZone(Zone),
    RestoreZone(Zone),
    Status(oneshot::Sender<ServiceStatus>),
}

/// What a task tells its service.
pub(crate) struct Report {
    pub(crate) task: TaskId,
    pub(crate) news: News,
}

pub(crate) enum News {
    Observed(Observation),
    /// For people.
    Said(String),
}

/// Where a service is asked.
#[derive(Clone, Debug)]
pub(crate) struct ServiceHandle {
    pub(crate) name: String,
    requests: mpsc::UnboundedSender<Request>,
    up: watch::Receiver<bool>,
}

struct Keeper {
    name: String,
    stagehand: Stagehand,
    scheduler: Scheduler,
    blueprints: BTreeMap<Revision, Arc<Blueprint>>,
    running: BTreeMap<TaskId, Running>,
    tasks: JoinSet<()>,
    reports: mpsc::UnboundedSender<Report>,
    events: VecDeque<Happening>,
    /// The last word about the newest deployment.
    told: Option<(Revision, Rollout)>,
    up: watch::Sender<bool>,
    scaling: Option<Scaling>,
}

/// A task as its service sees it.
struct Running {
    orders: watch::Sender<Order>,
    port: Arc<OnceLock<u16>>,
    meter: Meter,
    /// In the rehearsal's time.
    begun: Duration,
}

impl ServiceHandle {
    /// Resolves when a deployment has completed for the first time.
    pub(crate) async fn up(&self) {
        // A service that is over will not come up, and its rehearsal does not wait for it.
        let _ = self.up.clone().wait_for(|up| *up).await;
    }

    /// Asks; a service that is over does not hear it.
    pub(crate) fn ask(&self, request: Request) {
        let _ = self.requests.send(request);
    }

    pub(crate) async fn status(&self) -> Option<ServiceStatus> {
        let (reply, status) = oneshot::channel();
        self.ask(Request::Status(reply));
        status.await.ok()
    }
}

impl Stagehand {
    /// Resolves when the rehearsal is over.
    pub(crate) async fn over(&mut self) {
        // A rehearsal that is gone is over, too.
        let _ = self.over.wait_for(|over| *over).await;
    }
}

impl Service {
    /// Keeps the service as it is wanted, until the rehearsal is over and its tasks have ended.
    pub(crate) fn keep(self, stagehand: Stagehand, services: &mut JoinSet<()>) -> ServiceHandle {
        let (requests, inbox) = mpsc::unbounded_channel();
        let (reports, reported) = mpsc::unbounded_channel();
        let now = stagehand.clock.now();
        let (up, comes_up) = watch::channel(false);
        let keeper = Keeper {
            name: self.name.clone(),
            scheduler: Scheduler::new(self.settings, self.desired_count, 1, now),
            blueprints: BTreeMap::from([(1, Arc::new(self.blueprint))]),
            stagehand,
            running: BTreeMap::new(),
            tasks: JoinSet::new(),
            reports,
            events: VecDeque::new(),
            told: None,
            up,
            scaling: self.scaling,
        };
        services.spawn(keeper.run(inbox, reported));
        ServiceHandle {
            name: self.name,
            requests,
            up: comes_up,
        }
    }
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
    async fn run(
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
        let there: Vec<_> = there.map(ecs::scheduler::Task::id).collect();
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

    /// Does what the scaling policies want, once a minute.
    fn scale_by_itself(&mut self, now: Duration) {
        let Some(scaling) = &mut self.scaling else {
            return;
        };
        let (revision, desired) = (
            self.scheduler.primary().revision(),
            self.scheduler.desired(),
        );
        let deploying = self.scheduler.primary().rollout() == Rollout::InProgress;
        let blueprint = self.blueprints.get(&revision);
        let tasks = scaling::Tasks {
            meters: self.running.values().map(|task| &task.meter).collect(),
            reserved_cpus: blueprint.and_then(|blueprint| blueprint.reserved_cpus),
            reserved_bytes: blueprint.and_then(|blueprint| blueprint.reserved_bytes),
        };
        if let Some(decision) = scaling.advance(&tasks, desired, deploying, now) {
            self.say(format!(
                "auto scaling by {}: {:.0} where the target is {:.0}: scaling to {} tasks",
                decision.policy, decision.figure, decision.target, decision.desired
            ));
            self.scheduler.scale(decision.desired);
        }
    }

    fn answer(&mut self, request: Request) {
        let now = self.stagehand.clock.now();
        match request {
            Request::Deploy(blueprint) => {
                let revision = self.blueprints.keys().last().map_or(1, |last| last + 1);
                self.say(format!("deploying release {}", blueprint.release));
                self.blueprints.insert(revision, Arc::new(blueprint));
                self.scheduler.deploy(revision, now);
            }
            Request::Scale(desired) => {
                self.say(format!("scaling to {desired} tasks"));
                self.scheduler.scale(desired);
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
