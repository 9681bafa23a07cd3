//! What a task definition says of a container that only a real engine can do.

use ecs::container::ContainerDefinition;
use ecs::task_definition::NetworkMode;

/// What stands in the files' variables for what only AWS can give.
pub(crate) const STAND_IN: &str = "rehearsal:";

/// An image, and how it is confined.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    /// Names under which it may be known here, the best first.
    pub(crate) names: Vec<String>,
    /// Variables that a process gets another value of: the name, and the files' own value.
    pub(crate) own: Vec<(&'static str, Option<String>)>,
    /// Ports inside, each with the port of the host where the files fix one.
    pub(crate) ports: Vec<(u16, Option<u16>)>,
    pub(crate) cpu_shares: Option<u32>,
    pub(crate) reserved_bytes: Option<u64>,
    pub(crate) user: Option<String>,
    pub(crate) read_only: bool,
    pub(crate) added: Vec<String>,
    pub(crate) dropped: Vec<String>,
    pub(crate) security: Vec<String>,
    pub(crate) init: bool,
}

impl Image {
    /// What `container` says, in a task with this network mode.
    pub(crate) fn of(container: &ContainerDefinition, mode: NetworkMode) -> Self {
        let own = |name: &'static str| (name, container.env(name).map(str::to_owned));
        let ports = container.port_mappings.iter();
        let fixed = |mapping: &ecs::container::PortMapping| match mode {
            NetworkMode::Bridge => mapping.fixed_host_port(mode),
            _ => None,
        };
        let linux = container.linux_parameters.as_ref();
        let powers = linux.and_then(|linux| linux.capabilities.clone());
        let (added, dropped) = powers.map_or_else(Default::default, |p| (p.add, p.drop));
        Self {
            names: names(&container.image),
            own: vec![own("HOST"), own("PORT")],
            ports: ports
                .filter_map(|mapping| Some((mapping.container_port?, fixed(mapping))))
                .collect(),
            cpu_shares: container.cpu,
            reserved_bytes: container.memory_reservation.map(|mib| u64::from(mib) << 20),
            user: container.user.clone(),
            read_only: container.readonly_root_filesystem.unwrap_or(false),
            added,
            dropped,
            security: container
                .docker_security_options
                .clone()
                .unwrap_or_default(),
            init: linux.and_then(|linux| linux.init_process_enabled) == Some(true),
        }
    }
}

/// A registry that is not known yet is this machine: there the image has the tag that is deployed, or was
/// built without one.
fn names(reference: &str) -> Vec<String> {
    let local = reference
        .strip_prefix(STAND_IN)
        .and_then(|rest| rest.split_once('/'));
    let Some((_, local)) = local else {
        return vec![reference.to_owned()];
    };
    let untagged = local.split_once(':').map(|(name, _)| name.to_owned());
    [Some(local.to_owned()), untagged]
        .into_iter()
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn an_unknown_registry_is_this_machine() {
        let found = names("rehearsal:ECR_REGISTRY/ping-pong/node:2.0.0");
        assert_eq!(found, ["ping-pong/node:2.0.0", "ping-pong/node"]);
        let found = names("registry.example.org:5000/ping-pong/node:2.0.0");
        assert_eq!(found, ["registry.example.org:5000/ping-pong/node:2.0.0"]);
    }
}
