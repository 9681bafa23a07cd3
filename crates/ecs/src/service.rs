//! The body of `ecs create-service`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::{
    deployment::DeploymentConfiguration,
    service_connect::ServiceConnectConfiguration,
    task_definition::{LaunchType, Tag},
};

/// The most tasks that a service can have: AWS's quota "Tasks per service"
/// (<https://docs.aws.amazon.com/general/latest/gr/ecs-service.html>).
pub const MAX_TASKS: u32 = 5_000;

/// A service: so many tasks of one definition, kept running behind a load balancer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateService {
    /// The cluster, by name or ARN; AWS takes `default` when none is given.
    pub cluster: Option<String>,
    /// Its name within the cluster.
    pub service_name: String,
    /// `family`, `family:revision` or an ARN; see
    /// [`Layout::task_definition`](crate::Layout::task_definition).
    pub task_definition: Option<String>,
    /// How many tasks; AWS requires it of a replica service.
    pub desired_count: Option<u32>,
    /// Which containers are registered with which target groups.
    #[serde(default)]
    pub load_balancers: Vec<LoadBalancer>,
    /// See [`Self::health_check_grace_period`].
    pub health_check_grace_period_seconds: Option<u32>,
    /// The limits of a deployment; see [`Self::deployment`].
    pub deployment_configuration: Option<DeploymentConfiguration>,
    /// What runs its tasks. Not together with a capacity provider strategy.
    pub launch_type: Option<LaunchType>,
    /// Which capacity providers run its tasks.
    #[serde(default)]
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// See [`Self::scheduling_strategy`].
    pub scheduling_strategy: Option<SchedulingStrategy>,
    /// How tasks are spread over instances, first rule first.
    #[serde(default)]
    pub placement_strategy: Vec<PlacementStrategy>,
    /// Which instances may run its tasks.
    #[serde(default)]
    pub placement_constraints: Vec<PlacementConstraint>,
    /// Subnets and security groups; awsvpc mode only, and required there.
    pub network_configuration: Option<NetworkConfiguration>,
    /// Names for other services, and the proxy that serves them.
    pub service_connect_configuration: Option<ServiceConnectConfiguration>,
    /// Cloud Map registries.
    pub service_registries: Option<Value>,
    /// `ENABLED` or `DISABLED`: whether tasks move when the zones become uneven.
    pub availability_zone_rebalancing: Option<String>,
    /// Makes a repeated call the same call.
    pub client_token: Option<String>,
    /// Fargate's platform version.
    pub platform_version: Option<String>,
    /// The role that registers targets; the service-linked one when none is given.
    pub role: Option<String>,
    /// Who deploys: ECS itself when none is given.
    pub deployment_controller: Option<Value>,
    /// Labels.
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// Whether ECS labels the tasks with cluster and service.
    #[serde(rename = "enableECSManagedTags")]
    pub enable_ecs_managed_tags: Option<bool>,
    /// `TASK_DEFINITION`, `SERVICE` or `NONE`: whose labels the tasks get.
    pub propagate_tags: Option<String>,
    /// Whether `aws ecs execute-command` may enter its containers.
    pub enable_execute_command: Option<bool>,
    /// Volumes made for each task.
    pub volume_configurations: Option<Value>,
    /// VPC Lattice target groups.
    pub vpc_lattice_configurations: Option<Value>,
}

impl CreateService {
    /// The limits of a deployment; AWS's defaults when the file has none.
    #[must_use]
    pub fn deployment(&self) -> DeploymentConfiguration {
        self.deployment_configuration.clone().unwrap_or_default()
    }

    /// Time after a task's start in which failed health checks do not stop it: none unless given.
    #[must_use]
    pub fn health_check_grace_period(&self) -> Duration {
        Duration::from_secs(self.health_check_grace_period_seconds.unwrap_or(0).into())
    }

