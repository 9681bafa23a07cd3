//! Which port of the host leads to which port of a container.

use serde::Deserialize;

use crate::task_definition::NetworkMode;

/// A port a container listens on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PortMapping {
    /// The port inside the container. Absent only when a range is given instead.
    pub container_port: Option<u16>,
    /// The port on the host; see [`Self::fixed_host_port`].
    pub host_port: Option<u16>,
    /// `tcp` unless given.
    pub protocol: Option<TransportProtocol>,
    /// Its name; Service Connect refers to it.
    pub name: Option<String>,
    /// `http`, `http2` or `grpc`: what Service Connect may assume.
    pub app_protocol: Option<String>,
    /// Ports inside the container, as `first-last`.
    pub container_port_range: Option<String>,
}

impl PortMapping {
    /// The host's port, or nothing when the host picks a free one for each task.
    ///
    /// On a bridge, 0 and no port at all both mean that; in the other modes the container's port
    /// is the host's.
    #[must_use]
    pub fn fixed_host_port(&self, mode: NetworkMode) -> Option<u16> {
        match mode {
            NetworkMode::Bridge => self.host_port.filter(|port| *port != 0),
            NetworkMode::Host | NetworkMode::Awsvpc => self.container_port,
            NetworkMode::None => None,
        }
    }
}

/// The transport of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransportProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bridge_maps_ports_dynamically() {
        let mapping = |json| serde_json::from_str::<PortMapping>(json).unwrap();
        let zero = mapping(r#"{"containerPort": 3000, "hostPort": 0}"#);
        let none = mapping(r#"{"containerPort": 3000}"#);
        let fixed = mapping(r#"{"containerPort": 3000, "hostPort": 80}"#);
        assert_eq!(zero.fixed_host_port(NetworkMode::Bridge), None);
        assert_eq!(none.fixed_host_port(NetworkMode::Bridge), None);
        assert_eq!(fixed.fixed_host_port(NetworkMode::Bridge), Some(80));
        assert_eq!(none.fixed_host_port(NetworkMode::Awsvpc), Some(3000));
        assert_eq!(none.fixed_host_port(NetworkMode::Host), Some(3000));
        assert_eq!(fixed.fixed_host_port(NetworkMode::None), None);
    }
}
