//! A task definition as the rules look at it.

use super::{node::Node, template};

/// A task definition.
pub(super) struct Task<'a> {
    pub(super) node: Node<'a>,
    pub(super) containers: Vec<Container<'a>>,
    pub(super) mode: Mode,
    /// Whether it asks to be checked for Fargate.
    pub(super) fargate: bool,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    Node,
    Client,
}

/// One of its containers.
pub(super) struct Container<'a> {
    pub(super) node: Node<'a>,
    pub(super) name: Option<&'a str>,
}

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
        let containers = containers.into_iter().map(Container::new).collect();
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
        }
    }

    pub(super) fn container(&self, name: &str) -> Option<&Container<'a>> {
        self.containers.iter().find(|c| c.name == Some(name))
    }

    /// Whether only container definitions are known, not the task around them.
    pub(super) fn is_bare(&self) -> bool {
        self.node.value.is_array()
    }
}

impl<'a> Container<'a> {
    fn new(node: Node<'a>) -> Self {
        let name = node.text_at("name");
        Self { node, name }
    }

    /// The name, for messages.
    pub(super) fn label(&self) -> &'a str {
        self.name.unwrap_or("without a name")
    }

    pub(super) fn is_essential(&self) -> bool {
        self.node.flag_at("essential").unwrap_or(true)
    }

    /// The entry of a plain environment variable; the last one when it comes twice.
    pub(super) fn variable(&self, name: &str) -> Option<Node<'a>> {
        let entries = self.node.items("environment");
        entries
            .into_iter()
            .rev()
            .find(|entry| entry.text_at("name") == Some(name))
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

    pub(super) fn ports(&self) -> Vec<Port<'a>> {
        let mappings = self.node.items("portMappings").into_iter();
        let port = |node: Node<'a>| Port {
            container: node.whole_at("containerPort"),
            host: node.whole_at("hostPort"),
            protocol: node.text_at("protocol").unwrap_or("tcp"),
            node,
        };
        mappings.map(port).collect()
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
    pub(super) fn links(&self) -> Vec<(Node<'a>, &'a str, &'a str)> {
        let links = self.node.items("links").into_iter();
        links
            .filter_map(|node| {
                let text = node.text().filter(|text| !template::is_template(text))?;
                let (container, alias) = text.split_once(':').unwrap_or((text, text));
                Some((node, container, alias))
            })
            .collect()
    }

    fn is_secret(&self, name: &str) -> bool {
        let secrets = self.node.items("secrets");
        secrets
            .iter()
            .any(|secret| secret.text_at("name") == Some(name))
    }
}
