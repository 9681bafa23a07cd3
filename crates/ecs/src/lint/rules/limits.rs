//! The program's own limits against those of ECS and the load balancer.
//!
//! They are read from variables in milliseconds: `REQUEST_TIMEOUT_MS`, `CONNECT_TIMEOUT_MS`,
//! `KEEP_ALIVE_MS`, `DRAIN_DELAY_MS`, `SHUTDOWN_GRACE_MS`. For our own two programs their defaults
//! count as well; of other programs only what their files say.

use super::{Served, load_balancers, target_groups};
use crate::lint::{
    finding::Findings,
    kind::Kind,
    node::Node,
    rule::topic,
    scope::Scope,
    task::{Container, Program, Task},
};

topic! { "The program's own limits";
    STOP_TIMEOUT_SHORT = Error "stop-timeout-short" {
        what: "DRAIN_DELAY_MS and SHUTDOWN_GRACE_MS together are not shorter than `stopTimeout` (30 s when the file is silent).",
        aws: "ECS kills the container while it still finishes requests.",
        fix: "Raise `stopTimeout`, on Fargate to at most 120 s, or shorten the drain.",
    }
    KEEP_ALIVE_SHORT = Error "keep-alive-short" {
        what: "KEEP_ALIVE_MS is not longer than the load balancer's idle timeout (60 s when no file says).",
        aws: "The target closes a connection on which the load balancer is about to send a request: 502.",
        fix: "Make KEEP_ALIVE_MS longer than the idle timeout, by some seconds.",
    }
    REQUEST_TIMEOUT_LONG = Error "request-timeout-long" {
        what: "REQUEST_TIMEOUT_MS is not shorter than the load balancer's idle timeout.",
        aws: "The load balancer answers 504 before the program says what went wrong.",
        fix: "Shorten REQUEST_TIMEOUT_MS, or raise `idle_timeout.timeout_seconds`.",
    }
    CONNECT_TIMEOUT_LONG = Warning "connect-timeout-long" {
        what: "CONNECT_TIMEOUT_MS is not shorter than REQUEST_TIMEOUT_MS.",
        aws: "Nothing: a connect that hangs uses up the whole request, and is reported as slow instead of unreachable.",
        fix: "Shorten CONNECT_TIMEOUT_MS.",
    }
    DEREGISTRATION_DELAY_SHORT = Error "deregistration-delay-short" {
        what: "A target group's deregistration delay is shorter than the longest request, REQUEST_TIMEOUT_MS.",
        aws: "When a task leaves, the load balancer cuts requests that are still being answered.",
        fix: "Make `deregistration_delay.timeout_seconds` at least as long as the longest request.",
    }
    DRAIN_DELAY_NONE = Warning "drain-delay-none" {
        what: "A container behind a load balancer stops serving at once on SIGTERM: DRAIN_DELAY_MS is 0.",
        aws: "When an instance drains, or Spot takes it back, SIGTERM comes before the load balancer has stopped sending.",
        fix: "Set DRAIN_DELAY_MS to a few seconds.",
    }
}

/// Defaults of our own programs, in milliseconds. A test holds them against the
/// help texts of the programs.
const REQUEST_TIMEOUT: i64 = 5_000;
const CONNECT_TIMEOUT: i64 = 1_000;
const KEEP_ALIVE: i64 = 75_000;
const DRAIN_DELAY: i64 = 0;
const SHUTDOWN_GRACE: i64 = 20_000;

/// Seconds between SIGTERM and SIGKILL when a container does not say: the agent's default.
const STOP_TIMEOUT: i64 = 30;

/// The default of `REQUEST_TIMEOUT_MS`, which only a node has.
pub(super) fn request_timeout(container: &Container<'_>) -> Option<i64> {
    (container.program() == Some(Program::Node)).then_some(REQUEST_TIMEOUT)
}

pub(super) fn check(task: &Task<'_>, found: &mut Findings) {
    for container in &task.containers {
        stopping(container, found);
        connecting(container, found);
    }
}

