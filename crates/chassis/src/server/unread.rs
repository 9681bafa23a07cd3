//! The part of a request's body that its handler did not want.
//!
//! A client that is busy sending does not listen: if the connection closed under it, it would see a
//! broken connection instead of the answer. So what a handler leaves is read and thrown away, up to a
//! limit.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, header};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// The most that is thrown away.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The longest it may take.
const MAX_TIME: Duration = Duration::from_secs(5);

/// Where the rest of a body is left.
pub(super) struct Rest(Option<Arc<Mutex<Option<Incoming>>>>);

/// The request with a body that leaves its rest behind.
pub(super) fn watch(request: Request<Incoming>) -> (Request<Body>, Rest) {
    // A client that waits for `100 Continue` sends nothing that would have to be thrown away.
    let waits = request.headers().contains_key(header::EXPECT);
    if waits || http_body::Body::is_end_stream(request.body()) {
        return (request.map(Body::new), Rest(None));
    }
    let left = Arc::new(Mutex::new(None));
    let rest = Rest(Some(Arc::clone(&left)));
    let request = request.map(|body| {
        Body::new(Watched {
            body: Some(body),
            left,
        })
    });
    (request, rest)
}

impl Rest {
    pub(super) async fn discard(self) {
        let left = self
            .0
            .and_then(|left| left.lock().unwrap_or_else(PoisonError::into_inner).take());
        let Some(mut body) = left else { return };
        let discard = async {
            let mut seen = 0;
            while let Some(Ok(frame)) = body.frame().await {
                seen += frame.data_ref().map_or(0, Bytes::len);
                if seen > MAX_BYTES {
                    break;
                }
            }
        };
        // Whoever takes longer gets the answer, and with it the end of the connection.
        let _ = tokio::time::timeout(MAX_TIME, discard).await;
    }
}

struct Watched {
    body: Option<Incoming>,
    left: Arc<Mutex<Option<Incoming>>>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        let unread = self
            .body
            .take()
            .filter(|body| !http_body::Body::is_end_stream(body));
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = unread;
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body
            .as_ref()
            .is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, http_body::Body::size_hint)
    }
}
