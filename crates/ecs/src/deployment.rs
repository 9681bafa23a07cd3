//! The arithmetic of a rolling deployment: how many tasks it may run, and when its circuit breaks.

use serde::Deserialize;
use serde_json::Value;

/// The limits of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentConfiguration {
    /// See [`Self::fewest_tasks`].
    pub minimum_healthy_percent: Option<u32>,
    /// See [`Self::most_tasks`].
    pub maximum_percent: Option<u32>,
    /// When a deployment that does not come up is given up; off unless given.
    pub deployment_circuit_breaker: Option<DeploymentCircuitBreaker>,
    /// `ROLLING` unless given; also `BLUE_GREEN`, `LINEAR`, `CANARY`.
    pub strategy: Option<String>,
    /// `CloudWatch` alarms that end a deployment.
    pub alarms: Option<Value>,
    /// Minutes both revisions run after a shift of traffic.
    pub bake_time_in_minutes: Option<u32>,
    /// Functions called at stages of a deployment.
    pub lifecycle_hooks: Option<Value>,
    /// Steps of a linear deployment.
    pub linear_configuration: Option<Value>,
    /// First share of a canary deployment.
    pub canary_configuration: Option<Value>,
}

impl DeploymentConfiguration {
    /// `minimumHealthyPercent`: 100 unless given, which is ECS's default for replica services.
    #[must_use]
    pub fn minimum_healthy_percent(&self) -> u32 {
        self.minimum_healthy_percent.unwrap_or(100)
    }

    /// `maximumPercent`: 200 unless given, which is ECS's default for replica services.
    #[must_use]
    pub fn maximum_percent(&self) -> u32 {
        self.maximum_percent.unwrap_or(200)
    }

    /// Healthy tasks that must remain: the minimum percentage of `desired`, rounded up.
    #[must_use]
    pub fn fewest_tasks(&self, desired: u32) -> u32 {
        let hundredths = u64::from(desired) * u64::from(self.minimum_healthy_percent());
        u32::try_from(hundredths.div_ceil(100)).unwrap_or(u32::MAX)
    }

    /// Tasks that may be pending or running: the maximum percentage of `desired`, rounded down.
    #[must_use]
    pub fn most_tasks(&self, desired: u32) -> u32 {
        let hundredths = u64::from(desired) * u64::from(self.maximum_percent());
        u32::try_from(hundredths / 100).unwrap_or(u32::MAX)
    }

    /// Failed tasks after which a deployment has failed; nothing when the circuit breaker is off.
    ///
    /// Half of `desired`, rounded up, but at least 3 and at most 200.
    #[must_use]
    pub fn failures_that_break(&self, desired: u32) -> Option<u32> {
        let breaker = self.deployment_circuit_breaker.as_ref()?;
        breaker.enable.then(|| desired.div_ceil(2).clamp(3, 200))
    }

    /// Whether a broken deployment goes back to the last completed one.
    #[must_use]
    pub fn rolls_back(&self) -> bool {
        let breaker = self.deployment_circuit_breaker.as_ref();
        breaker.is_some_and(|breaker| breaker.enable && breaker.rollback)
    }
}

/// Whether a deployment that does not come up is given up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentCircuitBreaker {
    /// Whether failed tasks are counted.
    pub enable: bool,
    /// Whether the last completed deployment comes back.
    pub rollback: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(minimum: u32, maximum: u32) -> DeploymentConfiguration {
        DeploymentConfiguration {
            minimum_healthy_percent: Some(minimum),
            maximum_percent: Some(maximum),
            ..DeploymentConfiguration::default()
        }
    }

    #[test]
    fn the_minimum_is_rounded_up_and_the_maximum_down() {
        assert_eq!(limits(50, 150).fewest_tasks(3), 2);
        assert_eq!(limits(50, 150).most_tasks(3), 4);
        assert_eq!(limits(0, 125).fewest_tasks(1), 0);
        assert_eq!(limits(0, 125).most_tasks(1), 1);
        assert_eq!(limits(100, 200).most_tasks(u32::MAX), u32::MAX);
    }

    #[test]
    fn without_limits_aws_keeps_all_and_may_double() {
        let silent = DeploymentConfiguration::default();
        assert_eq!((silent.fewest_tasks(4), silent.most_tasks(4)), (4, 8));
        assert_eq!(silent.failures_that_break(4), None);
        assert!(!silent.rolls_back());
    }

    #[test]
    fn the_circuit_breaks_at_half_but_within_3_and_200() {
        let breaker = DeploymentCircuitBreaker {
            enable: true,
            rollback: true,
        };
        let limits = DeploymentConfiguration {
            deployment_circuit_breaker: Some(breaker),
            ..DeploymentConfiguration::default()
        };
        for (desired, failures) in [(1, 3), (6, 3), (7, 4), (25, 13), (400, 200), (800, 200)] {
            assert_eq!(
                limits.failures_that_break(desired),
                Some(failures),
                "{desired}"
            );
        }
        assert!(limits.rolls_back());
    }
}
