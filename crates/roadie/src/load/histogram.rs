//! How often each duration came up, in buckets that are narrower than a hundredth of what they hold.

use std::time::Duration;

/// 128 buckets for every doubling.
const BITS: u32 = 7;

/// Durations by bucket, in nanoseconds; the last bucket holds everything up to 500 years.
const BUCKETS: usize = (64 - BITS as usize + 1) << BITS;

/// Durations, counted.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    sum: Duration,
    most: Duration,
}

impl Histogram {
    pub(crate) fn record(&mut self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(bucket(ns)) {
            *count += 1;
        }
        self.total += 1;
        self.sum += duration;
        self.most = self.most.max(duration);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.sum += other.sum;
        self.most = self.most.max(other.most);
    }

    pub(crate) fn count(&self) -> u64 {
        self.total
    }

    pub(crate) fn mean(&self) -> Duration {
        let ns = self.sum.as_nanos() / u128::from(self.total.max(1));
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    pub(crate) fn most(&self) -> Duration {
        self.most
    }

    /// The duration that `per_mille` of a thousand do not exceed; zero when there are none.
    pub(crate) fn quantile(&self, per_mille: u64) -> Duration {
        let rank = (self.total * per_mille).div_ceil(1000).max(1);
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        let end = found.map_or(0, |bucket| upper(bucket as u64));
        Duration::from_nanos(end).min(self.most)
    }

    /// Counts by powers of two of a microsecond: each entry is an upper bound and how many are below
    /// it, but not below the entry before. Empty ends are left out.
    pub(crate) fn doublings(&self) -> Vec<(Duration, u64)> {
        let mut bars: Vec<(Duration, u64)> = Vec::new();
        for (bucket, count) in self
            .counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
        {
            let us = upper(bucket as u64).div_ceil(1000).max(1);
            let bound = Duration::from_micros(us.next_power_of_two());
            while let Some((last, _)) = bars.last().filter(|(last, _)| *last < bound) {
                bars.push((*last * 2, 0));
            }
            match bars.last_mut() {
                Some((_, sum)) => *sum += count,
                None => bars.push((bound, *count)),
            }
        }
        bars
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS],
            total: 0,
            sum: Duration::ZERO,
            most: Duration::ZERO,
        }
    }
}

/// Below 256 each number has its own bucket; above, numbers that agree in their first eight binary
/// digits share one.
fn bucket(ns: u64) -> usize {
    let shift = (63 - BITS).saturating_sub(ns.leading_zeros());
    ((shift as usize) << BITS) + usize::try_from(ns >> shift).unwrap_or(usize::MAX)
}

/// The largest number in a bucket.
fn upper(bucket: u64) -> u64 {
    let shift = (bucket >> BITS).saturating_sub(1);
    let digits = bucket - (shift << BITS);
    // The very last bucket ends with the numbers.
    ((u128::from(digits) + 1) << shift)
        .saturating_sub(1)
        .try_into()
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_is_put_into_it_and_is_narrower_than_a_hundredth() {
        let mut ns = 1_u64;
        while ns < u64::MAX / 3 {
            for ns in [ns - 1, ns, ns + ns / 3] {
                let (bucket, end) = (bucket(ns), upper(bucket(ns) as u64));
                assert!(
                    bucket < BUCKETS && end >= ns && end - ns <= ns / 100 + 1,
                    "{ns}: {end}"
                );
                assert_eq!(super::bucket(end), bucket, "{ns}");
                assert_eq!(super::bucket(end + 1), bucket + 1, "{ns}");
            }
            ns *= 2;
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        assert_eq!(upper(BUCKETS as u64 - 1), u64::MAX);
    }

    #[test]
    fn quantiles_are_where_they_belong() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(500), Duration::ZERO);
        for us in 1..=1000 {
            histogram.record(Duration::from_micros(us));
        }
        for (per_mille, us) in [(500, 500.0), (990, 990.0), (999, 999.0), (1000, 1000.0)] {
            let found = histogram.quantile(per_mille).as_secs_f64() * 1e6;
            assert!((us..us * 1.01).contains(&found), "{per_mille}: {found}");
        }
        assert_eq!(histogram.most(), Duration::from_millis(1));
        assert_eq!(histogram.mean(), Duration::from_nanos(500_500));
    }

    #[test]
    fn doublings_add_up_and_leave_no_gap() {
        let mut histogram = Histogram::default();
        for us in [100, 110, 900] {
            histogram.record(Duration::from_micros(us));
        }
        let bars = histogram.doublings();
        let bars: Vec<_> = bars
            .iter()
            .map(|(to, count)| (to.as_micros(), *count))
            .collect();
        assert_eq!(bars, [(128, 2), (256, 0), (512, 0), (1024, 1)]);
    }
}
