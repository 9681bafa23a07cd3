//! Rolling deployments: whether they can move, and what happens when they do not come up.

use super::Served;
use crate::lint::{
    finding::Findings, kind::Kind, node::Node, rule::topic, scope::Scope, task::Task,
};

topic! { "Deployments";
    DEPLOYMENT_PERCENT = Error "deployment-percent" {
        what: "`maximumPercent` is below 100 or not above `minimumHealthyPercent`, or a percentage is below 0.",
        aws: "ECS refuses it, or no deployment can ever replace a task.",
        fix: "Use 100 and 200, or with spare capacity short, 50 and 100.",
    }
    DEPLOYMENT_STUCK = Error "deployment-cannot-move" {
        what: "With this desired count, the percentages let ECS neither start a task nor stop one.",
        aws: "A deployment waits for ever: at least ceil(desired × minimum) tasks must stay, at most floor(desired × maximum) may run.",
        fix: "Raise `maximumPercent` or lower `minimumHealthyPercent` until one task can come or go.",
    }
    DEPLOYMENT_DOWNTIME = Warning "deployment-downtime" {
        what: "A service behind a load balancer may lose all its tasks during a deployment.",
        aws: "With a minimum of 0, ECS may stop the old tasks before new ones run; requests get 503.",
        fix: "Set `minimumHealthyPercent` to 100, or to what at least one task makes.",
    }
    CIRCUIT_BREAKER_OFF = Warning "circuit-breaker-off" {
        what: "A service has no deployment circuit breaker.",
        aws: "ECS starts a revision that does not come up again and again, for hours, and calls the deployment in progress.",
        fix: "Set `deploymentConfiguration.deploymentCircuitBreaker` to enable and rollback.",
    }
    CIRCUIT_BREAKER_NO_ROLLBACK = Warning "circuit-breaker-no-rollback" {
        what: "The circuit breaker does not roll back.",
        aws: "The deployment fails and the service stays with whatever tasks it has at that moment.",
        fix: "Set `rollback` to true.",
    }
    HOST_PORT_BLOCKS = Warning "host-port-blocks-deployment" {
        what: "Tasks take a fixed port of their instance, and no task may stop before its replacement runs.",
        aws: "An instance takes one such task at a time; without a free instance the deployment waits: no instance meets all requirements.",
        fix: "Use host port 0, or lower `minimumHealthyPercent`, or keep more instances than tasks.",
    }
    DEPLOYMENT_ALARM_MISSING = Warning "deployment-alarm-missing" {
        what: "A deployment watches an alarm that none of the files creates, while others are created.",
        aws: "ECS refuses it, or never rolls back for that alarm.",
        fix: "Create the alarm, or correct the name.",
    }
}

/// The percentages that hold for replicas when the file is silent.
const MINIMUM: i64 = 100;
const MAXIMUM: i64 = 200;

pub(super) fn check(service: &Node<'_>, found: &mut Findings) {
    if !is_rolling(service) {
        return;
    }
    let configuration = service.get("deploymentConfiguration");
    if !percentages(service, found) {
        stuck(service, found);
        downtime(service, found);
    }
    let breaker = configuration.and_then(|c| c.get("deploymentCircuitBreaker"));
    let created = service.has("serviceName");
    match breaker {
        Some(breaker)
            if breaker.flag_at("enable") == Some(true)
                && (breaker.flag_at("rollback") == Some(false) || !breaker.has("rollback")) =>
        {
            let place = breaker.get_or_self("rollback");
            found.add(
                &CIRCUIT_BREAKER_NO_ROLLBACK,
                &place,
                "a failed deployment is not taken back",
            );
        }
        Some(breaker) if breaker.flag_at("enable") == Some(false) => {
            found.add(
                &CIRCUIT_BREAKER_OFF,
                &breaker.get_or_self("enable"),
                "the circuit breaker is off",
            );
        }
        None if created => {
            let place = service.get_or_self("deploymentConfiguration");
            found.add(&CIRCUIT_BREAKER_OFF, &place, "there is no circuit breaker");
        }
        _ => {}
    }
}

/// Replicas that ECS itself replaces bit by bit.
fn is_rolling(service: &Node<'_>) -> bool {
    let controller = service
        .get("deploymentController")
        .and_then(|c| c.text_at("type"));
    let strategy = service
        .get("deploymentConfiguration")
        .and_then(|c| c.text_at("strategy"));
    controller.is_none_or(|controller| controller == "ECS")
        && strategy.is_none_or(|strategy| strategy == "ROLLING")
        && service.text_at("schedulingStrategy") != Some("DAEMON")
}

