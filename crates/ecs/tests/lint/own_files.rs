use ecs::lint::SourceFile;

use super::{here, line, read};

#[test]
fn nothing_is_found_in_our_own_files() {
    let files = read(&here("../../ecs"));
    assert!(ecs::lint::named_elsewhere(&files).is_empty());
    let report = ecs::lint::check(files);
    assert!(report.checked > 10, "{} files", report.checked);
    let found: Vec<String> = report
        .findings
        .iter()
        .map(|f| {
            format!(
                "{}:{}: {} {}: {}",
                f.file.display(),
                f.line,
                f.rule.id,
                f.path,
                f.message
            )
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn each_layout_is_checked_with_the_files_outside_of_its_folder() {
    for layout in ["ec2", "fargate"] {
        let dir = here("../../ecs").join(layout);
        if !dir.exists() {
            continue;
        }
        let mut files = read(&dir);
        let missing = ecs::lint::named_elsewhere(&files);
        for named in missing {
            let bytes = std::fs::read(dir.join(&named.path)).unwrap();
            files.push(ecs::lint::SourceFile {
                path: named.path,
                bytes,
            });
        }
        let report = ecs::lint::check(files);
        assert!(report.findings.is_empty(), "{:#?}", report.findings);
    }
}

/// What is found in our own files once `from`, which stands in `file`, is `to`.
fn spoilt(file: &str, from: &str, to: &str) -> Vec<String> {
    let mut files = read(&here("../../ecs"));
    let one: Option<&mut SourceFile> = files.iter_mut().find(|f| f.path.ends_with(file));
    let one = one.unwrap_or_else(|| panic!("{file}"));
    let text = std::str::from_utf8(&one.bytes).unwrap();
    let changed = text.replacen(from, to, 1);
    assert!(changed != text, "{file} has no {from}");
    one.bytes = changed.into_bytes();
    ecs::lint::check(files).findings.iter().map(line).collect()
}

#[test]
fn one_wrong_word_in_our_own_files_is_found_from_the_file_it_is_in_or_meets() {
    let table = [
        (
            "ec2/node-task-definition.json",
            r#""75000""#,
            r#""60000""#,
            "keep-alive-short",
        ),
        (
            "ec2/node-task-definition.json",
            r#""20000""#,
            r#""25000""#,
            "stop-timeout-short",
        ),
        (
            "ec2/node-task-definition.json",
            "http://node-paul",
            "http://node-pau1",
            "unreachable-host",
        ),
        (
            "ec2/node-task-definition.json",
            "node-paul:3000",
            "node-paul:3001",
            "unreachable-port",
        ),
        (
            "ec2/node-task-definition.json",
            r#""5000""#,
            r#""61000""#,
            "request-timeout-long",
        ),
        (
            "ec2/node-task-definition.json",
            "executionRoleArn",
            "otherRoleArn",
            "secret-execution-role",
        ),
        (
            "ec2/node-target-group.json",
            r#""/ping""#,
            r#""/""#,
            "health-path-not-served",
        ),
        (
            "ec2/node-target-group.json",
            r#""instance""#,
            r#""ip""#,
            "target-type",
        ),
        (
            "ec2/node-service.json",
            r#""node-john""#,
            r#""node-jon""#,
            "load-balancer-container",
        ),
        (
            "ec2/node-service.json",
            "node-latency",
            "node-slow",
            "deployment-alarm-missing",
        ),
        (
            "ec2/client-task-definition.json",
            "pong-client\"",
            "pong-clients\"",
            "log-group-missing",
        ),
        (
            "alb/listener-rule-start.json",
            "NODE_TARGET",
            "CLIENT_TARGET",
            "path-not-served",
        ),
        (
            "alb/load-balancer-attributes.json",
            r#""60""#,
            r#""80""#,
            "keep-alive-short",
        ),
        (
            "fargate/paul-service.json",
            r#""dnsName": "node-paul""#,
            r#""dnsName": "paul""#,
            "unreachable-host",
        ),
        (
            "fargate/john-task-definition.json",
            r#""awsvpc""#,
            r#""bridge""#,
            "fargate-network-mode",
        ),
    ];
    for (file, from, to, rule) in table {
        let found = spoilt(file, from, to);
        assert!(
            found.iter().any(|line| line.starts_with(rule)),
            "{file}, {to}: {found:?}"
        );
    }
}
