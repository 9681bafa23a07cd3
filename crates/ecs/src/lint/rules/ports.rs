//! Port mappings, within a container and between the containers of a task.

use std::collections::{HashMap, HashSet};

use crate::lint::{
    finding::Findings,
    rule::topic,
    task::{Container, Mode, Port, Task},
};

topic! { "Ports";
    PORT_RANGE = Error "port-range" {
        what: "A port is not within 1 and 65535 (a host port may be 0).",
        aws: "ECS refuses it.",
        fix: "Use a port that exists.",
    }
    PORT_MISSING = Error "port-missing" {
        what: "A port mapping has neither `containerPort` nor `containerPortRange`.",
        aws: "ECS refuses it, or maps nothing.",
        fix: "Name the port the container listens on.",
    }
    HOST_PORT_MISMATCH = Error "host-port-mismatch" {
        what: "On `awsvpc` or `host`, a host port differs from its container port.",
        aws: "ECS refuses it: in these modes there is nothing that could translate one into the other.",
        fix: "Leave `hostPort` out, or make it equal to `containerPort`.",
    }
    HOST_PORT_DUPLICATE = Error "host-port-duplicate" {
        what: "Two port mappings of a bridge task take the same host port.",
        aws: "Only one of them can have it: ECS refuses it, or the second container does not start.",
        fix: "Use host port 0, which takes a free one, or different ports.",
    }
    HOST_PORT_RESERVED = Error "host-port-reserved" {
        what: "A host port is one that ECS keeps for the instance: 22, 2375, 2376, 51678–51680.",
        aws: "No instance ever has the port free, so the task is never placed.",
        fix: "Use host port 0 or another port.",
    }
    HOST_PORT_EPHEMERAL = Warning "host-port-ephemeral" {
        what: "A fixed host port lies within 32768–65535, from which dynamic ports are taken.",
        aws: "Now and then another task on the instance already has it, and this one is not placed.",
        fix: "Use host port 0 or a port below 32768.",
    }
    CONTAINER_PORT_CLASH = Error "container-port-clash" {
        what: "Two containers of an `awsvpc` or `host` task listen on the same port.",
        aws: "They share one network: the second one cannot bind and ends, and the task with it.",
        fix: "Give each a port of its own, or a task of its own.",
    }
    PORT_NAME_DUPLICATE = Error "port-name-duplicate" {
        what: "Two port mappings of a task have the same name.",
        aws: "ECS refuses it: Service Connect finds a port by its name.",
        fix: "Rename one of them.",
    }
    PORT_NOT_SERVED = Warning "port-not-served" {
        what: "The variable PORT says another port than the container maps.",
        aws: "The program listens where nobody asks; health checks fail and tasks are replaced for ever.",
        fix: "Make PORT and `containerPort` equal.",
    }
}

const RESERVED: [i64; 6] = [22, 2375, 2376, 51678, 51679, 51680];

pub(super) fn check(task: &Task<'_>, found: &mut Findings) {
    let mut names = HashSet::new();
    for container in &task.containers {
        let ports = container.ports();
        for port in ports {
            numbers(port, found);
            host(task.mode, port, found);
            if let Some(name) = port.node.get("name")
                && name.text().is_some_and(|name| !names.insert(name))
            {
                found.add(
                    &PORT_NAME_DUPLICATE,
                    &name,
                    "another port mapping has this name",
                );
            }
        }
        served(container, ports, found);
    }
    match task.mode {
        Mode::Bridge => shared_host(task, found),
        Mode::Awsvpc | Mode::Host => shared_network(task, found),
        Mode::Other => {}
    }
}

/// Ports are within 1 and 65535; a host port may be 0.
fn numbers(port: &Port<'_>, found: &mut Findings) {
    for (key, number, least) in [
        ("containerPort", port.container, 1),
        ("hostPort", port.host, 0),
    ] {
        if let Some(number) = number.filter(|number| !(least..=65535).contains(number)) {
            let message = format!("{number} is not within {least} and 65535");
            found.add(&PORT_RANGE, &port.node.get_or_self(key), message);
        }
    }
    if port.node.value.is_object()
        && !port.node.has("containerPort")
        && !port.node.has("containerPortRange")
    {
        found.add(
            &PORT_MISSING,
            &port.node,
            "the port mapping names no container port",
        );
    }
}

/// What may stand in `hostPort`: ECS task definition reference, "portMappings".
fn host(mode: Mode, port: &Port<'_>, found: &mut Findings) {
    let (Some(host), Some(container)) = (port.host, port.container) else {
        return;
    };
    let place = port.node.get_or_self("hostPort");
    if matches!(mode, Mode::Awsvpc | Mode::Host) {
        if host != container {
            let message = format!("host port {host} is not container port {container}");
            found.add(&HOST_PORT_MISMATCH, &place, message);
        }
        return;
    }
    if mode == Mode::Bridge && RESERVED.contains(&host) {
        let message = format!("ECS keeps port {host} for the instance");
        found.add(&HOST_PORT_RESERVED, &place, message);
    } else if mode == Mode::Bridge && (32768..=65535).contains(&host) {
        let message = format!("dynamic ports are taken from 32768–65535, where {host} lies");
        found.add(&HOST_PORT_EPHEMERAL, &place, message);
    }
}

/// In bridge mode containers share the ports of the host.
fn shared_host(task: &Task<'_>, found: &mut Findings) {
    let mut taken: HashMap<(i64, &str), &str> = HashMap::new();
    for container in &task.containers {
        for port in container.ports() {
            let Some(host) = port.host.filter(|host| *host != 0) else {
                continue;
            };
            if let Some(first) = taken.insert((host, port.protocol), container.label()) {
                let message = format!("host port {host} is already `{first}`'s");
                found.add(
                    &HOST_PORT_DUPLICATE,
                    &port.node.get_or_self("hostPort"),
                    message,
                );
            }
        }
    }
}

/// On awsvpc and host, containers share one network and all its ports.
fn shared_network(task: &Task<'_>, found: &mut Findings) {
    let mut taken: HashMap<(i64, &str), &str> = HashMap::new();
    for container in &task.containers {
        for port in container.ports() {
            let Some(number) = port.container else {
                continue;
            };
            if let Some(first) = taken.insert((number, port.protocol), container.label()) {
                let message = format!("port {number} is already `{first}`'s, on the same network");
                found.add(
                    &CONTAINER_PORT_CLASH,
                    &port.node.get_or_self("containerPort"),
                    message,
                );
            }
        }
    }
}

/// `PORT` is by convention where a program listens.
fn served(container: &Container<'_>, ports: &[Port<'_>], found: &mut Findings) {
    let Some(value) = container
        .variable("PORT")
        .and_then(|entry| entry.get("value"))
    else {
        return;
    };
    let Some(number) = value.whole() else { return };
    let mapped: Vec<i64> = ports.iter().filter_map(|port| port.container).collect();
    if !mapped.is_empty() && mapped.len() == ports.len() && !mapped.contains(&number) {
        let message = format!("the program is told port {number}, but {mapped:?} is mapped");
        found.add(&PORT_NOT_SERVED, &value, message);
    }
}
