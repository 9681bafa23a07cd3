//! What a JSON object is the body of, told by its contents: names of files mean nothing.

use super::{node::Node, source::Source};

/// The kinds of objects some rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Cluster,
    TaskDefinition,
    Service,
    LoadBalancer,
    LoadBalancerAttributes,
    TargetGroup,
    TargetGroupAttributes,
    Listener,
    ListenerRule,
    LogGroup,
    Repository,
    ScalableTarget,
    ScalingPolicy,
    Alarm,
    AutoScalingGroup,
    Plan,
}

/// One object of a known kind. A file can hold several, as the answer of a `describe` call does.
pub(super) struct Document<'a> {
    pub(super) kind: Kind,
    pub(super) node: Node<'a>,
}

/// Keys under which the answers of AWS calls hold what the calls' input is at the top.
const WRAPPERS: [&str; 15] = [
    "cluster",
    "clusters",
    "taskDefinition",
    "service",
    "services",
    "TargetGroups",
    "LoadBalancers",
    "Listeners",
    "Rules",
    "logGroups",
    "repositories",
    "ScalableTargets",
    "ScalingPolicies",
    "MetricAlarms",
    "AutoScalingGroups",
];

/// Everything of a known kind in the file.
pub(super) fn documents(source: &Source) -> Vec<Document<'_>> {
    let Some(root) = source.root() else {
        return Vec::new();
    };
    if let Some(kind) = kind(&root) {
        return vec![Document { kind, node: root }];
    }
    let wrapped = WRAPPERS.iter().filter_map(|key| root.get(key));
    wrapped
        .flat_map(|node| match node.value.is_array() {
            true => node.elements(),
            false => vec![node],
        })
        .filter_map(|node| kind(&node).map(|kind| Document { kind, node }))
        .collect()
}

fn kind(node: &Node<'_>) -> Option<Kind> {
    let has = |key| node.has(key);
    let any = |keys: &[&str]| keys.iter().any(|key| node.has(key));
    if is_plan(node) {
        return Some(Kind::Plan);
    }
    if is_containers(node)
        || node
            .get("containerDefinitions")
            .is_some_and(|c| c.value.is_array())
    {
        return Some(Kind::TaskDefinition);
    }
    let service = has("serviceName") || node.text_at("service").is_some();
    let serves = [
        "taskDefinition",
        "desiredCount",
        "deploymentConfiguration",
        "schedulingStrategy",
        "launchType",
    ];
    if service && any(&serves) && !any(&["externalId", "scale"]) {
        return Some(Kind::Service);
    }
    if has("TargetGroupArn") && has("Attributes") {
        return Some(Kind::TargetGroupAttributes);
    }
    if has("LoadBalancerArn") && has("Attributes") {
        return Some(Kind::LoadBalancerAttributes);
    }
    let probes = [
        "TargetType",
        "HealthCheckPath",
        "HealthCheckProtocol",
        "HealthCheckIntervalSeconds",
        "HealthyThresholdCount",
        "UnhealthyThresholdCount",
        "Matcher",
    ];
    let routed = has("Protocol") && has("Port") && has("VpcId");
    if any(&["Name", "TargetGroupName"]) && (any(&probes) || routed) {
        return Some(Kind::TargetGroup);
    }
    if any(&["Conditions", "RuleArn"]) && any(&["Actions"]) && has("Priority") {
        return Some(Kind::ListenerRule);
    }
    if has("DefaultActions") {
        return Some(Kind::Listener);
    }
    // A classic load balancer brings its listeners along; no rule is about it.
    if any(&["Name", "LoadBalancerName"])
        && !has("Listeners")
        && any(&["Subnets", "SubnetMappings", "AvailabilityZones"])
    {
        return Some(Kind::LoadBalancer);
    }
    if has("AutoScalingGroupName") && any(&["MaxSize", "MinSize"]) {
        return Some(Kind::AutoScalingGroup);
    }
    if has("AlarmName") && any(&["MetricName", "Metrics", "ComparisonOperator"]) {
        return Some(Kind::Alarm);
    }
    if has("ScalableDimension") && has("ResourceId") {
        let policy = any(&["PolicyName", "PolicyType"]);
        return Some(if policy {
            Kind::ScalingPolicy
        } else {
            Kind::ScalableTarget
        });
    }
    if node.text_at("logGroupName").is_some() && !has("logStreamName") && !has("filterName") {
        return Some(Kind::LogGroup);
    }
    let cluster = [
        "settings",
        "configuration",
        "capacityProviders",
        "defaultCapacityProviderStrategy",
        "serviceConnectDefaults",
        "tags",
        "clusterArn",
    ];
    if node.text_at("clusterName").is_some() && any(&cluster) {
        return Some(Kind::Cluster);
    }
    let images = [
        "imageTagMutability",
        "imageScanningConfiguration",
        "repositoryUri",
    ];
    (has("repositoryName") && any(&images)).then_some(Kind::Repository)
}

/// Our own plan: a list of steps, each with a file and the call it is the body of.
fn is_plan(node: &Node<'_>) -> bool {
    let steps = node.elements();
    let step = |step: &Node<'_>| step.text_at("file").is_some() && step.text_at("call").is_some();
    !steps.is_empty() && steps.iter().all(step)
}

/// A bare list of container definitions, as some tools keep them.
fn is_containers(node: &Node<'_>) -> bool {
    let items = node.elements();
    let signs = [
        "portMappings",
        "essential",
        "memory",
        "memoryReservation",
        "logConfiguration",
    ];
    let container = |item: &Node<'_>| {
        item.has("name") && item.has("image") && signs.iter().any(|key| item.has(key))
    };
    !items.is_empty() && items.iter().all(container)
}
