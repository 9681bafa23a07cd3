//! A load on one address: many connections, a pace, a limit, and what became of every request.
//!
//! - `connection`: an HTTP/1.1 client of just the parts that are needed, so that the load costs little
//!   beside what it measures;
//! - `pace`: when the next request is due, and from when its latency counts;
//! - `histogram`, `tally`: what is remembered.

mod connection;
mod histogram;
mod pace;
mod tally;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

pub(crate) use self::connection::Answer;
use self::connection::Connection;
pub(crate) use self::histogram::Histogram;
pub(crate) use self::pace::Pace;
use self::pace::Schedule;
pub(crate) use self::tally::Tally;

/// The pause of a connection that failed: an address where nobody listens is not hammered.
const PAUSE: Duration = Duration::from_millis(10);

/// What is asked, how often, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Where; connections are spread over all of them. Not empty.
    pub(crate) addresses: Vec<SocketAddr>,
    /// The `Host` header.
    pub(crate) host: String,
    /// Path and query of the GET.
    pub(crate) path: String,
    /// Connections, each of which carries one request at a time.
    pub(crate) connections: usize,
    pub(crate) pace: Pace,
    /// The load ends after this time, or after this many requests.
    pub(crate) time: Duration,
    pub(crate) requests: Option<u64>,
    /// The longest one request may take, connecting included.
    pub(crate) timeout: Duration,
}

/// A load that is under way. Dropping it ends it at once.
#[derive(Debug)]
pub(crate) struct Load {
    end: watch::Sender<bool>,
    _workers: JoinSet<()>,
    tally: Arc<Mutex<Tally>>,
    started: Instant,
}

impl Load {
    /// Starts what `plan` says. `check` judges every answer: an error is a class, a few words.
    pub(crate) fn start<C>(plan: &Plan, check: C) -> Self
    where
        C: Fn(&Answer<'_>) -> Result<(), String> + Send + Sync + 'static,
    {
        let (end, ended) = watch::channel(false);
        let started = Instant::now();
        let schedule = Schedule::new(plan.pace, started, plan.time, plan.requests);
        let worker = Worker {
            request: request(plan).into(),
            timeout: plan.timeout,
            schedule: Arc::new(schedule),
            tally: Arc::default(),
            check: Arc::new(check),
        };
        let mut workers = JoinSet::new();
        let addresses = plan.addresses.iter().cycle();
        for address in addresses.take(plan.connections) {
            workers.spawn(worker.clone().work(*address, ended.clone()));
        }
        Self {
            end,
            _workers: workers,
            tally: worker.tally,
            started,
        }
    }

    /// What became of it up to now.
    pub(crate) fn so_far(&self) -> Tally {
        lock(&self.tally).clone()
    }

    /// Waits until its limit is reached and all answers are there.
    pub(crate) async fn finished(&self) {
        // Each connection has an ear for the word to end, for as long as it works.
        self.end.closed().await;
    }

    /// Asks nothing more, waits for the answers that are under way, and tells all.
    pub(crate) async fn end(self) -> Tally {
        self.end.send_replace(true);
        self.finished().await;
        let mut tally = self.so_far();
        tally.took = tally.last.unwrap_or(self.started) - self.started;
        tally
    }
}

struct Worker<C> {
    request: Arc<[u8]>,
    timeout: Duration,
    schedule: Arc<Schedule>,
    tally: Arc<Mutex<Tally>>,
    check: Arc<C>,
}

impl<C: Fn(&Answer<'_>) -> Result<(), String>> Worker<C> {
    async fn work(self, address: SocketAddr, mut ended: watch::Receiver<bool>) {
        let mut connection = Connection::new(address);
        while let Some(due) = self.schedule.next(&mut ended).await {
            let asked = tokio::time::timeout(self.timeout, connection.ask(&self.request)).await;
            let now = Instant::now();
            let broke = !matches!(asked, Ok(Ok(_)));
            let outcome = match asked {
                Ok(Ok(answer)) => (self.check)(&answer),
                Ok(Err(trouble)) => Err(trouble.to_string()),
                Err(_) => Err(format!("no answer within {} ms", self.timeout.as_millis())),
            };
            lock(&self.tally).record(outcome, due, now);
            if broke {
                connection.close();
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

// Derived, it would want `C: Clone`.
impl<C> Clone for Worker<C> {
    fn clone(&self) -> Self {
        Self {
            request: Arc::clone(&self.request),
            timeout: self.timeout,
            schedule: Arc::clone(&self.schedule),
            tally: Arc::clone(&self.tally),
            check: Arc::clone(&self.check),
        }
    }
}

fn request(plan: &Plan) -> Vec<u8> {
    let Plan { host, path, .. } = plan;
    let agent = concat!("roadie/", env!("CARGO_PKG_VERSION"));
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: {agent}\r\naccept: */*\r\n\r\n")
        .into()
}

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
