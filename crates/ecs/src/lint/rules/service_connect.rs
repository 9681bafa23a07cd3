//! Service Connect: names between services, and the proxies that serve them.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use super::Served;
use crate::lint::{
    finding::Findings,
    rule::topic,
    scope::Scope,
    task::{Container, Mode, Task},
    url,
};

topic! { "Service Connect";
    SERVICE_CONNECT_PORT_NAME = Error "service-connect-port-name" {
        what: "A service offers a port name that no port mapping of its task definition has.",
        aws: "ECS refuses it.",
        fix: "Set `name` on the port mapping, or correct `portName`.",
    }
    SERVICE_CONNECT_HOST_MODE = Error "service-connect-host-mode" {
        what: "A service with Service Connect runs tasks in network mode `host`.",
        aws: "ECS refuses it: the proxy works in `bridge` and `awsvpc`.",
        fix: "Change the network mode.",
    }
    SERVICE_CONNECT_NAME_DUPLICATE = Error "service-connect-name-duplicate" {
        what: "Two services offer the same discovery name in one namespace.",
        aws: "ECS refuses the second: the name in Cloud Map belongs to one service.",
        fix: "Set `discoveryName` on one of them.",
    }
    SERVICE_CONNECT_TIMEOUT = Error "service-connect-timeout" {
        what: "A Service Connect proxy gives up a request no later than the program behind it does (15 s for HTTP when the file is silent).",
        aws: "The proxy answers 504 before the program can say what went wrong.",
        fix: "Make `perRequestTimeoutSeconds` longer than REQUEST_TIMEOUT_MS, or 0 for no limit.",
    }
    SERVICE_CONNECT_ORDER = Error "service-connect-order" {
        what: "By the plan, a service is created before one that it calls by a Service Connect name.",
        aws: "Tasks see only the endpoints that existed when they started: the name has no address until the next deployment.",
        fix: "Create the service that is called first.",
    }
}

/// Seconds after which the proxy gives up an HTTP request, unless the file says otherwise.
const PER_REQUEST: i64 = 15;

pub(super) fn check(service: &Served<'_>, found: &mut Findings) {
    let Some(connect) = service.node.get("serviceConnectConfiguration") else {
        return;
    };
    let Some(task) = service
        .task
        .as_ref()
        .filter(|_| connect.flag_at("enabled") == Some(true))
    else {
        return;
    };
    if task.mode == Mode::Host {
        let message = "Service Connect does not work in network mode host";
        found.add(&SERVICE_CONNECT_HOST_MODE, &connect, message);
    }
    for offered in connect.items("services") {
        let Some(name) = offered.literal_at("portName") else {
            continue;
        };
        let port = task.port(name);
        match port {
            None => {
                let message = format!("no port mapping of the task definition is called `{name}`");
                found.add(
                    &SERVICE_CONNECT_PORT_NAME,
                    &offered.get_or_self("portName"),
                    message,
                );
            }
            Some((container, port)) => {
                let http = port.node.has("appProtocol");
                timeout(&offered, container, http, found);
            }
        }
    }
}

/// The program's own limit comes before the proxy's.
fn timeout(
    offered: &crate::lint::node::Node<'_>,
    container: &Container<'_>,
    http: bool,
    found: &mut Findings,
) {
    let place = offered.get_or_self("timeout");
    let given = place.whole_at("perRequestTimeoutSeconds");
    let Some(limit) = given
        .or_else(|| http.then_some(PER_REQUEST))
        .filter(|limit| *limit > 0)
    else {
        return;
    };
    let budget = container.milliseconds(
        "REQUEST_TIMEOUT_MS",
        super::limits::request_timeout(container),
    );
    if let Some((budget, _)) = budget
        && limit.saturating_mul(1000) <= budget
    {
        let message = format!(
            "the proxy gives up after {limit} s, `{}` after {budget} ms",
            container.label()
        );
        found.add(
            &SERVICE_CONNECT_TIMEOUT,
            &place.get_or_self("perRequestTimeoutSeconds"),
            message,
        );
    }
}

/// Names are unique, and exist before they are called.
pub(super) fn between<'a>(scope: &Scope<'a>, services: &[Served<'a>], found: &mut Findings) {
    let mut names: HashMap<(Option<&str>, &str), &Served<'_>> = HashMap::new();
    let mut aliases: HashMap<&str, &Served<'_>> = HashMap::new();
    for service in services {
        let Some(connect) = service.node.get("serviceConnectConfiguration") else {
            continue;
        };
        let space = connect.text_at("namespace");
        for offered in connect.items("services") {
            let name = offered
                .get("discoveryName")
                .or_else(|| offered.get("portName"));
            let Some((node, name)) = name.and_then(|n| n.text().map(|text| (n, text))) else {
                continue;
            };
            let before = names.insert((space, name), service);
            if before.is_some_and(|first| !std::ptr::eq(first.node, service.node)) {
                let message = format!("another service already offers `{name}` in this namespace");
                found.add(&SERVICE_CONNECT_NAME_DUPLICATE, &node, message);
            }
            for alias in offered.items("clientAliases") {
                aliases.insert(alias.text_at("dnsName").unwrap_or(name), service);
            }
        }
    }
    let mut called: HashMap<*const Task<'_>, Vec<(&str, &Served<'_>)>> = HashMap::new();
    for service in services {
        if let Some(task) = &service.task {
            let called = called.entry(Rc::as_ptr(task));
            order(
                scope,
                service,
                called.or_insert_with(|| calls(task, &aliases)),
                found,
            );
        }
    }
}

/// The services that a task calls, each once, with the host name it calls first.
fn calls<'a, 'b>(
    task: &Task<'a>,
    aliases: &HashMap<&str, &'b Served<'a>>,
) -> Vec<(&'a str, &'b Served<'a>)> {
    let mut seen = HashSet::new();
    let values = { task.containers.iter() }.flat_map(|c| c.node.items("environment"));
    let values = values.filter_map(|entry| entry.text_at("value"));
    let hosts = values
        .flat_map(url::endpoints)
        .map(|endpoint| endpoint.host);
    let called = hosts.filter_map(|host| Some((host, *aliases.get(host)?)));
    called.filter(|(host, _)| seen.insert(*host)).collect()
}

/// What is called exists before its caller.
fn order(
    scope: &Scope<'_>,
    service: &Served<'_>,
    calls: &[(&str, &Served<'_>)],
    found: &mut Findings,
) {
    let Some(own) = scope.order(service.document) else {
        return;
    };
    let connect = service.node.get("serviceConnectConfiguration");
    let Some(connect) = connect.filter(|connect| connect.flag_at("enabled") == Some(true)) else {
        return;
    };
    let later = |called: &Served<'_>| {
        scope
            .order(called.document)
            .is_some_and(|order| order > own)
    };
    for (host, called) in calls.iter().filter(|(_, called)| later(called)) {
        let message = format!(
            "`{host}` is called, but {} is created later",
            called.node.source.path.display()
        );
        found.add(&SERVICE_CONNECT_ORDER, &connect, message);
    }
}
