//! What Application Auto Scaling does with target tracking policies, as a state machine: no clock, no
//! metric source.
//!
//! Whoever drives it gives it each policy's figure once a minute ([`AutoScaler::minute`]), and sets
//! the desired count that it answers. The rules are AWS's: a policy adds capacity when its figure was
//! above the target for three minutes in a row, and removes some when it was below nine tenths of it
//! for fifteen; of several policies the largest capacity wins, and capacity is only removed when all
//! agree.

mod policy;

use std::ops::RangeInclusive;
use std::time::Duration;

pub use policy::Policy;

/// Time since the driver's beginning.
pub type Time = Duration;

/// How often a figure is given.
pub const PERIOD: Duration = Duration::from_mins(1);

/// Figures above the target in a row that add capacity.
pub const HIGH_PERIODS: usize = 3;

/// Figures below [`LOW_SHARE`] of the target in a row that remove capacity.
pub const LOW_PERIODS: usize = 15;

/// The share of the target below which a figure counts as low.
pub const LOW_SHARE: f64 = 0.9;

/// All policies of one service.
#[derive(Debug, Clone)]
pub struct AutoScaler {
    capacity: RangeInclusive<u32>,
    policies: Vec<Policy>,
    last: Option<Change>,
}

/// What is to be done, and because of what.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The new desired count.
    pub desired: u32,
    /// The policy that decided.
    pub policy: String,
    /// Its figure in the last minute.
    pub figure: f64,
    /// The value it is kept near.
    pub target: f64,
}

/// A change that may still hold others up.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// Capacity was added to `from`; until then, what it added counts against a further wish.
    Out { from: u32, until: Time },
    /// Capacity was removed; until then, no more is.
    In { until: Time },
}

/// One policy's wish.
struct Wish<'a> {
    policy: &'a Policy,
    desired: u32,
}

impl AutoScaler {
    /// Keeps a service within `capacity` by `policies`.
    #[must_use]
    pub fn new(capacity: RangeInclusive<u32>, policies: Vec<Policy>) -> Self {
        Self {
            capacity,
            policies,
            last: None,
        }
    }

    /// The policies, in the order in which [`minute`](Self::minute) takes figures.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// `desired` within the minimum and maximum capacity.
    #[must_use]
    pub fn within(&self, desired: u32) -> u32 {
        let most = (*self.capacity.end()).max(*self.capacity.start());
        desired.clamp(*self.capacity.start(), most)
    }

    /// Takes the figures of the minute that ends `now`, one a policy, none where there is no data;
    /// `desired` is the count now. While `deploying`, nothing is removed. Without data nothing is
    /// decided, and a service that was set to 0 is left alone.
    pub fn minute(
        &mut self,
        figures: &[Option<f64>],
        desired: u32,
        deploying: bool,
        now: Time,
    ) -> Option<Decision> {
        for (policy, figure) in self.policies.iter_mut().zip(figures) {
            policy.observe(*figure);
        }
        if desired == 0 {
            return None;
        }
        let decision = match self.more(desired, now) {
            Some(wish) => Some((wish.decision(), true)),
            None if deploying => None,
            None => self
                .fewer(desired, now)
                .map(|wish| (wish.decision(), false)),
        };
        let (decision, out) = decision?;
        let policy = self.policies.iter().find(|p| p.name == decision.policy)?;
        self.last = Some(match out {
            true => Change::Out {
                from: self.base(desired, now),
                until: now + policy.scale_out_cooldown,
            },
            false => Change::In {
                until: now + policy.scale_in_cooldown,
            },
        });
        Some(decision)
    }

    /// The largest wish for more than `desired`.
    fn more(&self, desired: u32, now: Time) -> Option<Wish<'_>> {
        let base = self.base(desired, now);
        let high = self.policies.iter().filter(|policy| policy.is_high());
        let wishes = high.map(|policy| Wish {
            policy,
            // At least one more: the figure is above the target.
            desired: self.within(policy.capacity_for(base).max(base + 1)),
        });
        wishes
            .filter(|wish| wish.desired > desired)
            .max_by_key(|wish| wish.desired)
    }

    /// The largest wish for fewer than `desired`, where every policy that may remove wants that.
    fn fewer(&self, desired: u32, now: Time) -> Option<Wish<'_>> {
        let held = match self.last {
            Some(Change::In { until } | Change::Out { until, .. }) => now < until,
            None => false,
        };
        let may = || self.policies.iter().filter(|policy| policy.scales_in);
        if held || !may().all(Policy::is_low) {
            return None;
        }
        let wishes = may().map(|policy| Wish {
            policy,
            desired: self.within(policy.capacity_for(desired).max(1)),
        });
        wishes
            .max_by_key(|wish| wish.desired)
            .filter(|wish| wish.desired < desired)
    }

    /// What a further wish for more is measured from: during the cooldown of a step up, the count
    /// before it, because the step has not shown its effect yet.
    fn base(&self, desired: u32, now: Time) -> u32 {
        match self.last {
            Some(Change::Out { from, until }) if now < until => from.min(desired),
            _ => desired,
        }
    }
}

impl Wish<'_> {
    fn decision(&self) -> Decision {
        Decision {
            desired: self.desired,
            policy: self.policy.name.clone(),
            figure: self.policy.latest(),
            target: self.policy.target,
        }
    }
}
