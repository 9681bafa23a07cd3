//! One task: its containers, started in order, running until it is told to end or one of them ends.

use std::fmt::Write as _;
use std::future::Future;
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use ecs::alb::TargetState;
use ecs::container::DependencyCondition;
use ecs::scheduler::{Observation, TaskId};
use futures_util::future::{join_all, select_all};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::blueprint::{Blueprint, Part};
use super::connect::{Listing, Name};
use super::health::Board;
use super::service::{Report, Stagehand};
use super::targets::Registration;
use crate::container::{Container, Port};

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
    task.stop(&context).await;
    context.report(Observation::Exited);
}

struct Task {
    /// In start order.
    members: Vec<Member>,
    registrations: Vec<Registration>,
    listings: Vec<Listing>,
    health: Board,
    checks: JoinSet<()>,
}

/// A container that was started.
struct Member {
    container: Container,
    essential: bool,
    /// The port inside its own network on which others reach it.
    listens: Option<u16>,
    /// Where its check's verdict is, if it has one.
    verdict: Option<usize>,
}

impl Task {
    fn new() -> Self {
        Self {
            members: Vec::new(),
            registrations: Vec::new(),
            listings: Vec::new(),
            health: Board::new(),
            checks: JoinSet::new(),
        }
    }

    /// Starts the containers one after the other, and registers them where they are to be found.
    ///
    /// # Errors
    /// A container cannot be started, ends at once, or waits for something that will not be.
    async fn start(&mut self, context: &TaskContext) -> anyhow::Result<()> {
        for part in &context.blueprint.containers {
            let name = part.spec.name.clone();
            self.start_part(part, context).await.context(name)?;
        }
        let target = context.blueprint.targets.first();
        let mut serving = self.members.iter().rev();
        let serving = serving.find(|member| {
            let name = member.container.name();
            target.is_none_or(|target| name == target.container)
        });
        if let Some(port) = serving.and_then(Member::port) {
            let _ = context.port.set(port);
        }
        for offer in &context.blueprint.offers {
            if let Some(member) = self.member(&offer.container) {
                let health = member.verdict.map(|place| (self.health.clone(), place));
                let listing = offer.name.list(member.reached_on(offer.port), health);
                self.listings.push(listing);
            }
        }
        for target in &context.blueprint.targets {
            let Some(member) = self.member(&target.container) else {
                continue;
            };
            let port = member.reached_on(target.port);
            let (health, place) = (self.health.clone(), self.health.add());
            let said = context.stagehand.roadie.clone();
            let (name, group) = (target.container.clone(), target.group.name().to_owned());
            let listening = port.clone();
            let on_change = move |state| {
                health.set(place, state == TargetState::Healthy);
                let port = listening.as_ref().and_then(|port| *port.borrow());
                let port = port.map_or("no port".to_owned(), |port| format!("port {port}"));
                let state = format!("{state:?}").to_lowercase();
                said.say(&format!("{group}: {name} on {port} is {state}"));
            };
            let clock = context.stagehand.clock;
            let registration = target.group.register(port, clock, on_change);
            self.registrations.push(registration);
        }
        Ok(())
    }

    /// Starts a container when what it depends on is true, and waits until it has settled.
    async fn start_part(&mut self, part: &Part, context: &TaskContext) -> anyhow::Result<()> {
        for (name, condition) in &part.after {
            self.wait_for(name, *condition).await?;
        }
        let stagehand = &context.stagehand;
        let name = &part.spec.name;
        let file = format!("{}-{}-{name}-hosts", context.service, context.id.0);
        let hosts = stagehand
            .scratch
            .write(&file, &self.hosts_of(part, &context.blueprint))
            .context("cannot write a hosts file")?;
        let mut spec = part.spec.clone();
        let hosts = ("HOSTS_FILE".to_owned(), hosts.display().to_string());
        spec.environment.extend(stagehand.ambient.clone());
        spec.environment.extend([hosts]);

        let voice = stagehand.voices.get(name).unwrap_or(&stagehand.roadie);
        let container = Container::start(spec, voice.clone())?;
        let settled = container.settled().await;
        if let Some(exit) = settled.filter(|_| part.essential) {
            anyhow::bail!("it ended at once: {}", exit.status);
        }
        let verdict = part.check.as_ref().map(|check| {
            let (health, place) = (self.health.clone(), self.health.add());
            let (spec, listening) = (container.spec().clone(), container.port().clone());
            let check = check.clone();
            self.checks
                .spawn(check.run(spec, listening, stagehand.clock, health, place));
            place
        });
        self.members.push(Member {
            container,
            essential: part.essential,
            listens: part.listens,
            verdict,
        });
        Ok(())
    }

