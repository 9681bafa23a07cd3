//! What one connection is doing: its requests in flight, and how long it has done nothing.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Shared by a connection, its socket and its requests.
#[derive(Debug)]
pub(super) struct Activity {
    /// Requests whose answers have not been handed over to the last byte.
    requests: AtomicUsize,
    /// Answers over HTTP/2 with bytes that the peer's window has no room for.
    unsent: AtomicUsize,
    /// The socket does not take the bytes that are to be written.
    blocked: AtomicBool,
    /// Whether a request came, and by which protocol.
    spoken: AtomicUsize,
    /// The connections of the listener that have requests in flight.
    busy: Arc<AtomicUsize>,
    /// The last time that a request ended, or bytes of an answer were taken.
    progress: Mutex<Instant>,
    /// To be told when an answer was given that is to be the last.
    pub(super) leaving: Notify,
}

const NOTHING: usize = 0;
const HTTP1: usize = 1;
const HTTP2: usize = 2;

impl Activity {
    pub(super) fn new(busy: Arc<AtomicUsize>) -> Arc<Self> {
        Arc::new(Self {
            busy,
            requests: AtomicUsize::new(0),
            unsent: AtomicUsize::new(0),
            blocked: AtomicBool::new(false),
            spoken: AtomicUsize::new(NOTHING),
            progress: Mutex::new(Instant::now()),
            leaving: Notify::new(),
        })
    }

    /// How many requests would be cut off if the connection ended now.
    pub(super) fn in_flight(&self) -> usize {
        let unwritten = usize::from(self.blocked.load(Ordering::Relaxed));
        self.requests.load(Ordering::Relaxed).max(unwritten)
    }

    pub(super) fn speaks_http2(&self) -> bool {
        self.spoken.load(Ordering::Relaxed) == HTTP2
    }

    /// Which of several idle connections is missed least: one that never had a request, then the one
    /// that has been idle for longest. None while a request is in flight.
    pub(super) fn idle_since(&self) -> Option<(bool, Instant)> {
        let used = self.spoken.load(Ordering::Relaxed) != NOTHING;
        (self.in_flight() == 0).then(|| (used, self.progress()))
    }

    /// Resolves when no request was in flight for `idle`, or when the peer left the bytes of answers
    /// untaken for `unread`; up to `unread` later.
    pub(super) async fn expired(&self, idle: Duration, unread: Duration) {
        loop {
            let (now, progress) = (Instant::now(), self.progress());
            let limit = if self.in_flight() == 0 {
                idle
            } else if self.unsent.load(Ordering::Relaxed) > 0 {
                unread
            } else {
                Duration::MAX
            };
            let left = limit.saturating_sub(now - progress);
            if left.is_zero() {
                return;
            }
            // What is waited for may be another thing before that.
            sleep_until(now + left.min(unread)).await;
        }
    }

    /// Notes whether the socket takes what is to be written.
    pub(super) fn set_blocked(&self, blocked: bool) {
        self.blocked.store(blocked, Ordering::Relaxed);
        self.note_progress();
    }

    fn progress(&self) -> Instant {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_progress(&self) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// A request in flight, until the last byte of its answer was handed over.
pub(super) struct InFlight {
    activity: Arc<Activity>,
    http2: bool,
    unsent: bool,
}

impl InFlight {
    pub(super) fn enter(activity: &Arc<Activity>, http2: bool) -> Self {
        if activity.requests.fetch_add(1, Ordering::Relaxed) == 0 {
            activity.busy.fetch_add(1, Ordering::Relaxed);
        }
        let spoken = if http2 { HTTP2 } else { HTTP1 };
        activity.spoken.store(spoken, Ordering::Relaxed);
        Self {
            activity: Arc::clone(activity),
            http2,
            unsent: false,
        }
    }

    /// The answer's body, which keeps the request in flight.
    pub(super) fn answering(mut self, body: Body) -> Answering {
        self.set_unsent(!http_body::Body::is_end_stream(&body));
        Answering {
            body,
            in_flight: self,
        }
    }

    /// Over HTTP/1.1 the socket alone tells: what was handed over is written or blocked.
    fn set_unsent(&mut self, unsent: bool) {
        if !self.http2 || self.unsent == unsent {
            return;
        }
        self.unsent = unsent;
        if unsent {
            self.activity.unsent.fetch_add(1, Ordering::Relaxed);
        } else {
            self.activity.unsent.fetch_sub(1, Ordering::Relaxed);
            self.activity.note_progress();
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.set_unsent(false);
        self.activity.note_progress();
        if self.activity.requests.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.activity.busy.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The body of an answer. hyper asks it for more when the peer has room for more.
pub(super) struct Answering {
    body: Body,
    in_flight: InFlight,
}

impl http_body::Body for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.in_flight.set_unsent(false);
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.in_flight.set_unsent(frame.is_ready());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
