//! What other people put into files, names and values, and an output that takes no more: nothing of it
//! is executed, obeyed by a terminal, or the end of a command in the middle.
#![expect(
    clippy::unwrap_used,
    reason = "the functions around the tests may panic as the tests do"
)]

mod files;
mod names;
mod output;
mod script;
mod support;
