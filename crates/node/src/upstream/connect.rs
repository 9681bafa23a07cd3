//! Tells whether a request opened its connection or got one from an earlier request.
//!
//! reqwest does not say. But it connects inside the future of the request that needs it: a layer
//! around its connector notes, in a task-local, that a connection came about there. Where a kept
//! connection becomes free first, the connector goes on in a task of its own, without the note.

use std::cell::Cell;

use std::future::Future;

tokio::task_local! {
    static CONNECTED: Cell<Connected>;
}

/// When the connection of a request came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connected {
    /// Before the request: it is a kept one.
    Before,
    /// For the request.
    Now,
}

/// Runs `request`, and says when its connection came about.
pub(super) async fn watch<F: Future>(request: F) -> (F::Output, Connected) {
    CONNECTED
        .scope(Cell::new(Connected::Before), async {
            let output = request.await;
            (output, CONNECTED.with(Cell::get))
        })
        .await
}

/// Wraps the future of a connection attempt.
pub(super) async fn note<T, E>(attempt: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let outcome = attempt.await;
    if outcome.is_ok() {
        let _ = CONNECTED.try_with(|connected| connected.set(Connected::Now));
    }
    outcome
}
