//! One service: keeps as many tasks running as are desired.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::console::{Console, Voice};
use super::scratch::Scratch;
use super::stage::Service;
use super::task::Task;

/// The pause before a task that ended early is replaced, the first time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The pause doubles each time, up to this.
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
    /// A voice for each container of `service`; `numbers` picks their colours.
    pub(crate) fn new(
        console: &Console,
        roadie: &Voice,
        service: &Service,
        numbers: impl Iterator<Item = usize>,
    ) -> Self {
        let names = service.containers.iter().map(|part| &part.spec.name);
        Self {
            roadie: roadie.clone(),
            containers: names
                .zip(numbers)
                .map(|(name, number)| (name.clone(), console.voice(name, number)))
                .collect(),
        }
    }

    /// The voice of the container `name`.
    pub(crate) fn of(&self, name: &str) -> Voice {
        self.containers.get(name).unwrap_or(&self.roadie).clone()
    }
}

/// What a place for a task needs to fill itself.
#[derive(Clone)]
pub(crate) struct Stagehand {
    pub(crate) voices: Voices,
    pub(crate) scratch: Arc<Scratch>,
    /// Variables for every container.
    pub(crate) ambient: BTreeMap<String, String>,
    /// Whether the rehearsal is over.
    pub(crate) over: watch::Receiver<bool>,
}

impl Service {
    /// Runs the desired number of tasks, and starts a new one for each that ends, until the rehearsal
    /// is over and all of them have ended.
    pub(crate) async fn keep(self, stagehand: Stagehand) {
        let service = Arc::new(self);
        let mut places = JoinSet::new();
        for place in 0..service.desired_count {
            let (service, stagehand) = (Arc::clone(&service), stagehand.clone());
            places.spawn(async move { service.keep_place(place, stagehand).await });
        }
        places.join_all().await;
    }

    async fn keep_place(&self, place: u32, mut stagehand: Stagehand) {
        // Tasks that are being replaced: they drain while the next one starts.
        let mut leaving = JoinSet::new();
        let mut pause = Duration::ZERO;
        for attempt in 0_u64.. {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stagehand.over() => break,
            }
            let begun = Instant::now();
            let id = format!("{}-{place}-{attempt}", self.name);
            match Task::start(&id, self, &stagehand).await {
                Err(error) => self.say(&stagehand, &format!("the task did not start: {error:#}")),
                Ok(mut task) => {
                    let why = tokio::select! {
                        why = task.broken() => Some(why),
                        () = stagehand.over() => None,
                    };
                    let Some(why) = why else {
                        task.let_go().await;
                        break;
                    };
                    self.say(&stagehand, &format!("{why}; the task is replaced"));
                    leaving.spawn(task.stop(stagehand.clone()));
                }
            }
            pause = match begun.elapsed() > SETTLED {
                true => Duration::ZERO,
                false => (pause * 2).clamp(FIRST_PAUSE, MAX_PAUSE),
            };
        }
        leaving.join_all().await;
    }

    fn say(&self, stagehand: &Stagehand, what: &str) {
        stagehand
            .voices
            .roadie
            .say(&format!("{}: {what}", self.name));
    }
}

impl Stagehand {
    /// Resolves when the rehearsal is over.
    pub(crate) async fn over(&mut self) {
        // A rehearsal that is gone is over, too.
        let _ = self.over.wait_for(|over| *over).await;
    }
}
