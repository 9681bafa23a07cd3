//! A task definition as the rules look at it.

use std::{
    cell::OnceCell,
    collections::{HashMap, HashSet},
};

use super::{node::Node, path::beginning, template};

/// A task definition.
pub(super) struct Task<'a> {
    pub(super) node: Node<'a>,
    pub(super) containers: Vec<Container<'a>>,
    pub(super) mode: Mode,
    /// Whether it asks to be checked for Fargate.
    pub(super) fargate: bool,
    /// Which container has a name, the first one where several have it.
    by_name: HashMap<&'a str, usize>,
    port_names: OnceCell<HashMap<&'a str, (usize, usize)>>,
    fixed_port: OnceCell<Option<i64>>,
}

/// How its containers reach the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Bridge,
    Host,
    Awsvpc,
    /// No network, Windows' own, a variable, or containers without their task definition.
    Other,
}

/// Our own programs, whose defaults and paths are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Program {
    Node,
    Client,
}

/// One of its containers. What several rules look up in it is read once.
pub(super) struct Container<'a> {
    pub(super) node: Node<'a>,
    pub(super) name: Option<&'a str>,
    variables: OnceCell<HashMap<&'a str, Node<'a>>>,
    secrets: OnceCell<HashSet<&'a str>>,
    links: OnceCell<Vec<Link<'a>>>,
    linked: OnceCell<HashMap<&'a str, &'a str>>,
    hosts: OnceCell<HashSet<&'a str>>,
    ports: OnceCell<Vec<Port<'a>>>,
    mapped: OnceCell<HashSet<i64>>,
    ranges: OnceCell<bool>,
}

/// A link: where it stands, the container it leads to, and under which host name.
pub(super) type Link<'a> = (Node<'a>, &'a str, &'a str);

/// One of a container's port mappings.
pub(super) struct Port<'a> {
    pub(super) node: Node<'a>,
    pub(super) container: Option<i64>,
    pub(super) host: Option<i64>,
    pub(super) protocol: &'a str,
}

impl<'a> Task<'a> {
    pub(super) fn new(node: Node<'a>) -> Self {
        let bare = node.value.is_array();
        let containers = if bare {
            node.elements()
        } else {
            node.items("containerDefinitions")
        };
        let containers: Vec<Container<'a>> = containers.into_iter().map(Container::new).collect();
        let mut by_name = HashMap::new();
        for (index, container) in containers.iter().enumerate() {
            if let Some(name) = container.name {
                by_name.entry(name).or_insert(index);
            }
        }
        let compatibilities = node.items("requiresCompatibilities");
        let fargate = compatibilities.iter().any(|c| c.text() == Some("FARGATE"));
        let system = node
            .get("runtimePlatform")
            .and_then(|p| p.text_at("operatingSystemFamily"));
        let windows = system.is_some_and(|system| system.starts_with("WINDOWS"));
        let mode = match node.get("networkMode").map(|mode| mode.text()) {
            Some(Some("bridge")) => Mode::Bridge,
            Some(Some("host")) => Mode::Host,
            Some(Some("awsvpc")) => Mode::Awsvpc,
            None if !bare && !windows && !fargate => Mode::Bridge,
            _ => Mode::Other,
        };
        Self {
            node,
            containers,
            mode,
            fargate,
            by_name,
            port_names: OnceCell::new(),
            fixed_port: OnceCell::new(),
        }
    }

    pub(super) fn container(&self, name: &str) -> Option<&Container<'a>> {
        self.containers.get(*self.by_name.get(name)?)
    }

    /// The port mapping of that name, and its container.
    pub(super) fn port(&self, name: &str) -> Option<(&Container<'a>, &Port<'a>)> {
        let names = self.port_names.get_or_init(|| {
            let mut names = HashMap::new();
            for (index, container) in self.containers.iter().enumerate() {
                for (number, port) in container.ports().iter().enumerate() {
                    if let Some(name) = port.node.text_at("name") {
                        names.entry(name).or_insert((index, number));
                    }
                }
            }
            names
        });
        let (index, number) = names.get(name)?;
        let container = self.containers.get(*index)?;
        Some((container, container.ports().get(*number)?))
    }

    /// A port that each of its tasks takes of the instance it runs on.
    pub(super) fn fixed_port(&self) -> Option<i64> {
        *self.fixed_port.get_or_init(|| {
            let mut ports = self.containers.iter().flat_map(Container::ports);
            ports.find_map(|port| {
                let host = match self.mode {
                    Mode::Bridge => port.host,
                    Mode::Host => port.host.filter(|port| *port != 0).or(port.container),
                    _ => None,
                };
                host.filter(|host| *host != 0)
            })
        })
    }

    /// Whether only container definitions are known, not the task around them.
    pub(super) fn is_bare(&self) -> bool {
        self.node.value.is_array()
    }
}

