//! Scripts of `deploy --dry-run`, made of values that want to be executed.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Draw, Place, stderr, stdout};

/// Texts of which each tries to leave its place.
const HOSTILE: [&str; 18] = [
    "'; canary; '",
    "\"; canary; \"",
    "$(canary)",
    "`canary`",
    "\ncanary\n",
    "\r\ncanary #",
    "; canary #",
    "' \"$(canary)\" '",
    "\u{e000}x}$(canary)${x\u{e001}",
    "\u{e001}\"; canary; \"\u{e000}",
    "\u{e000}A:-$(canary)\u{e001}",
    "'\u{e001}$(canary)\u{e000}'",
    "\\'; canary; \\'",
    "' || canary || '",
    "$",
    "{TAG}",
    "\\",
    "--endpoint-url=http://127.0.0.1:9",
];

fn script(place: &Place, dir: &str, tag: &str) -> std::process::Output {
    let words = ["deploy", "--layout", "ec2", "--dry-run", "--dir", dir];
    place
        .roadie(&[&words[..], &["--tag", tag]].concat())
        .output()
        .unwrap()
}

fn run(place: &Place, script: &str) -> std::process::Output {
    place.write("script", script);
    place.command("/bin/sh").arg("script").output().unwrap()
}

/// The script of a layout of one file.
fn script_of(test: &str, steps: &[(&str, Value)]) -> (Place, String) {
    let place = Place::new(test);
    place.layout(steps);
    let output = script(&place, "layouts", "a1");
    assert!(output.status.success(), "{}", stderr(&output));
    (place, stdout(&output))
}

#[test]
fn nothing_but_aws_and_docker_is_executed_whatever_files_and_values_say() {
    let place = Place::new("script-any");
    let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
    let mut finished = 0;
    for round in 0..120 {
        let dir = match draw.below(3) {
            0 => format!("d{}", HOSTILE[draw.below(HOSTILE.len())].replace('/', "_")),
            _ => "plain".to_owned(),
        };
        let layout = place.own_layout(&dir);
        for _ in 0..=draw.below(3) {
            spoil(&layout, &mut draw);
        }
        let words = ["deploy", "--layout", "ec2", "--dry-run", "--tag", "a1"];
        let mut roadie = place.roadie(&words);
        roadie.arg(format!("--dir={dir}"));
        if draw.below(3) == 0 {
            let name = ["VPC_ID", "SUBNET_A", "SUBNET_B"][draw.below(3)];
            roadie.env(name, format!("v{}", HOSTILE[draw.below(HOSTILE.len())]));
        }
        let output = roadie.output().unwrap();
        let _ = fs::remove_dir_all(&layout);
        // A name that AWS would not take is refused before there is a script.
        if !output.status.success() {
            continue;
        }
        let text = stdout(&output);
        let ran = run(&place, &text);
        assert_eq!(place.sung(), "", "round {round}:\n{text}");
        assert!(
            ran.status.success(),
            "round {round}: {}\n{text}",
            stderr(&ran)
        );
        finished += 1;
    }
    assert!(finished > 30, "only {finished} scripts were run");
}

/// Puts hostile text behind or in place of a string somewhere in the layout, or renames a file.
fn spoil(layout: &Path, draw: &mut Draw) {
    let hostile = HOSTILE[draw.below(HOSTILE.len())];
    let plan = layout.join("ec2/plan.json");
    let mut steps: Vec<Value> = serde_json::from_slice(&fs::read(&plan).unwrap()).unwrap();
    let step = draw.below(steps.len());
    let name = steps[step]["file"].as_str().unwrap().to_owned();
    let file = layout.join("ec2").join(&name);
    if draw.below(8) == 0 {
        let other = format!("{name}{}", hostile.replace('/', "_"));
        fs::rename(&file, layout.join("ec2").join(&other)).unwrap();
        steps[step]["file"] = other.into();
        fs::write(&plan, Value::from(steps).to_string()).unwrap();
        return;
    }
    let mut body: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let mut strings = Vec::new();
    collect(&mut body, &mut strings);
    let place = draw.below(strings.len());
    strings[place].push_str(hostile);
    let _ = std::mem::take(&mut strings);
    fs::write(&file, body.to_string()).unwrap();
}

/// Every string of the value. Their owner lends them out one by one.
fn collect<'a>(value: &'a mut Value, strings: &mut Vec<&'a mut String>) {
    match value {
        Value::String(text) => strings.push(text),
        Value::Array(items) => items.iter_mut().for_each(|item| collect(item, strings)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| collect(member, strings)),
        _ => {}
    }
}

#[test]
fn characters_that_once_were_markers_are_data() {
    let policy = "\u{e000}A:-$(canary)\u{e001} \u{e001}\"$(canary)\"\u{e000}";
    let role = json!({"RoleName": "r", "AssumeRolePolicyDocument": policy});
    let (place, text) = script_of("script-markers", &[("iam create-role", role)]);
    let look = place.command("/bin/sh").args(["-n", "-c", &text]).status();
    assert!(look.unwrap().success(), "{text}");
    run(&place, &text);
    assert_eq!(place.sung(), "", "{text}");
}

#[test]
fn a_secret_is_one_variable_and_nothing_around_it() {
    let place = Place::new("script-secret");
    let value = "${SUBNET_A}$(canary)${SUBNET_A}";
    let parameter = json!({"Name": "/p", "Type": "SecureString", "Value": value});
    place.layout(&[("ssm put-parameter", parameter)]);
    let words = ["deploy", "--layout", "ec2", "--dry-run", "--dir", "layouts"];
    let mut roadie = place.roadie(&[&words[..], &["--tag", "a1"]].concat());
    let output = roadie.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    run(&place, &stdout(&output));
    assert_eq!(place.sung(), "", "{}", stdout(&output));
}

#[test]
fn outputs_have_names_that_the_shell_does_not_know() {
    let place = Place::new("script-outputs");
    let body = json!({"GroupName": "g", "Description": "d", "VpcId": "vpc-1"});
    place.write("layouts/ec2/a.json", &body.to_string());
    let plan = json!([{
        "file": "a.json", "call": "ec2 create-security-group",
        "output": {"PATH": "GroupId", "IFS": "GroupId", "FOUND": "GroupId"},
    }, {"file": "a.json", "call": "ec2 create-security-group"}]);
    place.write("layouts/ec2/plan.json", &plan.to_string());
    let output = script(&place, "layouts", "a1");
    assert!(output.status.success(), "{}", stderr(&output));
    let ran = run(&place, &stdout(&output));
    assert!(ran.status.success(), "{}", stderr(&ran));
}

#[test]
fn comments_hold_nothing_of_files_and_values() {
    let place = Place::new("script-comments");
    let dir = "d\ncanary\n#";
    place.own_layout(dir);
    let output = script(&place, dir, "a1");
    let text = stdout(&output);
    assert!(output.status.success(), "{}", stderr(&output));
    run(&place, &text);
    assert_eq!(place.sung(), "");
    for comment in text
        .lines()
        .filter(|line| line.trim_start().starts_with('#'))
    {
        assert!(
            !comment.contains("a1") && !comment.contains(".json"),
            "{comment}"
        );
    }
}
