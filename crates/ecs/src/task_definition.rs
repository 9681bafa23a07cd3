//! The body of `ecs register-task-definition`.

use serde::Deserialize;
use serde_json::Value;

use crate::container::ContainerDefinition;

/// A family of tasks and the containers each task is made of. AWS numbers its revisions.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterTaskDefinition {
    /// The name all revisions share.
    pub family: String,
    /// The containers of one task.
    pub container_definitions: Vec<ContainerDefinition>,
    /// How its containers reach each other and the world; see [`Self::network_mode`].
    pub network_mode: Option<NetworkMode>,
    /// Where AWS must check that it can run.
    #[serde(default)]
    pub requires_compatibilities: Vec<LaunchType>,
    /// CPU units of the whole task (1024 are one vCPU), or `".5 vcpu"`. A string in AWS's JSON.
    pub cpu: Option<String>,
    /// MiB of the whole task, or `"1 GB"`. A string in AWS's JSON.
    pub memory: Option<String>,
    /// The role the program in the containers has.
    pub task_role_arn: Option<String>,
    /// The role ECS uses to pull images, write logs and fetch secrets.
    pub execution_role_arn: Option<String>,
    /// Processor and operating system.
    pub runtime_platform: Option<RuntimePlatform>,
    /// Volumes that containers mount by name.
    #[serde(default)]
    pub volumes: Vec<Value>,
    /// Which instances may run it.
    #[serde(default)]
    pub placement_constraints: Vec<Value>,
    /// Labels.
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// `host` or `task`: whose processes a container sees.
    pub pid_mode: Option<String>,
    /// `host`, `task` or `none`: whose shared memory a container sees.
    pub ipc_mode: Option<String>,
    /// App Mesh's proxy.
    pub proxy_configuration: Option<Value>,
    /// No longer offered by AWS; still accepted.
    pub inference_accelerators: Option<Value>,
    /// Size of a Fargate task's disk.
    pub ephemeral_storage: Option<Value>,
    /// Whether fault injection may reach its containers.
    pub enable_fault_injection: Option<bool>,
}

impl RegisterTaskDefinition {
    /// The network mode; AWS takes `bridge` when none is given.
    #[must_use]
    pub fn network_mode(&self) -> NetworkMode {
        self.network_mode.unwrap_or(NetworkMode::Bridge)
    }

    /// CPU units of the whole task: its own, else those of its containers; none where nobody says.
    #[must_use]
    pub fn cpu_units(&self) -> Option<u32> {
        let own = self.cpu.as_deref().and_then(|text| in_units(text, "vcpu"));
        let parts = self.container_definitions.iter().filter_map(|c| c.cpu);
        own.or_else(|| Some(parts.sum())).filter(|units| *units > 0)
    }

    /// MiB of the whole task: its own, else those its containers reserve; none where nobody says.
    #[must_use]
    pub fn memory_mib(&self) -> Option<u32> {
        let own = self.memory.as_deref().and_then(|text| in_units(text, "gb"));
        let parts = self.container_definitions.iter();
        let parts = parts.filter_map(|c| c.memory_reservation.or(c.memory));
        own.or_else(|| Some(parts.sum())).filter(|mib| *mib > 0)
    }

    /// The container of that name.
    #[must_use]
    pub fn container(&self, name: &str) -> Option<&ContainerDefinition> {
        self.container_definitions.iter().find(|c| c.name == name)
    }
}

/// How the containers of a task are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    /// Docker's bridge: an address for each container, ports mapped, links possible.
    Bridge,
    /// The instance's own network.
    Host,
    /// An address for each task; its containers share it.
    Awsvpc,
    /// No network.
    None,
}

/// What runs the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LaunchType {
    /// Our own EC2 instances.
    Ec2,
    /// AWS's machines, a task at a time.
    Fargate,
    /// Machines outside AWS.
    External,
    /// EC2 instances that AWS manages.
    ManagedInstances,
}

/// Processor and operating system of a task.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuntimePlatform {
    /// `X86_64` or `ARM64`.
    pub cpu_architecture: Option<String>,
    /// `LINUX` or one of the Windows versions.
    pub operating_system_family: Option<String>,
}

/// A label on an ECS object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}

/// `512`, or 1024 times the number before `unit`.
fn in_units(text: &str, unit: &str) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    let Some(number) = text.strip_suffix(unit) else {
        return text.parse().ok();
    };
    let number: f64 = number.trim().parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what is no size of a task saturates"
    )]
    let units = (number * 1024.0) as u32;
    Some(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_task_is_its_own_or_the_sum_of_its_containers() {
        let definition = |size: &str| {
            let text = format!(
                r#"{{"family": "f", {size} "containerDefinitions": [
                    {{"name": "a", "image": "a", "cpu": 64, "memory": 512, "memoryReservation": 64}},
                    {{"name": "b", "image": "b", "cpu": 32, "memory": 100}}]}}"#
            );
            serde_json::from_str::<RegisterTaskDefinition>(&text).unwrap()
        };
        let sizes = |size| (definition(size).cpu_units(), definition(size).memory_mib());
        assert_eq!(sizes(""), (Some(96), Some(164)));
        assert_eq!(
            sizes(r#""cpu": "256", "memory": "512","#),
            (Some(256), Some(512))
        );
        assert_eq!(
            sizes(r#""cpu": ".5 vCPU", "memory": "1 GB","#),
            (Some(512), Some(1024))
        );
    }
}
