//! People who play, one rally after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::task::JoinSet;

use crate::support::Roadie;

/// How many play at a time.
pub(crate) const PLAYERS: usize = 8;

/// Plays rallies, several at a time, until it is stopped.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    players: JoinSet<Vec<String>>,
}

impl Load {
    pub(crate) fn start(roadie: &Roadie) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            answered: Arc::default(),
            players: JoinSet::new(),
        };
        for _ in 0..PLAYERS {
            let (stop, answered) = (Arc::clone(&load.stop), Arc::clone(&load.answered));
            let url = roadie.url("/start");
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            load.players.spawn(async move {
                let mut failures = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    match client.get(&url).send().await {
                        Ok(answer) if answer.status() == 200 => {}
                        Ok(answer) => failures.push(answer.text().await.unwrap_or_default()),
                        Err(error) => failures.push(format!("{error:?}")),
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                failures
            });
        }
        load
    }

    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// How many rallies were played, and what went wrong with those that failed.
    pub(crate) async fn stop(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let failures = self.players.join_all().await.concat();
        (self.answered.load(Ordering::Relaxed), failures)
    }
}
