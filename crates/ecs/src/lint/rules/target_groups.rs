//! Target groups: their health checks, and whether they fit the tasks that register with them.

use std::ops::RangeInclusive;

use super::{Served, load_balancers};
use crate::{
    lint::{
        finding::Findings,
        kind::{Document, Kind},
        node::Node,
        rule::topic,
        scope::Scope,
        task::{Container, Mode, Program},
    },
    name::patterns::TARGET_GROUP,
};

topic! { "Target groups";
    TARGET_HEALTH_RANGE = Error "target-health-range" {
        what: "A number of a target group's health check is outside of its range: interval 5–300, timeout 2–120, thresholds 2–10.",
        aws: "ELB refuses it.",
        fix: "Choose a number within the range.",
    }
    TARGET_HEALTH_TIMEOUT = Error "target-health-timeout" {
        what: "A target group's health check timeout is not shorter than its interval.",
        aws: "ELB refuses it.",
        fix: "Shorten the timeout; 5 s is plenty for a health check.",
    }
    TARGET_HEALTH_PATH = Error "target-health-path" {
        what: "A health check's path does not begin with `/`.",
        aws: "ELB refuses it.",
        fix: "Begin it with `/`; host and scheme are not part of it.",
    }
    TARGET_TYPE = Error "target-type" {
        what: "A target group's type does not fit the tasks' network mode: `ip` for `awsvpc`, `instance` for `bridge` and `host`.",
        aws: "ECS refuses the service.",
        fix: "Create the target group with the other `TargetType`; it cannot be changed later.",
    }
    TARGET_GROUP_UNATTACHED = Error "target-group-unattached" {
        what: "A service uses a target group that no listener and no rule leads to, or not yet when the plan creates the service.",
        aws: "ECS refuses the service: the target group has no load balancer.",
        fix: "Add a rule, or put its step before the service's.",
    }
    HEALTH_PATH_NOT_SERVED = Error "health-path-not-served" {
        what: "A target group checks a path that the program behind it does not have.",
        aws: "Each check gets 404: no task ever becomes healthy, and ECS replaces them for ever.",
        fix: "A node answers `/ping`, the client `/`.",
    }
}

/// The attribute for how long a leaving target drains.
pub(super) const DEREGISTRATION_DELAY: &str = "deregistration_delay.timeout_seconds";

/// ELB API reference, `CreateTargetGroup`.
const RANGES: [(&str, RangeInclusive<i64>); 4] = [
    ("HealthCheckIntervalSeconds", 5..=300),
    ("HealthCheckTimeoutSeconds", 2..=120),
    ("HealthyThresholdCount", 2..=10),
    ("UnhealthyThresholdCount", 2..=10),
];

/// Seconds between checks, and for one, of an HTTP target group when the file is silent.
const INTERVAL: i64 = 30;
const TIMEOUT: i64 = 5;

pub(super) fn check(node: &Node<'_>, found: &mut Findings) {
    load_balancers::name(node, &TARGET_GROUP, found);
    for (key, range) in RANGES {
        let Some(value) = node.get(key) else { continue };
        if let Some(number) = value.whole().filter(|number| !range.contains(number)) {
            let message = format!(
                "{number} is not within {} and {}",
                range.start(),
                range.end()
            );
            found.add(&TARGET_HEALTH_RANGE, &value, message);
            return;
        }
    }
    // The health checks of Network Load Balancers over TCP may take the whole interval.
    let http = matches!(node.text_at("Protocol"), Some("HTTP" | "HTTPS"));
    let interval = node
        .get("HealthCheckIntervalSeconds")
        .map_or(Some(INTERVAL), |n| n.whole());
    let timeout = node
        .get("HealthCheckTimeoutSeconds")
        .map_or(Some(TIMEOUT), |n| n.whole());
    if let (Some(interval), Some(timeout)) = (interval, timeout)
        && timeout >= interval
        && http
    {
        let message =
            format!("a check may take {timeout} s, and the next comes after {interval} s");
        let place = match node.has("HealthCheckTimeoutSeconds") {
            true => "HealthCheckTimeoutSeconds",
            false => "HealthCheckIntervalSeconds",
        };
        found.add(&TARGET_HEALTH_TIMEOUT, &node.get_or_self(place), message);
    }
    let path = node.get("HealthCheckPath");
    if let Some(path) = path.filter(|path| path.literal().is_some_and(|p| !p.starts_with('/'))) {
        // gRPC's is /package.service/method, so it begins the same way.
        found.add(
            &TARGET_HEALTH_PATH,
            &path,
            "the path does not begin with `/`",
        );
    }
}

