//! What the load balancer has seen: requests, errors and times, all in all and of the last seconds.
//!
//! Named as in `CloudWatch`: `HTTPCode_ELB_5XX_Count` is what it answered itself,
//! `HTTPCode_Target_5XX_Count` what it passed on, `TargetResponseTime` ends with the answer's head.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Display, Formatter};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::status::micros;

/// How many seconds back the recent figures reach, the running one included.
const WINDOW: u64 = 10;

/// Each doubling of a time is cut into this many steps: a figure is at most an eighth too high.
const STEPS: usize = 8;

/// Steps up to two minutes, which no request takes.
const BUCKETS: usize = 25 * STEPS;

/// Marks an answer that no target gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnAnswer;

/// Marks an answer to a request that was given to the target on this port, whoever answered it then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GivenTo(pub(crate) u16);

/// The figures; handles to them are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Figures(Arc<Mutex<Book>>);

#[derive(Debug)]
struct Book {
    begun: Instant,
    total: Counts,
    /// Those of the window in which there were requests, the oldest first.
    seconds: VecDeque<Second>,
    /// 5xx of requests that were given to the target on each port. Ports are few.
    failed_on: BTreeMap<u16, u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    /// 5xx of the load balancer's own.
    pub(crate) elb_5xx: u64,
    /// 5xx passed on from targets.
    pub(crate) target_5xx: u64,
}

#[derive(Debug)]
struct Second {
    number: u64,
    counts: Counts,
    times: [u32; BUCKETS],
    longest_us: u64,
}

/// The figures at one moment, since the beginning and of the last seconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct EdgeStatus {
    pub(crate) total: Counts,
    pub(crate) recent: Recent,
}

/// The last ten seconds of this machine's time.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Recent {
    #[serde(flatten)]
    pub(crate) counts: Counts,
    pub(crate) requests_per_second: f64,
    /// An upper bound, at most an eighth too high; as is the next. None without requests.
    pub(crate) p50_us: Option<u64>,
    pub(crate) p99_us: Option<u64>,
    pub(crate) max_us: Option<u64>,
}

impl Figures {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Book::new(Instant::now()))))
    }

    pub(crate) fn status(&self) -> EdgeStatus {
        self.book().status(Instant::now())
    }

    /// How many requests came to a 5xx that were given to the target on each port.
    pub(crate) fn failed_on(&self) -> BTreeMap<u16, u64> {
        self.book().failed_on.clone()
    }

    // A lock for the time of a few additions: atomics would need one to turn the seconds.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a request when its answer begins. One whose client went away before is not counted.
pub(crate) async fn count(
    State(figures): State<Figures>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let response = next.run(request).await;
    let failed = response.status().is_server_error();
    let own = response.extensions().get::<OwnAnswer>().is_some();
    let counts = Counts {
        requests: 1,
        elb_5xx: u64::from(failed && own),
        target_5xx: u64::from(failed && !own),
    };
    let now = Instant::now();
    let mut book = figures.book();
    book.add(counts, now.duration_since(begun), now);
    if let Some(GivenTo(port)) = response.extensions().get().filter(|_| failed) {
        *book.failed_on.entry(*port).or_default() += 1;
    }
    drop(book);
    response
}

impl Display for EdgeStatus {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let recent = &self.recent;
        write!(f, "{:.0} requests/s", recent.requests_per_second)?;
        for (name, us) in [("p50", recent.p50_us), ("p99", recent.p99_us)] {
            if let Some(us) = us {
                write!(f, ", {name} {} ms", Millis(us))?;
            }
        }
        let Counts {
            requests,
            elb_5xx,
            target_5xx,
        } = self.total;
        write!(
            f,
            "; of {requests} in all, {elb_5xx} errors of its own and {target_5xx} of targets"
        )
    }
}

/// Microseconds, told in milliseconds with as many digits as help.
pub(crate) struct Millis(pub(crate) u64);

impl Display for Millis {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let ms = Duration::from_micros(self.0).as_secs_f64() * 1000.0;
        match self.0 {
            0..10_000 => write!(f, "{ms:.2}"),
            10_000..100_000 => write!(f, "{ms:.1}"),
            _ => write!(f, "{ms:.0}"),
        }
    }
}

impl Book {
    fn new(begun: Instant) -> Self {
        Self {
            begun,
            total: Counts::default(),
            seconds: VecDeque::new(),
            failed_on: BTreeMap::new(),
        }
    }

    fn add(&mut self, counts: Counts, took: Duration, now: Instant) {
        self.total.add(counts);
        let number = now.duration_since(self.begun).as_secs();
        if self.seconds.back().is_none_or(|last| last.number < number) {
            self.seconds.retain(|s| s.number + WINDOW > number);
            self.seconds.push_back(Second::new(number));
        }
        if let Some(second) = self.seconds.back_mut() {
            second.add(counts, took);
        }
    }

    fn status(&self, now: Instant) -> EdgeStatus {
        let passed = now.duration_since(self.begun);
        let oldest = (passed.as_secs() + 1).saturating_sub(WINDOW);
        let mut sum = Second::new(0);
        for second in self.seconds.iter().filter(|s| s.number >= oldest) {
            sum.merge(second);
        }
        let span = passed.saturating_sub(Duration::from_secs(oldest));
        // Less than a second says nothing about a rate.
        let span = span.as_secs_f64().max(1.0);
        EdgeStatus {
            total: self.total,
            recent: Recent {
                counts: sum.counts,
                #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 requests")]
                requests_per_second: sum.counts.requests as f64 / span,
                p50_us: sum.quantile(50),
                p99_us: sum.quantile(99),
                max_us: (sum.counts.requests > 0).then_some(sum.longest_us),
            },
        }
    }
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.elb_5xx += other.elb_5xx;
        self.target_5xx += other.target_5xx;
    }
}

impl Second {
    fn new(number: u64) -> Self {
        Self {
            number,
            counts: Counts::default(),
            times: [0; BUCKETS],
            longest_us: 0,
        }
    }

    fn add(&mut self, counts: Counts, took: Duration) {
        let us = micros(took);
        self.counts.add(counts);
        self.times[bucket(us)] += 1;
        self.longest_us = self.longest_us.max(us);
    }

    fn merge(&mut self, other: &Self) {
        self.counts.add(other.counts);
        self.longest_us = self.longest_us.max(other.longest_us);
        for (sum, times) in self.times.iter_mut().zip(&other.times) {
            *sum += times;
        }
    }

    /// The time within which so many of a hundred requests were answered.
    fn quantile(&self, percent: u64) -> Option<u64> {
        let rank = (self.counts.requests * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let bucket = self.times.iter().position(|times| {
            seen += u64::from(*times);
            seen >= rank
        })?;
        Some(highest(bucket).min(self.longest_us))
    }
}

/// The first `STEPS` buckets hold a microsecond each; then each doubling has `STEPS`.
fn bucket(us: u64) -> usize {
    let steps = STEPS.ilog2();
    let doublings = us.max(1).ilog2().saturating_sub(steps);
    // At most fifteen.
    let within = usize::try_from(us >> doublings).unwrap_or(BUCKETS);
    (doublings as usize * STEPS + within).min(BUCKETS - 1)
}

/// The largest time that falls into a bucket.
fn highest(bucket: usize) -> u64 {
    match bucket < 2 * STEPS {
        true => bucket as u64,
        false => {
            let doublings = bucket / STEPS - 1;
            let within = bucket % STEPS + STEPS;
            ((within as u64 + 1) << doublings) - 1
        }
    }
}

#[cfg(test)]
mod tests;
