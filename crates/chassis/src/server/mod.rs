//! Accepts, serves, drains: the life of a listener.
//!
//! Why not `axum::serve`: it waits without limit for requests in flight, it closes idle connections
//! never or after hyper's 30 s (a load balancer that keeps them for 60 s then sends requests into
//! closed connections, and answers 502), and it does not tell clients that it is about to leave.

mod http2;
mod unread;

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::{self, HeaderValue};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::health::Health;
use crate::settings::Settings;

/// The largest request head. An ALB's own limit for all headers together is 64 KiB.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// How long connections are still listened to when the drain ends: a request that was sent before
/// its client could know is on its way, or in the system's buffers already.
const LINGER: Duration = Duration::from_millis(500);

/// How often the runtime looks up without a reason: see [`serve`].
const BEAT: Duration = Duration::from_secs(1);

/// The pause after the system refused to accept, usually for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The times that govern a listener's life.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest a connection may wait for the next request, and a request for the end of its
    /// head: hyper measures both by one clock that starts when the previous answer is done.
    pub keep_alive: Duration,
    /// How long to keep serving once shutdown was asked for.
    pub drain_delay: Duration,
    /// How long requests in flight may then take to finish, their answers' last bytes included.
    pub shutdown_grace: Duration,
}

impl From<&Settings> for Limits {
    fn from(settings: &Settings) -> Self {
        Self {
            keep_alive: settings.keep_alive_ms,
            drain_delay: settings.drain_delay_ms,
            shutdown_grace: settings.shutdown_grace_ms,
        }
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

/// Serves `app` on `listener` until `shutdown` resolves and the drain is over.
///
/// 1. Serving: as many connections as come.
/// 2. `shutdown` resolves: `health` turns to draining at once. For `drain_delay` everything is still
///    served, new connections too, and each answer carries `Connection: close`.
/// 3. The listener closes, after it has taken what had already connected. For half a second requests
///    that are on their way are still taken; then idle connections close.
/// 4. What is in flight finishes, within `shutdown_grace`.
///
/// # Errors
/// [`CutOff`] when the grace period ended first. The number is also logged.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    health: Health,
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
    let (closing, closed) = watch::channel(false);
    let mut server = Server {
        app,
        health: health.clone(),
        keep_alive: limits.keep_alive,
        used: Arc::new(AtomicUsize::new(0)),
        closed,
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

    closing.send_replace(true);
    let finished = async { while server.connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.shutdown_grace, finished)
        .await
        .is_ok()
    {
        tracing::info!("drained");
        return Ok(());
    }
    match server.used.load(Ordering::Relaxed) {
        0 => Ok(()),
        requests => {
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
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

struct Server {
    app: Router,
    health: Health,
    keep_alive: Duration,
    /// Connections that have had a request and are open.
    used: Arc<AtomicUsize>,
    closed: watch::Receiver<bool>,
    connections: JoinSet<()>,
}

impl Server {
    async fn accept_until(&mut self, listener: &TcpListener, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        loop {
            tokio::select! {
                biased;
                () = &mut end => return,
                // Reaps what has ended, so that the set does not grow.
                Some(_) = self.connections.join_next() => {}
                accepted = listener.accept() => match accepted {
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
        loop {
            tokio::select! {
                biased;
                Ok((stream, _)) = listener.accept() => self.spawn(stream),
                () = &mut ready => return,
            }
        }
    }

    fn spawn(&mut self, stream: TcpStream) {
        // Answers are small and written at once: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let connection = Connection {
            app: self.app.clone(),
            health: self.health.clone(),
            keep_alive: self.keep_alive,
            used: OnceLock::new(),
            open: Arc::clone(&self.used),
        };
        self.connections
            .spawn(connection.serve(stream, self.closed.clone()));
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

struct Connection {
    app: Router,
    health: Health,
    keep_alive: Duration,
    /// Set by the first request.
    used: OnceLock<Used>,
    open: Arc<AtomicUsize>,
}

impl Connection {
    async fn serve(self, stream: TcpStream, mut closed: watch::Receiver<bool>) {
        let opening = tokio::time::timeout(self.keep_alive, http2::is_spoken_on(&stream));
        let speaks_http2 = tokio::select! {
            biased;
            Ok(Ok(speaks)) = opening => speaks,
            () = lingered(&mut closed) => return,
            // Nothing came in time, or the end.
            else => return,
        };
        match speaks_http2 {
            true => http2::serve(self, stream, closed).await,
            false => self.serve_http1(stream, closed).await,
        }
    }

    async fn serve_http1(self, stream: TcpStream, mut closed: watch::Receiver<bool>) {
        let service = service_fn(|request: Request<Incoming>| self.answer(request));
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(self.keep_alive)
                .max_buf_size(MAX_HEAD_BYTES)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
        );
        // How a connection ends is the client's affair: what matters was logged with its requests.
        tokio::select! {
            biased;
            _ = connection.as_mut() => return,
            _ = closed.wait_for(|closed| *closed) => {}
        }
        // hyper closes a connection without reading what waits in its socket: not before the linger.
        // From here on each answer closes its connection anyway.
        if tokio::time::timeout(LINGER, connection.as_mut())
            .await
            .is_err()
        {
            connection.as_mut().graceful_shutdown();
            // Ends at once where nothing is in flight.
            let _ = connection.await;
        }
    }

    /// The answer, by HTTP/1.1.
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        self.used.get_or_init(|| Used::count(&self.open));
        let mut response = self.respond(request).await?;
        if self.health.is_draining() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        Ok(response)
    }

    async fn respond(&self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let (request, rest) = unread::watch(request);
        let response = self.app.clone().oneshot(request).await?;
        rest.discard().await;
        Ok(response)
    }
}

/// Resolves when the drain has ended and the linger after it is over.
async fn lingered(closed: &mut watch::Receiver<bool>) {
    let _ = closed.wait_for(|closed| *closed).await;
    tokio::time::sleep(LINGER).await;
}

/// Counts a connection that has had a request for as long as it is open. When the grace period ends,
/// those that had nothing in flight have closed: what is left is cut.
struct Used(Arc<AtomicUsize>);

impl Used {
    fn count(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
