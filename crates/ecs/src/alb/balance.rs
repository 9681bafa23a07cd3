//! Which target of a group gets the next request.

use std::time::Duration;

use super::{TargetHealth, TargetState};
use crate::target_group::CreateTargetGroup;

/// Time since some beginning.
type Time = Duration;

/// How requests are spread over targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// One after the other.
    #[default]
    RoundRobin,
    /// To the one with the fewest requests in flight.
    LeastOutstandingRequests,
}

/// The rules of one target group.
#[derive(Debug, Clone, Copy, Default)]
pub struct Balancer {
    /// How requests are spread.
    pub algorithm: Algorithm,
    /// How long a target that has become healthy gets less than its share; zero for not at all. Does
    /// not go together with least outstanding requests.
    pub slow_start: Duration,
}

/// What the load balancer knows of one target.
#[derive(Debug, Clone)]
pub struct Standing {
    health: TargetHealth,
    /// Whether it is being deregistered, and gets nothing any more.
    pub draining: bool,
    /// Requests in flight.
    pub outstanding: usize,
    /// When it began to get less than its share.
    slow_since: Option<Time>,
    /// What it is owed of the requests that went elsewhere.
    credit: f64,
}

impl Standing {
    /// A target that was just registered in `group`.
    #[must_use]
    pub fn new(group: &CreateTargetGroup) -> Self {
        Self {
            health: TargetHealth::new(group),
            draining: false,
            outstanding: 0,
            slow_since: None,
            credit: 0.0,
        }
    }

    /// What its health checks have come to.
    #[must_use]
    pub fn state(&self) -> TargetState {
        self.health.state()
    }

    fn is_in_service(&self) -> bool {
        !self.draining && self.state() == TargetState::Healthy
    }
}

