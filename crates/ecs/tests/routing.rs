//! A listener and its rules, asked for paths.
#![expect(
    clippy::unwrap_used,
    reason = "the functions around the tests may panic as the tests do"
)]

use std::path::PathBuf;

use ecs::{Call, Entry, Error, Router, Step, body::Kind};
use serde_json::{Value, json};

const TO_A: &str = "a";
const TO_B: &str = "b";

fn step(call: Call, input: &Value) -> Step {
    let file = PathBuf::from(format!("{}.json", call.words()[1]));
    Step::parse(file, call, Vec::new(), &input.to_string()).unwrap()
}

fn entry<T: Kind>(step: &Step) -> Entry<'_, T> {
    let body = T::of(step.body()).unwrap();
    Entry { step, body }
}

fn forward(group: &str) -> Value {
    json!([{"Type": "forward", "TargetGroupArn": group}])
}

fn rule(priority: u32, condition: &Value, group: &str) -> Value {
    json!({
        "ListenerArn": "listener",
        "Priority": priority,
        "Conditions": [condition],
        "Actions": forward(group),
    })
}

fn path(patterns: &[&str]) -> Value {
    json!({"Field": "path-pattern", "PathPatternConfig": {"Values": patterns}})
}

/// A router with the default action `forward(TO_A)`.
fn router(rules: &[Value]) -> Result<Router, Error> {
    let listener = json!({"LoadBalancerArn": "alb", "DefaultActions": forward(TO_A)});
    let listener = step(Call::CreateListener, &listener);
    let rules: Vec<Step> = rules
        .iter()
        .map(|rule| step(Call::CreateRule, rule))
        .collect();
    Router::new(entry(&listener), rules.iter().map(entry))
}

fn refusal(rule: &Value) -> String {
    router(std::slice::from_ref(rule)).unwrap_err().to_string()
}

#[test]
fn a_path_that_no_rule_wants_goes_to_the_default() {
    let router = router(&[rule(1, &path(&["/ping"]), TO_B)]).unwrap();
    for (path, group) in [
        ("/ping", TO_B),
        ("/ping?", TO_B),
        ("/ping?a=b?c", TO_B),
        ("/ping/", TO_A),
        ("/PING", TO_A),
        ("/x?/ping", TO_A),
        ("/", TO_A),
        ("", TO_A),
    ] {
        assert_eq!(router.route(path), group, "{path}");
    }
}

#[test]
fn the_lowest_priority_number_is_asked_first_whatever_the_order() {
    let late = rule(50_000, &path(&["*"]), "late");
    let early = rule(1, &path(&["/a*"]), "early");
    for rules in [[late.clone(), early.clone()], [early, late]] {
        let router = router(&rules).unwrap();
        assert_eq!(router.route("/ab"), "early");
        assert_eq!(router.route("/b"), "late");
    }
}

#[test]
fn one_of_several_patterns_is_enough_in_either_form() {
    let short = json!({"Field": "path-pattern", "Values": ["/a", "/b?"]});
    for condition in [path(&["/a", "/b?"]), short] {
        let router = router(&[rule(1, &condition, TO_B)]).unwrap();
        assert_eq!(router.route("/a"), TO_B);
        assert_eq!(router.route("/bc"), TO_B);
        assert_eq!(router.route("/b"), TO_A);
    }
}

#[test]
fn one_target_group_may_be_named_in_the_long_form() {
    let mut long = rule(1, &path(&["/a"]), TO_B);
    let groups = json!([{"TargetGroupArn": TO_B, "Weight": 1}]);
    long["Actions"] = json!([{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]);
    assert_eq!(router(&[long]).unwrap().route("/a"), TO_B);
}

#[test]
fn what_is_not_played_is_refused_by_file_and_field() {
    let table = [
        (
            json!({"Field": "host-header", "Values": ["a.example"]}),
            "create-rule.json: Conditions[0].Field: a host-header condition cannot be played here",
        ),
        (
            json!({"Field": "source-ip", "SourceIpConfig": {"Values": ["192.0.2.0/24"]}}),
            "create-rule.json: Conditions[0].Field: a source-ip condition cannot be played here",
        ),
        (
            json!({"QueryStringConfig": {"Values": [{"Value": "x"}]}}),
            "create-rule.json: Conditions[0].QueryStringConfig: \
             this condition cannot be played here",
        ),
        (
            json!({"Field": "path-pattern", "RegexValues": ["^/a"]}),
            "create-rule.json: Conditions[0]: a regular expression cannot be played here",
        ),
    ];
    for (condition, expected) in table {
        assert_eq!(refusal(&rule(1, &condition, TO_B)), expected);
    }
    let mut other = rule(1, &path(&["/"]), TO_B);
    other["Actions"] = json!([{"Type": "redirect", "RedirectConfig": {}}]);
    assert_eq!(
        refusal(&other),
        "create-rule.json: Actions[0].Type: this action cannot be played here"
    );
    let groups = json!([{"TargetGroupArn": TO_A}, {"TargetGroupArn": TO_B}]);
    other["Actions"] = json!([{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]);
    assert_eq!(
        refusal(&other),
        "create-rule.json: Actions[0]: more than one target group cannot be played here"
    );
}

#[test]
fn what_aws_refuses_is_refused_by_file_and_field() {
    let long = "/".repeat(129);
    let table = [
        (
            rule(0, &path(&["/"]), TO_B),
            "create-rule.json: Priority: 0 is not within 1 and 50000",
        ),
        (
            rule(1, &path(&["/", &long]), TO_B),
            "create-rule.json: Conditions[0].PathPatternConfig.Values[1]: \
             a path pattern has at most 128 characters, this one has 129",
        ),
        (
            rule(1, &json!({"Field": "path-pattern"}), TO_B),
            "create-rule.json: Conditions[0].Values: at least one value is needed",
        ),
        (
            rule(1, &json!({"Values": ["/"]}), TO_B),
            "create-rule.json: Conditions[0]: `Field` is missing",
        ),
    ];
    for (rule, expected) in table {
        assert_eq!(refusal(&rule), expected);
    }
    let mut two = rule(1, &path(&["/"]), TO_B);
    two["Conditions"] = json!([path(&["/"]), path(&["/a"])]);
    assert_eq!(
        refusal(&two),
        "create-rule.json: Conditions[1]: a rule takes one path-pattern condition, \
         with several values"
    );
    two["Conditions"] = json!([]);
    assert_eq!(
        refusal(&two),
        "create-rule.json: Conditions: at least one condition is needed"
    );
}

#[test]
fn a_priority_belongs_to_one_rule() {
    let rules = [rule(7, &path(&["/a"]), TO_A), rule(7, &path(&["/b"]), TO_B)];
    assert_eq!(
        router(&rules).unwrap_err().to_string(),
        "create-rule.json: Priority: 7 is already another rule's priority"
    );
}
