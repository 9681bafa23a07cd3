//! What a file may look like, and how places in it are named.

use serde_json::json;

use super::{check, line};

#[test]
fn a_file_that_is_not_json_is_a_finding_with_line_and_column() {
    let report = check("a.json", "{\n  \"a\": 1,\n}");
    let [finding] = report.findings.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!(
        (finding.rule.id, finding.line, finding.column),
        ("not-json", 3, 1)
    );
    for text in [
        "",
        " ",
        "{",
        "[1 2]",
        "nul",
        "\"",
        "{\"a\":1}{",
        "\u{0}",
        "// x\n{}",
    ] {
        assert_eq!(check("a.json", text).findings.len(), 1, "{text:?}");
    }
}

#[test]
fn nesting_without_end_is_a_finding() {
    let report = check("a.json", &"[".repeat(200_000));
    assert_eq!(report.findings[0].rule.id, "not-json");
}

#[test]
fn bytes_that_are_no_text_are_a_finding_at_their_place() {
    let file = ecs::lint::SourceFile {
        path: "a.json".into(),
        bytes: b"{\n \"a\": \"\xff\"}".to_vec(),
    };
    let report = ecs::lint::check(vec![file]);
    let [finding] = report.findings.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!(
        (finding.rule.id, finding.line, finding.column),
        ("not-json", 2, 8)
    );
}

#[test]
fn a_column_counts_characters_and_not_bytes() {
    for (text, column) in [
        (r#"{"größe": x}"#, 11),
        (r#"{"🦀🦀": "ok", "größe": }"#, 23),
        (r#"{"size": x}"#, 10),
    ] {
        let report = check("a.json", text);
        let finding = &report.findings[0];
        assert_eq!(
            (finding.rule.id, finding.column),
            ("not-json", column),
            "{text}"
        );
    }
    let file = ecs::lint::SourceFile {
        path: "a.json".into(),
        bytes: b"{\"\xc3\xb6\": \"\xff\"}".to_vec(),
    };
    assert_eq!(ecs::lint::check(vec![file]).findings[0].column, 8);
}

#[test]
fn what_no_rule_is_about_is_counted_and_left_alone() {
    for text in [
        "{}",
        "[]",
        "1",
        "null",
        r#"{"compilerOptions": {}}"#,
        r#"[{"file": "x"}]"#,
    ] {
        let report = check("a.json", text);
        assert_eq!((report.checked, report.skipped), (0, 1), "{text}");
        assert!(report.findings.is_empty());
    }
}

#[test]
fn members_that_nobody_knows_are_left_alone() {
    let report = check(
        "a.json",
        &json!({
            "family": "x", "someNewField": {"deep": [null]},
            "containerDefinitions": [{
                "name": "a", "image": "a:1", "memory": 64, "someNewField": 1,
                "portMappings": [{"containerPort": 80, "someNewField": "x"}],
            }],
        })
        .to_string(),
    );
    assert_eq!((report.checked, report.findings.len()), (1, 0));
}

#[test]
fn exports_bare_lists_and_capital_letters_are_understood() {
    let container = json!({"name": "a", "image": "a:1", "memory": 64, "links": ["b"]});
    let capital = json!({"Name": "a", "Image": "a:1", "Memory": 64, "Links": ["b"]});
    let task = json!({"family": "x", "containerDefinitions": [container]});
    let table = [
        (task.clone(), "containerDefinitions[0].links[0]"),
        (
            json!({"taskDefinition": task, "tags": []}),
            "taskDefinition.containerDefinitions[0].links[0]",
        ),
        (json!([container]), "[0].links[0]"),
        (
            json!({"Family": "x", "ContainerDefinitions": [capital]}),
            "ContainerDefinitions[0].Links[0]",
        ),
    ];
    for (value, path) in table {
        let report = check("a.json", &value.to_string());
        let found: Vec<String> = report.findings.iter().map(line).collect();
        assert_eq!(found, [format!("link-target-missing a.json {path}")]);
    }
}

#[test]
fn a_finding_stands_at_the_line_of_its_value() {
    let text = "{\n  \"family\": \"x\",\n  \"containerDefinitions\": [\n    {\"name\": \"a\", \"image\": \"a:1\",\n     \"memory\": 1}\n  ]\n}";
    let report = check("a.json", text);
    let [finding] = report.findings.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!((finding.line, finding.column), (5, 16));
    assert_eq!(finding.path, "containerDefinitions[0].memory");
}
