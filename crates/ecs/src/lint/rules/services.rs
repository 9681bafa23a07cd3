//! Services: what a service says against itself, and against its task definition.

use std::collections::HashMap;

use super::Served;
use crate::lint::{
    finding::Findings,
    kind::{Document, Kind},
    node::Node,
    rule::topic,
    scope::Scope,
    task::{Container, Mode},
};

topic! { "Services";
    LAUNCH_TYPE_AND_STRATEGY = Error "launch-type-and-capacity-provider" {
        what: "A service has a launch type and a capacity provider strategy.",
        aws: "ECS refuses it: a strategy is instead of a launch type.",
        fix: "Keep the strategy, remove `launchType`.",
    }
    LAUNCH_TYPE = Error "launch-type-incompatible" {
        what: "A service runs on Fargate, but its task definition is not one for Fargate: `requiresCompatibilities` says otherwise, or it lacks `awsvpc`, `cpu` or `memory`.",
        aws: "ECS refuses it: the task definition does not support that launch type.",
        fix: "Add FARGATE to `requiresCompatibilities`, and what Fargate then asks for.",
    }
    NETWORK_CONFIGURATION = Error "network-configuration" {
        what: "A service whose tasks are `awsvpc` has no network configuration, or one whose tasks are not has one.",
        aws: "ECS refuses both.",
        fix: "`networkConfiguration` belongs to `awsvpc`, with subnets and security groups; to nothing else.",
    }
    LOAD_BALANCER_CONTAINER = Error "load-balancer-container" {
        what: "A service's load balancer sends requests to a container that the task definition does not have.",
        aws: "ECS refuses it.",
        fix: "Name a container of the service's task definition.",
    }
    LOAD_BALANCER_PORT = Error "load-balancer-port" {
        what: "A service's load balancer sends requests to a port that the container does not map.",
        aws: "ECS refuses it.",
        fix: "Use a `containerPort` of that container's `portMappings`.",
    }
    DESIRED_COUNT_MISSING = Error "desired-count-missing" {
        what: "A service with replicas does not say how many.",
        aws: "ECS refuses to create it.",
        fix: "Set `desiredCount`.",
    }
    DAEMON_ON_FARGATE = Error "daemon-on-fargate" {
        what: "A daemon service runs on Fargate.",
        aws: "ECS refuses it: a daemon is one task an instance, and there are no instances.",
        fix: "Use REPLICA, or run the daemon as a second container of each task.",
    }
    FARGATE_PLACEMENT = Error "fargate-placement" {
        what: "A service on Fargate has placement constraints or strategies.",
        aws: "ECS refuses it: Fargate places tasks itself, spread over the zones of the subnets.",
        fix: "Remove them.",
    }
    GRACE_PERIOD_UNUSED = Error "grace-period-unused" {
        what: "A service without a load balancer has a health check grace period.",
        aws: "ECS refuses it, or ignores it: there is nothing whose health checks could be overlooked.",
        fix: "Remove it; use the `startPeriod` of the container's health check.",
    }
    GRACE_PERIOD_SHORT = Warning "grace-period-short" {
        what: "A service's health check grace period is shorter than the start period of the container behind the load balancer.",
        aws: "The load balancer calls the container unhealthy while it starts, ECS replaces the task, and so on for ever.",
        fix: "Set `healthCheckGracePeriodSeconds` to at least the start period.",
    }
    SERVICE_DUPLICATE = Warning "service-duplicate" {
        what: "Two services of a cluster have the same name.",
        aws: "ECS refuses the second.",
        fix: "Rename one of them.",
    }
}

pub(super) fn check(service: &Node<'_>, found: &mut Findings) {
    let strategy = service.items("capacityProviderStrategy");
    if let (Some(launch), false) = (service.get("launchType"), strategy.is_empty()) {
        let message = "a capacity provider strategy is there as well";
        found.add(&LAUNCH_TYPE_AND_STRATEGY, &launch, message);
    }
    let daemon = service.text_at("schedulingStrategy") == Some("DAEMON");
    let controller = service.get("deploymentController");
    let external = controller.is_some_and(|c| c.text_at("type") == Some("EXTERNAL"));
    let creates = service.has("serviceName") && !external;
    if creates && !daemon && !service.has("desiredCount") {
        found.add(
            &DESIRED_COUNT_MISSING,
            service,
            "nothing says how many tasks",
        );
    }
    if is_fargate(service) {
        if daemon {
            let place = service.get_or_self("schedulingStrategy");
            found.add(
                &DAEMON_ON_FARGATE,
                &place,
                "Fargate has no instances to put a daemon on",
            );
        }
        let keys = ["placementConstraints", "placementStrategy"];
        for list in keys.iter().filter_map(|key| service.get(key)) {
            if !list.elements().is_empty() {
                found.add(
                    &FARGATE_PLACEMENT,
                    &list,
                    "Fargate takes no word about placement",
                );
            }
        }
    }
    grace_without_balancer(service, found);
}

/// Whether the service's tasks run on Fargate, by launch type or by capacity provider.
pub(super) fn is_fargate(service: &Node<'_>) -> bool {
    let strategy = service.items("capacityProviderStrategy");
    let provider = |entry: &Node<'_>| {
        let name = entry.text_at("capacityProvider");
        matches!(name, Some("FARGATE" | "FARGATE_SPOT"))
    };
    service.text_at("launchType") == Some("FARGATE") || strategy.iter().any(provider)
}

