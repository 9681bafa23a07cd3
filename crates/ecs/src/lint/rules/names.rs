//! Names: whether AWS accepts them.

use crate::{
    Call,
    lint::{
        finding::Findings,
        kind::{Document, Kind},
        node::Node,
        rule::topic,
        template::is_template,
    },
    name::{self, Pattern},
    template,
};

topic! { "Names";
    NAME_PATTERN = Error "name-pattern" {
        what: "A name has a length or characters that AWS does not accept: of a cluster, service, task definition family, container, image, port, log group, repository, capacity provider, alarm, tag and the like.",
        aws: "The service refuses it. Where nobody checks, such a name becomes a path, a line of a log, or what a terminal obeys.",
        fix: "Use what the finding names; letters, digits and hyphens are accepted nearly everywhere.",
    }
}

pub(super) fn check(document: &Document<'_>, found: &mut Findings) {
    let Some(call) = call(document.kind) else {
        return;
    };
    for (way, pattern) in name::fields(call) {
        walk(&document.node, way, &mut |node, text| {
            if let Some(message) = refusal(pattern, text) {
                found.add(&NAME_PATTERN, node, message);
            }
        });
    }
}

/// Why AWS does not accept `text`; of a text that some tool fills in later, as far as that is known now.
pub(super) fn refusal(pattern: &Pattern, text: &str) -> Option<String> {
    match template::pieces(text).any(is_template) {
        true => None,
        false => pattern.check_template(text).err(),
    }
}

/// The call whose body such a document is. Names of load balancers and target groups have their own rule.
fn call(kind: Kind) -> Option<Call> {
    Some(match kind {
        Kind::Cluster => Call::CreateCluster,
        Kind::TaskDefinition => Call::RegisterTaskDefinition,
        Kind::Service => Call::CreateService,
        Kind::Listener => Call::CreateListener,
        Kind::ListenerRule => Call::CreateRule,
        Kind::LogGroup => Call::CreateLogGroup,
        Kind::Repository => Call::CreateRepository,
        Kind::ScalableTarget => Call::RegisterScalableTarget,
        Kind::ScalingPolicy => Call::PutScalingPolicy,
        Kind::Alarm => Call::PutMetricAlarm,
        Kind::AutoScalingGroup => Call::CreateAutoScalingGroup,
        Kind::LoadBalancer
        | Kind::TargetGroup
        | Kind::LoadBalancerAttributes
        | Kind::TargetGroupAttributes
        | Kind::Plan => return None,
    })
}

fn walk(node: &Node<'_>, way: &[&str], each: &mut impl FnMut(&Node<'_>, &str)) {
    let Some((step, rest)) = way.split_first() else {
        if let Some(text) = node.text() {
            each(node, text);
        }
        return;
    };
    match *step {
        "[]" => node
            .elements()
            .iter()
            .for_each(|item| walk(item, rest, each)),
        "{key}" | "{value}" => {
            for key in node
                .value
                .as_object()
                .into_iter()
                .flat_map(serde_json::Map::keys)
            {
                let Some(member) = node.get(key) else {
                    continue;
                };
                match *step {
                    "{key}" => each(&member, key),
                    _ => walk(&member, rest, each),
                }
            }
        }
        // A bare list of containers is what a task definition has under this name.
        "containerDefinitions" if node.value.is_array() => walk(node, rest, each),
        key => {
            if let Some(member) = node.get(key) {
                walk(&member, rest, each);
            }
        }
    }
}
