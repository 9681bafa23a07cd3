//! What happens around every request: its trace, its log line, its figures, its error's body.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::metrics::{InFlight, Metrics};
use crate::problem::Problem;
use crate::telemetry::{Span, Spans};
use crate::trace::{TraceContext, X_TRACE_ID};

/// The status logged and counted for a request whose connection ended before its answer. No such
/// status is ever sent; the number is nginx's.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// Whom a request is meant for, by the name of the service; callers may leave it out.
///
/// An address that a name stood for a moment ago may already be another container's: engines give a
/// freed address to whoever starts next. Without this, john could call george, take him for paul, and
/// answer with a meow missing.
pub const X_MEANT_FOR: HeaderName = HeaderName::from_static("x-meant-for");

/// Who asked, as far as the handler knows: put into the extensions of its response, it becomes the
/// field `from` of the log line.
#[derive(Clone, Debug)]
pub struct Caller(pub String);

/// Middleware for the whole router.
///
/// - Continues or starts the trace; handlers find it as an `Extension<Arc<TraceContext>>`.
/// - Refuses what is meant for another service ([`X_MEANT_FOR`]): nothing has been done then, so it
///   can be sent elsewhere.
/// - Adds `X-Trace-Id` to the answer and writes the body of a [`Problem`].
/// - Emits one log event: `debug` for health checks, `warn` where the service failed, else `info`.
/// - Records the duration by method, matched route and status.
///
/// A connection that ends drops the future of its request; that is logged and counted as 499.
#[derive(Clone, Debug)]
pub struct Observe(Arc<Observer>);

#[derive(Debug)]
struct Observer {
    service: Arc<str>,
    metrics: Arc<Metrics>,
    spans: Spans,
}

impl Observe {
    /// Logs requests as `service`, and records them in `metrics` and `spans`.
    #[must_use]
    pub fn new(service: Arc<str>, metrics: Arc<Metrics>, spans: Spans) -> Self {
        Self(Arc::new(Observer {
            service,
            metrics,
            spans,
        }))
    }

    /// Answers a request that is refused with `status` before it could be routed, because of `why`, and logs
    /// and counts it; None where it could not even be parsed.
    pub(crate) fn refuse(
        &self,
        status: StatusCode,
        why: &'static str,
        request: Option<&http::Request<Incoming>>,
    ) -> Response {
        let mut seen = Request::default();
        if let Some(request) = request {
            *seen.method_mut() = request.method().clone();
            *seen.uri_mut() = request.uri().clone();
            *seen.headers_mut() = request.headers().clone();
        }
        let mut exchange = Exchange::begin(&self.0, &mut seen);
        if request.is_none() {
            exchange.method = Method::from_bytes(b"_OTHER").unwrap_or_default();
            exchange.path.clear();
        }
        let code = match status {
            StatusCode::SERVICE_UNAVAILABLE => "overloaded",
            _ => "bad_request",
        };
        exchange.end(Problem::new(status, code, why).into_response())
    }
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed {
            observer: Arc::clone(&self.0),
            inner,
        }
    }
}

/// A service inside of [`Observe`].
#[derive(Clone, Debug)]
pub struct Observed<S> {
    observer: Arc<Observer>,
    inner: S,
}

impl<S> Service<Request> for Observed<S>
where
    S: Service<Request>,
    S::Response: IntoResponse,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Observation<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let exchange = Exchange::begin(&self.observer, &mut request);
        let meant_for = request.headers().get(X_MEANT_FOR);
        let ours = meant_for.is_none_or(|name| *name == *self.observer.service);
        Observation {
            exchange,
            answer: ours.then(|| self.inner.call(request)),
        }
    }
}

pin_project! {
    /// The answer of a service inside of [`Observe`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Observation<F> {
        exchange: Exchange,
        // None where the request is meant for another service.
        #[pin]
        answer: Option<F>,
    }
}

impl<F, R, E> Future for Observation<F>
where
    F: Future<Output = Result<R, E>>,
    R: IntoResponse,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = match this.answer.as_pin_mut() {
            Some(answer) => ready!(answer.poll(context))?.into_response(),
            None => Problem::misdirected(&this.exchange.observer.service).into_response(),
        };
        Poll::Ready(Ok(this.exchange.end(response)))
    }
}