fn grace_without_balancer(service: &Node<'_>, found: &mut Findings) {
    let Some(grace) = service.get("healthCheckGracePeriodSeconds") else {
        return;
    };
    let balanced =
        !service.items("loadBalancers").is_empty() || service.has("volumeConfigurations");
    let created = service.has("serviceName") && !service.has("serviceArn");
    if created && !balanced && grace.whole().is_some_and(|seconds| seconds > 0) {
        found.add(
            &GRACE_PERIOD_UNUSED,
            &grace,
            "the service has no load balancer",
        );
    }
}

/// A service's name is its own within a cluster.
pub(super) fn duplicates(scope: &Scope<'_>, found: &mut Findings) {
    let mut taken: HashMap<(Option<&str>, Option<&str>), &Document<'_>> = HashMap::new();
    for document in scope.of(Kind::Service) {
        let Some(name) = document.node.get("serviceName") else {
            continue;
        };
        let key = (document.node.text_at("cluster"), name.text());
        let first = *taken.entry(key).or_insert(document);
        if !std::ptr::eq(first, document) {
            let message = format!(
                "{} has this name in the same cluster",
                first.node.source.path.display()
            );
            found.add(&SERVICE_DUPLICATE, &name, message);
        }
    }
}

/// A service against the task definition it runs.
pub(super) fn between(service: &Served<'_>, found: &mut Findings) {
    let Some(task) = &service.task else { return };
    if service.is_fargate() && !runs_on_fargate(task) {
        let place = service.node.get("launchType");
        let place = place.unwrap_or_else(|| service.node.get_or_self("capacityProviderStrategy"));
        found.add(
            &LAUNCH_TYPE,
            &place,
            "the task definition is not one for Fargate",
        );
    }
    let network = service.node.get("networkConfiguration");
    let network = network.and_then(|network| network.get("awsvpcConfiguration"));
    let creates = service.node.has("serviceName");
    match (task.mode, network) {
        (Mode::Awsvpc, None) if creates => {
            let message = "tasks on awsvpc need subnets and security groups";
            found.add(
                &NETWORK_CONFIGURATION,
                &service.node.get_or_self("networkConfiguration"),
                message,
            );
        }
        (Mode::Bridge | Mode::Host, Some(network)) if !task.fargate => {
            let message = "the tasks are not on awsvpc and have no network of their own";
            found.add(&NETWORK_CONFIGURATION, &network, message);
        }
        _ => {}
    }
    for key in ["loadBalancers", "serviceRegistries"] {
        for entry in service.node.items(key) {
            target(task, &entry, key == "loadBalancers", found);
        }
    }
    for (_, container) in service.balanced() {
        grace_period(service.node, container, found);
    }
}

/// Whether ECS finds FARGATE among the compatibilities of the task definition.
fn runs_on_fargate(task: &super::Task<'_>) -> bool {
    let required = task.node.get("requiresCompatibilities");
    let required = required.and_then(|required| required.value.as_array());
    let sized = task.node.has("cpu") && task.node.has("memory");
    task.fargate
        || task.is_bare()
        || (required.is_none_or(Vec::is_empty)
            && sized
            && matches!(task.mode, Mode::Awsvpc | Mode::Other))
}

/// The container and port that a load balancer or registry names.
fn target(task: &super::Task<'_>, entry: &Node<'_>, needs_port: bool, found: &mut Findings) {
    let Some(name) = entry.literal_at("containerName") else {
        return;
    };
    let Some(container) = task.container(name) else {
        let message = format!("the task definition has no container `{name}`");
        found.add(
            &LOAD_BALANCER_CONTAINER,
            &entry.get_or_self("containerName"),
            message,
        );
        return;
    };
    let Some(port) = entry.whole_at("containerPort") else {
        return;
    };
    let ports = container.ports();
    let maps = container.mapped().contains(&port) || container.maps_range();
    if (needs_port || !ports.is_empty()) && !maps {
        let message = format!("`{name}` does not map port {port}");
        found.add(
            &LOAD_BALANCER_PORT,
            &entry.get_or_self("containerPort"),
            message,
        );
    }
}

/// Seconds a container says it may need to start are overlooked by the load balancer too.
fn grace_period(service: &Node<'_>, container: &Container<'_>, found: &mut Findings) {
    let start = container
        .node
        .get("healthCheck")
        .and_then(|h| h.whole_at("startPeriod"));
    let Some(start) = start else { return };
    let grace = service
        .whole_at("healthCheckGracePeriodSeconds")
        .unwrap_or(0);
    let unknown = service
        .get("healthCheckGracePeriodSeconds")
        .is_some_and(|g| g.whole().is_none());
    if grace < start && !unknown && service.has("serviceName") {
        let message = format!(
            "{grace} s of grace, but `{}` may take {start} s to start",
            container.label()
        );
        found.add(
            &GRACE_PERIOD_SHORT,
            &service.get_or_self("healthCheckGracePeriodSeconds"),
            message,
        );
    }
}
