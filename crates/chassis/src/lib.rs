//! What every service of the suite stands on: settings, telemetry, serving and draining.
//!
//! A service is a [`Router`](axum::Router) and a `main` of a few lines. This crate gives it the rest,
//! in the order in which a process lives through it:
//!
//! 1. [`settings`]: what is read from flags and environment, and how a bad value is refused;
//! 2. [`telemetry`]: logs and spans, from before the first line to after the last request;
//! 3. [`trace`] and [`request`]: who asked, what was answered, how long it took;
//! 4. [`problem`] and [`bearer`]: the one shape of every error, and who is let in;
//! 5. [`metrics`] and [`admin`]: the figures, on a listener of their own;
//! 6. [`health`], [`server`] and [`shutdown`]: serve, drain, end;
//! 7. [`process`]: all of it around one service.

pub mod admin;
pub mod bearer;
pub mod health;
pub mod healthcheck;
pub mod metrics;
pub mod problem;
pub mod process;
pub mod request;
pub mod server;
pub mod settings;
pub mod shutdown;
pub mod telemetry;
pub mod trace;
