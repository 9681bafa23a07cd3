//! Logs and spans of a process: started before anything else, flushed after everything else.

mod json;
mod lines;
mod pretty;
mod spans;

use std::io::{self, IsTerminal};
use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use self::lines::{Flush, Lines};
use crate::settings::{LogFormat, TelemetrySettings};

pub use spans::{Fact, Span, Spans};

/// How long a line may wait for others, in a log that has much to say.
const LOG_PAUSE: Duration = Duration::from_millis(5);

/// Keeps telemetry running. Dropped last, outside the async runtime: it then sends the spans that
/// are still waiting and ends the exporter.
#[derive(Debug)]
pub struct Telemetry {
    spans: Spans,
    /// Writes what is still buffered when it is dropped, after the spans are gone.
    _logs: Flush,
}

/// Telemetry could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A second subscriber in one process.
    #[error("logging was started twice")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
    /// The thread that writes the log does not start.
    #[error("cannot start the log: {0}")]
    Log(#[source] io::Error),
    /// The exporter refuses its configuration.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
    Exporter(String),
}

impl Telemetry {
    /// Starts logging to standard output and, where an endpoint is given, the export of spans as
    /// `service`.
    pub fn start(settings: &TelemetrySettings, service: &str) -> Result<Self, TelemetryError> {
        #[expect(clippy::disallowed_methods, reason = "the one place that logs")]
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let format = settings.log_format.unwrap_or(if terminal {
            LogFormat::Pretty
        } else {
            LogFormat::Json
        });
        let (lines, flush) = Lines::start(stdout, LOG_PAUSE).map_err(TelemetryError::Log)?;
        let colour = terminal && settings.no_color.is_empty();
        let logs = match format {
            LogFormat::Pretty => fmt::layer()
                .event_format(pretty::Pretty { colour })
                .with_writer(lines)
                .boxed(),
            LogFormat::Json => fmt::layer()
                .event_format(json::Json)
                .with_writer(lines)
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
            _logs: flush,
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