impl<'a> Container<'a> {
    fn new(node: Node<'a>) -> Self {
        let name = node.text_at("name");
        Self {
            node,
            name,
            variables: OnceCell::new(),
            secrets: OnceCell::new(),
            links: OnceCell::new(),
            linked: OnceCell::new(),
            hosts: OnceCell::new(),
            ports: OnceCell::new(),
            mapped: OnceCell::new(),
            ranges: OnceCell::new(),
        }
    }

    /// The name, for messages; AWS accepts none that is longer.
    pub(super) fn label(&self) -> &'a str {
        self.name
            .map_or("without a name", |name| beginning(name, 255))
    }

    pub(super) fn is_essential(&self) -> bool {
        self.node.flag_at("essential").unwrap_or(true)
    }

    /// The entry of a plain environment variable; the last one when it comes twice.
    pub(super) fn variable(&self, name: &str) -> Option<Node<'a>> {
        let variables = self.variables.get_or_init(|| {
            let entries = self.node.items("environment").into_iter();
            let named = entries.filter_map(|entry| Some((entry.text_at("name")?, entry)));
            named.collect()
        });
        variables.get(name).cloned()
    }

    /// Milliseconds in an environment variable, with the place that says so. `default` holds when
    /// the variable is absent and the container runs one of our own programs.
    pub(super) fn milliseconds(&self, name: &str, default: Option<i64>) -> Option<(i64, Node<'a>)> {
        if let Some(entry) = self.variable(name) {
            let value = entry.get("value")?;
            return Some((value.whole()?, value));
        }
        let default = default.filter(|_| self.program().is_some() && !self.is_secret(name))?;
        Some((default, self.node.get_or_self("environment")))
    }

    pub(super) fn ports(&self) -> &[Port<'a>] {
        self.ports.get_or_init(|| {
            let mappings = self.node.items("portMappings").into_iter();
            let port = |node: Node<'a>| Port {
                container: node.whole_at("containerPort"),
                host: node.whole_at("hostPort"),
                protocol: node.text_at("protocol").unwrap_or("tcp"),
                node,
            };
            mappings.map(port).collect()
        })
    }

    /// Whether one of its mappings has a range of ports.
    pub(super) fn maps_range(&self) -> bool {
        let mut ports = self.ports().iter();
        *{ &self.ranges }.get_or_init(|| ports.any(|port| port.node.has("containerPortRange")))
    }

    /// The container ports of its mappings.
    pub(super) fn mapped(&self) -> &HashSet<i64> {
        self.mapped.get_or_init(|| {
            let ports = self.ports().iter();
            ports.filter_map(|port| port.container).collect()
        })
    }

    /// Which of our own programs it runs, told by the repository of its image.
    pub(super) fn program(&self) -> Option<Program> {
        let image = self.node.text_at("image")?;
        let mut parts = image.rsplit('/');
        let program = parts.next()?.split([':', '@']).next()?;
        parts
            .next()
            .filter(|suite| *suite == "microservice-ping-pong")?;
        match program {
            "node" => Some(Program::Node),
            "client" => Some(Program::Client),
            _ => None,
        }
    }

    /// The host names that its links give it, each with the container it leads to.
    pub(super) fn links(&self) -> &[Link<'a>] {
        self.links.get_or_init(|| {
            let links = self.node.items("links").into_iter();
            links
                .filter_map(|node| {
                    let text = node.text().filter(|text| !template::is_template(text))?;
                    let (container, alias) = text.split_once(':').unwrap_or((text, text));
                    Some((node, container, alias))
                })
                .collect()
        })
    }

    /// The container that a link of this host name leads to, the first where several have it.
    pub(super) fn linked(&self, host: &str) -> Option<&'a str> {
        let linked = self.linked.get_or_init(|| {
            let links = self.links().iter().rev();
            links.map(|(_, target, alias)| (*alias, *target)).collect()
        });
        linked.get(host).copied()
    }

    /// Whether `extraHosts` or its own host name gives the name an address.
    pub(super) fn knows_host(&self, host: &str) -> bool {
        let hosts = self.hosts.get_or_init(|| {
            let extra = self.node.items("extraHosts");
            let extra = { extra.iter() }.filter_map(|entry| entry.text_at("hostname"));
            extra.chain(self.node.text_at("hostname")).collect()
        });
        hosts.contains(host)
    }

    fn is_secret(&self, name: &str) -> bool {
        let secrets = self.secrets.get_or_init(|| {
            let secrets = self.node.items("secrets");
            let names = { secrets.iter() }.filter_map(|secret| secret.text_at("name"));
            names.collect()
        });
        secrets.contains(name)
    }
}
