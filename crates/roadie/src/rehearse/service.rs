//! One service: how it is asked, and the keeper that answers.

mod keeper;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ecs::scheduler::{Observation, Scheduler, TaskId, Zone};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use self::keeper::Keeper;
use super::blueprint::Blueprint;
use super::clock::Clock;
use super::console::Voice;
use super::machine::Machine;
use super::metadata::Metadata;
use super::scratch::Scratch;
use super::stage::Service;
use super::status::ServiceStatus;
use crate::container::Engine;

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
    pub(crate) machine: Machine,
    /// Variables for every container.
    pub(crate) ambient: BTreeMap<String, String>,
    /// Whether the rehearsal is over.
    pub(crate) over: watch::Receiver<bool>,
}

/// What a service can be asked.
pub(crate) enum Request {
    /// Answered by whether this machine can hold it, and why not.
    Deploy(Box<Blueprint>, oneshot::Sender<Result<(), String>>),
    /// The same.
    Scale(u32, oneshot::Sender<Result<(), String>>),
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
