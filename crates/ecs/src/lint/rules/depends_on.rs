//! `dependsOn`: what must be true of one container before another starts.

use std::collections::{HashMap, HashSet};

use crate::lint::{
    finding::Findings,
    node::Node,
    rule::topic,
    task::{Container, Task},
};

topic! { "Dependencies";
    DEPENDS_ON_MISSING = Error "depends-on-missing" {
        what: "A container depends on one that the task does not have.",
        aws: "ECS refuses it.",
        fix: "Name a container of the same task definition.",
    }
    DEPENDS_ON_CONDITION = Error "depends-on-condition" {
        what: "A condition is none of START, COMPLETE, SUCCESS and HEALTHY.",
        aws: "ECS refuses it.",
        fix: "Use one of the four, in capitals.",
    }
    DEPENDS_ON_HEALTH_CHECK = Error "depends-on-health-check" {
        what: "A container waits until another is HEALTHY, which has no health check.",
        aws: "It can never become HEALTHY: ECS refuses it, or the waiting container never starts.",
        fix: "Give the other container a `healthCheck`, or wait for START.",
    }
    DEPENDS_ON_ESSENTIAL = Error "depends-on-essential" {
        what: "A container waits until an essential one has ended (COMPLETE or SUCCESS).",
        aws: "ECS refuses it: when an essential container ends, so does the task.",
        fix: "Set `essential` to false on the container that is meant to end.",
    }
    DEPENDS_ON_CYCLE = Error "depends-on-cycle" {
        what: "Containers wait for each other in a circle; a link counts as waiting too.",
        aws: "None of them can start first: ECS refuses it, or the task never leaves PENDING.",
        fix: "Remove the dependency that closes the circle.",
    }
}

/// From a container to the one it needs, and the place that says so.
pub(super) type Edge<'a> = (&'a str, &'a str, Node<'a>);

pub(super) fn check(task: &Task<'_>, found: &mut Findings) {
    for container in &task.containers {
        for dependency in container.node.items("dependsOn") {
            one(task, &dependency, found);
        }
    }
    cycles(task, found);
}

fn one(task: &Task<'_>, dependency: &Node<'_>, found: &mut Findings) {
    let condition = dependency.literal_at("condition");
    let known = ["START", "COMPLETE", "SUCCESS", "HEALTHY"];
    if let Some(condition) = condition.filter(|condition| !known.contains(condition)) {
        let message = format!("`{condition}` is no condition");
        found.add(
            &DEPENDS_ON_CONDITION,
            &dependency.get_or_self("condition"),
            message,
        );
    }
    let Some(name) = dependency.literal_at("containerName") else {
        return;
    };
    let Some(target) = task.container(name) else {
        let message = format!("the task has no container `{name}`");
        found.add(
            &DEPENDS_ON_MISSING,
            &dependency.get_or_self("containerName"),
            message,
        );
        return;
    };
    let place = dependency.get_or_self("condition");
    match condition {
        Some("HEALTHY") if !target.node.has("healthCheck") => {
            let message = format!("`{name}` has no health check, so it is never HEALTHY");
            found.add(&DEPENDS_ON_HEALTH_CHECK, &place, message);
        }
        Some(condition @ ("COMPLETE" | "SUCCESS")) if target.is_essential() => {
            let message =
                format!("{condition} of `{name}`, which is essential, would end the task");
            found.add(&DEPENDS_ON_ESSENTIAL, &place, message);
        }
        _ => {}
    }
}

/// `dependsOn` and links together have no circle. One of links alone is the links' own rule.
fn cycles(task: &Task<'_>, found: &mut Findings) {
    let waits: Vec<Edge<'_>> = task.containers.iter().flat_map(waits_for).collect();
    let Some((node, path)) = cycle(&waits).or_else(|| mixed(task, &waits)) else {
        return;
    };
    let message = format!("each waits for the next: {}", path.join(" → "));
    found.add(&DEPENDS_ON_CYCLE, &node, message);
}

fn waits_for<'a>(container: &Container<'a>) -> Vec<Edge<'a>> {
    let Some(name) = container.name else {
        return Vec::new();
    };
    let dependencies = container.node.items("dependsOn").into_iter();
    dependencies
        .filter_map(|dependency| {
            let target = dependency.get("containerName")?;
            Some((name, target.literal()?, target))
        })
        .collect()
}

fn mixed<'a>(task: &Task<'a>, waits: &[Edge<'a>]) -> Option<(Node<'a>, Vec<&'a str>)> {
    let mut links: Vec<Edge<'_>> = Vec::new();
    for container in &task.containers {
        let Some(name) = container.name else { continue };
        let own = container.links().iter();
        links.extend(own.map(|(node, target, _)| (name, *target, node.clone())));
    }
    if cycle(&links).is_some() {
        return None;
    }
    // The dependencies come last, so that the place is one of them.
    links.extend(waits.iter().cloned());
    cycle(&links)
}

/// The first edge that closes a circle when edges are added one by one, and the way around.
pub(super) fn cycle<'a>(edges: &[Edge<'a>]) -> Option<(Node<'a>, Vec<&'a str>)> {
    let before = |count: usize| edges.get(..count).unwrap_or_default();
    if !is_circular(edges) {
        return None;
    }
    // How many edges have no circle: with each that is added there is one, or there still is.
    let (mut without, mut with) = (0, edges.len());
    while with - without > 1 {
        let middle = without.midpoint(with);
        match is_circular(before(middle)) {
            true => with = middle,
            false => without = middle,
        }
    }
    let (from, to, node) = edges.get(without)?;
    let mut path = way(before(without), to, from)?;
    path.insert(0, from);
    Some((node.clone(), path))
}

/// Whether something is left when, again and again, whatever nothing leads to is taken away.
fn is_circular(edges: &[Edge<'_>]) -> bool {
    let mut targets: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut leading: HashMap<&str, usize> = HashMap::new();
    for (from, to, _) in edges {
        targets.entry(from).or_default().push(to);
        leading.entry(from).or_default();
        *leading.entry(to).or_default() += 1;
    }
    let mut left = leading.len();
    let free = leading.iter().filter(|(_, count)| **count == 0);
    let mut free: Vec<&str> = free.map(|(name, _)| *name).collect();
    while let Some(name) = free.pop() {
        left -= 1;
        for target in targets.get(name).into_iter().flatten() {
            if let Some(count) = leading.get_mut(target) {
                *count -= 1;
                if *count == 0 {
                    free.push(target);
                }
            }
        }
    }
    left > 0
}

/// A shortest way from one container to another; a container is at itself already.
fn way<'a>(edges: &[Edge<'a>], from: &'a str, to: &str) -> Option<Vec<&'a str>> {
    let mut targets: HashMap<&str, Vec<&'a str>> = HashMap::new();
    for (source, target, _) in edges {
        targets.entry(source).or_default().push(target);
    }
    let mut seen = HashSet::from([from]);
    let mut reached = vec![(from, None)];
    let mut next = 0;
    while let Some((at, _)) = reached.get(next).copied() {
        if at == to {
            let mut path = Vec::new();
            let mut step = Some(next);
            while let Some((name, before)) = step.and_then(|step| reached.get(step)) {
                path.push(*name);
                step = *before;
            }
            path.reverse();
            return Some(path);
        }
        for target in targets.get(at).into_iter().flatten() {
            if seen.insert(target) {
                reached.push((target, Some(next)));
            }
        }
        next += 1;
    }
    None
}
