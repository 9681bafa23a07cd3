//! Names that are none of AWS's, and characters that a terminal obeys.

use serde_json::json;

use crate::support::{Place, stderr, stdout};

/// What no name of AWS has: a way out of a folder, a line, an escape sequence, a change of direction.
const HOSTILE: [&str; 6] = [
    "../../x",
    "a\nroadie | ready",
    "\u{1b}]0;owned\u{7}",
    "\u{9b}2J",
    "\u{202e}gnp",
    "a\u{2028}b",
];

fn is_harmful(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn service(name: &str) -> (&'static str, serde_json::Value) {
    let body =
        json!({"cluster": "c", "serviceName": name, "taskDefinition": "t", "desiredCount": 1});
    ("ecs create-service", body)
}

#[test]
fn a_layout_with_a_name_that_aws_refuses_is_refused_with_file_and_value() {
    let place = Place::new("names-layout");
    for name in HOSTILE {
        let tag = json!([{"key": name, "value": "v"}]);
        let cluster = |name: &str| ("ecs create-cluster", json!({"clusterName": name}));
        let family = json!({"family": name, "containerDefinitions": []});
        let container =
            json!({"family": "f", "containerDefinitions": [{"name": name, "image": "i"}]});
        let steps = [
            service(name),
            cluster(name),
            ("ecs register-task-definition", family),
            ("ecs register-task-definition", container),
            ("elbv2 create-target-group", json!({"Name": name})),
            ("elbv2 create-load-balancer", json!({"Name": name})),
            ("logs create-log-group", json!({"logGroupName": name})),
            ("ecr create-repository", json!({"repositoryName": name})),
            (
                "ecs create-cluster",
                json!({"clusterName": "c", "tags": tag}),
            ),
        ];
        for step in steps {
            let tag = step.1.get("tags").is_some();
            // Tags and log groups may have periods and slashes.
            if name == "../../x" && (tag || step.0.starts_with("logs")) {
                continue;
            }
            place.layout(std::slice::from_ref(&step));
            let words = [
                "rehearse",
                "--port=0",
                "--control-port=0",
                "--dir=layouts/ec2",
            ];
            let output = place.roadie(&words).output().unwrap();
            let told = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{step:?}: {told}");
            assert!(
                told.contains("0.json: ") && told.contains("AWS"),
                "{step:?}: {told}"
            );
            assert_eq!(told.trim_end().lines().count(), 1, "{step:?}: {told}");
            assert!(!told.contains(is_harmful), "{step:?}: {told:?}");
        }
    }
}

#[test]
fn lint_finds_such_names_and_prints_them_harmless() {
    let place = Place::new("names-lint");
    for (index, name) in HOSTILE.iter().enumerate() {
        place.layout(&[service(name)]);
        let file = format!("layouts/ec2/{}.json", name.replace('/', "_"));
        std::fs::rename(place.dir.join("layouts/ec2/0.json"), place.dir.join(file)).unwrap();
        for format in ["text", "github", "json"] {
            let words = ["lint", "layouts", "--format", format];
            let output = place.roadie(&words).output().unwrap();
            let text = stdout(&output);
            assert_eq!(output.status.code(), Some(1), "{index} {text}");
            assert!(text.contains("name-pattern"), "{text}");
            assert!(!text.contains(is_harmful), "{text:?}");
            if format == "json" {
                let json: serde_json::Value = serde_json::from_str(&text).unwrap();
                let findings = json["findings"].as_array().unwrap();
                assert!(
                    findings
                        .iter()
                        .any(|f| f["file"].as_str().unwrap().contains("ec2"))
                );
            }
        }
        std::fs::remove_dir_all(place.dir.join("layouts")).unwrap();
    }
}

#[test]
fn a_file_that_is_not_there_cannot_write_to_the_terminal() {
    let place = Place::new("names-paths");
    for name in HOSTILE {
        for words in [
            vec!["lint", name],
            vec!["rehearse", "--dir", name],
            vec!["status", "--dir", name],
        ] {
            let output = place.roadie(&words).output().unwrap();
            let told = stderr(&output);
            assert!(!output.status.success());
            assert_eq!(told.trim_end().lines().count(), 1, "{words:?}: {told}");
            assert!(!told.contains(is_harmful), "{words:?}: {told:?}");
        }
    }
}

#[test]
fn what_aws_says_cannot_write_to_the_terminal() {
    let place = Place::new("names-status");
    place.layout(&[service("s")]);
    let answer = json!({
        "serviceName": "\u{1b}[2Js", "status": "ACTIVE", "desiredCount": 1, "runningCount": 1,
        "taskDefinition": "t:1\u{9b}2J",
        "events": [{"createdAt": "now\nforged", "message": "\u{202e}tpircs"}],
    });
    for format in ["table", "json"] {
        let words = [
            "status",
            "--layout=ec2",
            "--dir=layouts",
            "--format",
            format,
        ];
        let output = place
            .roadie(&words)
            .env("ANSWER", answer.to_string())
            .output()
            .unwrap();
        let text = stdout(&output);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(!text.contains(is_harmful), "{text:?}");
        assert!(
            !text.lines().any(|line| line.starts_with("forged")),
            "{text}"
        );
    }
}

#[test]
fn what_stands_in_files_cannot_become_an_option_of_aws() {
    let place = Place::new("names-options");
    // ECS allows a hyphen at the beginning of a name; ARNs and other values may be anything.
    let option = "--endpoint-url=http://elsewhere";
    place.layout(&[
        ("ecs create-cluster", json!({"clusterName": "--debug"})),
        (
            "iam put-role-policy",
            json!({"RoleName": "r", "PolicyName": "p", "PolicyDocument": "{}"}),
        ),
        (
            "elbv2 modify-load-balancer-attributes",
            json!({"LoadBalancerArn": option, "Attributes": [{"Key": "k", "Value": option}]}),
        ),
        (
            "ecs create-service",
            json!({"cluster": "--debug", "serviceName": "--no-sign-request", "taskDefinition": "file:///etc/passwd", "desiredCount": 1}),
        ),
    ]);
    place.write("layouts/fargate/plan.json", "[]");
    for words in [
        &["deploy", "--layout=ec2", "--tag=a1", "--patience=0"][..],
        &["status", "--layout=ec2"],
        &["rollback", "--layout=ec2"],
        &["destroy", "--yes"],
    ] {
        let words: Vec<&str> = words.iter().copied().chain(["--dir=layouts"]).collect();
        // Whether they succeed with such an AWS does not matter here.
        place.roadie(&words).output().unwrap();
    }
    let output = place
        .roadie(&[
            "deploy",
            "--layout=ec2",
            "--tag=a1",
            "--dry-run",
            "--dir=layouts",
        ])
        .output()
        .unwrap();
    place.write("script", &stdout(&output));
    place.command("/bin/sh").arg("script").output().unwrap();
    for word in place.words().lines() {
        let stray = ["--debug", "--no-sign-request", "file:///etc"];
        let foreign = stray.contains(&word) || word.starts_with("--endpoint-url");
        assert!(!foreign && !word.starts_with("file:///etc"), "{word}");
    }
    assert!(place.calls().len() > 10, "{:?}", place.calls());
}

#[test]
fn a_tag_that_no_image_can_have_is_refused_everywhere() {
    let place = Place::new("names-tag");
    for tag in ["../x", "-x", "a b", "\u{1b}[31m", "", "a\nb"] {
        let tag = format!("--tag={tag}");
        for words in [
            &["rehearse", "--port=0", "--control-port=0", &tag][..],
            &["rehearse", "check", &tag],
            &["rehearse", "deploy", &tag],
            &["deploy", "--layout=ec2", "--dry-run", &tag],
        ] {
            let output = place.roadie(words).output().unwrap();
            let told = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{words:?}: {told}");
            assert!(!told.contains(is_harmful), "{told:?}");
        }
    }
}

#[test]
fn a_registry_cannot_become_an_option_of_docker() {
    let place = Place::new("names-registry");
    let dir = place.own_layout("own");
    let words = ["deploy", "--layout=ec2", "--tag=a1", "--dry-run", "--dir"];
    let output = place
        .roadie(&[&words[..], &[dir.to_str().unwrap()]].concat())
        .env("ECR_REGISTRY", "--config=x")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("is no image"),
        "{}",
        stderr(&output)
    );
}