    /// Waits until `condition` is true of the container called `name`.
    ///
    /// # Errors
    /// It cannot become true any more, or an essential container ended.
    async fn wait_for(&self, name: &str, condition: DependencyCondition) -> anyhow::Result<()> {
        let Some(member) = self.member(name) else {
            return Ok(());
        };
        let true_now = async {
            match (condition, member.verdict) {
                (DependencyCondition::Healthy, Some(place)) => self.health.healthy(place).await,
                (DependencyCondition::Complete, _) => drop(member.container.ended().await),
                (DependencyCondition::Success, _) => {
                    let exit = member.container.ended().await;
                    if !exit.success {
                        anyhow::bail!("{name} was to end well first: {}", exit.status);
                    }
                }
                (DependencyCondition::Start | DependencyCondition::Healthy, _) => {}
            }
            Ok(())
        };
        tokio::select! {
            met = true_now => met,
            why = self.broken() => anyhow::bail!(why),
        }
    }

    fn member(&self, name: &str) -> Option<&Member> {
        let mut members = self.members.iter();
        members.find(|member| member.container.name() == name)
    }

    /// The names that a container knows, with the ports on which they are found here.
    fn hosts_of(&self, part: &Part, blueprint: &Blueprint) -> String {
        let mut hosts: String = blueprint.names.iter().map(Name::line).collect();
        for (linked, alias) in &part.links {
            let found = self.member(linked).and_then(Member::port);
            if let Some(found) = found {
                // Writing into a String does not fail.
                let _ = writeln!(hosts, "127.0.0.1:{found} {linked} {alias}");
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
                    self.listings.clear();
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

    fn kill_one(&self) {
        if let Some(member) = self.members.first() {
            member.container.kill();
        }
    }

    /// Waits until an essential container ends, and says which and how.
    async fn broken(&self) -> String {
        let essential = self.members.iter().filter(|member| member.essential);
        let ends = essential.map(|member| {
            Box::pin(async {
                let exit = member.container.ended().await;
                format!("{} ended: {}", member.container.name(), exit.status)
            })
        });
        let ends: Vec<_> = ends.collect();
        match ends.is_empty() {
            true => std::future::pending().await,
            false => select_all(ends).await.0,
        }
    }

    /// Ends what still runs: out of the target groups first, then the containers in reverse order.
    async fn stop(self, context: &TaskContext) {
        drop((self.registrations, self.listings, self.checks));
        for member in self.members.into_iter().rev() {
            let mut stagehand = context.stagehand.clone();
            let name = member.container.name().to_owned();
            let limit = member.container.spec().stop_timeout;
            if !member.container.stop(stagehand.over()).await {
                context.say(&format!(
                    "{name} did not end within {limit:?} of SIGTERM and was killed"
                ));
            }
        }
    }

    /// Ends everything at once, and waits until it has ended.
    async fn let_go(self) {
        drop((self.registrations, self.listings, self.checks));
        let members = self.members.into_iter();
        join_all(members.map(|member| member.container.let_go())).await;
    }
}

impl Member {
    /// Where `port` of the container is found on this machine; none where nothing listens on it.
    fn reached_on(&self, port: u16) -> Option<Port> {
        let listens = self.listens == Some(port);
        listens.then(|| self.container.port().clone())
    }

    fn port(&self) -> Option<u16> {
        *self.container.port().borrow()
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
