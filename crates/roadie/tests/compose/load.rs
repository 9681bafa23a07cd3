//! A steady load on the edge, and what became of it.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::suite::{Answer, MEOWS, client, get};

/// What each worker asks for, over and over: rallies, and now and then the two others.
const WORKERS: [&str; 8] = [
    "/start", "/start", "/start", "/start", "/start", "/start", "/ping", "/",
];

/// Each worker's pace: all together 200 requests a second.
const PACE: Duration = Duration::from_millis(40);

/// A load that goes on until it is told to end.
pub(crate) struct Load {
    end: watch::Sender<bool>,
    workers: JoinSet<Vec<Outcome>>,
    started: Instant,
}

struct Outcome {
    took: Duration,
    failure: Option<Answer>,
}

/// What became of all requests.
pub(crate) struct Report {
    pub(crate) requests: usize,
    pub(crate) failures: Vec<Answer>,
    pub(crate) rate: f64,
    pub(crate) slowest: Duration,
}

impl Load {
    pub(crate) fn start(url: &str) -> Self {
        let (end, ended) = watch::channel(false);
        let mut workers = JoinSet::new();
        for path in WORKERS {
            workers.spawn(work(path, format!("{url}{path}"), ended.clone()));
        }
        Self {
            end,
            workers,
            started: Instant::now(),
        }
    }

    pub(crate) async fn end(self) -> Report {
        let lasted = self.started.elapsed();
        self.end.send_replace(true);
        let outcomes = self.workers.join_all().await;
        let outcomes: Vec<Outcome> = outcomes.into_iter().flatten().collect();
        let rate = f64::from(u32::try_from(outcomes.len()).unwrap()) / lasted.as_secs_f64();
        Report {
            requests: outcomes.len(),
            rate,
            slowest: outcomes.iter().map(|one| one.took).max().unwrap(),
            failures: outcomes.into_iter().filter_map(|one| one.failure).collect(),
        }
    }
}

async fn work(path: &str, url: String, ended: watch::Receiver<bool>) -> Vec<Outcome> {
    let http = client();
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut outcomes = Vec::new();
    while !*ended.borrow() {
        pace.tick().await;
        let answer = get(&http, &url).await;
        let well = answer.status == 200
            && match path {
                "/start" => answer.body == MEOWS,
                "/ping" => answer.body == "pong",
                _ => answer.body.contains("data-letter="),
            };
        outcomes.push(Outcome {
            took: answer.took,
            failure: (!well).then_some(answer),
        });
    }
    outcomes
}

impl Report {
    /// The classes of the failures and the hops they name.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let kind = |answer: &Answer| {
            let json: Value = answer.json();
            let message = &json["message"];
            format!("{} {} {}", answer.status, message["code"], message["hop"])
        };
        let mut kinds: Vec<_> = self.failures.iter().map(kind).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }
}
