//! The bodies of `application-autoscaling register-scalable-target` and `put-scaling-policy`: how
//! many tasks a service may have, and what decides.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

/// How long a target-tracking policy waits after it scaled a service, when the file is silent.
pub const COOLDOWN: Duration = Duration::from_mins(5);

/// Something that can be scaled, such as a service's desired count.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RegisterScalableTarget {
    /// Whose resource it is: `ecs` for a service.
    pub service_namespace: String,
    /// For a service `service/<cluster>/<service>`; see [`Self::service`].
    pub resource_id: String,
    /// What is scaled: `ecs:service:DesiredCount`.
    pub scalable_dimension: String,
    /// Never fewer.
    pub min_capacity: Option<u32>,
    /// Never more.
    pub max_capacity: Option<u32>,
    /// The role that scales; the service-linked one when none is given.
    #[serde(rename = "RoleARN")]
    pub role_arn: Option<String>,
    /// Which kinds of scaling are held.
    pub suspended_state: Option<Value>,
    /// Labels.
    #[serde(default)]
    pub tags: Map<String, Value>,
}

impl RegisterScalableTarget {
    /// The service that is scaled, by name; nothing if it is no service of ECS.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        service(&self.resource_id)
    }
}

/// What decides how many there are.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PutScalingPolicy {
    /// Its name, unique for the resource.
    pub policy_name: String,
    /// Whose resource it is: `ecs` for a service.
    pub service_namespace: String,
    /// For a service `service/<cluster>/<service>`; see [`Self::service`].
    pub resource_id: String,
    /// What is scaled: `ecs:service:DesiredCount`.
    pub scalable_dimension: String,
    /// `TargetTrackingScaling`, `StepScaling` or `PredictiveScaling`.
    pub policy_type: Option<String>,
    /// Keep a metric near a value.
    pub target_tracking_scaling_policy_configuration: Option<TargetTracking>,
    /// Steps by the size of an alarm's breach.
    pub step_scaling_policy_configuration: Option<Value>,
    /// By forecast.
    pub predictive_scaling_policy_configuration: Option<Value>,
}

impl PutScalingPolicy {
    /// The service that is scaled, by name; nothing if it is no service of ECS.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        service(&self.resource_id)
    }
}

/// A metric and the value it is kept near.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TargetTracking {
    /// The value, in the metric's unit: percent of CPU, or requests a minute and target.
    pub target_value: f64,
    /// One of AWS's own metrics.
    pub predefined_metric_specification: Option<PredefinedMetric>,
    /// A metric of one's own.
    pub customized_metric_specification: Option<Value>,
    /// See [`Self::scale_out_cooldown`].
    #[serde(rename = "ScaleOutCooldown")]
    pub scale_out_cooldown_seconds: Option<u32>,
    /// See [`Self::scale_in_cooldown`].
    #[serde(rename = "ScaleInCooldown")]
    pub scale_in_cooldown_seconds: Option<u32>,
    /// Whether it only ever adds; no unless given.
    #[serde(default)]
    pub disable_scale_in: bool,
}

impl TargetTracking {
    /// Time between two steps up; [`COOLDOWN`] when the file is silent.
    #[must_use]
    pub fn scale_out_cooldown(&self) -> Duration {
        cooldown(self.scale_out_cooldown_seconds)
    }

    /// Time between two steps down; [`COOLDOWN`] when the file is silent.
    #[must_use]
    pub fn scale_in_cooldown(&self) -> Duration {
        cooldown(self.scale_in_cooldown_seconds)
    }
}

/// One of AWS's own metrics.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PredefinedMetric {
    /// Which one.
    pub predefined_metric_type: PredefinedMetricType,
    /// `app/<name>/<id>/targetgroup/<name>/<id>`, for requests a target.
    pub resource_label: Option<String>,
}

/// The metrics a service can be scaled by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub enum PredefinedMetricType {
    /// Percent of the CPU the tasks reserved, averaged over the service.
    #[serde(rename = "ECSServiceAverageCPUUtilization")]
    AverageCpu,
    /// Percent of the memory the tasks reserved, averaged over the service.
    #[serde(rename = "ECSServiceAverageMemoryUtilization")]
    AverageMemory,
    /// Requests a minute for each target of a target group.
    #[serde(rename = "ALBRequestCountPerTarget")]
    RequestsPerTarget,
    /// One that is not for services of ECS.
    #[serde(untagged)]
    Other(String),
}

/// The last part of `service/<cluster>/<service>`.
fn service(resource_id: &str) -> Option<&str> {
    let (_, service) = resource_id.strip_prefix("service/")?.split_once('/')?;
    Some(service)
}

fn cooldown(given: Option<u32>) -> Duration {
    given.map_or(COOLDOWN, |seconds| Duration::from_secs(seconds.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_names_its_service() {
        assert_eq!(service("service/cluster/web"), Some("web"));
        assert_eq!(service("table/web"), None);
    }

    #[test]
    fn a_silent_file_means_the_defaults_of_aws() {
        let tracking: TargetTracking = serde_json::from_str(r#"{"TargetValue": 60}"#).unwrap();
        assert_eq!(tracking.scale_out_cooldown(), Duration::from_mins(5));
        assert_eq!(tracking.scale_in_cooldown(), Duration::from_mins(5));
        assert!(!tracking.disable_scale_in);
    }
}