    /// Whether tasks move when the zones have become uneven: yes, unless the file says no or what else
    /// it says does not go with that. (A service that AWS knew before there was such a thing, and whose
    /// file is silent, does not.)
    #[must_use]
    pub fn rebalances(&self) -> bool {
        if let Some(given) = &self.availability_zone_rebalancing {
            return given == "ENABLED";
        }
        let by_zone = |strategy: &PlacementStrategy| {
            let field = strategy.field.as_deref();
            strategy.kind == PlacementStrategyType::Spread
                && field == Some("attribute:ecs.availability-zone")
        };
        let mut balancers = self.load_balancers.iter();
        self.scheduling_strategy() == SchedulingStrategy::Replica
            && self.deployment().maximum_percent() > 100
            && self.placement_strategy.first().is_none_or(by_zone)
            && balancers.all(|balanced| balanced.load_balancer_name.is_none())
    }

    /// How many tasks AWS counts: `REPLICA` unless given.
    #[must_use]
    pub fn scheduling_strategy(&self) -> SchedulingStrategy {
        self.scheduling_strategy
            .unwrap_or(SchedulingStrategy::Replica)
    }
}

/// A container port that is registered with a target group.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadBalancer {
    /// The target group.
    pub target_group_arn: Option<String>,
    /// A Classic Load Balancer instead of a target group.
    pub load_balancer_name: Option<String>,
    /// The container, by its name in the task definition.
    pub container_name: Option<String>,
    /// The port inside that container.
    pub container_port: Option<u16>,
    /// The second target group of a blue/green deployment.
    pub advanced_configuration: Option<Value>,
}

/// How many tasks a service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SchedulingStrategy {
    /// The desired count.
    Replica,
    /// One on each instance.
    Daemon,
}

/// A share of the tasks for one capacity provider.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CapacityProviderStrategyItem {
    /// Its name.
    pub capacity_provider: String,
    /// Its share of the tasks beyond `base`, relative to the others'.
    pub weight: Option<u32>,
    /// How many tasks it gets first.
    pub base: Option<u32>,
}

/// One rule for choosing an instance.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacementStrategy {
    /// What the rule does.
    #[serde(rename = "type")]
    pub kind: PlacementStrategyType,
    /// What it looks at, for example `attribute:ecs.availability-zone`, `instanceId` or `memory`.
    pub field: Option<String>,
}

/// What a placement rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlacementStrategyType {
    /// Any instance.
    Random,
    /// As evenly as possible over the field's values.
    Spread,
    /// As few instances as possible.
    Binpack,
}

/// Which instances may run a task.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacementConstraint {
    /// `distinctInstance` or `memberOf`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A cluster query, for `memberOf`.
    pub expression: Option<String>,
}

/// The network of awsvpc tasks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkConfiguration {
    /// Its only part.
    pub awsvpc_configuration: Option<AwsVpcConfiguration>,
}

/// Where the network interfaces of awsvpc tasks are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwsVpcConfiguration {
    /// Subnets to choose from.
    pub subnets: Vec<String>,
    /// Security groups of each interface.
    #[serde(default)]
    pub security_groups: Vec<String>,
    /// `ENABLED` or `DISABLED`.
    pub assign_public_ip: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_move_between_zones_unless_something_speaks_against_it() {
        let rebalances = |more: &str| {
            let text = format!(r#"{{"serviceName": "web" {more}}}"#);
            let service: CreateService = serde_json::from_str(&text).unwrap();
            service.rebalances()
        };
        let by = |kind, field| {
            format!(r#", "placementStrategy": [{{"type": "{kind}", "field": "{field}"}}]"#)
        };
        assert!(rebalances(""));
        assert!(rebalances(&by("spread", "attribute:ecs.availability-zone")));
        assert!(!rebalances(&by("spread", "instanceId")));
        assert!(!rebalances(&by("binpack", "memory")));
        assert!(!rebalances(r#", "schedulingStrategy": "DAEMON""#));
        assert!(!rebalances(
            r#", "availabilityZoneRebalancing": "DISABLED""#
        ));
        let full = r#", "deploymentConfiguration": {"maximumPercent": 100}"#;
        assert!(!rebalances(full));
    }
}
