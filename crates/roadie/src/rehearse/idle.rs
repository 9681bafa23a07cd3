//! The idle time-out of a load balancer: how long nothing may come from either side.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::{Instant, Sleep};

/// How much of an upgraded connection is passed on at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// One request's clock; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Idle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: Duration,
    last: Mutex<Instant>,
    /// Whether the last byte of the request has come.
    asked: AtomicBool,
}

impl Idle {
    pub(crate) fn new(limit: Duration) -> Self {
        Self(Arc::new(Shared {
            limit,
            last: Mutex::new(Instant::now()),
            asked: AtomicBool::new(false),
        }))
    }

    /// Resolves when nothing has come for the limit.
    pub(crate) async fn elapsed(&self) {
        loop {
            let end = self.last() + self.0.limit;
            if end <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }

    /// Whether the caller has sent all of its request, so that the silence is not its own.
    pub(crate) fn has_request(&self) -> bool {
        self.0.asked.load(Ordering::Relaxed)
    }

    /// The body of the request, whose bytes are signs of life.
    pub(crate) fn note(&self, body: Body) -> Body {
        if http_body::Body::is_end_stream(&body) {
            self.0.asked.store(true, Ordering::Relaxed);
            return body;
        }
        Body::new(Noted {
            body,
            idle: self.clone(),
        })
    }

    /// The body of the answer, which breaks off where nothing comes for the limit, and keeps `held`.
    pub(crate) fn watch(&self, body: Body, held: impl Send + 'static) -> Body {
        Body::new(Watched {
            body,
            end: Box::pin(tokio::time::sleep(self.0.limit)),
            idle: self.clone(),
            _held: held,
        })
    }

    /// Passes bytes in both directions until both have ended, or nothing has come for the limit.
    pub(crate) async fn join<A, B>(&self, a: A, b: B)
    where
        A: AsyncRead + AsyncWrite,
        B: AsyncRead + AsyncWrite,
    {
        self.touch();
        let (from_a, to_a) = tokio::io::split(a);
        let (from_b, to_b) = tokio::io::split(b);
        let both = async { tokio::join!(self.copy(from_a, to_b), self.copy(from_b, to_a)) };
        tokio::select! {
            _ = both => {}
            () = self.elapsed() => {}
        }
    }

    async fn copy<A: AsyncRead, B: AsyncWrite>(&self, mut from: ReadHalf<A>, mut to: WriteHalf<B>) {
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Ok(length @ 1..) = from.read(&mut chunk).await {
            self.touch();
            if to.write_all(&chunk[..length]).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
    }

    fn touch(&self) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Noted {
    body: Body,
    idle: Idle,
}

impl http_body::Body for Noted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &frame {
            Poll::Ready(None) => self.idle.0.asked.store(true, Ordering::Relaxed),
            Poll::Ready(Some(_)) => self.idle.touch(),
            Poll::Pending => {}
        }
        if http_body::Body::is_end_stream(&self.body) {
            self.idle.0.asked.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        http_body::Body::is_end_stream(&self.body)
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&self.body)
    }
}

struct Watched<T> {
    body: Body,
    end: Pin<Box<Sleep>>,
    idle: Idle,
    _held: T,
}

// Nothing in it is pinned: the body and the timer are boxes.
impl<T> Unpin for Watched<T> {}

impl<T> http_body::Body for Watched<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if frame.is_ready() {
            self.idle.touch();
            return frame;
        }
        // The clock runs from the last byte of either side.
        while self.end.as_mut().poll(context).is_ready() {
            let end = self.idle.last() + self.idle.0.limit;
            if end <= Instant::now() {
                let silent = std::io::Error::from(std::io::ErrorKind::TimedOut);
                return Poll::Ready(Some(Err(axum::Error::new(silent))));
            }
            self.end.as_mut().reset(end);
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        http_body::Body::is_end_stream(&self.body)
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&self.body)
    }
}
