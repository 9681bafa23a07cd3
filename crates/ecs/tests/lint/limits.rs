//! The defaults of our own programs, which the rules know, against the programs' own help texts.

use std::fs;

use serde_json::{Value, json};

use super::here;

/// The default of a flag, in seconds, as the program's pinned `--help` says.
fn default_seconds(help: &str, flag: &str) -> i64 {
    let text = fs::read_to_string(here(help)).unwrap();
    let (_, text) = text.split_once(&format!("--{flag} <")).unwrap();
    let (_, text) = text.split_once("[default: ").unwrap();
    let (number, _) = text.split_once(']').unwrap();
    let milliseconds: i64 = number.parse().unwrap();
    milliseconds / 1000
}

/// The rules broken by one container of ours behind a load balancer, without any variable.
fn broken(program: &str, stop_timeout: i64, idle_timeout: i64) -> Vec<&'static str> {
    let image = format!("registry.example.com/microservice-ping-pong/{program}:1");
    let files: [(&str, Value); 3] = [
        (
            "task-definition.json",
            json!({"family": "ours", "containerDefinitions": [{
                "name": "ours", "image": image, "memory": 64, "stopTimeout": stop_timeout,
                "portMappings": [{"containerPort": 3000, "hostPort": 0}],
            }]}),
        ),
        (
            "service.json",
            json!({"serviceName": "ours", "taskDefinition": "ours", "desiredCount": 1, "loadBalancers": [{
                "targetGroupArn": "${GROUP}", "containerName": "ours", "containerPort": 3000,
            }]}),
        ),
        (
            "attributes.json",
            json!({"LoadBalancerArn": "${BALANCER}", "Attributes": [
                {"Key": "idle_timeout.timeout_seconds", "Value": idle_timeout.to_string()},
            ]}),
        ),
    ];
    let files = files.map(|(path, value)| ecs::lint::SourceFile {
        path: path.into(),
        bytes: value.to_string().into_bytes(),
    });
    let report = ecs::lint::check(files.to_vec());
    report
        .findings
        .iter()
        .map(|finding| finding.rule.id)
        .collect()
}

#[test]
fn the_defaults_of_our_programs_are_those_of_their_help() {
    let helps = [
        ("node", "../node/tests/it/help.txt"),
        ("client", "../client/tests/help.txt"),
    ];
    for (program, help) in helps {
        let drain = default_seconds(help, "drain-delay-ms");
        let stop = drain + default_seconds(help, "shutdown-grace-ms");
        let keep_alive = default_seconds(help, "keep-alive-ms");
        assert_eq!(drain, 0);
        assert!(broken(program, stop, 60).contains(&"stop-timeout-short"));
        assert!(!broken(program, stop + 1, 60).contains(&"stop-timeout-short"));
        assert!(broken(program, 120, keep_alive).contains(&"keep-alive-short"));
        assert!(!broken(program, 120, keep_alive - 1).contains(&"keep-alive-short"));
        assert!(broken(program, 120, 60).contains(&"drain-delay-none"));
    }
    let request = default_seconds(helps[0].1, "request-timeout-ms");
    assert!(broken("node", 120, request).contains(&"request-timeout-long"));
    assert!(!broken("node", 120, request + 1).contains(&"request-timeout-long"));
    assert!(!broken("client", 120, request).contains(&"request-timeout-long"));
}