impl Balancer {
    /// Takes the outcome of a health check of the target at `index`; its state when it changed.
    ///
    /// A target that becomes healthy starts slowly only where another one is there that does not:
    /// somebody has to take the requests.
    pub fn observe<'a>(
        &self,
        targets: impl Iterator<Item = &'a mut Standing>,
        index: usize,
        passed: bool,
        now: Time,
    ) -> Option<TargetState> {
        let mut targets: Vec<_> = targets.collect();
        let others = targets.iter().enumerate().filter(|(at, _)| *at != index);
        let carried = others
            .map(|(_, other)| other)
            .any(|other| other.is_in_service() && self.share(other, now) >= 1.0);
        let target = targets.get_mut(index)?;
        let change = target.health.observe(passed)?;
        if change == TargetState::Healthy {
            target.slow_since = carried.then_some(now);
            target.credit = 0.0;
        }
        Some(change)
    }

    /// The place of the target that gets the next request: one of the healthy; of all when none is
    /// healthy (an ALB fails open); none when none is registered. Those that drain get nothing.
    pub fn choose<'a>(
        &self,
        targets: impl Iterator<Item = &'a mut Standing>,
        now: Time,
    ) -> Option<usize> {
        let mut registered: Vec<_> = targets
            .enumerate()
            .filter(|(_, target)| !target.draining)
            .collect();
        if registered.iter().any(|(_, target)| target.is_in_service()) {
            registered.retain(|(_, target)| target.is_in_service());
        }
        if self.algorithm == Algorithm::LeastOutstandingRequests {
            let least = registered.iter().map(|(_, target)| target.outstanding);
            let least = least.min()?;
            registered.retain(|(_, target)| target.outstanding == least);
        }
        // Everyone is owed a share of each request; who is owed most gets it, and owes the others.
        let mut total = 0.0;
        for (_, target) in &mut registered {
            let share = self.share(target, now);
            target.credit += share;
            total += share;
        }
        let first = |best: Option<usize>, at: usize, all: &[(usize, &'a mut Standing)]| match best {
            Some(best) if all[best].1.credit >= all[at].1.credit => Some(best),
            _ => Some(at),
        };
        let places = 0..registered.len();
        let chosen = places.fold(None, |best, at| first(best, at, &registered))?;
        let (place, target) = &mut registered[chosen];
        target.credit -= total;
        Some(*place)
    }

    /// The share of a target that starts slowly: from nothing to one, in a line. Not quite nothing,
    /// so that it is not owed for ever.
    fn share(&self, target: &Standing, now: Time) -> f64 {
        let starts = self.algorithm == Algorithm::RoundRobin && !self.slow_start.is_zero();
        match target.slow_since.filter(|_| starts) {
            Some(since) => {
                let run = now.saturating_sub(since).as_secs_f64() / self.slow_start.as_secs_f64();
                run.clamp(0.001, 1.0)
            }
            None => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A group of so many targets, healthy since the beginning.
    struct Group {
        balancer: Balancer,
        targets: Vec<Standing>,
    }

    impl Group {
        fn new(balancer: Balancer, healthy: usize) -> Self {
            let mut group = Self {
                balancer,
                targets: Vec::new(),
            };
            (0..healthy).for_each(|_| group.register(Some(true), seconds(0)));
            group
        }

        fn register(&mut self, passed: Option<bool>, now: Time) {
            let text = r#"{"Name": "tg", "UnhealthyThresholdCount": 1}"#;
            self.targets
                .push(Standing::new(&serde_json::from_str(text).unwrap()));
            if let Some(passed) = passed {
                self.check(self.targets.len() - 1, passed, now);
            }
        }

        fn check(&mut self, index: usize, passed: bool, now: Time) {
            let targets = self.targets.iter_mut();
            self.balancer.observe(targets, index, passed, now);
        }

        /// How many of `count` requests at `now` each target gets.
        fn requests(&mut self, count: usize, now: Time) -> Vec<usize> {
            let mut got = vec![0; self.targets.len()];
            for _ in 0..count {
                if let Some(chosen) = self.balancer.choose(self.targets.iter_mut(), now) {
                    got[chosen] += 1;
                }
            }
            got
        }
    }

    #[test]
    fn the_healthy_take_turns() {
        let mut group = Group::new(Balancer::default(), 3);
        group.register(Some(false), seconds(0));
        group.register(None, seconds(0));
        let now = seconds(1);
        let turns: Vec<_> = (0..6)
            .map(|_| {
                group
                    .balancer
                    .choose(group.targets.iter_mut(), now)
                    .unwrap()
            })
            .collect();
        assert_eq!(turns, [0, 1, 2, 0, 1, 2]);
        group.targets[1].draining = true;
        assert_eq!(group.requests(100, now), [50, 0, 50, 0, 0]);
    }

    #[test]
    fn when_none_is_healthy_all_get_requests_but_those_that_drain() {
        let mut group = Group::new(Balancer::default(), 0);
        assert_eq!(
            group.balancer.choose(group.targets.iter_mut(), seconds(0)),
            None
        );
        group.register(Some(false), seconds(0));
        group.register(Some(false), seconds(0));
        group.register(None, seconds(0));
        assert_eq!(group.requests(9, seconds(1)), [3, 3, 3]);
        group.targets[0].draining = true;
        assert_eq!(group.requests(8, seconds(1)), [0, 4, 4]);
        // Healthy, but leaving: that is none, too.
        group.check(0, true, seconds(2));
        assert_eq!(group.requests(8, seconds(3)), [0, 4, 4]);
    }

    #[test]
    fn least_outstanding_requests_prefers_the_idle_and_takes_turns_among_equals() {
        let balancer = Balancer {
            algorithm: Algorithm::LeastOutstandingRequests,
            ..Balancer::default()
        };
        let mut group = Group::new(balancer, 3);
        group.targets[0].outstanding = 2;
        assert_eq!(group.requests(10, seconds(1)), [0, 5, 5]);
        group.targets[1].outstanding = 1;
        assert_eq!(group.requests(10, seconds(1)), [0, 0, 10]);
    }

    #[test]
    fn a_target_that_starts_slowly_gets_a_share_that_grows_in_a_line() {
        let balancer = Balancer {
            slow_start: seconds(100),
            ..Balancer::default()
        };
        let mut group = Group::new(balancer, 1);
        group.register(Some(true), seconds(10));
        // Of 300 requests: a tenth of a share, a half, a whole one, and no more later.
        for (at, expected) in [(20, 27), (60, 100), (110, 150), (999, 150)] {
            let got = group.requests(300, seconds(at))[1];
            assert!(got.abs_diff(expected) <= 2, "{at}: {got}");
        }
    }

    #[test]
    fn targets_that_all_become_healthy_together_do_not_start_slowly() {
        let balancer = Balancer {
            slow_start: seconds(100),
            ..Balancer::default()
        };
        let mut group = Group::new(balancer, 1);
        assert_eq!(group.targets[0].slow_since, None);
        // A second one does, and is not somebody a third could lean on, but the first is.
        group.register(Some(true), seconds(1));
        group.targets[0].draining = true;
        group.register(Some(true), seconds(2));
        assert_eq!(group.targets[2].slow_since, None);
    }
}
