//! When the next request is due, and from when its latency counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How coarse the runtime's timers are: a request that waited for its time is sent up to this much
/// late, and that is not the server's doing.
const TIMER: Duration = Duration::from_millis(2);

/// How often requests are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// Each connection asks again as soon as it has its answer: as many as the server can do.
    Closed,
    /// This many a second, whatever the server does. A request that finds all connections busy waits
    /// for one, and its latency counts from when it was due: a server that stalls cannot hide the
    /// requests that were not sent meanwhile.
    Rate(f64),
}

/// The requests of all connections together.
#[derive(Debug)]
pub(super) struct Schedule {
    interval: Option<Duration>,
    started: Instant,
    until: Instant,
    requests: u64,
    taken: AtomicU64,
}

impl Schedule {
    pub(super) fn new(pace: Pace, started: Instant, time: Duration, requests: Option<u64>) -> Self {
        let interval = match pace {
            Pace::Closed => None,
            Pace::Rate(rate) => Some(Duration::from_secs_f64(1.0 / rate)),
        };
        Self {
            interval,
            started,
            until: started + time,
            requests: requests.unwrap_or(u64::MAX),
            taken: AtomicU64::new(0),
        }
    }

    /// Waits until the next request is due; the latency counts from the result. None when the load
    /// is over.
    pub(super) async fn next(&self, ended: &mut watch::Receiver<bool>) -> Option<Instant> {
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        let ready = Instant::now();
        let due = match self.interval {
            None => ready,
            // A whole number of nanoseconds: an hour at any rate is far from its limit.
            Some(interval) => self.started + nanoseconds(interval, number),
        };
        if number >= self.requests || due >= self.until || *ended.borrow() {
            return None;
        }
        if due <= ready {
            return Some(due);
        }
        tokio::select! {
            () = tokio::time::sleep_until(due) => Some(counts_from(due, Instant::now())),
            _ = ended.wait_for(|ended| *ended) => None,
        }
    }
}

fn nanoseconds(interval: Duration, times: u64) -> Duration {
    let interval = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(interval.saturating_mul(times))
}

/// From when the latency of a request counts that had a free connection when it was due at `due`, and
/// goes out at `now`.
fn counts_from(due: Instant, now: Instant) -> Instant {
    match now - due <= TIMER {
        true => now,
        false => due,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(rate: f64, time: Duration, requests: Option<u64>) -> (Schedule, Instant) {
        let now = Instant::now();
        (Schedule::new(Pace::Rate(rate), now, time, requests), now)
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_due_at_a_steady_rate_until_the_time_is_over() {
        let (schedule, started) = rate(100.0, Duration::from_secs(1), None);
        let (_end, mut ended) = watch::channel(false);
        let mut count = 0;
        while schedule.next(&mut ended).await.is_some() {
            count += 1;
        }
        assert_eq!(count, 100);
        assert_eq!(started.elapsed().as_millis(), 990);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_waited_for_a_connection_counts_from_when_it_was_due() {
        let (schedule, started) = rate(100.0, Duration::from_secs(1), None);
        let (_end, mut ended) = watch::channel(false);
        schedule.next(&mut ended).await.unwrap();
        // The server stalls, and with it the only connection.
        tokio::time::advance(Duration::from_millis(500)).await;
        for number in 1..=50 {
            let due = started + Duration::from_millis(10) * number;
            assert_eq!(schedule.next(&mut ended).await, Some(due));
        }
        assert_eq!(started.elapsed().as_millis(), 500, "none of them waited");
    }

    #[test]
    fn a_coarse_timer_is_not_the_servers_latency_but_a_late_one_is() {
        let due = Instant::now();
        let after = |ms| due + Duration::from_millis(ms);
        assert_eq!(counts_from(due, after(1)), after(1));
        assert_eq!(counts_from(due, after(20)), due);
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_requests_and_the_word_to_end_are_limits_too() {
        let (schedule, _) = rate(1.0, Duration::from_secs(100), Some(2));
        let (end, mut ended) = watch::channel(false);
        assert!(schedule.next(&mut ended).await.is_some());
        assert!(schedule.next(&mut ended).await.is_some());
        assert!(schedule.next(&mut ended).await.is_none());

        let (schedule, _) = rate(1.0, Duration::from_secs(100), None);
        schedule.next(&mut ended).await.unwrap();
        end.send_replace(true);
        assert!(schedule.next(&mut ended).await.is_none());
    }
}
