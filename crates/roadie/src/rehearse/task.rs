//! One task: its containers, started in order, running until it is told to end or one of them ends.

use std::fmt::Write as _;
use std::future::Future;
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use ecs::alb::TargetState;
use ecs::scheduler::{Observation, TaskId};
use futures_util::future::{join_all, select_all};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::health::Board;
use super::service::{Report, Stagehand};
use super::stage::{Blueprint, Part};
use super::targets::Registration;
use crate::container::Container;

/// What a task is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Serve.
    Run,
    /// Get no new requests.
    Drain,
    /// End, as ECS ends tasks.
    Stop,
    /// Be killed: a container dies.
    Kill,
}

/// What a task is made from, and whom it reports to.
pub(crate) struct TaskContext {
    pub(crate) id: TaskId,
    pub(crate) service: String,
    pub(crate) blueprint: Arc<Blueprint>,
    pub(crate) stagehand: Stagehand,
    pub(crate) orders: watch::Receiver<Order>,
    pub(crate) reports: mpsc::UnboundedSender<Report>,
    /// Where others find out on which port it serves.
    pub(crate) port: Arc<OnceLock<u16>>,
}

/// The life of a task, from its first container to the end of its last.
pub(crate) async fn run(mut context: TaskContext) {
    let mut stagehand = context.stagehand.clone();
    let mut task = Task::new();
    let started = tokio::select! {
        started = task.start(&context) => started,
        () = context.stopped() => Ok(()),
        () = stagehand.over() => return task.let_go().await,
    };
    let ended = match started {
        Err(error) => Some(format!("did not start: {error:#}")),
        Ok(()) => {
            context.report(Observation::Running);
            tokio::select! {
                ended = task.serve(&mut context) => ended,
                () = stagehand.over() => return task.let_go().await,
            }
        }
    };
    if let Some(why) = ended {
        context.say(&why);
        // At once, so that a new task starts while this one's other containers end.
        context.report(Observation::Exited);
    }
    task.stop(stagehand).await;
    context.report(Observation::Exited);
}

struct Task {
    /// In start order.
    containers: Vec<Container>,
    essential: Vec<bool>,
    registrations: Vec<Registration>,
    health: Board,
    checks: JoinSet<()>,
}

impl Task {
    fn new() -> Self {
        Self {
            containers: Vec::new(),
            essential: Vec::new(),
            registrations: Vec::new(),
            health: Board::new(),
            checks: JoinSet::new(),
        }
    }

    /// Starts the containers one after the other, and registers the targets.
    ///
    /// # Errors
    /// A container does not come up.
    async fn start(&mut self, context: &TaskContext) -> anyhow::Result<()> {
        for part in &context.blueprint.containers {
            let name = part.spec.name.clone();
            self.start_part(part, context).await.context(name)?;
        }
        let target = context.blueprint.targets.first();
        let mut serving = self.containers.iter().rev();
        let serving = serving.find(|c| target.is_none_or(|target| c.name() == target.container));
        if let Some(container) = serving {
            let _ = context.port.set(container.port);
        }
        for target in &context.blueprint.targets {
            let mut containers = self.containers.iter();
            let container = containers.find(|container| container.name() == target.container);
            if let Some(container) = container {
                let (health, place) = (self.health.clone(), self.health.add());
                let said = context.stagehand.roadie.clone();
                let (name, port) = (container.name().to_owned(), container.port);
                let group = target.group.name().to_owned();
                let on_change = move |state| {
                    health.set(place, state == TargetState::Healthy);
                    let state = format!("{state:?}").to_lowercase();
                    said.say(&format!("{group}: {name} on port {port} is {state}"));
                };
                let clock = context.stagehand.clock;
                let registration = target.group.register(port, clock, on_change);
                self.registrations.push(registration);
            }
        }
        Ok(())
    }

    /// Starts a container, and where it has a check, waits until it is healthy.
    async fn start_part(&mut self, part: &Part, context: &TaskContext) -> anyhow::Result<()> {
        let stagehand = &context.stagehand;
        let name = &part.spec.name;
        let file = format!("{}-{}-{name}-hosts", context.service, context.id.0);
        let hosts = stagehand
            .scratch
            .write(&file, &self.hosts_of(part))
            .context("cannot write a hosts file")?;
        let mut spec = part.spec.clone();
        let hosts = ("HOSTS_FILE".to_owned(), hosts.display().to_string());
        spec.environment.extend(stagehand.ambient.clone());
        spec.environment.extend([hosts]);

        let voice = stagehand.voices.get(name).unwrap_or(&stagehand.roadie);
        let container = Container::start(spec, voice.clone()).await?;
        let mut checked = container.spec().clone();
        let listening = ("PORT".to_owned(), container.port.to_string());
        checked.environment.extend([listening]);
        self.containers.push(container);
        self.essential.push(part.essential);
        if let Some(check) = &part.check {
            let (health, place) = (self.health.clone(), self.health.add());
            let check = check.clone().run(checked, stagehand.clock, health, place);
            self.checks.spawn(check);
            if part.awaited {
                let health = self.health.clone();
                tokio::select! {
                    () = health.healthy(place) => {}
                    why = self.broken() => anyhow::bail!(why),
                }
            }
        }
        Ok(())
    }

