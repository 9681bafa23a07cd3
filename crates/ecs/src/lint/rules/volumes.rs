//! Volumes and who mounts them.

use std::collections::HashSet;

use crate::lint::{finding::Findings, rule::topic, task::Task};

topic! { "Volumes";
    VOLUME_MISSING = Error "volume-missing" {
        what: "A container mounts a volume that the task does not have.",
        aws: "ECS refuses it: unknown volume.",
        fix: "Add it to the task's `volumes`, or correct the name.",
    }
    VOLUMES_FROM_MISSING = Error "volumes-from-missing" {
        what: "A container takes its volumes from a container that the task does not have.",
        aws: "ECS refuses it.",
        fix: "Name a container of the same task definition.",
    }
}

pub(super) fn check(task: &Task<'_>, found: &mut Findings) {
    let volumes = task.node.items("volumes");
    let volumes: HashSet<&str> = { volumes.iter() }
        .filter_map(|volume| volume.text_at("name"))
        .collect();
    for container in &task.containers {
        for mount in container.node.items("mountPoints") {
            let Some(source) = mount.get("sourceVolume") else {
                continue;
            };
            let Some(name) = source.literal() else {
                continue;
            };
            if !volumes.contains(name) && !task.is_bare() {
                let message = format!("the task has no volume `{name}`");
                found.add(&VOLUME_MISSING, &source, message);
            }
        }
        for from in container.node.items("volumesFrom") {
            let Some(source) = from.get("sourceContainer") else {
                continue;
            };
            let Some(name) = source.literal() else {
                continue;
            };
            if task.container(name).is_none() {
                let message = format!("the task has no container `{name}`");
                found.add(&VOLUMES_FROM_MISSING, &source, message);
            }
        }
    }
}
