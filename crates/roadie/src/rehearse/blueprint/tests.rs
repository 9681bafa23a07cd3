//! Task definitions as parts: in order, and where they are reached.

use super::*;

fn definition(containers: &str) -> RegisterTaskDefinition {
    let text = format!(r#"{{"family": "f", "containerDefinitions": [{containers}]}}"#);
    serde_json::from_str(&text).unwrap()
}

fn after(name: &str, conditions: &[(&str, &str)]) -> String {
    let on = conditions.iter().map(|(on, condition)| {
        format!(r#"{{"containerName": "{on}", "condition": "{condition}"}}"#)
    });
    let on: Vec<_> = on.collect();
    format!(
        r#"{{"name": "{name}", "image": "node:1", "essential": {}, "dependsOn": [{}]}}"#,
        name != "first",
        on.join(",")
    )
}

fn error(containers: &[String]) -> String {
    let error = parts_of(&definition(&containers.join(","))).unwrap_err();
    error.to_string()
}

#[test]
fn containers_start_behind_those_they_need() {
    let listed = [
        after("john", &[("paul", "START")]),
        after("paul", &[("george", "START"), ("first", "SUCCESS")]),
        after("first", &[]),
        after("george", &[]),
    ];
    let ordered = parts_of(&definition(&listed.join(","))).unwrap();
    let names: Vec<_> = ordered.iter().map(|part| &*part.spec.name).collect();
    assert_eq!(names, ["first", "george", "paul", "john"]);
}

#[test]
fn containers_that_wait_for_each_other_are_an_error_that_names_them() {
    let error = error(&[
        after("john", &[("paul", "START")]),
        after("paul", &[("john", "START")]),
        after("ringo", &[]),
    ]);
    assert!(error.ends_with(": john, paul"), "{error}");
}

#[test]
fn a_condition_that_can_never_be_met_is_an_error() {
    let healthy = error(&[after("first", &[]), after("john", &[("first", "HEALTHY")])]);
    assert!(healthy.ends_with("first has no health check"), "{healthy}");
    let success = error(&[after("paul", &[]), after("john", &[("paul", "SUCCESS")])]);
    assert!(success.ends_with("paul is essential"), "{success}");
}

#[test]
fn a_container_is_reached_on_the_port_that_it_was_told_to_listen_on() {
    let listens = |environment: &str| {
        let text =
            format!(r#"{{"name": "john", "image": "node:1", "environment": [{environment}]}}"#);
        let part = parts_of(&definition(&text)).unwrap().remove(0);
        part.listens
    };
    assert_eq!(listens(""), Some(3000));
    assert_eq!(listens(r#"{"name": "PORT", "value": "4000"}"#), Some(4000));
    assert_eq!(listens(r#"{"name": "HOST", "value": "127.0.0.1"}"#), None);
}

#[test]
fn only_a_bridge_takes_the_port_of_the_host_from_the_file() {
    let text = r#"{"name": "john", "image": "node:1",
        "portMappings": [{"containerPort": 3000, "hostPort": 3000}]}"#;
    let port = |mode: &str| {
        let mut definition = definition(text);
        definition.network_mode = serde_json::from_str(mode).unwrap();
        let part = parts_of(&definition).unwrap().remove(0);
        part.spec.environment["PORT"].clone()
    };
    assert_eq!(port(r#""bridge""#), "3000");
    assert_eq!(port(r#""awsvpc""#), "0");
}

fn parts_of(definition: &RegisterTaskDefinition) -> anyhow::Result<Vec<Part>> {
    let overrides = BTreeMap::new();
    let release = Release {
        tag: "1",
        overrides: &overrides,
    };
    parts(definition, &release)
}
