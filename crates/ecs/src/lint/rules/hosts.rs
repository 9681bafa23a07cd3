//! Host names that containers call: whether anything gives them an address.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use serde_json::Value;

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
            let target = container.linked(endpoint.host);
            if let Some(target) = target.and_then(|target| task.container(target)) {
                wrong_port(&place, &endpoint, target.mapped(), found);
            }
        }
    }
}

/// What services show: the names that their tasks can resolve.
pub(super) fn between(scope: &Scope<'_>, services: &[Served<'_>], found: &mut Findings) {
    let aliases = aliases(services);
    let mut seen = HashSet::new();
    for service in services {
        let Some(task) = &service.task else { continue };
        let connect = service.node.get("serviceConnectConfiguration");
        let connected = connect.is_some_and(|connect| connect.flag_at("enabled") == Some(true));
        // Services that run the same tasks in the same way have the same findings.
        if !seen.insert((Rc::as_ptr(task), connected)) {
            continue;
        }
        for container in &task.containers {
            for (place, endpoint) in calls(container) {
                let known = aliases.get(endpoint.host).filter(|_| connected);
                if let Some(ports) = known {
                    wrong_port(&place, &endpoint, ports, found);
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
    alone(scope, services, found);
}

/// Tasks no service runs: only a sibling's name without a link is surely wrong.
fn alone(scope: &Scope<'_>, services: &[Served<'_>], found: &mut Findings) {
    let tasks = services.iter().filter_map(|served| served.task.as_ref());
    let run: HashSet<*const Value> = tasks
        .map(|task| std::ptr::from_ref(task.node.value))
        .collect();
    for document in scope.of(Kind::TaskDefinition) {
        if run.contains(&std::ptr::from_ref(document.node.value)) {
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

/// The names that services offer through Service Connect, each with its ports.
fn aliases<'a>(services: &[Served<'a>]) -> HashMap<&'a str, HashSet<i64>> {
    let mut aliases: HashMap<&str, HashSet<i64>> = HashMap::new();
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
                    let ports = aliases.entry(name).or_default();
                    ports.extend(alias.whole_at("port"));
                }
            }
        }
    }
    aliases
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

/// Whether the task itself gives the name an address.
fn named(task: &Task<'_>, container: &Container<'_>, host: &str) -> bool {
    matches!(task.mode, Mode::Other | Mode::Host)
        || container.linked(host).is_some()
        || container.knows_host(host)
        || container.node.has("dnsSearchDomains")
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

fn wrong_port(
    place: &Node<'_>,
    endpoint: &Endpoint<'_>,
    ports: &HashSet<i64>,
    found: &mut Findings,
) {
    const SHOWN: usize = 8;
    let Some(port) = endpoint.port else { return };
    if !ports.is_empty() && !ports.contains(&port) {
        let host = endpoint.host;
        let message = match ports.len() > SHOWN {
            true => format!("`{host}` has {} ports, and not {port}", ports.len()),
            false => {
                let mut ports: Vec<&i64> = ports.iter().collect();
                ports.sort_unstable();
                format!("`{host}` has port {ports:?}, not {port}")
            }
        };
        found.add(&UNREACHABLE_PORT, place, message);
    }
}
