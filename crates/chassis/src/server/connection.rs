//! One connection, from its first byte to its last: HTTP/1.1 or HTTP/2 without TLS, told apart by how
//! it begins.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

use axum::body::Body;
use http::header::{self, HeaderValue};
use http::uri::Authority;
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tower::ServiceExt;

use super::activity::{Activity, Answering, InFlight};
use super::stream::Stream;
use super::{GOODBYE, LINGER, Limits, Service, unread};
use crate::request;

/// How far the end of the listener has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Serving,
    /// No new connections; requests in flight finish.
    Closing,
    /// What is still in flight is cut off.
    Cutting,
}

/// What all connections of a listener have in common.
pub(super) struct Shared {
    service: Service,
    limits: Limits,
    http: auto::Builder<TokioExecutor>,
    /// Connections with requests in flight.
    pub(super) busy: Arc<AtomicUsize>,
}

impl Shared {
    pub(super) fn new(service: Service, limits: Limits) -> Self {
        let u32 = |limit| u32::try_from(limit).unwrap_or(u32::MAX);
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.keep_alive)
            .max_buf_size(limits.max_head_bytes);
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(u32(limits.max_streams))
            .max_send_buf_size(super::MAX_UNSENT_BYTES)
            .max_header_list_size(u32(limits.max_head_bytes));
        Self {
            service,
            limits,
            http,
            busy: Arc::default(),
        }
    }
}

/// A connection that was accepted.
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) activity: Arc<Activity>,
}

impl Connection {
    /// Serves until the connection ends, has expired, or is to go. The number of requests that were
    /// cut off with it.
    pub(super) async fn serve(self, stream: TcpStream, mut phase: watch::Receiver<Phase>) -> usize {
        let (shared, activity) = (Arc::clone(&self.shared), Arc::clone(&self.activity));
        let limits = &shared.limits;
        let stream = Stream::new(stream, Arc::clone(&activity), limits.write_timeout);
        let connection = Arc::new(self);
        let service = service_fn(|request| {
            let arrived = Arrived {
                connection: Arc::clone(&connection),
                request: Some(request),
            };
            arrived.answer()
        });
        let mut served = pin!(shared.http.serve_connection_with_upgrades(stream, service));

        tokio::select! {
            biased;
            outcome = served.as_mut() => {
                shared.note_outcome(&outcome);
                return 0;
            }
            _ = phase.wait_for(|phase| *phase != Phase::Serving) => {}
            () = activity.leaving.notified() => {}
            () = activity.expired(limits.keep_alive, limits.write_timeout) => {}
        }
        let goodbye = async {
            // hyper closes an HTTP/1.1 connection without reading what waits in its socket: not before
            // the linger. From here on each answer closes its connection anyway. HTTP/2 says which
            // requests are still taken, and their senders know that the others can be sent elsewhere.
            if *phase.borrow() != Phase::Serving && !activity.speaks_http2() {
                let lingered = tokio::time::timeout(LINGER, served.as_mut()).await;
                if let Ok(outcome) = lingered {
                    return shared.note_outcome(&outcome);
                }
            }
            served.as_mut().graceful_shutdown();
            tokio::select! {
                biased;
                // Ends at once where nothing is in flight, unless the peer of an HTTP/2 connection
                // does not answer, or half a request came.
                outcome = served.as_mut() => shared.note_outcome(&outcome),
                () = activity.expired(GOODBYE, limits.write_timeout) => {}
            }
        };
        let mut cutting = phase.clone();
        tokio::select! {
            biased;
            () = goodbye => 0,
            _ = cutting.wait_for(|phase| *phase == Phase::Cutting) => activity.in_flight(),
        }
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
        http2: bool,
    ) -> Result<Response<Body>, Infallible> {
        let routes = self.shared.service.routes.clone();
        if http2 {
            // A stream can be answered before its body came, and ended without the connection.
            return routes.oneshot(request.map(Body::new)).await;
        }
        let (request, rest) = unread::watch(request);
        let response = routes.oneshot(request).await?;
        rest.discard().await;
        Ok(response)
    }

