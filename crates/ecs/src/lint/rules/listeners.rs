//! Listener rules: which path leads where, and in which order they are asked.

use std::collections::HashMap;

use super::{Served, target_groups};
use crate::{
    alb::PathPattern,
    lint::{
        finding::Findings,
        kind::{Document, Kind},
        node::Node,
        rule::topic,
        scope::Scope,
    },
};

topic! { "Listener rules";
    RULE_PRIORITY_RANGE = Error "rule-priority-range" {
        what: "A rule's priority is not within 1 and 50000.",
        aws: "ELB refuses it.",
        fix: "Choose a number within the range; the lowest is asked first.",
    }
    RULE_PRIORITY_DUPLICATE = Error "rule-priority-duplicate" {
        what: "Two rules of a listener have the same priority.",
        aws: "ELB refuses the second: priority in use.",
        fix: "Give one of them another number.",
    }
    RULE_PATH_PATTERN = Error "rule-path-pattern" {
        what: "A path pattern is empty, longer than 128 characters, or has a character that ELB does not take.",
        aws: "ELB refuses it.",
        fix: "Use letters, digits, `_-.$/~\"'@:+&`, and the wildcards `*` and `?`.",
    }
    RULE_NEVER_MATCHES = Warning "rule-never-matches" {
        what: "A path pattern begins with neither `/` nor a wildcard.",
        aws: "Each path begins with `/`, so the rule matches nothing.",
        fix: "Begin it with `/`.",
    }
    RULE_SHADOWED = Warning "rule-shadowed" {
        what: "A rule with a lower number already takes all that this path pattern matches.",
        aws: "The lower number is asked first; this one gets no request.",
        fix: "Give the narrower rule the lower number.",
    }
    PATH_NOT_SERVED = Error "path-not-served" {
        what: "A rule leads a path to a program that does not have it.",
        aws: "The load balancer does as it is told; the program answers 404.",
        fix: "`/ping` and `/start` belong to the nodes, `/` to the client.",
    }
}

pub(super) fn check(rule: &Node<'_>, found: &mut Findings) {
    if let Some(place) = rule.get("Priority")
        && let Some(number) = place
            .whole()
            .filter(|number| !(1..=50_000).contains(number))
    {
        let message = format!("{number} is not within 1 and 50000");
        found.add(&RULE_PRIORITY_RANGE, &place, message);
    }
    for value in patterns(rule) {
        let Some(pattern) = value.literal() else {
            continue;
        };
        if let Err(error) = PathPattern::new(pattern) {
            found.add(&RULE_PATH_PATTERN, &value, error.to_string());
        } else if !pattern.starts_with(['/', '*', '?']) {
            let message = format!("no path matches `{pattern}`: paths begin with `/`");
            found.add(&RULE_NEVER_MATCHES, &value, message);
        }
    }
}

/// The values of a rule's path conditions, in either of the two forms.
fn patterns<'a>(rule: &Node<'a>) -> Vec<Node<'a>> {
    let mut patterns = Vec::new();
    for condition in rule.items("Conditions") {
        if condition.text_at("Field") == Some("path-pattern") {
            let values = condition
                .get("PathPatternConfig")
                .map(|config| config.items("Values"));
            let values = values.filter(|values| !values.is_empty());
            patterns.extend(values.unwrap_or_else(|| condition.items("Values")));
        }
    }
    patterns
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

/// The listeners and rules that lead to a target group.
pub(super) fn ways_to<'a>(scope: &Scope<'a>, group: &Node<'_>) -> Vec<&'a Document<'a>> {
    let documents = scope.of(Kind::Listener).chain(scope.of(Kind::ListenerRule));
    let leads = |document: &&Document<'_>| {
        let actions = actions(&document.node);
        let mut groups = actions.iter().flat_map(groups);
        groups.any(|other| scope.same(Kind::TargetGroup, &other, group))
    };
    documents.filter(leads).collect()
}

