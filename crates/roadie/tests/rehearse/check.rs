//! The whole life of a deployment, unattended.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

use crate::support::Layout;

/// Checks `layout` faster than on AWS: the exit status, what was printed, and the report.
async fn check(layout: &Layout, test: &str, speed: &str) -> (i32, String, Value) {
    let report = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.json"));
    let output = Command::new(env!("CARGO_BIN_EXE_roadie"))
        .args(["rehearse", "check", "--dir", layout.path()])
        .args(["--speed", speed, "--seconds", "1", "--rate", "60"])
        .args(["--format", "json", "--report", report.to_str().unwrap()])
        .output()
        .await
        .unwrap();
    let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let json = fs::read(&report).unwrap_or_default();
    let json = serde_json::from_slice(&json).unwrap_or_default();
    let _ = fs::remove_file(Path::new(&report));
    (output.status.code().unwrap(), printed, json)
}

fn act<'a>(report: &'a Value, name: &str) -> &'a Value {
    let mut acts = report["acts"].as_array().unwrap().iter();
    let act = acts.find(|act| act["name"].as_str().unwrap().contains(name));
    act.unwrap_or_else(|| panic!("no {name} in {report}"))
}

#[tokio::test]
async fn check_plays_the_whole_life_of_our_layout_and_loses_nothing() {
    let (status, printed, report) = check(&Layout::own(), "own", "20").await;
    assert_eq!(
        (status, &report["passed"]),
        (0, &Value::from(true)),
        "{printed}"
    );
    for (name, on_aws) in [
        ("steady load", Value::Null),
        ("deploy release", "completed".into()),
        ("scale out", Value::Null),
        ("kill a task of node-service", Value::Null),
        ("kill a task of client-service", Value::Null),
        ("kill zone", Value::Null),
        ("deploy node-service with", "rolled_back".into()),
        ("deploy client-service with", "rolled_back".into()),
        ("scale in", Value::Null),
    ] {
        let act = act(&report, name);
        assert_eq!(act["on_aws"], on_aws, "{act}");
        assert!(act["requests"]["sent"].as_u64() > Some(30), "{act}");
        assert!(act["requests"]["p99_us"].as_u64() > Some(0), "{act}");
    }
    assert!(printed.contains("ok     bring up"), "{printed}");
}

#[tokio::test]
async fn check_plays_the_other_layout_too() {
    let (status, printed, report) = check(&Layout::fargate(), "fargate", "20").await;
    assert_eq!(
        (status, &report["passed"]),
        (0, &Value::from(true)),
        "{printed}"
    );
    assert_eq!(act(&report, "kill a task of ringo")["passed"], true);
}

#[tokio::test]
async fn check_fails_with_status_1_when_a_request_is_lost_where_none_may_be() {
    let layout = Layout::copy("lossy");
    layout.set_environment("node-george", "FAULT_ERROR_RATE", "0.1");
    layout.set_environment("node-john", "DRAIN_DELAY_MS", "0");
    let (status, printed, report) = check(&layout, "lossy", "20").await;
    assert_eq!(
        (status, &report["passed"]),
        (1, &Value::from(false)),
        "{printed}"
    );
    let steady = act(&report, "steady load");
    assert_eq!(steady["passed"], false, "{steady}");
    assert!(steady["requests"]["failed"].as_u64() > Some(0), "{steady}");
    assert!(
        steady["requests"]["errors"]["/start: status 500"].as_u64() > Some(0),
        "{steady}"
    );
}

#[tokio::test]
async fn check_says_at_once_that_a_release_does_not_come_up() {
    let layout = Layout::copy("never-up");
    layout.set_environment("node-john", "NODE_NAME", "John");
    let (status, printed, report) = check(&layout, "never-up", "100").await;
    assert_eq!(status, 1, "{printed}");
    let up = act(&report, "bring up");
    assert!(
        up["outcome"]
            .as_str()
            .unwrap()
            .contains("given up: microservice-ping-pong-node-service"),
        "{up}"
    );
    assert_eq!(report["acts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn bad_usage_of_check_is_status_2() {
    for bad in [
        ["--rate", "0"],
        ["--dir", "no/such/folder"],
        ["--report", "/dev/null/no"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_roadie"))
            .args(["rehearse", "check"])
            .args(bad)
            .output()
            .await
            .unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(bad[1]), "{message}");
    }
}
