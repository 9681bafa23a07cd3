//! Links: names by which containers of one task reach each other in bridge mode.

use std::collections::HashMap;

use super::depends_on::cycle;
use crate::lint::{
    finding::Findings,
    rule::topic,
    task::{Mode, Task},
};

topic! { "Links";
    LINK_NETWORK_MODE = Error "link-network-mode" {
        what: "A container has links, but the task's network mode is not `bridge`.",
        aws: "ECS refuses it: links exist on Docker's bridge only.",
        fix: "On `awsvpc`, containers of one task reach each other on `localhost`, tasks through Service Connect; else use `bridge`.",
    }
    LINK_TARGET_MISSING = Error "link-target-missing" {
        what: "A link leads to a container that the task does not have.",
        aws: "ECS refuses it.",
        fix: "Name a container of the same task definition.",
    }
    LINK_CYCLE = Error "link-cycle" {
        what: "Links lead in a circle, or from a container to itself.",
        aws: "ECS refuses it: a container can only be linked to one that was started before it.",
        fix: "Remove the link that closes the circle; use Service Connect where both sides must call.",
    }
    LINK_ALIAS_DUPLICATE = Error "link-alias-duplicate" {
        what: "Two links of a container give the same host name.",
        aws: "One of them wins in /etc/hosts; the other container cannot be reached by that name.",
        fix: "Give each link a name of its own: `container:name`.",
    }
}

pub(super) fn check(task: &Task<'_>, found: &mut Findings) {
    mode(task, found);
    targets(task, found);
    cycles(task, found);
}

/// Links want bridge mode. Bare container definitions do not say the mode.
fn mode(task: &Task<'_>, found: &mut Findings) {
    let named = task.node.get("networkMode").and_then(|mode| mode.literal());
    if task.is_bare() || task.mode == Mode::Bridge || (named.is_none() && !task.fargate) {
        return;
    }
    let mode = named.unwrap_or("awsvpc, as Fargate has it");
    for container in &task.containers {
        if let Some(first) = container.node.items("links").first() {
            let message = format!("links do not exist in network mode {mode}");
            found.add(&LINK_NETWORK_MODE, first, message);
        }
    }
}

/// A link leads to a container of the task, under a name of its own.
fn targets(task: &Task<'_>, found: &mut Findings) {
    for container in &task.containers {
        let mut aliases = HashMap::new();
        for (node, target, alias) in container.links() {
            if task.container(target).is_none() {
                let message = format!("the task has no container `{target}`");
                found.add(&LINK_TARGET_MISSING, node, message);
            }
            if let Some(first) = aliases
                .insert(*alias, *target)
                .filter(|first| first != target)
            {
                let message = format!("`{alias}` already leads to `{first}`");
                found.add(&LINK_ALIAS_DUPLICATE, node, message);
            }
        }
    }
}

/// Links are the edges of a graph without circles.
fn cycles(task: &Task<'_>, found: &mut Findings) {
    let mut edges = Vec::new();
    for container in &task.containers {
        for (node, target, _) in container.links() {
            edges.extend(container.name.map(|name| (name, *target, node.clone())));
        }
    }
    if let Some((node, path)) = cycle(&edges) {
        let message = format!("links lead in a circle: {}", path.join(" → "));
        found.add(&LINK_CYCLE, &node, message);
    }
}
