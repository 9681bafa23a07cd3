//! Standard output that is closed, as behind `head`, or that has no room.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Place, close, closed, full, stderr};

fn repository() -> (&'static str, Value) {
    let body = json!({
        "repositoryName": "repo", "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": true},
    });
    ("ecr create-repository", body)
}

fn group() -> (&'static str, Value) {
    ("logs create-log-group", json!({"logGroupName": "g"}))
}

fn ended(place: &Place, words: &[&str], stdout: Stdio) -> Output {
    place
        .roadie(words)
        .env("ANSWER", "null")
        .stdout(stdout)
        .stderr(Stdio::piped())
        .output()
        .unwrap()
}

const COMMANDS: [&[&str]; 7] = [
    &["deploy", "--layout=ec2", "--tag=a1", "--dir=layouts"],
    &[
        "deploy",
        "--layout=ec2",
        "--tag=a1",
        "--dir=layouts",
        "--dry-run",
    ],
    &["status", "--layout=ec2", "--dir=layouts"],
    &["status", "--layout=ec2", "--dir=layouts", "--format=json"],
    &["rollback", "--layout=ec2", "--dir=layouts"],
    &["destroy", "--yes", "--dir=layouts"],
    &["lint", "layouts"],
];

fn place(test: &str) -> Place {
    let place = Place::new(test);
    let service = json!({
        "cluster": "c", "serviceName": "s", "taskDefinition": "t", "desiredCount": 1,
    });
    place.layout(&[repository(), group(), ("ecs create-service", service)]);
    // `destroy` reads all layouts.
    place.write("layouts/fargate/plan.json", "[]");
    place
}

#[test]
fn a_full_disk_is_an_error_that_says_so_and_no_panic() {
    let place = place("output-full");
    for words in COMMANDS {
        let output = ended(&place, words, full());
        let told = stderr(&output);
        assert!(
            told.contains("No space left on device"),
            "{words:?}: {told}"
        );
        assert!(!told.contains("panicked"), "{words:?}: {told}");
        // For `lint` 1 means that something was found.
        let expected = if words[0] == "lint" { 2 } else { 1 };
        assert_eq!(output.status.code(), Some(expected), "{words:?}: {told}");
    }
}

#[test]
fn an_output_that_nobody_reads_ends_a_command_without_a_word() {
    let place = place("output-closed");
    for words in COMMANDS {
        let output = ended(&place, words, closed());
        assert_eq!(stderr(&output), "", "{words:?}");
        // As a shell says of a program that SIGPIPE has ended; `lint` tells what it found.
        let expected = if words[0] == "lint" { 0 } else { 141 };
        assert_eq!(output.status.code(), Some(expected), "{words:?}");
    }
}

#[test]
fn a_full_standard_error_is_no_panic_either() {
    let place = place("output-stderr");
    for words in [&["lint", "nowhere"][..], &["status", "--dir=nowhere"]] {
        let output = place.roadie(words).stderr(full()).output().unwrap();
        let expected = if words[0] == "lint" { 2 } else { 1 };
        assert_eq!(output.status.code(), Some(expected), "{words:?}");
    }
}

#[test]
fn deploy_ends_the_step_that_it_is_in_and_begins_no_other() {
    let place = place("output-step");
    let gate = place.dir.join("gate");
    let made = std::process::Command::new("mkfifo").arg(&gate).status();
    assert!(made.unwrap().success());
    let (reader, stdout) = UnixStream::pair().unwrap();
    let roadie = place
        .roadie(COMMANDS[0])
        .env("GATE", &gate)
        .stdout(OwnedFd::from(stdout))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(&reader).lines();
    // The first of the two calls that this step makes is under way.
    assert!(lines.any(|line| line.unwrap().contains("put-image-tag-mutability")));
    close(&reader);
    let mut gate = std::fs::File::options().write(true).open(gate).unwrap();
    gate.write_all(b"go\n").unwrap();
    drop(gate);
    let output = roadie.wait_with_output().unwrap();
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(
        place.calls(),
        [
            "sts get-caller-identity",
            "ecr describe-repositories",
            "ecr put-image-tag-mutability",
            "ecr put-image-scanning-configuration",
        ]
    );
}

#[test]
fn a_rehearsal_says_why_it_ends() {
    let place = Place::new("output-rehearsal");
    let dir = place.own_layout("own").join("ec2");
    let dir = dir.to_str().unwrap();
    let words = ["rehearse", "--port=0", "--control-port=0", "--dir", dir];
    let scratch = place.dir.join("tmp");
    std::fs::create_dir_all(&scratch).unwrap();
    let ended = |place: &Place, words: &[&str], stdout| {
        let mut roadie = place.roadie(words);
        let roadie = roadie.env("TMPDIR", &scratch).stdout(stdout);
        let output = roadie.stderr(Stdio::piped()).output().unwrap();
        let left = std::fs::read_dir(&scratch).unwrap().count();
        assert_eq!(left, 0, "its folder is removed");
        output
    };
    let output = ended(&place, &words, full());
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("No space left on device"),
        "{}",
        stderr(&output)
    );
    let output = ended(&place, &words, closed());
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_program_of_a_container_reports_to_a_full_standard_error() {
    let place = Place::new("output-healthcheck");
    // Nothing listens on port 1.
    let mut roadie = place.roadie(&["node", "healthcheck"]);
    let output = roadie.env("PORT", "1").stderr(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_service_that_nobody_watches_any_more_is_not_waited_for() {
    let place = Place::new("output-settle");
    let service = json!({
        "cluster": "c", "serviceName": "s", "taskDefinition": "t", "desiredCount": 1,
    });
    place.layout(&[("ecs create-service", service)]);
    let words = ["deploy", "--layout=ec2", "--tag=a1", "--dir=layouts"];
    let answer = json!({"taskDefinition": "t", "deployments": [{}, {}], "serviceArn": "s"});
    let mut roadie = place
        .roadie(&words)
        .env("ANSWER", answer.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(roadie.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("waiting for s")));
    drop(lines);
    let output = roadie.wait_with_output().unwrap();
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(141));
}
