//! One container of a task definition, and what it needs from its neighbours.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::Value;

mod health_check;
mod port_mapping;

pub use health_check::{HealthCheck, Probe};
pub use port_mapping::{PortMapping, TransportProtocol};

/// How long a container may take to stop when nothing is said: ECS's default for Linux containers.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// A container definition.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerDefinition {
    /// Its name within the task; links, `dependsOn` and load balancers use it.
    pub name: String,
    /// The image, with registry and tag.
    pub image: String,
    /// Whether the task ends when it ends; see [`Self::is_essential`].
    pub essential: Option<bool>,
    /// CPU units (1024 are one vCPU).
    pub cpu: Option<u32>,
    /// MiB at which it is killed.
    pub memory: Option<u32>,
    /// MiB that are reserved for it on the instance.
    pub memory_reservation: Option<u32>,
    /// The ports it listens on.
    #[serde(default)]
    pub port_mappings: Vec<PortMapping>,
    /// `name` or `name:alias` of containers it reaches by name; bridge mode only. See
    /// [`Self::linked`].
    #[serde(default)]
    pub links: Vec<String>,
    /// Its environment, in plain text.
    #[serde(default)]
    pub environment: Vec<KeyValuePair>,
    /// Its environment, from Secrets Manager or Parameter Store.
    #[serde(default)]
    pub secrets: Vec<Secret>,
    /// How ECS asks whether it is well. An image's own `HEALTHCHECK` is ignored.
    pub health_check: Option<HealthCheck>,
    /// What must have happened to its neighbours before it starts. Stopping is in reverse order.
    #[serde(default)]
    pub depends_on: Vec<ContainerDependency>,
    /// How long others wait for its condition, in seconds.
    #[serde(rename = "startTimeout")]
    pub start_timeout_seconds: Option<u32>,
    /// Seconds between SIGTERM and SIGKILL; see [`Self::stop_timeout`].
    #[serde(rename = "stopTimeout")]
    pub stop_timeout_seconds: Option<u32>,
    /// `uid`, `uid:gid` or names it runs as.
    pub user: Option<String>,
    /// Whether its file system refuses writes.
    pub readonly_root_filesystem: Option<bool>,
    /// Where its output goes.
    pub log_configuration: Option<LogConfiguration>,
    /// Replaces the image's entry point.
    pub entry_point: Option<Vec<String>>,
    /// Replaces the image's command.
    pub command: Option<Vec<String>>,
    /// Where it starts.
    pub working_directory: Option<String>,
    /// Capabilities, an init process, shared memory, devices.
    pub linux_parameters: Option<LinuxParameters>,
    /// Whether it restarts without its task.
    pub restart_policy: Option<Value>,
    /// Files of variables in S3.
    pub environment_files: Option<Value>,
    /// Credentials for a private registry.
    pub repository_credentials: Option<Value>,
    /// Volumes it sees.
    pub mount_points: Option<Value>,
    /// Containers whose volumes it sees.
    pub volumes_from: Option<Value>,
    /// `enabled` or `disabled`: whether a tag is resolved to a digest once a deployment.
    pub version_consistency: Option<String>,
    /// Its host name.
    pub hostname: Option<String>,
    /// Whether it has no network.
    pub disable_networking: Option<bool>,
    /// Whether it has the host's powers.
    pub privileged: Option<bool>,
    /// Name servers.
    pub dns_servers: Option<Vec<String>>,
    /// Search domains.
    pub dns_search_domains: Option<Vec<String>>,
    /// Lines for its `/etc/hosts`.
    pub extra_hosts: Option<Value>,
    /// `SELinux`, `AppArmor`, `no-new-privileges`.
    pub docker_security_options: Option<Vec<String>>,
    /// Whether its standard input stays open.
    pub interactive: Option<bool>,
    /// Whether it has a terminal.
    pub pseudo_terminal: Option<bool>,
    /// Docker's labels.
    #[serde(default)]
    pub docker_labels: BTreeMap<String, String>,
    /// Limits of the kernel.
    pub ulimits: Option<Value>,
    /// Kernel parameters of its name spaces.
    pub system_controls: Option<Value>,
    /// GPUs.
    pub resource_requirements: Option<Value>,
    /// Makes it a log router.
    pub firelens_configuration: Option<Value>,
    /// Windows credentials.
    pub credential_specs: Option<Vec<String>>,
}

