//! Memory and processor shares, of containers and of the task around them.

use crate::lint::{
    finding::Findings,
    node::Node,
    rule::topic,
    task::{Container, Task},
};

topic! { "Memory and CPU";
    MEMORY_MISSING = Error "memory-missing" {
        what: "Neither the task nor the container says how much memory it gets.",
        aws: "ECS refuses it: it needs at least one of task memory, `memory` and `memoryReservation`.",
        fix: "Set `memoryReservation`, `memory`, or the memory of the task.",
    }
    MEMORY_RESERVATION = Error "memory-reservation-above-limit" {
        what: "A container reserves more memory than the limit at which it is killed.",
        aws: "ECS refuses it.",
        fix: "Raise `memory`, or lower `memoryReservation`.",
    }
    MEMORY_MINIMUM = Error "memory-minimum" {
        what: "A container has less than 6 MiB.",
        aws: "Docker does not start it: 6 MiB is its least.",
        fix: "Give it at least 6 MiB.",
    }
    MEMORY_ABOVE_TASK = Error "memory-above-task" {
        what: "A container's limit, or what all containers reserve together, is more than the memory of the task.",
        aws: "ECS refuses it.",
        fix: "Raise the memory of the task, or lower that of its containers.",
    }
    CPU_ABOVE_TASK = Error "cpu-above-task" {
        what: "The containers of a task have more CPU units together than the task.",
        aws: "ECS refuses it.",
        fix: "Raise the CPU of the task, or lower that of its containers.",
    }
}

/// MiB below which Docker does not start a container (since Docker 20.10).
const LEAST: i64 = 6;

pub(super) fn check(task: &Task<'_>, found: &mut Findings) {
    let task_memory = task.node.get("memory");
    for container in &task.containers {
        one(container, found);
        let sized = container.node.has("memory") || container.node.has("memoryReservation");
        if !sized && task_memory.is_none() && !task.fargate && !task.is_bare() {
            let message = format!("nothing says how much memory `{}` gets", container.label());
            found.add(&MEMORY_MISSING, &container.node, message);
        }
    }
    if let Some((node, limit)) = task_memory.and_then(|n| mebibytes(&n).map(|m| (n, m))) {
        whole_memory(task, &node, limit, found);
    }
    if let Some((node, units)) = task
        .node
        .get("cpu")
        .and_then(|n| cpu_units(&n).map(|u| (n, u)))
    {
        let numbers = task
            .containers
            .iter()
            .filter_map(|c| c.node.whole_at("cpu"));
        let sum = numbers.fold(0, i64::saturating_add);
        if sum > units {
            let message = format!("the containers have {sum} CPU units, the task {units}");
            found.add(&CPU_ABOVE_TASK, &node, message);
        }
    }
}

fn one(container: &Container<'_>, found: &mut Findings) {
    let limit = container.node.whole_at("memory");
    let reserved = container.node.whole_at("memoryReservation");
    if let (Some(limit), Some(reserved)) = (limit, reserved)
        && reserved > limit
    {
        let message = format!("{reserved} MiB are reserved, but the limit is {limit} MiB");
        found.add(
            &MEMORY_RESERVATION,
            &container.node.get_or_self("memoryReservation"),
            message,
        );
    }
    for (key, number) in [("memory", limit), ("memoryReservation", reserved)] {
        if let Some(number) = number.filter(|number| *number < LEAST) {
            let message = format!("{number} MiB is less than the {LEAST} MiB Docker needs");
            found.add(&MEMORY_MINIMUM, &container.node.get_or_self(key), message);
        }
    }
}

/// Each limit, and the sum of what is reserved, fits into the task.
fn whole_memory(task: &Task<'_>, node: &Node<'_>, limit: i64, found: &mut Findings) {
    let mut sum: i64 = 0;
    for container in &task.containers {
        let hard = container.node.whole_at("memory");
        if let Some(hard) = hard.filter(|hard| *hard > limit) {
            let message = format!("the limit of {hard} MiB is above the task's {limit} MiB");
            found.add(
                &MEMORY_ABOVE_TASK,
                &container.node.get_or_self("memory"),
                message,
            );
            return;
        }
        let reserved = container.node.whole_at("memoryReservation").or(hard);
        sum = sum.saturating_add(reserved.unwrap_or(0));
    }
    if sum > limit {
        let message = format!("the containers reserve {sum} MiB, the task has {limit} MiB");
        found.add(&MEMORY_ABOVE_TASK, node, message);
    }
}

/// A task's memory: `"1024"`, `1024`, `"1 GB"`, `"1GB"`, `"0.5 GB"`.
pub(super) fn mebibytes(node: &Node<'_>) -> Option<i64> {
    node.whole().or_else(|| thousandfold(node.text()?, "gb"))
}

/// A task's CPU: `"256"`, `256`, `"1 vCPU"`, `".25 vcpu"`.
pub(super) fn cpu_units(node: &Node<'_>) -> Option<i64> {
    node.whole().or_else(|| thousandfold(node.text()?, "vcpu"))
}

/// 1024 times the number before `unit`, with at most three decimals.
fn thousandfold(text: &str, unit: &str) -> Option<i64> {
    let text = text.to_ascii_lowercase();
    let number = text.strip_suffix(unit)?.trim();
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    if decimals.len() > 3 || (whole.is_empty() && decimals.is_empty()) {
        return None;
    }
    let parse = |digits: &str| {
        if digits.is_empty() {
            Some(0)
        } else {
            digits.parse().ok()
        }
    };
    let thousandths: i64 = parse(&format!("{decimals:0<3}"))?;
    let whole: i64 = parse(whole)?;
    whole
        .checked_mul(1000)?
        .checked_add(thousandths)?
        .checked_mul(1024)
        .map(|n| n / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_come_with_units_and_without() {
        assert_eq!(thousandfold("1 vCPU", "vcpu"), Some(1024));
        assert_eq!(thousandfold(".25 vcpu", "vcpu"), Some(256));
        assert_eq!(thousandfold("0.5GB", "gb"), Some(512));
        for text in [
            "GB",
            " gb",
            "x GB",
            "1.2345 GB",
            "99999999999999999999 GB",
            "1 MB",
        ] {
            assert_eq!(thousandfold(text, "gb"), None, "{text}");
        }
    }
}
