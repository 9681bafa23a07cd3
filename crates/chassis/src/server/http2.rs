//! The same over HTTP/2 without TLS, told apart by its first bytes: many requests at once on one
//! connection, and a goodbye (GOAWAY) that says which of them were taken.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::{Connection, MAX_HEAD_BYTES, Used};

/// How every HTTP/2 connection begins, and no request of HTTP/1.1.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// Requests at once on one connection; a caller sends what is beyond when there is room. What a
/// service takes at once is its own affair.
const MAX_STREAMS: u32 = 4096;

/// Waits for the first bytes, and leaves them where they are.
pub(super) async fn is_spoken_on(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0; PREFACE.len()];
    // The preface is far smaller than a packet: a part of it is nobody's.
    let count = stream.peek(&mut first).await?;
    Ok(first[..count] == *PREFACE)
}

/// Serves until the connection ends, has been idle for too long, or is to go.
pub(super) async fn serve(
    connection: Connection,
    stream: TcpStream,
    mut closed: watch::Receiver<bool>,
) {
    let streams = Arc::new(Streams {
        connection,
        active: AtomicUsize::new(0),
        ended: Mutex::new(Instant::now()),
        leaving: Notify::new(),
    });
    let service = service_fn(|request| Arc::clone(&streams).answer(request));
    let mut served = pin!(
        http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
            .serve_connection(TokioIo::new(stream), service)
    );
    tokio::select! {
        biased;
        _ = served.as_mut() => return,
        _ = closed.wait_for(|closed| *closed) => {}
        () = streams.leaving.notified() => {}
        () = streams.idle() => {}
    }
    // Tells which requests are still taken: those that are on their way. The others can be sent
    // elsewhere, and their sender knows it.
    served.as_mut().graceful_shutdown();
    let _ = served.await;
}

/// The requests of one connection.
struct Streams {
    connection: Connection,
    active: AtomicUsize,
    /// When the last of them ended.
    ended: Mutex<Instant>,
    /// An answer was given that shall be the last but for those under way.
    leaving: Notify,
}

impl Streams {
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let active = Active::enter(&self);
        let response = self.connection.respond(request).await?;
        if self.connection.health.is_draining() {
            self.leaving.notify_one();
        }
        Ok(response.map(|body| {
            Body::new(Answering {
                body,
                _active: active,
            })
        }))
    }

    /// Resolves when there has been no request for as long as a connection is kept.
    async fn idle(&self) {
        let keep_alive = self.connection.keep_alive;
        loop {
            let ended = *self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            match self.active.load(Ordering::Relaxed) {
                0 if ended.elapsed() >= keep_alive => return,
                0 => tokio::time::sleep_until(ended + keep_alive).await,
                _ => tokio::time::sleep(keep_alive).await,
            }
        }
    }
}

/// A request in flight, until the last byte of its answer was taken.
struct Active {
    streams: Arc<Streams>,
    _used: Used,
}

impl Active {
    fn enter(streams: &Arc<Streams>) -> Self {
        streams.active.fetch_add(1, Ordering::Relaxed);
        Self {
            streams: Arc::clone(streams),
            _used: Used::count(&streams.connection.open),
        }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let mut ended = self
            .streams
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *ended = Instant::now();
        self.streams.active.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Answering {
    body: Body,
    _active: Active,
}

impl http_body::Body for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