impl ContainerDefinition {
    /// Whether the task ends when this container ends: yes, unless the file says no.
    #[must_use]
    pub fn is_essential(&self) -> bool {
        self.essential.unwrap_or(true)
    }

    /// Time between SIGTERM and SIGKILL; [`STOP_TIMEOUT`] when the file is silent.
    #[must_use]
    pub fn stop_timeout(&self) -> Duration {
        seconds(self.stop_timeout_seconds, STOP_TIMEOUT)
    }

    /// The containers it is linked to.
    pub fn linked(&self) -> impl Iterator<Item = Link<'_>> {
        self.links.iter().map(|link| Link::parse(link))
    }

    /// The value of a plain environment variable. When a name comes twice, the last one counts, as
    /// it does for a process.
    #[must_use]
    pub fn env(&self, name: &str) -> Option<&str> {
        let mut pairs = self.environment.iter().rev();
        let pair = pairs.find(|pair| pair.name == name)?;
        Some(&pair.value)
    }

    /// The mapping of one of its ports.
    #[must_use]
    pub fn port_mapping(&self, container_port: u16) -> Option<&PortMapping> {
        let mut mappings = self.port_mappings.iter();
        mappings.find(|mapping| mapping.container_port == Some(container_port))
    }
}

/// A link, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link<'a> {
    /// The container it leads to.
    pub container: &'a str,
    /// The host name under which it is reached.
    pub alias: &'a str,
}

impl<'a> Link<'a> {
    /// Takes `name` or `name:alias` apart; without an alias the name is the host name.
    #[must_use]
    pub fn parse(link: &'a str) -> Self {
        let (container, alias) = link.split_once(':').unwrap_or((link, link));
        Self { container, alias }
    }
}

/// An environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyValuePair {
    /// Its name.
    pub name: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}

/// An environment variable, or log option, whose value is kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// The ARN of the secret or parameter.
    pub value_from: String,
}

/// What one container waits for in another.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerDependency {
    /// The other container.
    pub container_name: String,
    /// What must be true of it.
    pub condition: DependencyCondition,
}

/// What must be true of a container before another one starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DependencyCondition {
    /// It was started.
    Start,
    /// It ended.
    Complete,
    /// It ended with status 0.
    Success,
    /// Its health check passes.
    Healthy,
}

/// Where a container's output goes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogConfiguration {
    /// Docker's log driver, for example `awslogs`.
    pub log_driver: String,
    /// The driver's options, for example `awslogs-group`.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Options whose values are kept elsewhere.
    #[serde(default)]
    pub secret_options: Vec<Secret>,
}

/// Settings of the kernel for one container.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinuxParameters {
    /// Capabilities it gains and loses.
    pub capabilities: Option<KernelCapabilities>,
    /// Whether an init process reaps its children and passes signals on.
    pub init_process_enabled: Option<bool>,
    /// Devices of the host.
    pub devices: Option<Value>,
    /// MiB of `/dev/shm`.
    pub shared_memory_size: Option<u32>,
    /// Mounts in memory.
    pub tmpfs: Option<Value>,
    /// MiB of swap.
    pub max_swap: Option<i32>,
    /// How willingly it swaps, 0 to 100.
    pub swappiness: Option<u32>,
}

/// Capabilities on top of, or taken from, Docker's own list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelCapabilities {
    /// Capabilities it gains.
    #[serde(default)]
    pub add: Vec<String>,
    /// Capabilities it loses; `ALL` for all.
    #[serde(default)]
    pub drop: Vec<String>,
}

fn seconds(given: Option<u32>, default: Duration) -> Duration {
    given.map_or(default, |seconds| Duration::from_secs(seconds.into()))
}
