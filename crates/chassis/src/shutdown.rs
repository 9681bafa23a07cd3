//! The signals that end a process: the first asks, the second insists.

use std::future::Future;
use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Listens for SIGTERM and SIGINT from now on.
///
/// The future resolves at the first of them. A second one, whichever it is, ends the process at once
/// with the status a shell would report for it: 143 for SIGTERM, 130 for SIGINT.
///
/// # Errors
/// The operating system refuses to install a signal handler.
pub fn requested() -> io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (first, requested) = oneshot::channel();

    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => ("SIGTERM", 143),
                _ = interrupt.recv() => ("SIGINT", 130),
            }
        };
        let (name, _) = next().await;
        tracing::info!(signal = name, "shutdown requested");
        let _ = first.send(());

        let (name, status) = next().await;
        tracing::warn!(signal = name, "second signal: ending at once");
        std::process::exit(status);
    });

    Ok(async {
        // The sender lives in the task above, which never ends without sending.
        let _ = requested.await;
    })
}
