//! `corpus/spoilt`: a folder for each mistake, named after the rule that finds it, with the findings
//! it must have, and no other, in `expected.txt`. `corpus/correct`: nothing is found.

use std::{collections::BTreeSet, fs, path::PathBuf};

use super::{here, line, read};

fn spoilt() -> Vec<(String, PathBuf)> {
    let folders = fs::read_dir(here("tests/corpus/spoilt")).unwrap();
    let folders = folders.map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = folders
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    folders.sort();
    folders
}

#[test]
fn every_spoilt_folder_has_exactly_the_findings_it_is_there_for() {
    let mut wrong = Vec::new();
    for (name, path) in spoilt() {
        let expected = fs::read_to_string(path.join("expected.txt")).unwrap();
        let expected: BTreeSet<String> = expected.lines().map(str::to_owned).collect();
        let report = ecs::lint::check(read(&path));
        let found: BTreeSet<String> = report.findings.iter().map(line).collect();
        if found != expected {
            wrong.push(format!("{name}: {found:#?}, not {expected:#?}"));
        }
        for line in expected {
            let rule = line.split(' ').next().unwrap().to_owned();
            if !name.starts_with(&rule) {
                wrong.push(format!("{name} is not named after {rule}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_spoilt_folder() {
    let shown: BTreeSet<String> = spoilt()
        .into_iter()
        .flat_map(|(_, path)| {
            let expected = fs::read_to_string(path.join("expected.txt")).unwrap();
            let rules = expected
                .lines()
                .map(|l| l.split(' ').next().unwrap().to_owned());
            rules.collect::<Vec<_>>()
        })
        .collect();
    let all: BTreeSet<String> = ecs::lint::rules().map(|rule| rule.id.to_owned()).collect();
    assert_eq!(shown, all);
}

#[test]
fn every_correct_folder_is_left_alone() {
    for entry in fs::read_dir(here("tests/corpus/correct")).unwrap() {
        let path = entry.unwrap().path();
        let report = ecs::lint::check(read(&path));
        assert!(report.checked > 0, "{}", path.display());
        assert!(
            report.findings.is_empty(),
            "{}: {:#?}",
            path.display(),
            report.findings
        );
    }
}

#[test]
fn rule_ids_are_short_unique_and_in_kebab_case() {
    let mut taken = BTreeSet::new();
    for rule in ecs::lint::rules() {
        let sign = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(
            rule.id.chars().all(sign) && rule.id.len() <= 36,
            "{}",
            rule.id
        );
        assert!(taken.insert(rule.id), "{} comes twice", rule.id);
    }
}
