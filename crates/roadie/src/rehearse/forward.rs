//! Passes a request on to an address and streams the answer back, upgraded connections included.

use std::error::Error as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{StatusCode, Uri, Version};
use http_body::{Frame, SizeHint};
use hyper::upgrade::OnUpgrade;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::idle::Idle;

/// Nobody waits longer for a connection: an ALB gives up then.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Kept connections are given up well before their peers close them (75 s).
const KEPT: Duration = Duration::from_secs(55);

/// Headers that speak of one connection only.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
];

/// Headers that are never meant for one connection only, whatever `Connection` names: without them a
/// request is another one.
const END_TO_END: [HeaderName; 7] = [
    header::AUTHORIZATION,
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::HOST,
];

/// The connections of one proxy to those behind it.
#[derive(Clone, Debug)]
pub(crate) struct Forwarder {
    client: Client<HttpConnector, Body>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Broken {
    /// No connection came about; nothing of the request is used up. Whether time was the reason.
    Unconnected(Box<Request>, bool),
    /// The connection ended before an answer, or what came was none.
    Reset,
    /// The request's body was malformed, or ended early because its sender left.
    Request { left: bool },
}

/// The head of an answer; its body, or what the connection was upgraded to, is still to come.
#[derive(Debug)]
pub(crate) struct Answer {
    response: Response,
    tunnel: Option<(OnUpgrade, OnUpgrade)>,
}

impl Forwarder {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        Self {
            client: Client::builder(TokioExecutor::new())
                .pool_idle_timeout(KEPT)
                .build(connector),
        }
    }

    /// Passes `request` on, by HTTP/1.1, with what `adorn` adds. Headers of the connection are left out of
    /// both directions, but those of an upgrade. The `Host` header stays what the caller sent.
    pub(crate) async fn pass(
        &self,
        mut request: Request,
        to: SocketAddr,
        adorn: impl FnOnce(&mut HeaderMap),
    ) -> Result<Answer, Broken> {
        let protocol = upgrade_of(request.headers());
        remove_hop_by_hop(request.headers_mut());
        if request.version() == Version::HTTP_2 {
            write_as_http1(&mut request);
        }
        let ours = protocol.as_ref().map(|_| hyper::upgrade::on(&mut request));
        let (mut head, body) = request.into_parts();
        let untouched = head.clone();
        adorn(&mut head.headers);
        let Some(uri) = at(to, &head.uri) else {
            return Err(Broken::Reset);
        };
        head.uri = uri;
        head.version = Version::HTTP_11;
        if let Some(protocol) = protocol {
            put_upgrade(&mut head.headers, protocol);
        }
        let lent = Lent(Arc::new(Mutex::new(Loan { body, broken: None })));
        let request = Request::from_parts(head, Body::new(lent.clone()));
        match self.client.request(request).await {
            Ok(response) => Ok(Answer::read(response.map(Body::new), ours)),
            Err(error) if error.is_connect() => {
                let body = std::mem::take(&mut lent.loan().body);
                let request = Request::from_parts(untouched, body);
                Err(Broken::Unconnected(Box::new(request), is_timeout(&error)))
            }
            Err(_) => Err(match lent.loan().broken {
                Some(by_leaving) => Broken::Request { left: by_leaving },
                None => Broken::Reset,
            }),
        }
    }
}

impl Answer {
    fn read(mut response: Response, ours: Option<OnUpgrade>) -> Self {
        let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let protocol = upgrade_of(response.headers()).filter(|_| switched);
        remove_hop_by_hop(response.headers_mut());
        let theirs = hyper::upgrade::on(&mut response);
        let tunnel = ours.zip(protocol).map(|(ours, protocol)| {
            put_upgrade(response.headers_mut(), protocol);
            (ours, theirs)
        });
        Self { response, tunnel }
    }

    /// The answer, which keeps `held` until its last byte or the end of what it was upgraded to. Ends
    /// early where nothing comes for the limit of `idle`.
    pub(crate) fn holding(self, held: impl Send + 'static, idle: &Idle) -> Response {
        let Self { response, tunnel } = self;
        let Some((ours, theirs)) = tunnel else {
            return response.map(|body| idle.watch(body, held));
        };
        let idle = idle.clone();
        tokio::spawn(async move {
            if let (Ok(ours), Ok(theirs)) = (ours.await, theirs.await) {
                let (ours, theirs) = (TokioIo::new(ours), TokioIo::new(theirs));
                idle.join(ours, theirs).await;
            }
            drop(held);
        });
        response
    }
}

/// A body that can be taken back as long as nobody has read it, and that remembers how it broke.
#[derive(Clone, Debug)]
struct Lent(Arc<Mutex<Loan>>);

#[derive(Debug)]
struct Loan {
    body: Body,
    /// Whether it ended early because its sender left; None while it is whole.
    broken: Option<bool>,
}

impl Lent {
    fn loan(&self) -> MutexGuard<'_, Loan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut loan = self.loan();
        let frame = Pin::new(&mut loan.body).poll_frame(context);
        if let Poll::Ready(Some(Err(error))) = &frame {
            loan.broken = Some(has_left(error));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        http_body::Body::is_end_stream(&self.loan().body)
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&self.loan().body)
    }
}

/// Whether a body ended because its sender closed the connection or reset the stream.
fn has_left(error: &axum::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return error.kind() != std::io::ErrorKind::InvalidData
                && error.kind() != std::io::ErrorKind::InvalidInput;
        }
        cause = error.source();
    }
    true
}

/// What HTTP/2 says otherwise: whom a request is for, and cookies in pieces (RFC 9113, 8.2.3 and 8.3.1).
fn write_as_http1(request: &mut Request) {
    let authority = request.uri().authority();
    let host = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    let headers = request.headers_mut();
    if let Some(host) = host {
        headers.insert(header::HOST, host);
    }
    let pieces = headers.get_all(header::COOKIE).iter();
    let pieces: Vec<_> = pieces.map(HeaderValue::as_bytes).collect();
    if pieces.len() > 1
        && let Ok(cookies) = HeaderValue::from_bytes(&pieces.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, cookies);
    }
}

/// Takes away what speaks of one connection only.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name| !END_TO_END.contains(name))
        .collect();
    for name in &named {
        headers.remove(name);
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// What the connection is to become, where it is to become something.
fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let connection = headers.get_all(header::CONNECTION).iter();
    let options = connection.filter_map(|value| value.to_str().ok());
    let mut options = options.flat_map(|value| value.split(','));
    options
        .any(|option| option.trim().eq_ignore_ascii_case("upgrade"))
        .then(|| headers.get(header::UPGRADE).cloned())?
}

fn put_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, protocol);
}

/// Whether no connection came about in time.
fn is_timeout(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return io.kind() == std::io::ErrorKind::TimedOut;
        }
        cause = error.source();
    }
    false
}

/// The same resource, asked of `target`.
fn at(target: SocketAddr, uri: &Uri) -> Option<Uri> {
    let authority: Authority = target.to_string().parse().ok()?;
    let path = uri.path_and_query().cloned();
    Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(authority)
        .path_and_query(path.unwrap_or(PathAndQuery::from_static("/")))
        .build()
        .ok()
}
