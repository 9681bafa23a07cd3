//! What Fargate asks of a task definition, and what it does not have.

use super::memory::{cpu_units, mebibytes};
use crate::lint::{finding::Findings, node::Node, rule::topic, task::Task};

topic! { "Fargate";
    FARGATE_NETWORK_MODE = Error "fargate-network-mode" {
        what: "A task definition for Fargate has another network mode than `awsvpc`.",
        aws: "ECS refuses it.",
        fix: "Set `networkMode` to `awsvpc`.",
    }
    FARGATE_SIZE = Error "fargate-size" {
        what: "A task definition for Fargate lacks CPU or memory, or has a pair that Fargate does not offer.",
        aws: "ECS refuses it: 256 CPU units go with 512, 1024 or 2048 MiB, 512 with 1024 to 4096, 1024 with 2048 to 8192, 2048 with 4096 to 16384, 4096 with 8192 to 30720.",
        fix: "Choose a pair from the table of the documentation.",
    }
    FARGATE_EXECUTION_ROLE = Error "fargate-execution-role" {
        what: "A task definition for Fargate logs with `awslogs`, or takes an image from ECR, without an execution role.",
        aws: "ECS refuses it: there is no instance whose role could pull the image or write the log.",
        fix: "Set `executionRoleArn`.",
    }
    FARGATE_UNSUPPORTED = Error "fargate-unsupported" {
        what: "A task definition for Fargate asks for something of the host: `privileged`, devices, DNS servers, extra hosts, swap, host volumes, placement.",
        aws: "ECS refuses it: there is no host to ask it of.",
        fix: "Leave it out, or run on EC2.",
    }
    STOP_TIMEOUT_RANGE = Error "stop-timeout-range" {
        what: "On Fargate, a stop timeout is not within 2 and 120 seconds.",
        aws: "ECS refuses it.",
        fix: "Use 2 to 120 seconds.",
    }
}

/// Least and most MiB for CPU units, and the step between, by the ECS developer guide.
const SIZES: [(i64, i64, i64, i64); 7] = [
    (256, 512, 2048, 512),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16384, 1024),
    (4096, 8192, 30720, 1024),
    (8192, 16384, 61440, 4096),
    (16384, 32768, 122_880, 8192),
];

/// Members of a container that need a host.
const OF_THE_HOST: [&str; 6] = [
    "disableNetworking",
    "dnsServers",
    "dnsSearchDomains",
    "dockerSecurityOptions",
    "extraHosts",
    "privileged",
];

pub(super) fn check(task: &Task<'_>, found: &mut Findings) {
    if !task.fargate {
        return;
    }
    let mode = task.node.get("networkMode");
    if mode
        .as_ref()
        .is_none_or(|mode| mode.literal().is_some_and(|mode| mode != "awsvpc"))
    {
        let place = task.node.get_or_self("networkMode");
        found.add(
            &FARGATE_NETWORK_MODE,
            &place,
            "Fargate has no other network mode than awsvpc",
        );
    }
    size(task, found);
    execution_role(task, found);
    unsupported(task, found);
    for container in &task.containers {
        let Some(stop) = container.node.get("stopTimeout") else {
            continue;
        };
        if let Some(seconds) = stop.whole().filter(|seconds| !(2..=120).contains(seconds)) {
            let message = format!("{seconds} s is not within 2 and 120 s");
            found.add(&STOP_TIMEOUT_RANGE, &stop, message);
        }
    }
}

/// CPU and memory are a pair that exists.
fn size(task: &Task<'_>, found: &mut Findings) {
    let (Some(cpu), Some(memory)) = (task.node.get("cpu"), task.node.get("memory")) else {
        let place = task.node.get_or_self("cpu");
        found.add(
            &FARGATE_SIZE,
            &place,
            "Fargate needs `cpu` and `memory` of the task",
        );
        return;
    };
    if is_unknown(&cpu) || is_unknown(&memory) {
        return;
    }
    let (units, mib) = (cpu_units(&cpu), mebibytes(&memory));
    let size = SIZES.iter().find(|(size, ..)| Some(*size) == units);
    let Some((_, least, most, step)) = size else {
        found.add(&FARGATE_SIZE, &cpu, "Fargate has no such size");
        return;
    };
    let fits = |mib: i64| {
        (*least..=*most).contains(&mib)
            && (mib - least) % step == 0
            && (units != Some(256) || mib != 1536)
    };
    if !mib.is_some_and(fits) {
        let message =
            format!("with this CPU, Fargate offers {least} to {most} MiB in steps of {step}");
        found.add(&FARGATE_SIZE, &memory, message);
    }
}

fn is_unknown(node: &Node<'_>) -> bool {
    node.text().is_some() && node.literal().is_none()
}

fn execution_role(task: &Task<'_>, found: &mut Findings) {
    if task.node.has("executionRoleArn") {
        return;
    }
    for container in &task.containers {
        let log = container
            .node
            .get("logConfiguration")
            .and_then(|log| log.get("logDriver"));
        let log = log.filter(|driver| driver.text() == Some("awslogs"));
        let image = container.node.get("image");
        let image = image.filter(|image| image.text().is_some_and(|i| i.contains(".dkr.ecr.")));
        if let Some(place) = log.or(image) {
            let message = "the task has no `executionRoleArn` to log or pull images with";
            found.add(&FARGATE_EXECUTION_ROLE, &place, message);
            return;
        }
    }
}

/// By "Task definition differences for Fargate" in the ECS developer guide.
fn unsupported(task: &Task<'_>, found: &mut Findings) {
    let mut places: Vec<Node<'_>> = Vec::new();
    for key in ["placementConstraints", "ipcMode", "inferenceAccelerators"] {
        places.extend(task.node.get(key));
    }
    for volume in task.node.items("volumes") {
        let host = volume.get("host").and_then(|host| host.get("sourcePath"));
        places.extend(host.or_else(|| volume.get("dockerVolumeConfiguration")));
    }
    for container in &task.containers {
        places.extend(OF_THE_HOST.iter().filter_map(|key| container.node.get(key)));
        if let Some(linux) = container.node.get("linuxParameters") {
            for key in ["devices", "maxSwap", "swappiness", "sharedMemorySize"] {
                places.extend(linux.get(key));
            }
        }
    }
    for place in places {
        // An exported task definition spells out what is not set.
        let empty = match place.value {
            serde_json::Value::Array(list) => list.is_empty(),
            serde_json::Value::Bool(flag) => !flag,
            serde_json::Value::Number(number) => number.as_i64() == Some(0),
            _ => false,
        };
        if !empty {
            found.add(&FARGATE_UNSUPPORTED, &place, "Fargate does not have this");
        }
    }
}
