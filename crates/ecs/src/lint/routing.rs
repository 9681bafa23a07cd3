//! Which listeners and rules lead to which target group, and what is set of groups and load balancers.

use std::collections::HashMap;

use super::{
    kind::{Document, Kind},
    node::Node,
    scope::{Identity, Scope},
};

type ByIdentity<'a> = HashMap<Identity<'a>, Vec<&'a Document<'a>>>;

/// The ways of requests within a scope.
pub(super) struct Routing<'a> {
    /// Listeners, then rules, by the target group they lead to.
    ways: ByIdentity<'a>,
    /// Whether it is known of every target group that they name, which one it is.
    pub(super) all_known: bool,
    /// Attributes by target group.
    groups: ByIdentity<'a>,
    /// Attributes by load balancer.
    balancers: ByIdentity<'a>,
}

impl<'a> Routing<'a> {
    pub(super) fn new(scope: &Scope<'a>) -> Self {
        let mut routing = Self {
            ways: HashMap::new(),
            all_known: true,
            groups: HashMap::new(),
            balancers: HashMap::new(),
        };
        let documents = scope.of(Kind::Listener);
        for document in documents.chain(scope.of(Kind::ListenerRule)) {
            for group in actions(&document.node).iter().flat_map(groups) {
                let Some(identity) = scope.identity(Kind::TargetGroup, &group) else {
                    routing.all_known = false;
                    continue;
                };
                let found = matches!(identity, Identity::Document(_));
                routing.all_known &= found || group.literal().is_some();
                let ways = routing.ways.entry(identity).or_default();
                if ways
                    .last()
                    .is_none_or(|last| !std::ptr::eq(*last, document))
                {
                    ways.push(document);
                }
            }
        }
        let attributes = [
            (
                Kind::TargetGroupAttributes,
                Kind::TargetGroup,
                "TargetGroupArn",
            ),
            (
                Kind::LoadBalancerAttributes,
                Kind::LoadBalancer,
                "LoadBalancerArn",
            ),
        ];
        for (kind, of, key) in attributes {
            for document in scope.of(kind) {
                let arn = document.node.get(key);
                let identity = arn.and_then(|arn| scope.identity(of, &arn));
                let known = match of {
                    Kind::TargetGroup => &mut routing.groups,
                    _ => &mut routing.balancers,
                };
                if let Some(identity) = identity {
                    known.entry(identity).or_default().push(document);
                }
            }
        }
        routing
    }

    /// The listeners and rules that lead to a target group.
    pub(super) fn ways(&self, group: Option<Identity<'a>>) -> &[&'a Document<'a>] {
        found(&self.ways, group)
    }

    /// The attributes of a target group.
    pub(super) fn group(&self, group: Option<Identity<'a>>) -> &[&'a Document<'a>] {
        found(&self.groups, group)
    }

    /// The attributes of a load balancer.
    pub(super) fn balancer(&self, balancer: Option<Identity<'a>>) -> &[&'a Document<'a>] {
        found(&self.balancers, balancer)
    }
}

/// The target groups an action leads to.
pub(super) fn groups<'a>(action: &Node<'a>) -> Vec<Node<'a>> {
    let mut groups: Vec<Node<'a>> = action.get("TargetGroupArn").into_iter().collect();
    if let Some(forward) = action.get("ForwardConfig") {
        let weighted = forward.items("TargetGroups").into_iter();
        groups.extend(weighted.filter_map(|group| group.get("TargetGroupArn")));
    }
    groups
}

/// What a listener does by default, or a rule.
fn actions<'a>(node: &Node<'a>) -> Vec<Node<'a>> {
    ["DefaultActions", "Actions"]
        .map(|key| node.items(key))
        .concat()
}

fn found<'b, 'a>(
    known: &'b ByIdentity<'a>,
    identity: Option<Identity<'a>>,
) -> &'b [&'a Document<'a>] {
    identity
        .and_then(|identity| known.get(&identity))
        .map_or(&[], Vec::as_slice)
}
