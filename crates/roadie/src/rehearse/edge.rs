//! The load balancer: takes requests and passes them to healthy targets, after the listener's rules.

use std::error::Error as _;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware;
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Router};
use chassis::server::Limits;
use chassis::trace::{TraceId, X_AMZN_TRACE_ID};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{StatusCode, Uri, Version};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::figures::{self, Figures, OwnAnswer};
use super::targets::{Lease, TargetGroup};

/// How the listener lives and ends: at once, but for requests in flight.
pub(crate) fn limits(idle_timeout: Duration) -> Limits {
    Limits {
        keep_alive: idle_timeout,
        drain_delay: Duration::ZERO,
        shutdown_grace: Duration::from_secs(10),
    }
}

/// An ALB gives up on a connection to a target after this time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Idle connections to targets are given up well before the targets close them (75 s).
const IDLE: Duration = Duration::from_secs(55);

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

/// The load balancer's listener.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    rules: ecs::Router,
    groups: Vec<TargetGroup>,
    client: Client<HttpConnector, Body>,
    port: u16,
    idle_timeout: Duration,
}

impl Edge {
    /// A listener on `port` with `rules` that lead to `groups`.
    pub(crate) fn new(
        rules: ecs::Router,
        groups: Vec<TargetGroup>,
        port: u16,
        idle_timeout: Duration,
    ) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        Self {
            rules,
            groups,
            client: Client::builder(TokioExecutor::new())
                .pool_idle_timeout(IDLE)
                .build(connector),
            port,
            idle_timeout,
        }
    }

    /// The listener as something that can be served.
    pub(crate) fn into_router(self, figures: Figures) -> Router {
        Router::new()
            .fallback(pass)
            .layer(middleware::from_fn_with_state(figures, figures::count))
            .with_state(self)
    }

    fn target(&self, path: &str) -> Option<Lease> {
        let arn = self.rules.route(path);
        self.groups.iter().find(|group| group.arn() == arn)?.next()
    }
}

async fn pass(State(edge): State<Edge>, mut request: Request) -> Response {
    let Some(target) = edge.target(request.uri().path()) else {
        return refuse(StatusCode::SERVICE_UNAVAILABLE);
    };
    let Some(uri) = at(target.address, request.uri()) else {
        return refuse(StatusCode::BAD_REQUEST);
    };
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_11;
    forward(request.headers_mut(), edge.port);
    match tokio::time::timeout(edge.idle_timeout, edge.client.request(request)).await {
        Ok(Ok(mut response)) => {
            remove_hop_by_hop(response.headers_mut());
            // In flight until the last byte of the answer.
            response.map(|body| {
                Body::new(body.map_frame(move |frame| {
                    let _ = &target;
                    frame
                }))
            })
        }
        Ok(Err(error)) if is_timeout(&error) => refuse(StatusCode::GATEWAY_TIMEOUT),
        Ok(Err(_)) => refuse(StatusCode::BAD_GATEWAY),
        Err(_) => refuse(StatusCode::GATEWAY_TIMEOUT),
    }
}

/// Whether no connection came about in time.
fn is_timeout(error: &hyper_util::client::legacy::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return io.kind() == std::io::ErrorKind::TimedOut;
        }
        cause = error.source();
    }
    false
}

/// The same resource, asked of `target`. The `Host` header stays what the browser sent.
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

/// Adds what an ALB tells the target about the request. All clients are on this machine.
fn forward(headers: &mut HeaderMap, port: u16) {
    remove_hop_by_hop(headers);
    let here = HeaderValue::from_static("127.0.0.1");
    headers.append("x-forwarded-for", here);
    headers.insert("x-forwarded-proto", HeaderValue::from_static("http"));
    headers.insert("x-forwarded-port", HeaderValue::from(port));
    // An ALB names the trace where nobody has, and itself where somebody has.
    let root = TraceId::random().to_amzn();
    let trace = match headers.get(X_AMZN_TRACE_ID).map(HeaderValue::to_str) {
        Some(Ok(trace)) => format!("Self={root};{trace}"),
        _ => format!("Root={root}"),
    };
    if let Ok(trace) = HeaderValue::from_str(&trace) {
        headers.insert(X_AMZN_TRACE_ID, trace);
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in &named {
        headers.remove(name);
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// The load balancer's own answer.
fn refuse(status: StatusCode) -> Response {
    let page = format!(
        "<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n"
    );
    (status, Extension(OwnAnswer), Html(page)).into_response()
}
