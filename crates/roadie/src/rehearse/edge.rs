//! The load balancer: takes requests and passes them to healthy targets, after the listener's rules.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware;
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Router};
use chassis::server::{Limits, Service};
use chassis::trace::{TraceId, X_AMZN_TRACE_ID};
use http::header::{HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use super::figures::{self, Figures, GivenTo, OwnAnswer};
use super::forward::{Broken, Forwarder};
use super::idle::Idle;
use super::targets::{Lease, TargetGroup};

/// The most headers of a request: hyper takes 100, and four are added here. An ALB has no such limit.
const MAX_HEADERS: usize = 96;

/// The largest head of a request at an ALB.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html>
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The largest request line and the largest single header; same page.
const MAX_LINE_BYTES: usize = 16 * 1024;

/// All addresses that a request came by, the first one's first.
const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The client closed the connection before its request was complete; same page.
const CLIENT_CLOSED: u16 = 460;

/// How the listener lives and ends: at once, but for requests in flight.
pub(crate) fn limits(idle_timeout: Duration) -> Limits {
    Limits {
        keep_alive: idle_timeout,
        write_timeout: idle_timeout,
        // What is larger is refused here, with an ALB's status; what is far larger, by the server.
        max_head_bytes: 2 * MAX_HEAD_BYTES,
        shutdown_grace: Duration::from_secs(10),
        ..Limits::default()
    }
}

/// The load balancer's listener.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    rules: ecs::Router,
    groups: Vec<TargetGroup>,
    forwarder: Forwarder,
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
        Self {
            rules,
            groups,
            forwarder: Forwarder::new(),
            port,
            idle_timeout,
        }
    }

    /// The listener as something that can be served.
    pub(crate) fn into_service(self, figures: Figures) -> Service {
        let routes = Router::new()
            .fallback(pass)
            .layer(middleware::from_fn_with_state(figures, figures::count))
            .with_state(self);
        Service::new(routes).with_refusals(|status, _, _| refuse(status))
    }

    fn target(&self, path: &str) -> Option<Lease> {
        let arn = self.rules.route(path);
        self.groups.iter().find(|group| group.arn() == arn)?.next()
    }
}

async fn pass(State(edge): State<Edge>, request: Request) -> Response {
    if *request.method() == Method::TRACE {
        return refuse(StatusCode::METHOD_NOT_ALLOWED);
    }
    if request.headers().len() > MAX_HEADERS {
        return refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    if is_too_large(&request) {
        return refuse(StatusCode::BAD_REQUEST);
    }
    let Some(target) = edge.target(request.uri().path()) else {
        return refuse(StatusCode::SERVICE_UNAVAILABLE);
    };
    let idle = Idle::new(edge.idle_timeout);
    let request = request.map(|body| idle.note(body));
    let (address, port) = (target.address, edge.port);
    let adorn = |headers: &mut HeaderMap| forward(headers, port);
    let mut response = tokio::select! {
        answer = edge.forwarder.pass(request, address, adorn) => match answer {
            // In flight until the last byte of the answer.
            Ok(answer) => answer.holding(target, &idle),
            Err(Broken::Unconnected(_, true)) => refuse(StatusCode::GATEWAY_TIMEOUT),
            Err(Broken::Unconnected(_, false) | Broken::Reset) => refuse(StatusCode::BAD_GATEWAY),
            Err(Broken::Request { left: false }) => refuse(StatusCode::BAD_REQUEST),
            Err(Broken::Request { left: true }) => {
                refuse(StatusCode::from_u16(CLIENT_CLOSED).unwrap_or(StatusCode::BAD_REQUEST))
            }
        },
        () = idle.elapsed() => match idle.has_request() {
            true => refuse(StatusCode::GATEWAY_TIMEOUT),
            false => refuse(StatusCode::REQUEST_TIMEOUT),
        },
    };
    response.extensions_mut().insert(GivenTo(address.port()));
    response
}

/// Whether the head exceeds what an ALB takes, counted as HTTP/1.1 writes it.
fn is_too_large(request: &Request) -> bool {
    let path = request.uri().path_and_query();
    let line = request.method().as_str().len()
        + path.map_or(1, |path| path.as_str().len())
        + "  HTTP/1.1\r\n".len();
    let headers = request.headers().iter();
    let mut headers =
        headers.map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    let mut total = line;
    line > MAX_LINE_BYTES
        || headers.any(|header| {
            total += header;
            header > MAX_LINE_BYTES || total > MAX_HEAD_BYTES
        })
}

/// Adds what an ALB tells the target about the request. All clients are on this machine.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html>
fn forward(headers: &mut HeaderMap, port: u16) {
    let before = headers.get_all(X_FORWARDED_FOR).iter();
    let before = before.filter_map(|value| value.to_str().ok());
    let callers: Vec<_> = before.chain(["127.0.0.1"]).collect();
    if let Ok(callers) = HeaderValue::from_str(&callers.join(", ")) {
        headers.insert(X_FORWARDED_FOR, callers);
    }
    headers.insert("x-forwarded-proto", HeaderValue::from_static("http"));
    headers.insert("x-forwarded-port", HeaderValue::from(port));
    let before = headers.get(X_AMZN_TRACE_ID).map(HeaderValue::to_str);
    let trace = trace(before.and_then(Result::ok).unwrap_or_default());
    if let Ok(trace) = HeaderValue::from_str(&trace) {
        headers.insert(X_AMZN_TRACE_ID, trace);
    }
}

/// The trace header as an ALB passes it on: it names the trace where nobody has, else itself, in place of the load
/// balancer before it.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html>
fn trace(before: &str) -> String {
    let own = TraceId::random().to_amzn();
    let fields = before.split(';').map(str::trim);
    let fields = fields.filter(|field| !field.is_empty() && !field.starts_with("Self="));
    let fields: Vec<_> = fields.collect();
    let name = match fields.iter().any(|field| field.starts_with("Root=")) {
        true => "Self",
        false => "Root",
    };
    [&[&*format!("{name}={own}")], &fields[..]]
        .concat()
        .join(";")
}

/// The load balancer's own answer.
fn refuse(status: StatusCode) -> Response {
    let page = format!(
        "<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n"
    );
    (status, Extension(OwnAnswer), Html(page)).into_response()
}

#[cfg(test)]
mod tests;
