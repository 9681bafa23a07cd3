//! The bodies of `autoscaling create-auto-scaling-group` and `ecs create-capacity-provider`: the
//! instances of a cluster, and how their number follows the tasks.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::task_definition::Tag;

/// A group of equal instances.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateAutoScalingGroup {
    /// Its name.
    pub auto_scaling_group_name: String,
    /// Never fewer instances.
    pub min_size: u32,
    /// Never more instances.
    pub max_size: u32,
    /// Instances to begin with; see [`Self::instances`].
    pub desired_capacity: Option<u32>,
    /// Its subnets, comma-separated; see [`Self::subnets`].
    #[serde(rename = "VPCZoneIdentifier")]
    pub vpc_zone_identifier: Option<String>,
    /// Whether its instances must be released before they may be ended.
    pub new_instances_protected_from_scale_in: Option<bool>,
    /// What only AWS has a use for.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl CreateAutoScalingGroup {
    /// Instances to begin with: the fewest, unless given.
    #[must_use]
    pub fn instances(&self) -> u32 {
        self.desired_capacity.unwrap_or(self.min_size)
    }

    /// Its subnets, one or more for each zone.
    pub fn subnets(&self) -> impl Iterator<Item = &str> {
        let subnets = self.vpc_zone_identifier.iter().flat_map(|s| s.split(','));
        subnets.map(str::trim).filter(|subnet| !subnet.is_empty())
    }
}

/// A place for tasks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateCapacityProvider {
    /// Its name; services' strategies use it.
    pub name: String,
    /// The cluster, for managed instances.
    pub cluster: Option<String>,
    /// Instances of one's own.
    pub auto_scaling_group_provider: Option<AutoScalingGroupProvider>,
    /// Instances that AWS manages.
    pub managed_instances_provider: Option<Value>,
    /// Labels.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// A group of instances as a place for tasks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AutoScalingGroupProvider {
    /// The group, by ARN or by name.
    pub auto_scaling_group_arn: String,
    /// How ECS sets the number of instances.
    pub managed_scaling: Option<ManagedScaling>,
    /// `ENABLED`: an instance that runs tasks is not ended. Needs the group's own protection.
    pub managed_termination_protection: Option<String>,
    /// `ENABLED`: the tasks of an instance move before it ends.
    pub managed_draining: Option<String>,
}

/// How ECS sets the number of instances.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManagedScaling {
    /// `ENABLED` or `DISABLED`.
    pub status: Option<String>,
    /// Percent of the instances that are to be in use; 100 unless given.
    pub target_capacity: Option<u32>,
    /// Fewest instances added at once; 1 unless given.
    pub minimum_scaling_step_size: Option<u32>,
    /// Most instances added at once; 10000 unless given.
    pub maximum_scaling_step_size: Option<u32>,
    /// Seconds after which a new instance counts; 300 unless given.
    #[serde(rename = "instanceWarmupPeriod")]
    pub instance_warmup_period_seconds: Option<u32>,
}
