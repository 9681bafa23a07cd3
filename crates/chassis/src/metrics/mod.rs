//! The figures of a service, as Prometheus reads them; names after OpenTelemetry's conventions.

mod process;

use std::fmt::Write as _;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::settings::VERSION;

/// The media type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds in seconds. A hop on one machine takes 100 µs, a rally may take 5 s: both must
/// fall between bounds that tell something.
const BUCKETS: [f64; 15] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0,
];

/// Durations by label set.
pub type Durations<L> = Family<L, Histogram, Buckets>;

/// Makes the histograms of a [`Durations`].
#[derive(Clone, Debug)]
pub struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(BUCKETS)
    }
}

/// All figures of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Durations<RequestLabels>,
    active_requests: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
#[expect(
    clippy::struct_field_names,
    reason = "OpenTelemetry's names for the labels"
)]
struct RequestLabels {
    http_request_method: &'static str,
    http_route: String,
    http_response_status_code: u16,
}

impl Metrics {
    /// The figures every service has. A service registers its own through [`Metrics::registry`].
    #[must_use]
    pub fn new(service: &str, release: &str) -> Self {
        let mut registry = Registry::default();
        let requests = Durations::new_with_constructor(Buckets);
        registry.register_with_unit(
            "http_server_request_duration",
            "Duration of HTTP server requests by matched route and status",
            Unit::Seconds,
            requests.clone(),
        );
        let active_requests = Gauge::default();
        registry.register(
            "http_server_active_requests",
            "Requests being answered now",
            active_requests.clone(),
        );
        let build = [
            ("service", service),
            ("version", VERSION),
            ("release", release),
        ]
        .map(|(label, value)| (label.to_owned(), value.to_owned()));
        registry.register(
            "ping_pong_build",
            "What is running",
            Info::new(build.to_vec()),
        );
        registry.register_collector(Box::new(process::ProcessCollector));
        Self {
            registry,
            requests,
            active_requests,
        }
    }

    /// Where a service registers its own figures, before the metrics are shared.
    pub fn registry(&mut self) -> &mut Registry {
        &mut self.registry
    }

    /// Counts a request as active until the guard is dropped.
    pub(crate) fn request_started(&self) -> InFlight {
        InFlight::enter(&self.active_requests)
    }

    /// Records a finished request; `route` is the matched route, never the raw path.
    pub(crate) fn request_finished(
        &self,
        method: &http::Method,
        route: &str,
        status: u16,
        took: Duration,
    ) {
        let labels = RequestLabels {
            http_request_method: known_method(method),
            http_route: route.to_owned(),
            http_response_status_code: status,
        };
        self.requests
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// The text that Prometheus scrapes.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        if text::encode(&mut text, &self.registry).is_err() {
            // Writing into a String does not fail; a collector that does must not pass for data.
            text.clear();
            let _ = writeln!(text, "# EOF");
        }
        text
    }
}

/// Keeps a gauge one higher for as long as it lives.
#[derive(Debug)]
pub struct InFlight(Gauge);

impl InFlight {
    /// Adds one to `gauge`.
    #[must_use]
    pub fn enter(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A caller can invent methods without end; a label must not follow it.
fn known_method(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        _ => "_OTHER",
    }
}
