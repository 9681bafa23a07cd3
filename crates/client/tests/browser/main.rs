//! The page in a real browser: headless Chromium, driven by chromedriver.
//!
//! These tests are ignored by default, so that `cargo test --workspace` passes on a machine that has
//! only Rust. To run them:
//!
//! ```sh
//! crates/client/tests/fetch-axe      # once: axe-core, for the accessibility checks
//! cargo test -p client --test browser -- --ignored
//! ```
//!
//! `SUITE_URL` may name a running suite, such as the rehearsal's edge: the tests that need nothing
//! but a chain of four then play against it instead of the nodes in [`band`]. Screenshots are written
//! to `screenshots/` in the root of the repository.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod band;
mod driver;
mod letters;
mod looks;
mod rally;
mod shapes;
mod table;
mod troubles;
