//! One target tracking policy, with the two alarms that AWS makes for it.

use std::collections::VecDeque;
use std::time::Duration;

use super::{HIGH_PERIODS, LOW_PERIODS, LOW_SHARE};
use crate::scaling::PutScalingPolicy;

/// A policy and its last figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// The value its figure is kept near.
    pub target: f64,
    /// Time after a step up in which what it added counts against further wishes.
    pub scale_out_cooldown: Duration,
    /// Time after a step down in which no other follows.
    pub scale_in_cooldown: Duration,
    /// Whether it ever removes capacity.
    pub scales_in: bool,
    /// The newest last; none where there was no data.
    figures: VecDeque<Option<f64>>,
}

impl Policy {
    /// What a file says; none for a policy that is not target tracking.
    #[must_use]
    pub fn read(file: &PutScalingPolicy) -> Option<Self> {
        let tracking = file.target_tracking_scaling_policy_configuration.as_ref()?;
        Some(Self {
            name: file.policy_name.clone(),
            target: tracking.target_value,
            scale_out_cooldown: tracking.scale_out_cooldown(),
            scale_in_cooldown: tracking.scale_in_cooldown(),
            scales_in: !tracking.disable_scale_in,
            figures: VecDeque::new(),
        })
    }

    pub(super) fn observe(&mut self, figure: Option<f64>) {
        if self.figures.len() == LOW_PERIODS {
            self.figures.pop_front();
        }
        self.figures.push_back(figure);
    }

    /// The last figure.
    pub(super) fn latest(&self) -> f64 {
        self.figures.back().copied().flatten().unwrap_or_default()
    }

    /// Whether the last three figures were above the target.
    pub(super) fn is_high(&self) -> bool {
        let last = self.figures.iter().rev().take(HIGH_PERIODS);
        let above = last.filter(|figure| figure.is_some_and(|figure| figure > self.target));
        above.count() == HIGH_PERIODS
    }

    /// Whether the last fifteen were well below it.
    pub(super) fn is_low(&self) -> bool {
        let low = |figure: &&Option<f64>| figure.is_some_and(|f| f < self.target * LOW_SHARE);
        self.figures.iter().filter(low).count() == LOW_PERIODS
    }

    /// The capacity at which `current`'s load would be at the target. AWS says that it removes more
    /// carefully than it adds, not how: here, what is removed leaves enough for the highest figure of
    /// all that were low.
    pub(super) fn capacity_for(&self, current: u32) -> u32 {
        let figure = match self.is_low() {
            true => self.figures.iter().flatten().copied().fold(0.0, f64::max),
            false => self.latest(),
        };
        let wanted = (f64::from(current) * figure / self.target).ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float beyond the range saturates, which is what is wanted"
        )]
        let wanted = wanted as u32;
        wanted
    }
}
