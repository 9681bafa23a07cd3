//! Asks a container how it is, with the command of its own health check.

use std::process::Stdio;
use std::time::Duration;

use super::docker::Inside;
use super::{Spec, executable};

/// A way to ask.
#[derive(Clone, Debug)]
pub(crate) enum Probe {
    /// By a process beside the container's, with the same environment.
    Beside(Box<Spec>),
    Inside(Inside),
}

impl Probe {
    /// Whether `command` exits with 0 within `limit`. The container listens on `port`.
    pub(crate) async fn passes(&self, command: &[String], port: u16, limit: Duration) -> bool {
        match self {
            Self::Beside(spec) => beside(spec, command, port, limit).await,
            Self::Inside(inside) => inside.passes(command, limit).await,
        }
    }
}

async fn beside(spec: &Spec, command: &[String], port: u16, limit: Duration) -> bool {
    let Ok(mut again) = executable::again() else {
        return false;
    };
    let status = again
        .arg(spec.program.name())
        // This program stands in for the image's.
        .args(command.iter().skip(1))
        .env_clear()
        .envs(&spec.environment)
        .env("PORT", port.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .status();
    matches!(tokio::time::timeout(limit, status).await, Ok(Ok(status)) if status.success())
}
