//! Listener rules: which path leads where, and in which order they are asked.

use std::collections::{HashMap, HashSet};

use super::{Served, target_groups};
use crate::{
    alb::PathPattern,
    lint::{finding::Findings, kind::Kind, node::Node, routing::groups, rule::topic, scope::Scope},
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

pub(super) fn between<'a>(scope: &Scope<'a>, services: &[Served<'a>], found: &mut Findings) {
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
    served(scope, services, found);
}

/// As many rules as a load balancer has, unless AWS raises the quota:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html>. A
/// pattern is compared with as many wildcards before it.
const MOST_RULES: usize = 100;

/// What the rules of a listener that come first take.
#[derive(Default)]
struct Taken<'a> {
    /// By the pattern itself.
    exact: HashMap<&'a str, First<'a>>,
    wildcards: Vec<(&'a str, PathPattern, First<'a>)>,
}

/// A rule, its place among all and its priority.
#[derive(Clone, Copy)]
struct First<'a> {
    place: usize,
    priority: i64,
    rule: &'a Node<'a>,
}

impl<'a> Taken<'a> {
    /// The first rule of a lower number than `priority` that takes all that `narrow` matches.
    fn by(&self, narrow: &str, priority: i64) -> Option<First<'a>> {
        let exact = self
            .exact
            .get(narrow)
            .filter(|first| first.priority < priority);
        let wide = self.wildcards.iter().find(|(text, pattern, first)| {
            first.priority < priority && covers(text, pattern, narrow)
        });
        let both = [exact.copied(), wide.map(|(_, _, first)| *first)];
        both.into_iter().flatten().min_by_key(|first| first.place)
    }

    fn add(&mut self, text: &'a str, first: First<'a>) {
        self.exact.entry(text).or_insert(first);
        if text.contains(['*', '?'])
            && self.wildcards.len() < MOST_RULES
            && let Ok(pattern) = PathPattern::new(text)
        {
            self.wildcards.push((text, pattern, first));
        }
    }
}

/// A narrower rule comes before a wider one.
fn shadows<'a>(rules: &[(i64, &'a Node<'a>)], found: &mut Findings) {
    let mut listeners: HashMap<Option<&str>, Taken<'a>> = HashMap::new();
    for (place, (priority, rule)) in rules.iter().enumerate() {
        let taken = listeners.entry(rule.text_at("ListenerArn")).or_default();
        let patterns = patterns(rule);
        for value in &patterns {
            let Some(pattern) = value.literal() else {
                continue;
            };
            if let Some(first) = taken.by(pattern, *priority) {
                let message = format!(
                    "`{pattern}` is taken by {} with priority {} already",
                    first.rule.source.path.display(),
                    first.priority
                );
                found.add(&RULE_SHADOWED, value, message);
            }
        }
        if rule.items("Conditions").len() == 1 {
            let first = First {
                place,
                priority: *priority,
                rule,
            };
            let texts = patterns.iter().filter_map(Node::literal);
            texts.for_each(|text| taken.add(text, first));
        }
    }
}

/// Whether everything that matches `narrow` matches the pattern `text`. A `*` in `narrow` is matched as the
/// sign itself: whatever stands for it, a `*` of the wider pattern takes it too, a `?` does not.
fn covers(text: &str, pattern: &PathPattern, narrow: &str) -> bool {
    !(text.contains('?') && narrow.contains('*')) && pattern.matches(narrow)
}

/// Rules lead to programs that have the path, as far as these are our own.
fn served<'a>(scope: &Scope<'a>, services: &[Served<'a>], found: &mut Findings) {
    let mut programs = HashMap::new();
    for (balancer, container) in services.iter().flat_map(Served::balanced) {
        let arn = balancer.get("targetGroupArn");
        let group = arn.and_then(|arn| scope.identity(Kind::TargetGroup, &arn));
        if let (Some(group), Some(program)) = (group, container.program()) {
            programs.entry(group).or_insert(program);
        }
    }
    for document in scope.of(Kind::ListenerRule) {
        let mut own = HashSet::new();
        let actions = document.node.items("Actions");
        for group in actions.iter().flat_map(groups) {
            let group = scope.identity(Kind::TargetGroup, &group);
            own.extend(group.and_then(|group| programs.get(&group).copied()));
        }
        for program in own {
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
