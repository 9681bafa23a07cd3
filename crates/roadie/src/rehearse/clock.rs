//! Time in the rehearsal: as on AWS, or so many times faster.

use std::time::{Duration, Instant};

/// Counts from the beginning of the rehearsal; `speed` divides every waiting time. Limits of what a
/// process may take, such as a health check's time-out, stay as they are: the process is no faster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    begun: Instant,
    speed: f64,
}

impl Clock {
    pub(crate) fn start(speed: f64) -> Self {
        Self {
            begun: Instant::now(),
            speed,
        }
    }

    /// The time that has passed in the rehearsal.
    pub(crate) fn now(&self) -> Duration {
        self.begun.elapsed().mul_f64(self.speed)
    }

    /// How long a wait of the rehearsal takes here.
    pub(crate) fn real(&self, duration: Duration) -> Duration {
        duration.div_f64(self.speed)
    }

    pub(crate) async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(self.real(duration)).await;
    }

    /// Resolves at a time of the rehearsal; never for none.
    pub(crate) async fn until(&self, time: Option<Duration>) {
        match time {
            Some(time) => self.sleep(time.saturating_sub(self.now())).await,
            None => std::future::pending().await,
        }
    }
}

/// Parses a speed-up.
pub(crate) fn speed(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|speed| (0.01..=1000.0).contains(speed))
        .ok_or_else(|| "takes a number from 0.01 to 1000".to_owned())
}