    /// The names that a container knows, with the ports on which they are found here.
    fn hosts_of(&self, part: &Part) -> String {
        let mut hosts = String::new();
        for (linked, alias) in &part.links {
            if let Some(container) = self.containers.iter().find(|c| c.name() == linked) {
                // Writing into a String does not fail.
                let _ = writeln!(hosts, "127.0.0.1:{} {linked} {alias}", container.port);
            }
        }
        hosts
    }

    /// Runs until it is told to stop, or says why it cannot go on.
    async fn serve(&mut self, context: &mut TaskContext) -> Option<String> {
        let mut last = None;
        loop {
            let health = self.health.clone();
            let order = *context.orders.borrow_and_update();
            match order {
                Order::Stop => return None,
                Order::Kill => self.kill_one(),
                Order::Drain => {
                    for registration in &self.registrations {
                        registration.drain();
                    }
                }
                Order::Run => {}
            }
            let registrations = std::mem::take(&mut self.registrations);
            let drained = drained(&registrations, order == Order::Drain);
            let ended = tokio::select! {
                why = self.broken() => Some(Some(why)),
                changed = context.orders.changed() => changed.is_err().then_some(None),
                () = drained => {
                    context.report(Observation::Drained);
                    // Nothing more can drain: only the order to stop is waited for.
                    let stop = context.stopped();
                    tokio::select! {
                        why = self.broken() => Some(Some(why)),
                        () = stop => Some(None),
                    }
                }
                health = health.change(last) => {
                    last = health;
                    match health {
                        Some(true) => context.report(Observation::Healthy),
                        Some(false) => context.report(Observation::Unhealthy),
                        None => {}
                    }
                    None
                }
            };
            self.registrations = registrations;
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    fn kill_one(&mut self) {
        if let Some(container) = self.containers.first_mut() {
            container.kill();
        }
    }

    /// Waits until an essential container ends, and says which and how.
    fn broken(&mut self) -> impl Future<Output = String> {
        let containers = self.containers.iter_mut().zip(&self.essential);
        let essential = containers.filter_map(|(part, essential)| essential.then_some(part));
        let ends = essential.map(|container| {
            Box::pin(async {
                let status = container.ended().await;
                let status = status.map_or_else(|error| error.to_string(), |s| s.to_string());
                format!("{} ended: {status}", container.name())
            })
        });
        let ends: Vec<_> = ends.collect();
        async {
            match ends.is_empty() {
                true => std::future::pending().await,
                false => select_all(ends).await.0,
            }
        }
    }

    /// Ends what still runs: out of the target groups first, then the containers in reverse order.
    async fn stop(self, mut stagehand: Stagehand) {
        drop((self.registrations, self.checks));
        for container in self.containers.into_iter().rev() {
            container.stop(stagehand.over()).await;
        }
    }

    /// Ends everything at once, and waits until it has ended.
    async fn let_go(self) {
        drop((self.registrations, self.checks));
        join_all(self.containers.into_iter().map(Container::let_go)).await;
    }
}

/// Resolves when nothing is in flight any more; never where nothing drains.
async fn drained(registrations: &[Registration], drains: bool) {
    if !drains || registrations.is_empty() {
        return std::future::pending().await;
    }
    for registration in registrations {
        registration.drained().await;
    }
}

impl TaskContext {
    fn report(&self, observation: Observation) {
        let _ = self.reports.send(Report {
            task: self.id,
            observation,
        });
    }

    /// Resolves when the task is told to stop, or its service is gone.
    fn stopped(&self) -> impl Future<Output = ()> + use<> {
        let mut orders = self.orders.clone();
        async move {
            let _ = orders.wait_for(|order| *order == Order::Stop).await;
        }
    }

    fn say(&self, what: &str) {
        let roadie = &self.stagehand.roadie;
        roadie.say(&format!("{}: task {}: {what}", self.service, self.id.0));
    }
}
