//! The containers of a task: that there are some, what they are called, which of them count.

use std::collections::HashSet;

use crate::lint::{finding::Findings, rule::topic, task::Task};

topic! { "Containers";
    NO_CONTAINERS = Error "no-containers" {
        what: "A task definition has no container.",
        aws: "ECS refuses it: a task has at least one container.",
        fix: "Add a container definition.",
    }
    CONTAINER_NAME_MISSING = Error "container-name-missing" {
        what: "A container has no name.",
        aws: "ECS refuses it: links, dependencies and load balancers find a container by its name.",
        fix: "Give it a name that no other container of the task has.",
    }
    CONTAINER_NAME_DUPLICATE = Error "container-name-duplicate" {
        what: "Two containers of a task have the same name.",
        aws: "ECS refuses it.",
        fix: "Rename one of them, and everything that meant it.",
    }
    NO_ESSENTIAL_CONTAINER = Error "no-essential-container" {
        what: "No container of a task is essential.",
        aws: "ECS refuses it: a task ends when an essential container ends, so it needs one.",
        fix: "Set `essential` to true, or leave it out, on the container that the task is there for.",
    }
}

pub(super) fn check(task: &Task<'_>, found: &mut Findings) {
    if task.containers.is_empty() {
        let place = task.node.get_or_self("containerDefinitions");
        found.add(&NO_CONTAINERS, &place, "the task has no container");
        return;
    }
    names(task, found);
    if !task.containers.iter().any(super::Container::is_essential) {
        let place = task.node.get_or_self("containerDefinitions");
        found.add(&NO_ESSENTIAL_CONTAINER, &place, "no container is essential");
    }
}

/// Names are there and each there once.
fn names(task: &Task<'_>, found: &mut Findings) {
    let mut taken = HashSet::new();
    for container in &task.containers {
        match container.node.get("name") {
            None => found.add(
                &CONTAINER_NAME_MISSING,
                &container.node,
                "the container has no name",
            ),
            Some(name) if name.text().is_some_and(|name| !taken.insert(name)) => {
                let message = format!("another container is called `{}`", container.label());
                found.add(&CONTAINER_NAME_DUPLICATE, &name, message);
            }
            Some(_) => {}
        }
    }
}
