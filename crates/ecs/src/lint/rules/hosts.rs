//! Host names that containers call: whether anything gives them an address.

use super::Served;
use crate::lint::{
    finding::Findings,
    kind::Kind,
    node::Node,
    rule::topic,
    scope::Scope,
    task::{Container, Mode, Task},
    url::{self, Endpoint},
};

topic! { "Names that containers call";
    UNREACHABLE_HOST = Error "unreachable-host" {
        what: "A URL in a container's environment has a host name that nothing resolves: no link, no Service Connect alias, no entry of `extraHosts`.",
        aws: "The name has no address in the task; each call fails. Names of containers mean nothing by themselves on ECS, other than in Compose.",
        fix: "Bridge mode: link the container. `awsvpc`: `localhost` within the task, a Service Connect alias between tasks.",
    }
    HOST_UNKNOWN = Warning "host-unknown" {
        what: "A URL in a container's environment has a host name without a dot that none of the files gives an address.",
        aws: "Unless the network's own DNS completes it, the name has no address and each call fails.",
        fix: "Link the container, use a Service Connect alias, or write the whole name.",
    }
    UNREACHABLE_PORT = Error "unreachable-port" {
        what: "A URL in a container's environment has a port that the container or alias behind its host name does not have.",
        aws: "Nothing listens there: each call is refused, or waits for its time-out.",
        fix: "Use the container port behind a link, the alias's port behind Service Connect.",
    }
}

/// What one task alone shows: names of containers beside it.
pub(super) fn check(task: &Task<'_>, found: &mut Findings) {
    for container in &task.containers {
        for (place, endpoint) in calls(container) {
            if let Some(port) = linked(task, container, &endpoint) {
                wrong_port(&place, &endpoint, &port, found);
            }
        }
    }
}

/// What services show: the names that their tasks can resolve.
pub(super) fn between(scope: &Scope<'_>, found: &mut Findings) {
    let services = Served::all(scope);
    let aliases = aliases(&services);
    for service in &services {
        let Some(task) = &service.task else { continue };
        let connect = service.node.get("serviceConnectConfiguration");
        let connected = connect.is_some_and(|connect| connect.flag_at("enabled") == Some(true));
        for container in &task.containers {
            for (place, endpoint) in calls(container) {
                let known = |alias: &&Alias<'_>| connected && alias.name == endpoint.host;
                if let Some(ports) = all(aliases.iter().filter(known)) {
                    wrong_port(&place, &endpoint, &ports, found);
                } else if !named(task, container, endpoint.host) {
                    // Whoever joins a namespace also sees names from files that are not here.
                    let sibling = task.container(endpoint.host).is_some();
                    match (sibling || scope.planned, connected) {
                        (true, _) => nameless(task, &place, &endpoint, found),
                        (false, false) => {
                            let message =
                                format!("none of these files gives `{}` an address", endpoint.host);
                            found.add(&HOST_UNKNOWN, &place, message);
                        }
                        (false, true) => {}
                    }
                }
            }
        }
    }
    alone(scope, &services, found);
}

/// Tasks no service runs: only a sibling's name without a link is surely wrong.
fn alone(scope: &Scope<'_>, services: &[Served<'_>], found: &mut Findings) {
    for document in scope.of(Kind::TaskDefinition) {
        let is = |served: &Served<'_>| {
            served
                .task
                .as_ref()
                .is_some_and(|task| std::ptr::eq(task.node.value, document.node.value))
        };
        if services.iter().any(is) {
            continue;
        }
        let task = Task::new(document.node.clone());
        for container in &task.containers {
            for (place, endpoint) in calls(container) {
                let sibling = task.container(endpoint.host).is_some();
                if sibling && task.mode == Mode::Bridge && !named(&task, container, endpoint.host) {
                    nameless(&task, &place, &endpoint, found);
                }
            }
        }
    }
}

/// A name that a service offers through Service Connect.
struct Alias<'a> {
    name: &'a str,
    port: Option<i64>,
}

fn aliases<'a>(services: &[Served<'a>]) -> Vec<Alias<'a>> {
    let mut aliases = Vec::new();
    for service in services {
        let Some(connect) = service.node.get("serviceConnectConfiguration") else {
            continue;
        };
        for offered in connect.items("services") {
            for alias in offered.items("clientAliases") {
                let named = alias
                    .text_at("dnsName")
                    .or(offered.text_at("discoveryName"));
                if let Some(name) = named.or(offered.text_at("portName")) {
                    aliases.push(Alias {
                        name,
                        port: alias.whole_at("port"),
                    });
                }
            }
        }
    }
    aliases
}

/// The ports of the aliases of one name; nothing when there is no such alias.
fn all<'a>(aliases: impl Iterator<Item = &'a Alias<'a>>) -> Option<Vec<i64>> {
    let mut aliases = aliases.peekable();
    aliases.peek()?;
    Some(aliases.filter_map(|alias| alias.port).collect())
}

/// Every plain host name in the values of a container's variables.
fn calls<'a>(container: &Container<'a>) -> Vec<(Node<'a>, Endpoint<'a>)> {
    let values = container.node.items("environment").into_iter();
    let values = values.filter_map(|entry| entry.get("value"));
    let mut calls = Vec::new();
    for value in values {
        for endpoint in value.text().into_iter().flat_map(url::endpoints) {
            if url::is_plain_name(endpoint.host) {
                calls.push((value.clone(), endpoint));
            }
        }
    }
    calls
}

/// The ports of the container behind a link of that name.
fn linked(task: &Task<'_>, container: &Container<'_>, endpoint: &Endpoint<'_>) -> Option<Vec<i64>> {
    let links = container.links();
    let (_, target, _) = links.iter().find(|(_, _, alias)| *alias == endpoint.host)?;
    let ports = task.container(target)?.ports();
    Some(ports.iter().filter_map(|port| port.container).collect())
}

/// Whether the task itself gives the name an address.
fn named(task: &Task<'_>, container: &Container<'_>, host: &str) -> bool {
    if task.mode == Mode::Other {
        return true;
    }
    let extra = container.node.items("extraHosts");
    let linked = container.links().iter().any(|(_, _, alias)| *alias == host);
    linked
        || extra
            .iter()
            .any(|entry| entry.text_at("hostname") == Some(host))
        || container.node.text_at("hostname") == Some(host)
        || container.node.has("dnsSearchDomains")
        || task.mode == Mode::Host
}

fn nameless(task: &Task<'_>, place: &Node<'_>, endpoint: &Endpoint<'_>, found: &mut Findings) {
    let host = endpoint.host;
    let message = match (task.container(host), task.mode) {
        (Some(_), Mode::Bridge) => format!("`{host}` is a container of this task, but not linked"),
        (Some(_), _) => {
            format!("`{host}` is a container of this task, which is reached on localhost")
        }
        _ => format!("nothing gives `{host}` an address"),
    };
    found.add(&UNREACHABLE_HOST, place, message);
}

fn wrong_port(place: &Node<'_>, endpoint: &Endpoint<'_>, ports: &[i64], found: &mut Findings) {
    let Some(port) = endpoint.port else { return };
    if !ports.is_empty() && !ports.contains(&port) {
        let message = format!("`{}` has port {ports:?}, not {port}", endpoint.host);
        found.add(&UNREACHABLE_PORT, place, message);
    }
}
