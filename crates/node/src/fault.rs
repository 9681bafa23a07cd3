//! Faults on purpose, for demonstrations: off by default, set at start or on the admin listener.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use chassis::problem::Problem;
use chassis::settings;
use clap::Args;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// The longest a fault set at run time may last, in milliseconds: a day.
const MAX_FOR_MS: u64 = 86_400_000;

/// The exit status of a crash on purpose.
const CRASH_STATUS: i32 = 70;

/// The faults a node begins with.
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "the names of the variables")]
pub struct FaultSettings {
    /// Share of rallies that fail here, 0 to 1; exact over time
    #[arg(long, env, default_value = "0", hide_env_values = true, value_parser = rate)]
    pub fault_error_rate: f64,

    /// Where in the sequence of failures to begin; equal seeds fail equal requests
    #[arg(long, env, default_value = "0", hide_env_values = true)]
    pub fault_seed: u64,

    /// Delay before each rally goes on, in milliseconds
    #[arg(long, env, default_value = "0", hide_env_values = true)]
    #[arg(value_parser = settings::milliseconds_or_zero)]
    pub fault_delay_ms: Duration,

    /// Never become ready: true or false
    #[arg(long, env, default_value = "false", hide_env_values = true, value_parser = settings::flag)]
    #[arg(num_args = 0..=1, default_missing_value = "true")]
    pub fault_unready: bool,

    /// End with status 70 after this many milliseconds; unset: never
    #[arg(
        long,
        env,
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    #[arg(value_parser = settings::optional_milliseconds)]
    pub fault_crash_after_ms: std::option::Option<Duration>,
}

/// The faults in force; shared by the rallies and the admin listener.
#[derive(Clone, Debug)]
pub(crate) struct Faults(Arc<Mutex<Active>>);

#[derive(Debug)]
struct Active {
    order: Order,
    until: Option<Instant>,
    sequence: Sequence,
    crash: Option<AbortHandle>,
}

/// What is wanted, as `PUT /faults` takes it and `GET /faults` tells it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Order {
    error_rate: f64,
    seed: u64,
    delay_ms: u64,
    unready: bool,
    crash_after_ms: Option<u64>,
    /// They end by themselves after this time.
    for_ms: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    order: Order,
    remaining_ms: Option<u64>,
}

/// What befalls one rally.
#[derive(Debug)]
pub(crate) struct Misfortune {
    pub(crate) delay: Duration,
    pub(crate) fails: bool,
}

impl Faults {
    pub(crate) fn new(settings: &FaultSettings) -> Self {
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let active = Active::start(Order {
            error_rate: settings.fault_error_rate,
            seed: settings.fault_seed,
            delay_ms: ms(settings.fault_delay_ms),
            unready: settings.fault_unready,
            crash_after_ms: settings.fault_crash_after_ms.map(ms),
            for_ms: None,
        });
        Self(Arc::new(Mutex::new(active)))
    }

    /// Whether readiness shall fail.
    pub(crate) fn unready(&self) -> bool {
        self.with(|active| active.order.unready)
    }

    /// Draws what befalls the next rally.
    pub(crate) fn next(&self) -> Misfortune {
        self.with(|active| Misfortune {
            delay: Duration::from_millis(active.order.delay_ms),
            fails: active.sequence.next(),
        })
    }

    /// `GET`, `PUT` and `DELETE /faults`.
    pub(crate) fn routes(self) -> Router {
        let methods = get(report).put(replace).delete(clear);
        Router::new().route("/faults", methods).with_state(self)
    }

    fn with<T>(&self, look: impl FnOnce(&mut Active) -> T) -> T {
        let mut active = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if active.until.is_some_and(|until| until <= Instant::now()) {
            *active = Active::start(Order::default());
            tracing::info!("faults ended by themselves");
        }
        look(&mut active)
    }

    fn set(&self, order: Order) -> Report {
        self.with(|active| {
            *active = Active::start(order);
            active.report()
        })
    }
}

