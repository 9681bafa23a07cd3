//! How ECS asks a container whether it is well.

use std::time::Duration;

use serde::Deserialize;

use super::seconds;

/// A container health check. Ranges and defaults are those of the ECS API reference.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthCheck {
    /// `CMD` and a program with its arguments, or `CMD-SHELL` and a line; see [`Self::probe`].
    pub command: Vec<String>,
    /// Seconds between two checks, 5 to 300.
    #[serde(rename = "interval")]
    pub interval_seconds: Option<u32>,
    /// Seconds a check may take, 2 to 60.
    #[serde(rename = "timeout")]
    pub timeout_seconds: Option<u32>,
    /// Failures in a row that make it unhealthy, 1 to 10.
    pub retries: Option<u32>,
    /// Seconds in which failures do not count, 0 to 300.
    #[serde(rename = "startPeriod")]
    pub start_period_seconds: Option<u32>,
}

/// What a health check runs inside the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe<'a> {
    /// A program and its arguments.
    Exec(&'a [String]),
    /// A line for the container's shell.
    Shell(&'a str),
}

impl HealthCheck {
    /// What to run. Nothing, if the command does not begin with `CMD` or `CMD-SHELL` or has
    /// nothing behind it.
    #[must_use]
    pub fn probe(&self) -> Option<Probe<'_>> {
        let (first, rest) = self.command.split_first()?;
        match (first.as_str(), rest) {
            ("CMD", [_, ..]) => Some(Probe::Exec(rest)),
            ("CMD-SHELL", [line]) => Some(Probe::Shell(line)),
            _ => None,
        }
    }

    /// Time between two checks: 30 s unless given.
    #[must_use]
    pub fn interval(&self) -> Duration {
        seconds(self.interval_seconds, Duration::from_secs(30))
    }

    /// Time a check may take: 5 s unless given.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        seconds(self.timeout_seconds, Duration::from_secs(5))
    }

    /// Failures in a row that make the container unhealthy: 3 unless given.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.retries.unwrap_or(3)
    }

    /// Time in which failures do not count: none unless given. A success within it already makes
    /// the container healthy.
    #[must_use]
    pub fn start_period(&self) -> Duration {
        seconds(self.start_period_seconds, Duration::ZERO)
    }
}
