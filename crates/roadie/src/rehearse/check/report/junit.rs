//! The report as CI servers read it.

use std::fmt::Write;

use super::Act;

/// A test suite with one case an act.
pub(super) fn write(layout: &str, acts: &[Act]) -> String {
    let failures = acts.iter().filter(|act| !act.passed).count();
    let seconds: f64 = acts.iter().map(|act| act.seconds).sum();
    let name = escape(&format!("roadie rehearse check {layout}"));
    let count = acts.len();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    // Writing into a String does not fail.
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{name}\" tests=\"{count}\" failures=\"{failures}\" errors=\"0\" time=\"{seconds:.3}\">"
    );
    for act in acts {
        let (case, out) = (escape(&act.name), escape(&said(act)));
        let _ = writeln!(
            xml,
            "    <testcase classname=\"{name}\" name=\"{case}\" time=\"{:.3}\">",
            act.seconds
        );
        if !act.passed {
            let message = escape(&act.outcome);
            let _ = writeln!(xml, "      <failure message=\"{message}\">{out}</failure>");
        }
        let _ = writeln!(xml, "      <system-out>{out}</system-out>\n    </testcase>");
    }
    xml + "  </testsuite>\n</testsuites>\n"
}

fn said(act: &Act) -> String {
    let requests = &act.requests;
    let mut lines = vec![
        act.outcome.clone(),
        format!("{} requests, {} failed", requests.sent, requests.failed),
    ];
    lines.extend(
        requests
            .errors
            .iter()
            .map(|(error, count)| format!("{count} x {error}")),
    );
    lines.join("\n")
}

/// Text for an element or an attribute. What XML cannot hold at all is left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}
