//! The page with the eight letters: rendered from the settings at start, then only sent.
//!
//! Read in this order:
//!
//! 1. [`config`]: where the page is served, and where its letters play;
//! 2. `app`: the routes and what surrounds them;
//! 3. `page`: what is rendered, once;
//! 4. `assets`: style sheet, scripts and icon, embedded in the program;
//! 5. `document`: one content in its compressed variants, as an answer;
//! 6. `accept`: which variant and which kind of error the caller prefers;
//! 7. `security`: the headers that keep the page to itself.

mod accept;
mod app;
mod assets;
pub mod config;
mod document;
mod page;
mod security;

use std::process::ExitCode;
use std::sync::Arc;

use chassis::metrics::Metrics;
use chassis::process::{self, Started};
use chassis::request::Observe;
use chassis::server::{self, CutOff, Limits, Service};

pub use app::app;
pub use config::{BaseUrl, Cli, Command, Config};

/// What this service is called in logs, spans and figures.
pub const SERVICE: &str = "client";

impl Cli {
    /// Does what the command line asks for, as the whole of a process.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let Self { config, command } = self;
        match command {
            Some(Command::Healthcheck) => chassis::healthcheck::run(&config.settings),
            None => {
                let settings = config.settings.clone();
                process::run(&settings, SERVICE, |started| run(config, started))
            }
        }
    }
}

/// Serves until `started.shutdown` resolves and the drain is over.
///
/// # Errors
/// Requests in flight were cut off.
pub async fn run(config: Config, started: Started) -> Result<(), CutOff> {
    let metrics = Arc::new(Metrics::new(SERVICE, &config.settings.release));
    let figures = chassis::admin::routes(Arc::clone(&metrics));
    let observe = Observe::new(SERVICE.into(), metrics, started.spans.clone());
    let service = Service::new(app(&config, observe.clone())).with_observer(observe);
    announce(&config, &started);

    let limits = Limits::from(&config.settings);
    let serve = server::serve(started.listener, service, limits, started.shutdown);
    match started.admin {
        None => serve.await,
        Some(listener) => tokio::select! {
            outcome = serve => outcome,
            () = chassis::admin::serve(listener, figures, limits) => unreachable!("it serves until dropped"),
        },
    }
}

/// One line that says where the page is and what it was told.
fn announce(config: &Config, started: &Started) {
    let port = |listener: &tokio::net::TcpListener| Some(listener.local_addr().ok()?.port());
    let Config { settings, base_url } = config;
    tracing::info!(
        service = SERVICE,
        host = %settings.host,
        port = port(&started.listener),
        admin_port = started.admin.as_ref().and_then(port),
        release = settings.release,
        base_url = base_url.as_str(),
        "listening"
    );
}