    /// While as many connections are busy as there may be, the others are kept free for those who ask
    /// whether this service is well.
    fn no_room_for(&self, request: &Request<Incoming>) -> Option<(StatusCode, &'static str)> {
        let Shared { limits, busy, .. } = &*self.shared;
        let full = busy.load(Ordering::Relaxed) > limits.max_connections;
        (full && !request::is_health_check(request.uri().path(), request.headers())).then_some((
            StatusCode::SERVICE_UNAVAILABLE,
            "too many connections are busy",
        ))
    }
}

/// A request that has come.
struct Arrived {
    connection: Arc<Connection>,
    request: Option<Request<Incoming>>,
}

impl Arrived {
    async fn answer(mut self) -> Result<Response<Answering>, Infallible> {
        let Some(request) = self.request.take() else {
            // Is put there, and taken once.
            unreachable!("a request is answered once");
        };
        let Connection { shared, activity } = &*self.connection;
        let http2 = request.version() == Version::HTTP_2;
        let in_flight = InFlight::enter(activity, http2);
        let refused = malformed(&request).or_else(|| self.connection.no_room_for(&request));
        let (mut response, last) = match refused {
            Some((status, why)) => ((shared.service.refuse)(status, why, Some(&request)), true),
            None => (
                self.connection.respond(request, http2).await?,
                shared.service.health.is_draining(),
            ),
        };
        if last && http2 {
            activity.leaving.notify_one();
        } else if last {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        Ok(response.map(|body| in_flight.answering(body)))
    }
}

/// Where a request and its sender's end come together, hyper drops the answer before it was begun. It is begun
/// here and given up at once, so that it is logged and counted like that of any other sender that has left. Over
/// HTTP/2 each answer is a task of its own, which is begun anyway.
impl Drop for Arrived {
    fn drop(&mut self) {
        let request = self.request.take();
        if let Some(request) = request.filter(|request| request.version() != Version::HTTP_2) {
            let routes = self.connection.shared.service.routes.clone();
            let answer = pin!(routes.oneshot(request.map(Body::new)));
            let _ = answer.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

impl Shared {
    /// Records what hyper answered by itself, before anyone else saw the request. How else a connection
    /// ends is its peer's affair: what matters was logged with its requests.
    fn note_outcome(&self, outcome: &Result<(), Box<dyn Error + Send + Sync>>) {
        let error = outcome.as_ref().err();
        let error = error.and_then(|error| error.downcast_ref());
        if let Some((status, why)) = error.and_then(hypers_answer) {
            (self.service.refuse)(status, why, None);
        }
    }
}

/// The status with which hyper answers what it cannot parse, and why.
fn hypers_answer(error: &hyper::Error) -> Option<(StatusCode, &'static str)> {
    if error.is_parse_too_large() {
        // hyper does not tell the two apart but by its text.
        return Some(match error.to_string().contains("URI") {
            true => (StatusCode::URI_TOO_LONG, "the URI is too long"),
            false => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "the headers are too large or too many",
            ),
        });
    }
    (error.is_parse() && !error.is_parse_version_h2())
        .then_some((StatusCode::BAD_REQUEST, "malformed request"))
}

/// What hyper lets pass, and RFC 9112 (3.2), RFC 9113 (8.3.1) or the lack of a proxy here do not.
fn malformed(request: &Request<Incoming>) -> Option<(StatusCode, &'static str)> {
    if *request.method() == Method::CONNECT {
        return Some((
            StatusCode::METHOD_NOT_ALLOWED,
            "CONNECT is for proxies, and this is none",
        ));
    }
    let bad = |why| Some((StatusCode::BAD_REQUEST, why));
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host,
        (None, _) if request.version() == Version::HTTP_11 => {
            return bad("the Host header is missing");
        }
        (None, _) => return None,
        (Some(_), Some(_)) => return bad("there are several Host headers"),
    };
    if !is_host(host) {
        return bad("the Host header is no host");
    }
    let authority = request.uri().authority();
    let differs = |authority: &Authority| {
        !authority
            .as_str()
            .as_bytes()
            .eq_ignore_ascii_case(host.as_bytes())
    };
    if request.version() == Version::HTTP_2 && authority.is_some_and(differs) {
        return bad("Host and :authority differ");
    }
    None
}

/// Whether it has only the characters of a host and a port (RFC 3986, 3.2.2): no user, no path.
fn is_host(value: &HeaderValue) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(byte);
    value.as_bytes().iter().all(fits)
}
