//! `roadie lint`, through the real program.
#![expect(
    clippy::unwrap_used,
    reason = "the functions around the tests may panic as the tests do"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

/// The repository's root, where people start it.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn lint(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_roadie"))
        .arg("lint")
        .args(arguments)
        .current_dir(dir)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn spoilt(case: &str) -> PathBuf {
    root().join("crates/ecs/tests/corpus/spoilt").join(case)
}

#[test]
fn without_arguments_it_looks_at_our_own_files_and_finds_nothing() {
    let output = lint(&root(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).starts_with("nothing found in "));
    assert!(stderr(&output).is_empty());
}

#[test]
fn one_layout_alone_is_checked_with_the_files_its_plan_names_elsewhere() {
    let output = lint(&root().join("ecs/ec2"), &["."]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[test]
fn an_error_is_told_with_file_place_reason_and_fix_and_status_1() {
    let output = lint(&spoilt("link-target-missing"), &["."]);
    assert_eq!(output.status.code(), Some(1));
    let expected = [
        "task-definition.json",
        "  10:9  error  link-target-missing  containerDefinitions[0].links[0]",
        "      the task has no container `db`",
        "      AWS: ECS refuses it.",
        "      Fix: Name a container of the same task definition.",
        "",
        "1 error, 0 warnings in 1 file",
        "",
    ];
    assert_eq!(stdout(&output), expected.join("\n"));
}

#[test]
fn a_warning_fails_only_when_warnings_are_denied() {
    let dir = spoilt("circuit-breaker-off");
    assert_eq!(lint(&dir, &["."]).status.code(), Some(0));
    let denied = lint(&dir, &[".", "--deny-warnings"]);
    assert_eq!(denied.status.code(), Some(1));
    assert!(stdout(&denied).ends_with("0 errors, 1 warning in 1 file\n"));
}

#[test]
fn json_has_every_finding_and_a_summary() {
    let output = lint(&spoilt("link-target-missing"), &[".", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding = &json["findings"][0];
    assert_eq!(finding["rule"], "link-target-missing");
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["path"], "containerDefinitions[0].links[0]");
    assert_eq!(
        (&finding["line"], &finding["column"]),
        (&10.into(), &9.into())
    );
    for member in ["file", "message", "aws", "fix"] {
        assert!(!finding[member].as_str().unwrap().is_empty(), "{member}");
    }
    let summary = serde_json::json!({"errors": 1, "warnings": 0, "checked": 1, "skipped": 0});
    assert_eq!(json["summary"], summary);
    assert_eq!(json["column_unit"], "characters");
}

#[test]
fn github_gets_a_workflow_command_with_file_and_line() {
    let output = lint(
        &root(),
        &[
            "crates/ecs/tests/corpus/spoilt/link-target-missing",
            "--format",
            "github",
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    let expected = "::error file=crates/ecs/tests/corpus/spoilt/link-target-missing/task-definition.json,\
        line=10,col=9,title=link-target-missing::containerDefinitions[0].links[0]: \
        the task has no container `db`%0AAWS: ECS refuses it.%0A\
        Fix: Name a container of the same task definition.";
    assert_eq!(stdout(&output).lines().next(), Some(expected));
}

#[test]
fn a_file_can_be_named_instead_of_a_folder() {
    let output = lint(&spoilt("link-cycle"), &["task-definition.json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("in a circle: c → a → b → c"));
}

#[test]
fn nothing_to_look_at_and_a_wrong_command_line_are_status_2() {
    for arguments in [
        vec!["no-such-folder"],
        vec!["crates/roadie/src"],
        vec!["--format", "xml"],
        vec!["--no-such-flag"],
    ] {
        let output = lint(&root(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stdout(&output).is_empty());
        assert!(stderr(&output).starts_with("error: "), "{arguments:?}");
    }
}

#[test]
fn other_json_hidden_folders_and_installed_packages_are_left_alone() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lint-other-json");
    let broken = r#"{"family": "x", "containerDefinitions": []}"#;
    for folder in [".git", "node_modules/x", "target", "ours/deep"] {
        fs::create_dir_all(dir.join(folder)).unwrap();
        fs::write(dir.join(folder).join("task.json"), broken).unwrap();
    }
    fs::write(dir.join("package.json"), r#"{"name": "x"}"#).unwrap();
    fs::write(dir.join("notes.txt"), "not JSON").unwrap();
    let output = lint(&dir, &["."]);
    let text = stdout(&output);
    assert!(text.starts_with("ours/deep/task.json\n"), "{text}");
    assert!(
        text.ends_with("1 error, 0 warnings in 1 file; 1 file of other JSON skipped\n"),
        "{text}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure_of_the_program() {
    let script = "\"$0\" lint crates/ecs/tests/corpus/spoilt --format json | head -n 1";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_roadie")])
        .current_dir(root())
        .output()
        .unwrap();
    assert_eq!(stdout(&output), "{\n");
    assert!(stderr(&output).is_empty(), "{}", stderr(&output));
}