impl Active {
    fn start(order: Order) -> Self {
        let in_time = |ms: &u64| order.for_ms.is_none_or(|limit| *ms <= limit);
        let crash = order.crash_after_ms.filter(in_time).map(|ms| {
            let crash = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                tracing::error!("crashing on purpose");
                std::process::exit(CRASH_STATUS);
            });
            crash.abort_handle()
        });
        Self {
            until: order
                .for_ms
                .map(|ms| Instant::now() + Duration::from_millis(ms)),
            sequence: Sequence::new(order.error_rate, order.seed),
            crash,
            order,
        }
    }

    fn report(&self) -> Report {
        let left = |until: Instant| until.saturating_duration_since(Instant::now()).as_millis();
        Report {
            order: self.order.clone(),
            remaining_ms: self
                .until
                .map(|until| u64::try_from(left(until)).unwrap_or(u64::MAX)),
        }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        if let Some(crash) = &self.crash {
            crash.abort();
        }
    }
}

async fn report(State(faults): State<Faults>) -> Json<Report> {
    Json(faults.with(|active| active.report()))
}

async fn replace(
    State(faults): State<Faults>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Report>, Problem> {
    let bad = |why: String| Problem::new(StatusCode::BAD_REQUEST, "bad_request", why);
    let body = body.map_err(|rejection| {
        let code = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            _ => "bad_request",
        };
        Problem::new(rejection.status(), code, rejection.body_text())
    })?;
    // By way of a map: serde would take a list for the fields in order.
    let order: Order = serde_json::from_slice::<Map<String, Value>>(&body)
        .and_then(|order| serde_json::from_value(order.into()))
        .map_err(|error| bad(error.to_string()))?;
    if !(0.0..=1.0).contains(&order.error_rate) {
        return Err(bad("error_rate takes 0 to 1".to_owned()));
    }
    let times = [Some(order.delay_ms), order.crash_after_ms, order.for_ms];
    if times.into_iter().flatten().any(|ms| ms > MAX_FOR_MS) {
        return Err(bad(format!("times take 0 to {MAX_FOR_MS} ms")));
    }
    tracing::warn!(?order, "faults set");
    Ok(Json(faults.set(order)))
}

async fn clear(State(faults): State<Faults>) -> Json<Report> {
    tracing::info!("faults cleared");
    Json(faults.set(Order::default()))
}

/// Picks a given share of a sequence of requests, as evenly as possible: after n of them, n × rate
/// were picked, rounded down or up.
///
/// It is a counter that a picked share of its whole range is added to: a request is picked when the
/// counter overflows. The seed is where the counter begins.
#[derive(Debug)]
struct Sequence {
    step: Step,
    counter: u64,
}

#[derive(Debug)]
enum Step {
    All,
    Share(u64),
}

impl Sequence {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate of 0 to 1 times 2^64, and the cast saturates"
    )]
    fn new(rate: f64, seed: u64) -> Self {
        /// 2 to the power of 64: the range of the counter.
        const RANGE: f64 = 18_446_744_073_709_551_616.0;
        /// An odd number near the golden section of the range: spreads small seeds over all of it.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        Self {
            step: match rate < 1.0 {
                true => Step::Share((rate * RANGE) as u64),
                false => Step::All,
            },
            counter: seed.wrapping_mul(SPREAD),
        }
    }

    fn next(&mut self) -> bool {
        match self.step {
            Step::All => true,
            Step::Share(step) => {
                let (counter, overflows) = self.counter.overflowing_add(step);
                self.counter = counter;
                overflows
            }
        }
    }
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate| (0.0..=1.0).contains(rate))
        .ok_or_else(|| "takes a number from 0 to 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::Sequence;

    #[test]
    fn the_rate_is_exact_over_time_whatever_the_seed() {
        for (rate, expected) in [(0.0, 0), (0.1, 100), (0.25, 250), (0.999, 999), (1.0, 1000)] {
            for seed in 0..20 {
                let mut sequence = Sequence::new(rate, seed);
                let failed: i32 = (0..1000).map(|_| i32::from(sequence.next())).sum();
                assert!((failed - expected).abs() <= 1, "{rate} {seed}: {failed}");
            }
        }
    }

    #[test]
    fn equal_seeds_fail_equal_requests() {
        let draw = |seed| {
            let mut sequence = Sequence::new(0.3, seed);
            (0..50).map(|_| sequence.next()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
