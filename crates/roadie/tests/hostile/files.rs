//! Files that a plan or a person names: only regular ones, of a bounded size, from where they belong.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Output;

use serde_json::json;

use crate::support::{Place, stderr, stdout};

/// `roadie`, ended after ten seconds at the most, which then is status 124.
fn limited(place: &Place, words: &[&str]) -> Output {
    let mut command = place.command("timeout");
    command
        .env("PATH", std::env::var_os("PATH").unwrap())
        .args(["10", env!("CARGO_BIN_EXE_roadie")])
        .args(words);
    command.output().unwrap()
}

fn fifo(place: &Place, path: &str) {
    let path = place.dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

fn plan(place: &Place, file: &str) {
    let plan = json!([{"file": file, "call": "ecs create-cluster"}]);
    place.write("layouts/ec2/plan.json", &plan.to_string());
}

const REHEARSE: [&str; 4] = [
    "rehearse",
    "--port=0",
    "--control-port=0",
    "--dir=layouts/ec2",
];

#[test]
fn a_plan_names_files_of_its_layouts_only() {
    let place = Place::new("files-outside");
    place.write("outside.json", r#"{"clusterName": "c"}"#);
    place.write("layouts/common/inside.json", r#"{"clusterName": "c"}"#);
    symlink(
        place.dir.join("outside.json"),
        place.dir.join("layouts/common/link.json"),
    )
    .unwrap();
    symlink("inside.json", place.dir.join("layouts/common/near.json")).unwrap();
    symlink(&place.dir, place.dir.join("layouts/common/folder")).unwrap();
    let absolute = place.dir.join("outside.json");
    for file in [
        "../../outside.json",
        absolute.to_str().unwrap(),
        "../common/../../outside.json",
        "../common/link.json",
        "../common/folder/outside.json",
        "../layouts/../../outside.json",
    ] {
        plan(&place, file);
        let output = limited(&place, &REHEARSE);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{file}: {told}");
        assert!(told.contains("outside"), "{file}: {told}");
    }
    for file in ["../common/inside.json", "../common/near.json"] {
        plan(&place, file);
        let told = stderr(&limited(&place, &REHEARSE));
        assert!(told.contains("no listener"), "{file}: {told}");
    }
}

#[test]
fn lint_reads_no_file_outside_because_a_plan_names_it() {
    let place = Place::new("files-lint-outside");
    place.write(
        "outside.json",
        r#"{"family": "x", "containerDefinitions": []}"#,
    );
    for (file, rule) in [
        ("../../outside.json", "plan-file-outside"),
        ("/etc/passwd", "plan-file-outside"),
        ("../common/link.json", "plan-file-missing"),
    ] {
        let _ = fs::remove_dir_all(place.dir.join("layouts"));
        plan(&place, file);
        fs::create_dir_all(place.dir.join("layouts/common")).unwrap();
        symlink(
            "../../outside.json",
            place.dir.join("layouts/common/link.json"),
        )
        .unwrap();
        let output = limited(&place, &["lint", "layouts/ec2"]);
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(1), "{file}: {text}");
        assert!(text.contains(rule), "{file}: {text}");
        assert!(
            !text.contains("no-containers") && !text.contains("not-json"),
            "{file}: {text}"
        );
    }
}

#[test]
fn pipes_and_devices_are_refused_at_once() {
    let place = Place::new("files-kinds");
    fifo(&place, "layouts/ec2/pipe.json");
    symlink("/dev/zero", place.dir.join("layouts/ec2/zero.json")).unwrap();
    for file in ["pipe.json", "zero.json"] {
        plan(&place, file);
        let output = limited(&place, &REHEARSE);
        assert_eq!(output.status.code(), Some(1), "{file}: {}", stderr(&output));
        let output = limited(&place, &["lint", "layouts"]);
        assert_eq!(output.status.code(), Some(1), "{file}: {}", stdout(&output));
    }
    for words in [
        vec!["lint", "layouts/ec2/pipe.json"],
        vec!["lint", "/dev/zero"],
        vec!["rehearse", "--secrets", "layouts/ec2/pipe.json"],
        vec!["rehearse", "--secrets", "/dev/zero"],
    ] {
        let output = limited(&place, &words);
        let told = stderr(&output);
        assert!(
            matches!(output.status.code(), Some(1 | 2)),
            "{words:?}: {told}"
        );
        assert!(told.contains("not a regular file"), "{words:?}: {told}");
    }
    fs::remove_file(place.dir.join("layouts/ec2/plan.json")).unwrap();
    fifo(&place, "layouts/ec2/plan.json");
    let output = limited(&place, &REHEARSE);
    assert!(
        stderr(&output).contains("not a regular file"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let place = Place::new("files-large");
    place.write("layouts/ec2/large.json", &" ".repeat(9 << 20));
    plan(&place, "large.json");
    let output = limited(&place, &REHEARSE);
    assert!(stderr(&output).contains("MiB"), "{}", stderr(&output));
    let output = limited(&place, &["lint", "layouts/ec2/large.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("MiB"), "{}", stderr(&output));
}
