//! What an Application Load Balancer makes of the health checks of one target.

use crate::target_group::CreateTargetGroup;

/// The state of a registered target, as far as checks decide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetState {
    /// Registered, and no check has been passed or failed often enough yet.
    Initial,
    /// Gets requests.
    Healthy,
    /// Gets requests only when all targets of the group are unhealthy.
    Unhealthy,
}

/// Counts checks. A new target is healthy after **one** success; the healthy threshold applies to
/// the way back from unhealthy only.
#[derive(Debug, Clone, Copy)]
pub struct TargetHealth {
    state: TargetState,
    /// Checks in a row that spoke against the state.
    against: u32,
    healthy_threshold: u32,
    unhealthy_threshold: u32,
}

impl TargetHealth {
    /// A target that was just registered in `group`.
    #[must_use]
    pub fn new(group: &CreateTargetGroup) -> Self {
        Self {
            state: TargetState::Initial,
            against: 0,
            healthy_threshold: group.healthy_threshold(),
            unhealthy_threshold: group.unhealthy_threshold(),
        }
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> TargetState {
        self.state
    }

    /// Takes the outcome of one check; the new state when it changed.
    pub fn observe(&mut self, passed: bool) -> Option<TargetState> {
        let (needed, next) = match (self.state, passed) {
            (TargetState::Healthy, true) | (TargetState::Unhealthy, false) => {
                self.against = 0;
                return None;
            }
            (TargetState::Initial, true) => (1, TargetState::Healthy),
            (TargetState::Unhealthy, true) => (self.healthy_threshold, TargetState::Healthy),
            (TargetState::Initial | TargetState::Healthy, false) => {
                (self.unhealthy_threshold, TargetState::Unhealthy)
            }
        };
        self.against += 1;
        if self.against < needed {
            return None;
        }
        self.against = 0;
        self.state = next;
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::{TargetHealth, TargetState};

    fn after(checks: &[bool]) -> TargetState {
        let mut health = TargetHealth {
            state: TargetState::Initial,
            against: 0,
            healthy_threshold: 5,
            unhealthy_threshold: 2,
        };
        for passed in checks {
            health.observe(*passed);
        }
        health.state()
    }

    #[test]
    fn a_new_target_is_healthy_after_one_success() {
        assert_eq!(after(&[]), TargetState::Initial);
        assert_eq!(after(&[true]), TargetState::Healthy);
        assert_eq!(after(&[false, true]), TargetState::Healthy);
    }

    #[test]
    fn only_failures_in_a_row_make_a_target_unhealthy() {
        assert_eq!(after(&[true, false, true, false]), TargetState::Healthy);
        assert_eq!(after(&[true, false, false]), TargetState::Unhealthy);
        assert_eq!(after(&[false, false]), TargetState::Unhealthy);
    }

    #[test]
    fn the_way_back_takes_the_healthy_threshold() {
        let fallen = [true, false, false];
        let recovered = |successes| after(&[&fallen[..], &vec![true; successes]].concat());
        assert_eq!(recovered(4), TargetState::Unhealthy);
        assert_eq!(recovered(5), TargetState::Healthy);
        let broken = [&fallen[..], &[true, true, true, true, false, true]].concat();
        assert_eq!(after(&broken), TargetState::Unhealthy);
    }
}
