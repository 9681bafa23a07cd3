//! The contract of a node, held over HTTP and through the real program.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

mod answers;
mod connections;
mod deadlines;
mod errors;
mod faults;
mod http2;
mod input;
mod lifecycle;
mod metrics;
mod peers;
mod settings;
mod spans;
mod support;
mod tracing;
