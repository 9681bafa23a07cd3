//! Auto scaling of services.

use std::collections::{HashMap, HashSet};

use crate::lint::{
    finding::Findings,
    kind::{Document, Kind},
    node::Node,
    reference,
    rule::topic,
    scope::Scope,
};
use crate::service::MAX_TASKS;

topic! { "Scaling";
    SCALING_RANGE = Error "scaling-range" {
        what: "A scalable target's least capacity is above its most.",
        aws: "Application Auto Scaling refuses it.",
        fix: "Swap them.",
    }
    SCALING_LABEL = Error "scaling-label" {
        what: "A policy on requests per target does not say which target group, in `ResourceLabel`.",
        aws: "Application Auto Scaling refuses it.",
        fix: "Set it to `app/<load balancer>/<id>/targetgroup/<target group>/<id>`.",
    }
    SCALING_TARGET_MISSING = Warning "scaling-target-missing" {
        what: "A scaling policy is about a service that no file makes scalable, while others are.",
        aws: "Application Auto Scaling refuses it: no scalable target.",
        fix: "Register the scalable target first, with the same `ResourceId`.",
    }
    SCALING_SERVICE_MISSING = Warning "scaling-service-missing" {
        what: "A scalable target names a service that none of the files creates, while others are created.",
        aws: "Application Auto Scaling refuses it: the service does not exist.",
        fix: "Correct `ResourceId`, which is `service/<cluster>/<service>`.",
    }
    SCALING_DESIRED = Warning "scaling-desired-count" {
        what: "A service's desired count is not within the least and most capacity of its scaling.",
        aws: "Scaling moves it into the range; each deployment that sends the count moves it back out.",
        fix: "Choose a desired count within the range.",
    }
    TASK_QUOTA = Warning "task-quota" {
        what: "A service's desired count, or a capacity of its scaling, is above 5,000 tasks.",
        aws: "ECS does not start more: 5,000 is the quota of a service's tasks.",
        fix: "Stay below it; the rehearsal refuses more.",
    }
}

/// A service's own count, and the capacities of a scalable target.
pub(super) fn check_quota(node: &Node<'_>, found: &mut Findings) {
    for key in ["desiredCount", "MinCapacity", "MaxCapacity"] {
        let Some(tasks) = node.whole_at(key).filter(|t| *t > MAX_TASKS.into()) else {
            continue;
        };
        let message = format!("{tasks} tasks, and the quota is {MAX_TASKS}");
        found.add(&TASK_QUOTA, &node.get_or_self(key), message);
    }
}

pub(super) fn check(node: &Node<'_>, found: &mut Findings) {
    if let (Some(least), Some(most)) = (node.whole_at("MinCapacity"), node.whole_at("MaxCapacity"))
        && least > most
    {
        let message = format!("at least {least} and at most {most}");
        found.add(&SCALING_RANGE, &node.get_or_self("MinCapacity"), message);
    }
    let tracking = node.get("TargetTrackingScalingPolicyConfiguration");
    let metric = tracking.and_then(|t| t.get("PredefinedMetricSpecification"));
    let Some(metric) = metric else { return };
    let per_target = metric.text_at("PredefinedMetricType") == Some("ALBRequestCountPerTarget");
    if per_target && !metric.has("ResourceLabel") {
        found.add(
            &SCALING_LABEL,
            &metric,
            "nothing says which target group's requests count",
        );
    }
}

pub(super) fn between(scope: &Scope<'_>, found: &mut Findings) {
    let targets: Vec<_> = scope.of(Kind::ScalableTarget).collect();
    let known = targets.iter().filter_map(|t| t.node.text_at("ResourceId"));
    let known: HashSet<&str> = known.collect();
    for policy in scope.of(Kind::ScalingPolicy) {
        let Some(id) = policy.node.get("ResourceId") else {
            continue;
        };
        let unknown = id.literal().is_some_and(|id| !known.contains(id));
        if !targets.is_empty() && unknown {
            let message = format!("no file makes `{}` scalable", id.text().unwrap_or(""));
            found.add(&SCALING_TARGET_MISSING, &id, message);
        }
    }
    if !scope.any(Kind::Service) {
        return;
    }
    let mut services = HashMap::new();
    for document in scope.of(Kind::Service) {
        if let Some(name) = reference::own_name(document) {
            services.entry(name).or_insert(document);
        }
    }
    for target in targets {
        service(&services, &target.node, found);
    }
}

/// A scalable target against the service it names.
fn service(services: &HashMap<&str, &Document<'_>>, target: &Node<'_>, found: &mut Findings) {
    let Some(id) = target.get("ResourceId") else {
        return;
    };
    let Some(name) = id.literal().and_then(|id| id.strip_prefix("service/")) else {
        return;
    };
    let name = name.rsplit('/').next();
    let Some(service) = name.and_then(|name| services.get(name)) else {
        let message = format!("no file creates the service `{}`", name.unwrap_or(""));
        found.add(&SCALING_SERVICE_MISSING, &id, message);
        return;
    };
    let Some(desired) = service.node.get("desiredCount") else {
        return;
    };
    let least = target.whole_at("MinCapacity").unwrap_or(0);
    let most = target.whole_at("MaxCapacity").unwrap_or(i64::MAX);
    if desired
        .whole()
        .is_some_and(|count| !(least..=most).contains(&count))
        && least <= most
    {
        let message = format!("the service is scaled between {least} and {most}");
        found.add(&SCALING_DESIRED, &desired, message);
    }
}