/// Checks come every few seconds from everywhere: they would drown what the log is for.
pub(crate) fn is_health_check(route: &str, headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT).map(HeaderValue::as_bytes);
    matches!(route, "/ping" | "/healthz")
        || agent.is_some_and(|agent| agent.starts_with(b"ELB-HealthChecker/"))
}

/// One request and its answer; recorded once, also when it is dropped half-way.
struct Exchange {
    started: Instant,
    _active: InFlight,
    method: Method,
    path: String,
    route: Option<MatchedPath>,
    quiet: bool,
    trace: Arc<TraceContext>,
    span: Span,
    observer: Arc<Observer>,
    done: bool,
}

impl Exchange {
    fn begin(observer: &Arc<Observer>, request: &mut Request) -> Self {
        let mut trace = TraceContext::from_headers(request.headers());
        let matched = request.extensions().get::<MatchedPath>().cloned();
        let route = matched.as_ref().map_or("", MatchedPath::as_str);
        let name = || format!("{} {route}", request.method());
        let mut span = observer.spans.server(name, &mut trace);
        span.set("http.request.method", request.method().as_str());
        span.set("http.route", route);
        span.set("url.path", request.uri().path());

        let trace = Arc::new(trace);
        let exchange = Self {
            started: Instant::now(),
            _active: observer.metrics.request_started(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            quiet: is_health_check(route, request.headers()),
            route: matched,
            trace: Arc::clone(&trace),
            span,
            observer: Arc::clone(observer),
            done: false,
        };
        request.extensions_mut().insert(trace);
        exchange
    }

    fn end(&mut self, mut response: Response) -> Response {
        if let Ok(id) = HeaderValue::try_from(&*self.trace.trace_id.to_hex()) {
            response.headers_mut().insert(X_TRACE_ID, id);
        }
        let problem = response.extensions_mut().remove::<Problem>();
        if let Some(problem) = &problem {
            *response.body_mut() = problem.to_body(self.trace.trace_id);
        }
        let caller = response.extensions_mut().remove::<Caller>();
        let status = response.status().as_u16();
        self.finish(status, problem.as_ref(), caller.as_ref());
        response
    }

    fn finish(&mut self, status: u16, problem: Option<&Problem>, caller: Option<&Caller>) {
        self.done = true;
        let took = self.started.elapsed();
        let route = self.route.as_ref().map_or("", MatchedPath::as_str);
        let metrics = &self.observer.metrics;
        metrics.request_finished(&self.method, route, status, took);
        self.span
            .set("http.response.status_code", i64::from(status));
        if let Some(problem) = problem.filter(|problem| problem.status.is_server_error()) {
            self.span.fail(problem.code);
        }

        macro_rules! event {
            ($level:ident) => {
                tracing::$level!(
                    name: "request",
                    target: "request",
                    service = &*self.observer.service,
                    http.request.method = self.method.as_str(),
                    url.path = self.path,
                    http.route = route,
                    http.response.status_code = status,
                    duration_ms = f64::from(u32::try_from(took.as_micros()).unwrap_or(u32::MAX)) / 1e3,
                    from = caller.map(|caller| caller.0.as_str()),
                    error.code = problem.map(|problem| problem.code),
                    error.hop = problem.and_then(|problem| problem.hop.as_deref()),
                    error.detail = problem.map(|problem| problem.detail.as_str()),
                    trace_id = &*self.trace.trace_id.to_hex(),
                    span_id = &*self.trace.span_id.to_hex(),
                    "{} {} {status}",
                    self.method,
                    self.path
                )
            };
        }
        match status {
            _ if self.quiet => event!(debug),
            500.. => event!(warn),
            _ => event!(info),
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.done {
            let status = StatusCode::from_u16(CLIENT_CLOSED_REQUEST).unwrap_or_default();
            let gone = Problem::new(status, "canceled", "the connection ended before the answer");
            self.finish(CLIENT_CLOSED_REQUEST, Some(&gone), None);
        }
    }
}