fn limits(service: &Node<'_>) -> (i64, i64) {
    let configuration = service.get("deploymentConfiguration");
    let at = |key| configuration.as_ref().and_then(|c| c.whole_at(key));
    (
        at("minimumHealthyPercent").unwrap_or(MINIMUM),
        at("maximumPercent").unwrap_or(MAXIMUM),
    )
}

/// `ceil(desired × minimum)`, the tasks that must stay.
fn fewest(desired: i64, minimum: i64) -> i64 {
    let hundredths = desired.saturating_mul(minimum);
    hundredths / 100 + i64::from(hundredths % 100 > 0)
}

/// Whether the percentages make no sense, whatever the count.
fn percentages(service: &Node<'_>, found: &mut Findings) -> bool {
    let (minimum, maximum) = limits(service);
    let Some(configuration) = service.get("deploymentConfiguration") else {
        return false;
    };
    let bad = maximum < 100 || minimum > maximum || minimum < 0;
    if bad {
        let message = format!("at least {minimum} % and at most {maximum} % leave no room");
        let place = if configuration.has("maximumPercent") {
            "maximumPercent"
        } else {
            "minimumHealthyPercent"
        };
        found.add(
            &DEPLOYMENT_PERCENT,
            &configuration.get_or_self(place),
            message,
        );
    }
    bad
}

/// One task can start, or one can stop.
fn stuck(service: &Node<'_>, found: &mut Findings) {
    let (minimum, maximum) = limits(service);
    let desired = service
        .whole_at("desiredCount")
        .filter(|desired| *desired > 0);
    let stuck = match desired {
        Some(desired) => {
            let most = desired.saturating_mul(maximum) / 100;
            most <= desired && fewest(desired, minimum) >= desired
        }
        None => minimum >= 100 && maximum <= 100,
    };
    if stuck {
        let place = service.get_or_self("deploymentConfiguration");
        let place = if place.has("maximumPercent") {
            place.get_or_self("maximumPercent")
        } else {
            place.get_or_self("minimumHealthyPercent")
        };
        let count = desired.map_or(String::new(), |desired| format!(" of {desired}"));
        let message =
            format!("{minimum} % to {maximum} %{count}: no task may start and none may stop");
        found.add(&DEPLOYMENT_STUCK, &place, message);
    }
}

/// Something stays to answer requests.
fn downtime(service: &Node<'_>, found: &mut Findings) {
    let Some(configuration) = service.get("deploymentConfiguration") else {
        return;
    };
    let Some(minimum) = configuration.get("minimumHealthyPercent") else {
        return;
    };
    let desired = service.whole_at("desiredCount");
    let none = minimum.whole().is_some_and(|m| m == 0) && desired != Some(0);
    if none && !service.items("loadBalancers").is_empty() {
        let message = "all tasks may be stopped before new ones run";
        found.add(&DEPLOYMENT_DOWNTIME, &minimum, message);
    }
}

pub(super) fn between(scope: &Scope<'_>, service: &Served<'_>, found: &mut Findings) {
    alarms(scope, service.node, found);
    if let Some(task) = service.task.as_ref().filter(|_| is_rolling(service.node)) {
        host_ports(scope, service.node, task, found);
    }
}

/// Where files create alarms, they create those that a deployment watches.
fn alarms(scope: &Scope<'_>, service: &Node<'_>, found: &mut Findings) {
    let created = scope.names(Kind::Alarm);
    let alarms = service
        .get("deploymentConfiguration")
        .and_then(|c| c.get("alarms"));
    let Some(alarms) = alarms.filter(|_| !created.is_empty()) else {
        return;
    };
    for name in alarms.items("alarmNames") {
        if name.literal().is_some_and(|name| !created.contains(name)) {
            let message = format!("no file creates the alarm `{}`", name.text().unwrap_or(""));
            found.add(&DEPLOYMENT_ALARM_MISSING, &name, message);
        }
    }
}

/// A fixed host port lets an instance run one task of the service.
fn host_ports(scope: &Scope<'_>, service: &Node<'_>, task: &Task<'_>, found: &mut Findings) {
    let (minimum, _) = limits(service);
    let Some(desired) = service
        .whole_at("desiredCount")
        .filter(|desired| *desired > 0)
    else {
        return;
    };
    if fewest(desired, minimum) < desired || !service.items("capacityProviderStrategy").is_empty() {
        return;
    }
    let instances = scope.instances();
    if instances.is_some_and(|instances| instances > desired) {
        return;
    }
    if let Some(port) = task.fixed_port() {
        let message = format!(
            "each task takes port {port} of its instance, and {minimum} % must stay: a deployment needs {} instances",
            desired.saturating_add(1)
        );
        let place = service.get_or_self("deploymentConfiguration");
        found.add(
            &HOST_PORT_BLOCKS,
            &place.get_or_self("minimumHealthyPercent"),
            message,
        );
    }
}