/// Whether it is known of every target group that listeners and rules name, which one it is.
pub(super) fn all_known(scope: &Scope<'_>) -> bool {
    let documents = scope.of(Kind::Listener).chain(scope.of(Kind::ListenerRule));
    let actions = documents.flat_map(|document| actions(&document.node));
    let mut named = actions.flat_map(|action| groups(&action));
    named.all(|group| group.literal().is_some() || scope.find(Kind::TargetGroup, &group).is_some())
}

/// What a listener does by default, or a rule.
fn actions<'a>(node: &Node<'a>) -> Vec<Node<'a>> {
    ["DefaultActions", "Actions"]
        .map(|key| node.items(key))
        .concat()
}

pub(super) fn between(scope: &Scope<'_>, found: &mut Findings) {
    let mut rules: Vec<(i64, &Node<'_>)> = Vec::new();
    let mut taken: HashMap<(&str, i64), &Node<'_>> = HashMap::new();
    for document in scope.of(Kind::ListenerRule) {
        let rule = &document.node;
        let Some(priority) = rule.whole_at("Priority") else {
            continue;
        };
        let listener = rule.text_at("ListenerArn").unwrap_or("");
        if let Some(first) = taken.insert((listener, priority), rule) {
            let message = format!(
                "{} has priority {priority} as well",
                first.source.path.display()
            );
            found.add(
                &RULE_PRIORITY_DUPLICATE,
                &rule.get_or_self("Priority"),
                message,
            );
        }
        rules.push((priority, rule));
    }
    rules.sort_by_key(|(priority, _)| *priority);
    shadows(&rules, found);
    served(scope, found);
}

/// A narrower rule comes before a wider one.
fn shadows(rules: &[(i64, &Node<'_>)], found: &mut Findings) {
    for (index, (priority, rule)) in rules.iter().enumerate() {
        for value in patterns(rule) {
            let Some(pattern) = value.literal() else {
                continue;
            };
            let earlier = rules
                .get(..index)
                .unwrap_or_default()
                .iter()
                .find(|(before, other)| {
                    before < priority
                        && other.text_at("ListenerArn") == rule.text_at("ListenerArn")
                        && other.items("Conditions").len() == 1
                        && patterns(other).iter().any(|wide| covers(wide, pattern))
                });
            if let Some((before, other)) = earlier {
                let message = format!(
                    "`{pattern}` is taken by {} with priority {before} already",
                    other.source.path.display()
                );
                found.add(&RULE_SHADOWED, &value, message);
            }
        }
    }
}

/// Whether everything that matches `narrow` matches `wide`. A `*` in `narrow` is matched as the
/// sign itself: whatever stands for it, a `*` of `wide` takes it too, a `?` does not.
fn covers(wide: &Node<'_>, narrow: &str) -> bool {
    let Some(text) = wide.literal() else {
        return false;
    };
    let exact = text == narrow;
    let Ok(pattern) = PathPattern::new(text) else {
        return false;
    };
    exact || (!(text.contains('?') && narrow.contains('*')) && pattern.matches(narrow))
}

/// Rules lead to programs that have the path, as far as these are our own.
fn served(scope: &Scope<'_>, found: &mut Findings) {
    let services = Served::all(scope);
    for document in scope.of(Kind::ListenerRule) {
        let actions = document.node.items("Actions");
        for group in actions.iter().flat_map(groups) {
            let program =
                services
                    .iter()
                    .flat_map(Served::balanced)
                    .find_map(|(balancer, container)| {
                        let arn = balancer.get("targetGroupArn")?;
                        scope
                            .same(Kind::TargetGroup, &arn, &group)
                            .then(|| container.program())?
                    });
            let Some(program) = program else { continue };
            for value in patterns(&document.node) {
                let Some(path) = value.literal().filter(|path| !path.contains(['*', '?'])) else {
                    continue;
                };
                if path.starts_with('/') && !target_groups::serves(program, path) {
                    let message = format!("the program behind this target group has no `{path}`");
                    found.add(&PATH_NOT_SERVED, &value, message);
                }
            }
        }
    }
}
