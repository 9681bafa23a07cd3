//! A container of the rehearsal: a process of its own, held on a leash, or one of a Docker engine.

pub(crate) mod docker;
pub(crate) mod environment;
mod executable;
mod image;
pub(crate) mod leash;
mod probe;
mod process;
mod spec;
mod usage;

pub(crate) use docker::Docker;
pub(crate) use image::{Image, STAND_IN};
pub(crate) use leash::Port;
pub(crate) use probe::Probe;
pub(crate) use process::{Container, Exit, Gauge};
pub(crate) use spec::{Program, Spec};
pub(crate) use usage::Usage;

/// What runs the containers.
#[derive(Clone, Debug)]
pub(crate) enum Engine {
    /// This program, once more for each.
    Processes,
    Docker(Docker),
}

impl Engine {
    /// Waits until nothing is left of its containers.
    pub(crate) async fn close(&self) {
        match self {
            Self::Processes => {}
            Self::Docker(docker) => docker.sweep().await,
        }
    }
}