/// Drain and grace fit between SIGTERM and SIGKILL.
fn stopping(container: &Container<'_>, found: &mut Findings) {
    let delay = container.milliseconds("DRAIN_DELAY_MS", Some(DRAIN_DELAY));
    let grace = container.milliseconds("SHUTDOWN_GRACE_MS", Some(SHUTDOWN_GRACE));
    if delay.is_none() && grace.is_none() {
        return;
    }
    let sum = [delay, grace]
        .into_iter()
        .flatten()
        .fold(0, |sum: i64, (ms, _)| sum.saturating_add(ms));
    let stop = container.node.get("stopTimeout");
    let seconds = match &stop {
        Some(stop) => stop.whole(),
        None => Some(STOP_TIMEOUT),
    };
    let Some(seconds) = seconds else { return };
    if sum >= seconds.saturating_mul(1000) {
        let message =
            format!("draining takes up to {sum} ms, but the container is killed after {seconds} s");
        found.add(
            &STOP_TIMEOUT_SHORT,
            &stop.unwrap_or_else(|| container.node.clone()),
            message,
        );
    }
}

fn connecting(container: &Container<'_>, found: &mut Findings) {
    let connect = container.milliseconds(
        "CONNECT_TIMEOUT_MS",
        request_timeout(container).map(|_| CONNECT_TIMEOUT),
    );
    let request = container.milliseconds("REQUEST_TIMEOUT_MS", request_timeout(container));
    let (Some((connect, place)), Some((request, _))) = (connect, request) else {
        return;
    };
    if connect >= request {
        let message = format!("a connect may take {connect} ms, a whole request {request} ms");
        found.add(&CONNECT_TIMEOUT_LONG, &place, message);
    }
}

/// Containers behind a load balancer against its timeouts.
pub(super) fn between<'a>(scope: &Scope<'a>, service: &Served<'a>, found: &mut Findings) {
    for (balancer, container) in service.balanced() {
        let Some(group) = balancer.get("targetGroupArn") else {
            continue;
        };
        let request = container.milliseconds("REQUEST_TIMEOUT_MS", request_timeout(container));
        if let Some(idle) = load_balancers::idle_timeout(scope, &group) {
            against_idle(container, request.as_ref(), idle, found);
        }
        deregistration(scope, &group, request.as_ref(), found);
        let delay = container.milliseconds("DRAIN_DELAY_MS", Some(DRAIN_DELAY));
        if let Some((0, place)) = delay {
            let message = format!(
                "`{}` is behind a load balancer and stops serving at once",
                container.label()
            );
            found.add(&DRAIN_DELAY_NONE, &place, message);
        }
    }
}

/// Keep-alive above, requests below the idle timeout, in seconds.
fn against_idle(
    container: &Container<'_>,
    request: Option<&(i64, Node<'_>)>,
    idle: i64,
    found: &mut Findings,
) {
    let idle_ms = idle.saturating_mul(1000);
    if let Some((keep_alive, place)) = container.milliseconds("KEEP_ALIVE_MS", Some(KEEP_ALIVE))
        && keep_alive <= idle_ms
    {
        let message = format!(
            "connections are closed after {keep_alive} ms, the load balancer keeps them {idle} s"
        );
        found.add(&KEEP_ALIVE_SHORT, &place, message);
    }
    if let Some((request, place)) = request.filter(|(request, _)| *request >= idle_ms) {
        let message =
            format!("a request may take {request} ms, the load balancer gives up after {idle} s");
        found.add(&REQUEST_TIMEOUT_LONG, place, message);
    }
}

/// A leaving target keeps its requests as long as they may take.
fn deregistration<'a>(
    scope: &Scope<'a>,
    group: &Node<'a>,
    request: Option<&(i64, Node<'_>)>,
    found: &mut Findings,
) {
    let Some((request, _)) = request else { return };
    let group = scope.identity(Kind::TargetGroup, group);
    for document in scope.routing().group(group) {
        let Some(value) =
            load_balancers::attribute(&document.node, target_groups::DEREGISTRATION_DELAY)
        else {
            continue;
        };
        if let Some(delay) = value
            .whole()
            .filter(|delay| delay.saturating_mul(1000) < *request)
        {
            let message =
                format!("a leaving target has {delay} s, a request may take {request} ms");
            found.add(&DEREGISTRATION_DELAY_SHORT, &value, message);
        }
    }
}
