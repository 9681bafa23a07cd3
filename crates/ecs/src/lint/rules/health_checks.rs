//! Health checks of containers. Numbers are those of the ECS API reference for `HealthCheck`.

use std::ops::RangeInclusive;

use crate::lint::{finding::Findings, node::Node, rule::topic, task::Task};

topic! { "Container health checks";
    HEALTH_CHECK_COMMAND = Error "health-check-command" {
        what: "A health check's command is missing, or does not begin with CMD or CMD-SHELL and a command after it.",
        aws: "ECS refuses it, or the check fails each time and the task is replaced for ever.",
        fix: "Write `[\"CMD\", \"program\", \"argument\"]` or `[\"CMD-SHELL\", \"one line for the shell\"]`.",
    }
    HEALTH_CHECK_SHELL_WORDS = Error "health-check-shell-words" {
        what: "CMD-SHELL has more than one text behind it.",
        aws: "The shell takes the first as its whole script; the others become arguments that nobody reads.",
        fix: "Join them to one line, or use CMD.",
    }
    HEALTH_CHECK_RANGE = Error "health-check-range" {
        what: "A number of a health check is outside of its range: interval 5–300, timeout 2–60, retries 1–10, startPeriod 0–300.",
        aws: "ECS refuses it.",
        fix: "Choose a number within the range.",
    }
    HEALTH_CHECK_TIMEOUT = Warning "health-check-timeout" {
        what: "A health check's timeout is longer than its interval.",
        aws: "Docker waits for a check before it counts the interval again, so a container that hangs is noticed later than the interval says.",
        fix: "Make the timeout shorter than the interval.",
    }
}

/// Seconds between checks, and for one, when the file is silent.
const INTERVAL: i64 = 30;
const TIMEOUT: i64 = 5;

const RANGES: [(&str, RangeInclusive<i64>); 4] = [
    ("interval", 5..=300),
    ("timeout", 2..=60),
    ("retries", 1..=10),
    ("startPeriod", 0..=300),
];

pub(super) fn check(task: &Task<'_>, found: &mut Findings) {
    for container in &task.containers {
        if let Some(health) = container.node.get("healthCheck") {
            command(&health, found);
            numbers(&health, found);
        }
    }
}

/// The command is a list that says who runs it.
fn command(health: &Node<'_>, found: &mut Findings) {
    let place = health.get_or_self("command");
    let Some(command) = health.get("command") else {
        found.add(
            &HEALTH_CHECK_COMMAND,
            &place,
            "the health check has no command",
        );
        return;
    };
    let words = command.elements();
    let Some(first) = words.first() else {
        found.add(&HEALTH_CHECK_COMMAND, &place, "the command is empty");
        return;
    };
    match first.text() {
        Some("CMD" | "CMD-SHELL") if words.len() < 2 => {
            found.add(
                &HEALTH_CHECK_COMMAND,
                &place,
                "there is no command behind the first word",
            );
        }
        Some("CMD-SHELL") if words.len() > 2 => {
            let message = "the shell runs only the first text behind CMD-SHELL";
            found.add(
                &HEALTH_CHECK_SHELL_WORDS,
                words.get(2).unwrap_or(&place),
                message,
            );
        }
        Some("CMD" | "CMD-SHELL") => {}
        Some(_) if first.literal().is_none() => {}
        _ => {
            let message = "the command does not begin with CMD or CMD-SHELL";
            found.add(&HEALTH_CHECK_COMMAND, first, message);
        }
    }
}

fn numbers(health: &Node<'_>, found: &mut Findings) {
    for (key, range) in RANGES {
        let Some(node) = health.get(key) else {
            continue;
        };
        if let Some(number) = node.whole().filter(|number| !range.contains(number)) {
            let message = format!(
                "{key} {number} is not within {} and {}",
                range.start(),
                range.end()
            );
            found.add(&HEALTH_CHECK_RANGE, &node, message);
            return;
        }
    }
    let interval = health.whole_at("interval").unwrap_or(INTERVAL);
    let timeout = health.whole_at("timeout").unwrap_or(TIMEOUT);
    if timeout > interval {
        let message =
            format!("a check may take {timeout} s, longer than the {interval} s between two");
        found.add(
            &HEALTH_CHECK_TIMEOUT,
            &health.get_or_self("timeout"),
            message,
        );
    }
}
