//! The frame around a service: telemetry, runtime, listeners, signals, exit status.

use std::future::Future;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::process::ExitCode;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::server::CutOff;
use crate::settings::Settings;
use crate::shutdown;
use crate::telemetry::{Spans, Telemetry};

/// A process that is ready to serve: bound, and listening for signals.
pub struct Started {
    /// The public listener.
    pub listener: TcpListener,
    /// The listener for figures, where `ADMIN_PORT` is set.
    pub admin: Option<TcpListener>,
    /// What requests and calls are recorded with.
    pub spans: Spans,
    /// Resolves at the first SIGTERM or SIGINT.
    pub shutdown: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Runs `serve` as the whole of a process called `service`, and says how it ended.
///
/// The status is 0 after a clean drain, and 1 when the start failed or requests were cut off; the
/// reason is logged. One thread does all the work: a container gets a fraction of a processor, and
/// requests that are mostly waiting run faster without handing them from thread to thread.
pub fn run<F, E>(settings: &Settings, service: &str, serve: impl FnOnce(Started) -> F) -> ExitCode
where
    F: Future<Output = Result<(), E>>,
    E: Into<anyhow::Error>,
{
    // Dropped after the runtime has ended: the last spans are sent then.
    let telemetry = match Telemetry::start(&settings.telemetry, service) {
        Ok(telemetry) => telemetry,
        Err(error) => {
            // Where nobody can be told, the status tells.
            let _ = writeln!(io::stderr(), "error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")
        .and_then(|runtime| {
            let outcome = runtime.block_on(async {
                let started = start(settings, telemetry.spans()).await?;
                serve(started).await.map_err(Into::into)
            });
            // A look-up of a name blocks a thread, for as long as the resolver likes: not ours.
            runtime.shutdown_background();
            outcome
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Logged where it happened.
        Err(error) if error.is::<CutOff>() => ExitCode::FAILURE,
        Err(error) => {
            tracing::error!(service, "cannot start: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn start(settings: &Settings, spans: Spans) -> anyhow::Result<Started> {
    // First, so that a signal that comes while we bind is not lost.
    let shutdown = Box::pin(shutdown::requested().context("cannot listen for signals")?);
    let listener = bind(settings.host, settings.port, "PORT").await?;
    let admin = match settings.admin_port {
        Some(port) => Some(bind(settings.host, port, "ADMIN_PORT").await?),
        None => None,
    };
    Ok(Started {
        listener,
        admin,
        spans,
        shutdown,
    })
}

async fn bind(host: IpAddr, port: u16, variable: &str) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(host, port);
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} (HOST, {variable})"))
}
