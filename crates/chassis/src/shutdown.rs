//! The signals that end a process: the first asks, the second insists.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tokio::signal::unix::{SignalKind, signal};

/// What a shell adds to the number of a signal to report it as an exit status.
const SIGNALLED: i32 = 128;

/// Listens for SIGTERM and SIGINT from now on.
///
/// The future resolves at the first of them. A second one, whichever it is, ends the process at once
/// with the status a shell would report for it: 143 for SIGTERM, 130 for SIGINT. That happens inside
/// the signal's handler, so it works whatever the process is busy with or stuck in.
///
/// # Errors
/// The operating system refuses to install a signal handler.
pub fn requested() -> io::Result<impl Future<Output = ()> + Send> {
    let asked = Arc::new(AtomicBool::new(false));
    for number in [SIGTERM, SIGINT] {
        // In this order: the first signal finds the flag down, and then raises it.
        flag::register_conditional_shutdown(number, SIGNALLED + number, Arc::clone(&asked))?;
        flag::register(number, Arc::clone(&asked))?;
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "shutdown requested");
    })
}
