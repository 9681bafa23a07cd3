//! The three forms of a report.

use super::*;

fn report() -> Report {
    let mut report = Report::new("ecs/ec2".to_owned(), 10.0, 100.0);
    let requests = Requests {
        sent: 1200,
        p50_us: Some(1500),
        p99_us: Some(20_000),
        max_us: Some(123_456),
        ..Requests::default()
    };
    report.add(Act {
        name: "deploy release 2".to_owned(),
        outcome: "completed".to_owned(),
        on_aws: Some(OnAws::Completed),
        passed: true,
        seconds: 4.25,
        requests: requests.clone(),
    });
    report.add(Act {
        name: "kill a task".to_owned(),
        outcome: "3 requests lost, \"1\" may be & <more>".to_owned(),
        on_aws: None,
        passed: false,
        seconds: 1.0,
        requests: Requests {
            failed: 4,
            may_fail: 1,
            errors: BTreeMap::from([("/start: status 502".to_owned(), 4)]),
            ..requests
        },
    });
    report.end();
    report
}

#[test]
fn text_has_a_line_an_act_and_a_verdict() {
    let text = report().text();
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert!(
        lines.contains(&"ok deploy release 2 4.2 1200 0 1.50 20.0 123 completed".to_owned()),
        "{text}"
    );
    assert!(
        lines.contains(&"FAILED kill a task 1.0 1200 4 1.50 20.0 123".to_owned()),
        "{text}"
    );
    assert!(
        lines.contains(&"4 x /start: status 502".to_owned()),
        "{text}"
    );
    assert!(
        text.ends_with("FAILED: of 2400 requests 4 failed, 3 of them where none may\n"),
        "{text}"
    );
}

#[test]
fn json_says_the_same() {
    let json: serde_json::Value = serde_json::from_str(&report().json().unwrap()).unwrap();
    assert_eq!(json["passed"], false);
    assert_eq!(json["acts"][0]["on_aws"], "completed");
    assert_eq!(json["acts"][0]["requests"]["p99_us"], 20_000);
    assert_eq!(
        json["acts"][1]["requests"]["errors"]["/start: status 502"],
        4
    );
}

#[test]
fn junit_is_xml_whatever_an_act_says() {
    let xml = report().junit();
    assert!(
        xml.contains("tests=\"2\" failures=\"1\" errors=\"0\" time=\"5.250\""),
        "{xml}"
    );
    let failure = "<failure message=\"3 requests lost, &quot;1&quot; may be &amp; &lt;more&gt;\">";
    assert!(xml.contains(failure), "{xml}");
    for element in [
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
        "system-out",
    ] {
        let opened = xml.matches(&format!("<{element}>")).count()
            + xml.matches(&format!("<{element} ")).count();
        assert_eq!(
            opened,
            xml.matches(&format!("</{element}>")).count(),
            "{element}"
        );
    }
}

#[test]
fn what_was_interrupted_is_not_passed() {
    let report = Report::new(String::new(), 1.0, 1.0);
    assert!(!report.passed());
    assert!(report.text().contains("INTERRUPTED"));
    // A CI server reads nothing but the file.
    assert!(
        report.junit().contains("tests=\"1\" failures=\"1\""),
        "{}",
        report.junit()
    );
}
