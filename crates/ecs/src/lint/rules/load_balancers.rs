//! Load balancers, and the attributes of theirs and of target groups.

use std::{collections::HashSet, ops::RangeInclusive};

use super::names;
use crate::{
    lint::{
        finding::Findings,
        kind::{Document, Kind},
        node::Node,
        rule::topic,
        scope::Scope,
    },
    name::{Pattern, patterns::LOAD_BALANCER},
};

topic! { "Load balancers";
    LOAD_BALANCER_SUBNETS = Error "load-balancer-subnets" {
        what: "An Application Load Balancer has fewer than two different subnets.",
        aws: "ELB refuses it: it needs subnets in two Availability Zones.",
        fix: "Name a second subnet, in another zone.",
    }
    ELB_NAME = Error "elb-name" {
        what: "The name of a load balancer or target group is longer than 32 characters, or has others than letters, digits and hyphens, or a hyphen at an end; that of a load balancer begins with `internal-`.",
        aws: "ELB refuses it.",
        fix: "Shorten it.",
    }
    ELB_NAME_DUPLICATE = Warning "elb-name-duplicate" {
        what: "Two load balancers, or two target groups, have the same name.",
        aws: "ELB refuses the second: names are unique in an account's region.",
        fix: "Rename one of them.",
    }
    ATTRIBUTE_RANGE = Error "attribute-range" {
        what: "An attribute is outside of its range: idle timeout 1–4000 s, deregistration delay 0–3600 s, slow start 30–900 s or 0.",
        aws: "ELB refuses it.",
        fix: "Choose a number within the range.",
    }
}

/// Seconds an idle connection is kept when no attribute says.
const IDLE_TIMEOUT: i64 = 60;
const IDLE_TIMEOUT_KEY: &str = "idle_timeout.timeout_seconds";

const RANGES: [(&str, RangeInclusive<i64>); 4] = [
    (IDLE_TIMEOUT_KEY, 1..=4000),
    ("client_keep_alive.seconds", 60..=604_800),
    (super::target_groups::DEREGISTRATION_DELAY, 0..=3600),
    ("slow_start.duration_seconds", 0..=900),
];

pub(super) fn check(node: &Node<'_>, found: &mut Findings) {
    name(node, &LOAD_BALANCER, found);
    let application = node
        .text_at("Type")
        .is_none_or(|kind| kind == "application");
    let described = node.has("LoadBalancerArn");
    let subnets: HashSet<&str> = node
        .items("Subnets")
        .iter()
        .filter_map(Node::text)
        .collect();
    if application && !described && !node.has("SubnetMappings") && subnets.len() < 2 {
        let message = format!(
            "{} subnet, where two in different zones are needed",
            subnets.len()
        );
        found.add(
            &LOAD_BALANCER_SUBNETS,
            &node.get_or_self("Subnets"),
            message,
        );
    }
}

/// A name that ELB accepts.
pub(super) fn name(node: &Node<'_>, pattern: &Pattern, found: &mut Findings) {
    let Some(place) = node.get("Name") else {
        return;
    };
    if let Some(message) = place.text().and_then(|name| names::refusal(pattern, name)) {
        found.add(&ELB_NAME, &place, message);
    }
}

/// Attributes of load balancers and of target groups. Unknown ones are AWS's business.
pub(super) fn check_attributes(node: &Node<'_>, found: &mut Findings) {
    for (key, range) in RANGES {
        let Some(value) = attribute(node, key) else {
            continue;
        };
        if let Some(number) = value.whole().filter(|number| !range.contains(number)) {
            let message = format!(
                "{key} {number} is not within {} and {}",
                range.start(),
                range.end()
            );
            found.add(&ATTRIBUTE_RANGE, &value, message);
        }
    }
}

/// The value of an attribute; the last one when the key comes twice.
pub(super) fn attribute<'a>(node: &Node<'a>, key: &str) -> Option<Node<'a>> {
    let attributes = node.items("Attributes").into_iter().rev();
    { attributes }
        .find(|attribute| attribute.text_at("Key") == Some(key))?
        .get("Value")
}

pub(super) fn between(scope: &Scope<'_>, found: &mut Findings) {
    for kind in [Kind::LoadBalancer, Kind::TargetGroup] {
        let mut names = HashSet::new();
        for document in scope.of(kind) {
            let Some(name) = document.node.get("Name") else {
                continue;
            };
            if name.text().is_some_and(|name| !names.insert(name)) {
                found.add(&ELB_NAME_DUPLICATE, &name, "another one has this name");
            }
        }
    }
}

/// Seconds that the load balancer in front of a target group keeps an idle connection: by its
/// attributes, else ELB's default. Nothing when a variable hides it, or the load balancer is not
/// an Application Load Balancer.
pub(super) fn idle_timeout<'a>(scope: &Scope<'a>, group: &Node<'a>) -> Option<i64> {
    let balancer =
        listener_of(scope, group).and_then(|listener| listener.node.get("LoadBalancerArn"));
    let known = balancer
        .as_ref()
        .and_then(|arn| scope.find(Kind::LoadBalancer, arn));
    if known.is_some_and(|lb| {
        lb.node
            .text_at("Type")
            .is_some_and(|kind| kind != "application")
    }) {
        return None;
    }
    let own = balancer
        .as_ref()
        .and_then(|arn| scope.identity(Kind::LoadBalancer, arn));
    let own = scope.routing().balancer(own).first().copied();
    let mut attributes = scope.of(Kind::LoadBalancerAttributes);
    let only = match (attributes.next(), attributes.next()) {
        (Some(only), None) if balancer.is_none() => Some(only),
        _ => None,
    };
    match own
        .or(only)
        .and_then(|document| attribute(&document.node, IDLE_TIMEOUT_KEY))
    {
        Some(value) => value.whole(),
        None => Some(IDLE_TIMEOUT),
    }
}

/// The listener whose default action, or one of whose rules, leads to the target group.
fn listener_of<'a>(scope: &Scope<'a>, group: &Node<'a>) -> Option<&'a Document<'a>> {
    let group = scope.identity(Kind::TargetGroup, group);
    let first = scope.routing().ways(group).first()?;
    match first.kind {
        Kind::Listener => Some(first),
        _ => scope.find(Kind::Listener, &first.node.get("ListenerArn")?),
    }
}
