//! Accepts, serves, drains: the life of a listener.
//!
//! Why not `axum::serve`: it waits without limit for requests in flight and for peers that read no
//! answers, it closes idle connections never or after hyper's 30 s (a load balancer that keeps them for
//! 60 s then sends requests into closed connections, and answers 502), it has no limit for the number of
//! connections, and it does not tell clients that it is draining.

mod activity;
mod connection;
mod stream;
mod unread;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinSet};

use crate::health::Health;
use crate::request::Observe;
use crate::settings::{self, Settings};

use activity::Activity;
use connection::{Connection, Phase, Shared};

/// The largest request head: the 64 KiB that an ALB takes, and what it adds.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html>
const MAX_HEAD_BYTES: usize = 72 * 1024;

/// Requests at once on one HTTP/2 connection; a caller sends what is beyond when there is room. An ALB's
/// own limit.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html>
pub const MAX_STREAMS: usize = 128;

/// The most bytes of one answer over HTTP/2 that are kept for a peer that does not take them; what is
/// handed over at once may be more.
const MAX_UNSENT_BYTES: usize = 64 * 1024;

/// How long a peer may take no byte of what is written; nginx's `send_timeout`.
const WRITE_TIMEOUT: Duration = Duration::from_mins(1);

/// How long connections are still listened to when the drain ends: a request that was sent before
/// its client could know is on its way, or in the system's buffers already.
const LINGER: Duration = Duration::from_millis(500);

/// How long a connection that was told of the end is kept without a request in flight: longer than a
/// round trip takes, after which the peer has closed it.
const GOODBYE: Duration = Duration::from_secs(2);

/// Connections beyond the limit: those that have just come, and those of health checks.
const RESERVE: usize = 64;

/// How long a connection is spared that has just become idle, or has just come: its request is on the
/// way.
const FRESH: Duration = Duration::from_millis(250);

/// How often the runtime looks up without a reason: see [`serve`].
const BEAT: Duration = Duration::from_secs(1);

/// The pause before the next attempt to accept, after the system refused (usually for want of file
/// descriptors) or while there is no room.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers a request that the server refuses by itself, because of the sentence; None where it could not
/// even be parsed: hyper has answered it then.
type Refuse =
    dyn Fn(StatusCode, &'static str, Option<&Request<Incoming>>) -> Response + Send + Sync;

/// What is served: routes, and an answer to what does not get to them.
#[derive(Clone)]
pub struct Service {
    routes: Router,
    health: Health,
    refuse: Arc<Refuse>,
}

impl Service {
    /// Serves `routes`, which are always ready. What is refused before it gets to them has no body.
    #[must_use]
    pub fn new(routes: Router) -> Self {
        Self {
            routes,
            health: Health::default(),
            refuse: Arc::new(|status, _, _| status.into_response()),
        }
    }

    /// `health` turns to draining when the drain begins.
    #[must_use]
    pub fn with_health(self, health: Health) -> Self {
        Self { health, ..self }
    }

    /// What is refused before it gets to the routes is answered in the envelope, logged and counted by
    /// `observe`.
    #[must_use]
    pub fn with_observer(self, observe: Observe) -> Self {
        self.with_refusals(move |status, why, request| observe.refuse(status, why, request))
    }

    /// What is refused before it gets to the routes is answered by `refuse`, which is told the status, a
    /// sentence and the request, as far as there is one.
    #[must_use]
    pub fn with_refusals(
        self,
        refuse: impl Fn(StatusCode, &'static str, Option<&Request<Incoming>>) -> Response
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            refuse: Arc::new(refuse),
            ..self
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}

/// The limits of a listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest a connection may wait for the next request, and a request for the end of its
    /// head: one clock measures both, and starts when the previous answer is done.
    pub keep_alive: Duration,
    /// The longest a peer may take no byte of what is written.
    pub write_timeout: Duration,
    /// The most connections. Beyond it an idle one is closed for each new one, and while so many are busy,
    /// others are only taken to answer health checks.
    pub max_connections: usize,
    /// The most requests at once on one HTTP/2 connection.
    pub max_streams: usize,
    /// The largest head of a request, in bytes.
    pub max_head_bytes: usize,
    /// How long to keep serving once shutdown was asked for.
    pub drain_delay: Duration,
    /// How long requests in flight may then take to finish, their answers' last bytes included.
    pub shutdown_grace: Duration,
}

impl Limits {
    /// Limits that only differ from these in the number of connections, at most half of the files that
    /// this process may open: a service that calls others needs as many again.
    #[must_use]
    pub fn with_max_connections(self, count: usize) -> Self {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let half = usize::try_from(files / 2).unwrap_or(usize::MAX);
        Self {
            max_connections: count.min(half.saturating_sub(RESERVE)).max(1),
            ..self
        }
    }
}

impl Default for Limits {
    /// No drain delay, and the other settings' defaults.
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(75),
            write_timeout: WRITE_TIMEOUT,
            max_connections: 0,
            max_streams: MAX_STREAMS,
            max_head_bytes: MAX_HEAD_BYTES,
            drain_delay: Duration::ZERO,
            shutdown_grace: Duration::from_secs(20),
        }
        .with_max_connections(settings::MAX_CONNECTIONS)
    }
}

impl From<&Settings> for Limits {
    fn from(settings: &Settings) -> Self {
        Self {
            keep_alive: settings.keep_alive_ms,
            drain_delay: settings.drain_delay_ms,
            shutdown_grace: settings.shutdown_grace_ms,
            ..Self::default()
        }
        .with_max_connections(settings.max_connections)
    }
}

