//! `docker compose up --build` is the suite: built, run, clicked, scaled and broken on a real engine.
//!
//! `docker/test/run` runs these tests; it brings what they need. They share one project of Compose,
//! which each test finds whole: [`suite::Suite::up`] waits for its turn and mends what the one
//! before has left broken.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod click;
mod confinement;
mod docker;
mod ec2;
mod edge;
mod faults;
mod images;
mod load;
mod replacing;
mod scaling;
mod suite;
