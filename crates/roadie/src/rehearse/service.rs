//! One service: keeps as many tasks running as are desired.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::console::{Console, Voice};
use super::scratch::Scratch;
use super::stage::Service;
use super::task::Task;

/// The pause before a task that failed again and again is started once more, at most.
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// A task that ran for this long was fine: what ends it is a new story.
const SETTLED: Duration = Duration::from_secs(10);

/// The voices of a service's containers, and roadie's own.
#[derive(Clone, Debug)]
pub(crate) struct Voices {
    pub(crate) roadie: Voice,
    containers: BTreeMap<String, Voice>,
}

impl Voices {
    /// A voice for each container of `service`, the service being the `number`th of the stage.
    pub(crate) fn new(console: &Console, roadie: &Voice, service: &Service, number: usize) -> Self {
        let names = service.containers.iter().map(|part| &part.spec.name);
        Self {
            roadie: roadie.clone(),
            containers: names
                .enumerate()
                .map(|(index, name)| (name.clone(), console.voice(name, 1 + number + index)))
                .collect(),
        }
    }

    /// The voice of the container `name`.
    pub(crate) fn of(&self, name: &str) -> Voice {
        self.containers.get(name).unwrap_or(&self.roadie).clone()
    }
}

impl Service {
    /// Runs the desired number of tasks, and starts a new one for each that ends. Dropping the future
    /// ends them all.
    pub(crate) async fn keep(
        self,
        voices: Voices,
        scratch: Arc<Scratch>,
        ambient: BTreeMap<String, String>,
    ) {
        let service = Arc::new(self);
        let mut places = JoinSet::new();
        for place in 0..service.desired_count {
            let (service, voices) = (Arc::clone(&service), voices.clone());
            let (scratch, ambient) = (Arc::clone(&scratch), ambient.clone());
            places.spawn(async move {
                let mut pause = Duration::ZERO;
                for attempt in 0_u64.. {
                    tokio::time::sleep(pause).await;
                    let begun = Instant::now();
                    let id = format!("{}-{place}-{attempt}", service.name);
                    service.run_task(&id, &voices, &scratch, &ambient).await;
                    pause = match begun.elapsed() > SETTLED {
                        true => Duration::ZERO,
                        false => (pause * 2).clamp(Duration::from_secs(1), MAX_PAUSE),
                    };
                }
            });
        }
        places.join_all().await;
    }

    /// One task, from its start to the end of its last container.
    async fn run_task(
        &self,
        id: &str,
        voices: &Voices,
        scratch: &Scratch,
        ambient: &BTreeMap<String, String>,
    ) {
        let say = |what: String| voices.roadie.say(&format!("{}: {what}", self.name));
        let parts = &self.containers;
        match Task::start(id, parts, &self.targets, ambient, voices, scratch).await {
            Err(error) => say(format!("the task did not start: {error:#}")),
            Ok(mut task) => {
                let why = task.broken().await;
                say(format!("{why}; the task is replaced"));
                task.stop().await;
            }
        }
    }
}