/// Requests were cut off: the grace period ended before they did.
#[derive(Debug, thiserror::Error)]
#[error("{requests} requests in flight were cut off after the grace period of {grace:?}")]
pub struct CutOff {
    /// How many.
    pub requests: usize,
    /// The limit they exceeded.
    pub grace: Duration,
}

/// Serves `service` on `listener` until `shutdown` resolves and the drain is over.
///
/// 1. Serving: as many connections as the limits allow.
/// 2. `shutdown` resolves: the service's health turns to draining at once. For `drain_delay` everything
///    is still served, new connections too, and each answer carries `Connection: close`.
/// 3. The listener closes, after it has taken what had already connected. For half a second requests
///    that are on their way are still taken; then idle connections close.
/// 4. What is in flight finishes, within `shutdown_grace`. Peers that neither ask nor close are given up
///    after two seconds.
///
/// # Errors
/// [`CutOff`] when the grace period ended first. The number is also logged.
pub async fn serve(
    listener: TcpListener,
    service: Service,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> Result<(), CutOff> {
    // The runtime wakes itself, with two system calls, for each new timer that is due before all others.
    // The timers of requests are due in seconds, those of connections in a minute: with one that is due
    // within a second, none of a request's is the first.
    let mut beat = JoinSet::new();
    beat.spawn(async {
        loop {
            tokio::time::sleep(BEAT).await;
        }
    });
    let health = service.health.clone();
    let (phases, phase) = watch::channel(Phase::Serving);
    let mut server = Server {
        shared: Arc::new(Shared::new(service, limits)),
        max_connections: limits.max_connections,
        phase,
        open: HashMap::new(),
        connections: JoinSet::new(),
    };

    server.accept_until(&listener, shutdown).await;
    health.start_draining();
    tracing::info!(
        drain_delay_ms = millis(limits.drain_delay),
        shutdown_grace_ms = millis(limits.shutdown_grace),
        "draining"
    );
    let delay = tokio::time::sleep(limits.drain_delay);
    server.accept_until(&listener, delay).await;
    server.accept_backlog(&listener).await;
    drop(listener);

    phases.send_replace(Phase::Closing);
    let finished = async { while server.connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(limits.shutdown_grace, finished).await;
    phases.send_replace(Phase::Cutting);
    let mut requests = 0;
    while let Some(cut) = server.connections.join_next().await {
        requests += cut.unwrap_or(0);
    }
    if requests == 0 {
        tracing::info!("drained");
        return Ok(());
    }
    tracing::warn!(
        requests,
        shutdown_grace_ms = millis(limits.shutdown_grace),
        "cut off"
    );
    Err(CutOff {
        requests,
        grace: limits.shutdown_grace,
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

struct Server {
    shared: Arc<Shared>,
    max_connections: usize,
    phase: watch::Receiver<Phase>,
    /// The connections that are open.
    open: HashMap<Id, Open>,
    connections: JoinSet<usize>,
}

struct Open {
    activity: Arc<Activity>,
    task: AbortHandle,
}

impl Server {
    async fn accept_until(&mut self, listener: &TcpListener, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        loop {
            let room = self.has_room();
            tokio::select! {
                biased;
                () = &mut end => return,
                // Reaps what has ended, so that the set does not grow.
                Some(ended) = self.connections.join_next_with_id() => {
                    let id = ended.map_or_else(|error| error.id(), |(id, _)| id);
                    self.open.remove(&id);
                }
                () = tokio::time::sleep(ACCEPT_PAUSE), if !room => {}
                accepted = listener.accept(), if room => match accepted {
                    Ok((stream, _)) => self.spawn(stream),
                    Err(error) if is_peers_fault(&error) => {}
                    Err(error) => {
                        tracing::error!(%error, "cannot accept connections");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
    }

    /// Takes the connections that the system has already completed: closing the listener would
    /// reset them.
    async fn accept_backlog(&mut self, listener: &TcpListener) {
        let mut ready = pin!(tokio::time::sleep(Duration::ZERO));
        while self.has_room() {
            tokio::select! {
                biased;
                Ok((stream, _)) = listener.accept() => self.spawn(stream),
                () = &mut ready => return,
            }
        }
    }

    /// Whether one more connection can be taken.
    fn has_room(&mut self) -> bool {
        self.open.len() < self.max_connections + RESERVE || self.close_idle()
    }

    /// Closes the idle connection that is missed least. Whether there was one.
    fn close_idle(&mut self) -> bool {
        let idle = self.open.iter();
        let idle = idle.filter_map(|(id, open)| Some((open.activity.idle_since()?, *id)));
        let idle = idle.min_by_key(|(since, _)| *since);
        let idle = idle.filter(|((_, since), _)| since.elapsed() >= FRESH);
        let open = idle.and_then(|(_, id)| self.open.remove(&id));
        open.map(|open| open.task.abort()).is_some()
    }

    fn spawn(&mut self, stream: TcpStream) {
        // Answers are small and written at once: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        if self.open.len() >= self.max_connections {
            self.close_idle();
        }
        let activity = Activity::new(Arc::clone(&self.shared.busy));
        let connection = Connection {
            shared: Arc::clone(&self.shared),
            activity: Arc::clone(&activity),
        };
        let task = self
            .connections
            .spawn(connection.serve(stream, self.phase.clone()));
        self.open.insert(task.id(), Open { activity, task });
    }
}

/// Errors of one connection that never came to be; the listener is fine.
fn is_peers_fault(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
