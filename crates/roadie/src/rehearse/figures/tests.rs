//! The figures of times that are made up.

use super::*;

const OK: Counts = Counts {
    requests: 1,
    elb_5xx: 0,
    target_5xx: 0,
};

#[test]
fn a_time_is_told_at_most_an_eighth_too_high() {
    for us in (0..10_000).chain([65_537, 1_000_000, 59_999_999]) {
        let told = highest(bucket(us));
        assert!(told >= us && told <= us + us / 8, "{us} as {told}");
    }
    // Absurd times have a place, too.
    assert_eq!(bucket(u64::MAX), BUCKETS - 1);
}

#[test]
fn the_recent_figures_forget_what_is_older_than_ten_seconds() {
    let begun = Instant::now();
    let at = |ms| begun + Duration::from_millis(ms);
    let mut book = Book::new(begun);
    let failed = Counts { elb_5xx: 1, ..OK };
    book.add(failed, Duration::from_secs(1), at(500));
    for second in 1..=20 {
        for _ in 0..100 {
            book.add(OK, Duration::from_millis(2), at(second * 1000));
        }
    }
    let status = book.status(at(21_000));
    assert_eq!((status.total.requests, status.total.elb_5xx), (2001, 1));
    assert_eq!(status.recent.counts.requests, 900);
    assert_eq!(status.recent.counts.elb_5xx, 0);
    assert!((status.recent.requests_per_second - 100.0).abs() < 1.0);
    assert_eq!(status.recent.max_us, Some(2000));
    // Nothing happens for a while: nothing is left.
    let status = book.status(at(60_000));
    assert_eq!(
        (status.recent.counts.requests, status.recent.p99_us),
        (0, None)
    );
}

#[test]
fn quantiles_count_requests_from_the_fastest() {
    let begun = Instant::now();
    let mut book = Book::new(begun);
    for ms in 1..=100 {
        book.add(OK, Duration::from_millis(ms), begun);
    }
    let recent = book.status(begun).recent;
    let within = |told: Option<u64>, us| told.is_some_and(|t| t >= us && t <= us + us / 8);
    assert!(within(recent.p50_us, 50_000), "{recent:?}");
    assert!(within(recent.p99_us, 99_000), "{recent:?}");
    assert_eq!(recent.max_us, Some(100_000));
}
