//! The load: the paths that the listener's rules name, at a steady rate.

use std::net::SocketAddr;
use std::time::Duration;

use crate::load::{Answer, Load, Pace, Plan, Tally};

/// A load lasts as long as its act; this is longer than any.
const FOREVER: Duration = Duration::from_hours(24);

/// So many requests a second are carried by one connection: an answer may take a twentieth of a second
/// before requests wait for each other.
const RATE_OF_ONE: f64 = 20.0;

/// What is asked.
#[derive(Clone, Debug)]
pub(super) struct Wishes {
    pub(super) paths: Vec<String>,
    /// Requests a second, of all paths together.
    pub(super) rate: f64,
    /// The longest to wait for an answer.
    pub(super) timeout: Duration,
}

/// People who ask, until they are sent home.
pub(super) struct Audience(Vec<Load>);

impl Wishes {
    /// Requests that can be under way at one time.
    pub(super) fn most_in_flight(&self) -> u64 {
        let connections = self.paths.len() * self.connections_each();
        u64::try_from(connections).unwrap_or(u64::MAX)
    }

    fn rate_each(&self) -> f64 {
        // There is always a path, and rarely more than a few.
        self.rate / f64::from(u32::try_from(self.paths.len().max(1)).unwrap_or(u32::MAX))
    }

    fn connections_each(&self) -> usize {
        let connections = (self.rate_each() / RATE_OF_ONE).ceil().clamp(4.0, 256.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number from 4 to 256"
        )]
        let connections = connections as usize;
        connections
    }
}

impl Audience {
    pub(super) fn enter(wishes: &Wishes, address: SocketAddr) -> Self {
        let load = |path: &String| {
            let plan = Plan {
                addresses: vec![address],
                host: address.to_string(),
                path: path.clone(),
                connections: wishes.connections_each(),
                pace: Pace::Rate(wishes.rate_each()),
                time: FOREVER,
                requests: None,
                timeout: wishes.timeout,
            };
            let path = path.clone();
            Load::start(&plan, move |answer| judge(&path, answer))
        };
        Self(wishes.paths.iter().map(load).collect())
    }

    /// Asks nothing more, and tells what was answered.
    pub(super) async fn leave(self) -> Tally {
        let mut all = Tally::default();
        for load in self.0 {
            all.add(&load.end().await);
        }
        all
    }
}

/// A request is lost when nothing answers it but an excuse. What a program makes of it is its affair.
fn judge(path: &str, answer: &Answer<'_>) -> Result<(), String> {
    match answer.status {
        status @ 500.. => Err(format!("{path}: status {status}")),
        _ => Ok(()),
    }
}
