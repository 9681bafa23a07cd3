//! Logs and spans of a process: started before anything else, flushed after everything else.

mod pretty;
mod spans;

use std::io::{self, IsTerminal};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::settings::{LogFormat, TelemetrySettings};

pub use spans::{Span, Spans};

/// Keeps telemetry running. Dropped last, outside the async runtime: it then sends the spans that
/// are still waiting and ends the exporter.
#[derive(Debug)]
pub struct Telemetry {
    spans: Spans,
    /// Writes what is still buffered when it is dropped, after the spans are gone.
    _logs: WorkerGuard,
}

/// Lines that wait for a reader of standard output that has stopped reading. Beyond that they are lost:
/// a service that waits for its log would stop with it.
const WAITING_LINES: usize = 16_384;

/// Telemetry could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A second subscriber in one process.
    #[error("logging was started twice")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
    /// The exporter refuses its configuration.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
    Exporter(String),
}

impl Telemetry {
    /// Starts logging to standard output and, where an endpoint is given, the export of spans as
    /// `service`.
    pub fn start(settings: &TelemetrySettings, service: &str) -> Result<Self, TelemetryError> {
        let terminal = io::stdout().is_terminal();
        let format = settings.log_format.unwrap_or(if terminal {
            LogFormat::Pretty
        } else {
            LogFormat::Json
        });
        let (writer, guard) = NonBlockingBuilder::default()
            .lossy(true)
            .buffered_lines_limit(WAITING_LINES)
            .thread_name("log")
            .finish(io::stdout());
        let colour = terminal && settings.no_color.is_empty();
        let logs = match format {
            LogFormat::Pretty => fmt::layer()
                .event_format(pretty::Pretty { colour })
                .with_writer(writer)
                .boxed(),
            LogFormat::Json => fmt::layer()
                .json()
                .with_writer(writer)
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false)
                .boxed(),
        };
        tracing_subscriber::registry()
            .with(logs.with_filter(settings.rust_log.clone()))
            .try_init()?;

        let endpoint = settings.otel_exporter_otlp_endpoint.as_ref();
        let endpoint = endpoint.filter(|_| !settings.otel_sdk_disabled);
        let spans = match endpoint {
            Some(endpoint) => Spans::export(endpoint, service).map_err(TelemetryError::Exporter)?,
            None => Spans::off(),
        };
        Ok(Self {
            spans,
            _logs: guard,
        })
    }

    /// What requests and calls are recorded with.
    #[must_use]
    pub fn spans(&self) -> Spans {
        self.spans.clone()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.spans.shutdown();
    }
}