/// The target groups of a service against its tasks.
pub(super) fn between<'a>(scope: &Scope<'a>, service: &Served<'a>, found: &mut Findings) {
    for balancer in service.node.items("loadBalancers") {
        let Some(arn) = balancer.get("targetGroupArn") else {
            continue;
        };
        attached(scope, service.document, &arn, found);
        let Some(group) = scope.find(Kind::TargetGroup, &arn) else {
            continue;
        };
        if let Some(task) = &service.task {
            target_type(&group.node, task.mode, found);
            let container = balancer
                .text_at("containerName")
                .and_then(|name| task.container(name));
            if let Some(container) = container {
                health_path(&group.node, container, found);
            }
        }
    }
}

/// Some listener leads to the group before the service is created.
fn attached<'a>(scope: &Scope<'a>, service: &Document<'a>, arn: &Node<'a>, found: &mut Findings) {
    let routing = scope.routing();
    let ways = routing.ways(scope.identity(Kind::TargetGroup, arn));
    if !scope.any(Kind::Listener) && !scope.any(Kind::ListenerRule) {
        return;
    }
    // Nobody is blamed for a name that cannot be told: it may be this group's.
    let known = scope.find(Kind::TargetGroup, arn).is_some() && routing.all_known;
    if ways.is_empty() && known {
        found.add(
            &TARGET_GROUP_UNATTACHED,
            arn,
            "no listener and no rule leads to this target group",
        );
        return;
    }
    let first = ways.iter().filter_map(|way| scope.order(way)).min();
    if first > scope.order(service) && first.is_some() && scope.order(service).is_some() {
        let message = "the plan creates the service before a rule leads to its target group";
        found.add(&TARGET_GROUP_UNATTACHED, arn, message);
    }
}

fn target_type(group: &Node<'_>, mode: Mode, found: &mut Findings) {
    let kind = group
        .get("TargetType")
        .map_or(Some("instance"), |kind| kind.text());
    let message = match (kind, mode) {
        (Some("instance"), Mode::Awsvpc) => "tasks on awsvpc register by IP address: `ip`",
        (Some("ip"), Mode::Bridge | Mode::Host) => {
            "these tasks register with their instance: `instance`"
        }
        _ => return,
    };
    found.add(&TARGET_TYPE, &group.get_or_self("TargetType"), message);
}

/// Paths of our own programs are known.
fn health_path(group: &Node<'_>, container: &Container<'_>, found: &mut Findings) {
    let path = group
        .get("HealthCheckPath")
        .map_or(Some("/"), |path| path.literal());
    let (Some(path), Some(program)) = (path, container.program()) else {
        return;
    };
    if path.starts_with('/') && !serves(program, path) {
        let message = format!("`{}` has no `{path}`", container.label());
        found.add(
            &HEALTH_PATH_NOT_SERVED,
            &group.get_or_self("HealthCheckPath"),
            message,
        );
    }
}

/// Whether the program has the path, which may hold wildcards.
pub(super) fn serves(program: Program, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or(path);
    match program {
        Program::Node => matches!(path, "/ping" | "/healthz" | "/start" | "/meow"),
        Program::Client => matches!(path, "/" | "/healthz") || path.starts_with("/assets/"),
    }
}
