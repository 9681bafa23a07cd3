//! One node of the chain: the same program is john, paul, george and ringo, told apart by settings.
//!
//! Read in this order:
//!
//! 1. [`config`]: who this node is and whom it calls next;
//! 2. `app`: the routes and what surrounds them;
//! 3. `handlers`, `rally`: what `/start` and `/meow` do, the chain itself;
//! 4. `upstream`, `addresses`: one call to the next node, and where that node is;
//! 5. `strings`: what is passed on;
//! 6. `error`: the ways in which a chain breaks;
//! 7. `fault`: the same, on purpose;
//! 8. `figures`: what is counted;
//! 9. `instance`: which of several equal processes this is.

mod addresses;
mod app;
mod body;
pub mod config;
mod error;
mod fault;
mod figures;
mod handlers;
mod instance;
mod rally;
mod strings;
mod upstream;
mod wire;

use std::process::ExitCode;

use anyhow::Context;
use chassis::process::{self, Started};
use chassis::server::{self, Limits};

pub use app::{App, app};
pub use config::{Cli, Command, Config};

impl Cli {
    /// Does what the command line asks for, as the whole of a process.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let Self { config, command } = self;
        match command {
            Some(Command::Healthcheck) => chassis::healthcheck::run(&config.settings),
            None => {
                config.refuse_bad_secrets();
                let (settings, service) = (config.settings.clone(), config.service());
                process::run(&settings, &service, |started| run(config, started))
            }
        }
    }
}

/// Serves until `started.shutdown` resolves and the drain is over.
///
/// # Errors
/// The HTTP client cannot start, or requests in flight were cut off ([`server::CutOff`]).
pub async fn run(config: Config, started: Started) -> anyhow::Result<()> {
    let limits = Limits {
        // A caller's one HTTP/2 connection carries all its rallies: what is admitted, and beyond it what
        // is told at once that it is not.
        max_streams: server::MAX_STREAMS + config.max_rallies,
        ..Limits::from(&config.settings)
    };
    let port = started.listener.local_addr().map_or(0, |addr| addr.port());
    let App { public, admin } =
        app(&config, port, started.spans).context("cannot start the HTTP client")?;

    let admin_port = started
        .admin
        .as_ref()
        .and_then(|listener| Some(listener.local_addr().ok()?.port()));
    config.announce(port, admin_port, limits.max_connections);

    let serve = server::serve(started.listener, public, limits, started.shutdown);
    if let Some(listener) = started.admin {
        tokio::spawn(chassis::admin::serve(listener, admin, limits));
    }
    Ok(serve.await?)
}
