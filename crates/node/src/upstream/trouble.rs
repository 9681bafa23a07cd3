//! What an error of the client library means for the call that it ended.

use std::error::Error;
use std::io::ErrorKind;

use h2::Reason;

/// Whether the connection, or the call's part of it, ended before the answer was complete.
pub(super) fn is_closed(error: &reqwest::Error) -> bool {
    is_ended(error) || http2(error).is_some_and(h2::Error::is_reset)
}

/// Whether the connection ended.
pub(super) fn is_ended(error: &reqwest::Error) -> bool {
    http2(error).map_or_else(|| is_lost(error), is_end)
}

/// Whether the peer said that it had not touched the call.
pub(super) fn is_refused(error: &reqwest::Error) -> bool {
    http2(error).is_some_and(|error| match error.reason() {
        Some(Reason::REFUSED_STREAM) => error.is_reset() && error.is_remote(),
        // On its way out: the calls that it still takes go on.
        Some(Reason::NO_ERROR) => error.is_go_away() && error.is_remote(),
        _ => false,
    })
}

/// The kind of the system's error, where there is one behind `error`.
pub(super) fn io_kind(error: &reqwest::Error) -> Option<ErrorKind> {
    causes(error).find_map(|cause| Some(cause.downcast_ref::<std::io::Error>()?.kind()))
}

fn is_lost(error: &reqwest::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let hyper = causes(error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
    let closed = |error: &hyper::Error| {
        error.is_incomplete_message() || error.is_canceled() || error.is_closed()
    };
    let lost = [
        BrokenPipe,
        ConnectionAborted,
        ConnectionReset,
        UnexpectedEof,
    ];
    hyper.is_some_and(closed) || io_kind(error).is_some_and(|kind| lost.contains(&kind))
}

/// The end of a whole HTTP/2 connection, and not because the peer speaks something else.
fn is_end(error: &h2::Error) -> bool {
    error.is_io() || (error.is_go_away() && error.is_remote())
}

fn http2(error: &reqwest::Error) -> Option<&h2::Error> {
    causes(error).find_map(|cause| cause.downcast_ref::<h2::Error>())
}

fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Error::source(error), |cause| (**cause).source())
}
