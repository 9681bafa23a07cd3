//! One task: its containers, started in order, running until it is told to end or one of them ends.

mod start;

use std::future::Future;
use std::sync::{Arc, OnceLock};

use ecs::scheduler::{Observation, Revision, TaskId};
use futures_util::future::{join_all, select_all};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::blueprint::Blueprint;
use super::connect::Listing;
use super::health::Board;
use super::machine::Place;
use super::metadata::Entry;
use super::meter::{Gauged, Meter};
use super::scratch::HostsFile;
use super::service::{News, Report, Stagehand};
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
    /// Be gone at once, with everything: its zone is.
    Vanish,
}

/// What a task is made from, and whom it reports to.
pub(crate) struct TaskContext {
    pub(crate) id: TaskId,
    pub(crate) service: String,
    pub(crate) revision: Revision,
    pub(crate) zone: String,
    pub(crate) blueprint: Arc<Blueprint>,
    pub(crate) stagehand: Stagehand,
    pub(crate) orders: watch::Receiver<Order>,
    pub(crate) reports: mpsc::UnboundedSender<Report>,
    /// Where others find out on which port it serves.
    pub(crate) port: Arc<OnceLock<u16>>,
    pub(crate) meter: Meter,
}

/// Passes on what a task has to say.
struct Teller {
    task: TaskId,
    reports: mpsc::UnboundedSender<Report>,
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
    let vanishes = *context.orders.borrow() == Order::Vanish;
    match vanishes {
        true => task.vanish().await,
        false => task.stop(&context).await,
    }
    context.report(Observation::Exited);
}

struct Task {
    /// In start order.
    members: Vec<Member>,
    registrations: Vec<Registration>,
    listings: Vec<Listing>,
    health: Board,
    checks: JoinSet<()>,
    metadata: Option<Entry>,
}

/// A container that was started.
struct Member {
    container: Container,
    essential: bool,
    /// The port inside its own network on which others reach it.
    listens: Option<u16>,
    /// Where its check's verdict is, if it has one.
    verdict: Option<usize>,
    /// Until it has ended.
    _place: Option<Place>,
    _hosts: HostsFile,
}

impl Task {
    fn new() -> Self {
        Self {
            members: Vec::new(),
            registrations: Vec::new(),
            listings: Vec::new(),
            health: Board::new(),
            checks: JoinSet::new(),
            metadata: None,
        }
    }

    /// Runs until it is told to stop, or says why it cannot go on.
    async fn serve(&mut self, context: &mut TaskContext) -> Option<String> {
        let mut last = None;
        loop {
            let health = self.health.clone();
            let order = *context.orders.borrow_and_update();
            match order {
                Order::Stop | Order::Vanish => return None,
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
            let gone = async {
                tokio::select! {
                    () = stagehand.over() => {}
                    () = context.vanished() => {}
                }
            };
            if !member.container.stop(gone).await {
                context.say(&format!(
                    "{name} did not end within {limit:?} of SIGTERM and was killed"
                ));
            }
        }
    }

    /// SIGKILL for everything, as when the machine is gone.
    async fn vanish(self) {
        drop((self.registrations, self.listings, self.checks));
        for member in &self.members {
            member.container.kill();
        }
        join_all(self.members.iter().map(|member| member.container.ended())).await;
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

    fn gauged(&self) -> Gauged {
        Gauged {
            name: self.container.name().to_owned(),
            limit_bytes: self.container.spec().memory_bytes,
            gauge: self.container.gauge(),
        }
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
        self.teller().tell(News::Observed(observation));
    }

    fn say(&self, what: &str) {
        self.teller().say(what);
    }

    fn teller(&self) -> Teller {
        Teller {
            task: self.id,
            reports: self.reports.clone(),
        }
    }

    /// Resolves when the task is told to end, or its service is gone.
    fn stopped(&self) -> impl Future<Output = ()> + use<> {
        let mut orders = self.orders.clone();
        async move {
            let ends = |order: &Order| matches!(order, Order::Stop | Order::Vanish);
            let _ = orders.wait_for(ends).await;
        }
    }
}

impl TaskContext {
    /// Resolves when the task's zone is gone.
    async fn vanished(&self) {
        let mut orders = self.orders.clone();
        let vanishes = |order: &Order| *order == Order::Vanish;
        let known = orders.wait_for(vanishes).await.is_ok();
        if !known {
            // Nobody gives orders to a task that has ended already.
            std::future::pending::<()>().await;
        }
    }
}

impl Teller {
    fn say(&self, what: &str) {
        self.tell(News::Said(format!("task {}: {what}", self.task.0)));
    }

    fn tell(&self, news: News) {
        // A service that is over does not hear it.
        let _ = self.reports.send(Report {
            task: self.task,
            news,
        });
    }
}
