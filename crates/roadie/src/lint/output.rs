//! Findings as text, as JSON, and as GitHub's workflow commands.

use std::{fmt::Write as _, path::Path};

use ecs::lint::{Finding, Report, Severity};
use ecs::printable::{self, Line, Shown};
use serde_json::json;

use crate::stdio;

/// Grouped by file, with a summary as the last line.
pub(super) fn text(report: &Report, colour: bool) -> String {
    let mut lines = Vec::new();
    let mut file: Option<&Path> = None;
    for finding in &report.findings {
        if file != Some(&finding.file) {
            lines.push(paint(&Shown(&finding.file).to_string(), BOLD, colour));
            file = Some(&finding.file);
        }
        lines.push(head(finding, colour));
        for (label, sentence) in [
            ("", finding.message.as_str()),
            ("AWS: ", finding.rule.aws),
            ("Fix: ", finding.rule.fix),
        ] {
            lines.push(format!("      {label}{}", printable::line(sentence)));
        }
        lines.push(String::new());
    }
    lines.push(summary(report));
    lines.join("\n") + "\n"
}

fn head(finding: &Finding, colour: bool) -> String {
    let severity = finding.rule.severity;
    let style = match severity {
        Severity::Error => RED,
        Severity::Warning => YELLOW,
    };
    let path = match finding.path.as_str() {
        "" => "the whole file",
        path => path,
    };
    format!(
        "  {}:{}  {}  {}  {}",
        finding.line,
        finding.column,
        paint(&severity.to_string(), style, colour),
        finding.rule.id,
        printable::line(path),
    )
}

/// One object: what was found, and how much. New members may come, none goes.
pub(super) fn json(report: &Report) -> anyhow::Result<String> {
    let finding = |finding: &Finding| {
        json!({
            "rule": finding.rule.id,
            "severity": finding.rule.severity.to_string(),
            "file": finding.file.to_string_lossy(),
            "path": finding.path,
            "line": finding.line,
            "column": finding.column,
            "message": finding.message,
            "aws": finding.rule.aws,
            "fix": finding.rule.fix,
        })
    };
    let findings: Vec<_> = report.findings.iter().map(finding).collect();
    let object = json!({
        "findings": findings,
        "column_unit": "characters",
        "summary": {
            "errors": report.errors(),
            "warnings": report.warnings(),
            "checked": report.checked,
            "skipped": report.skipped,
        },
    });
    Ok(stdio::json(&object)?)
}

/// One workflow command a finding, then the summary as a plain line of the log.
pub(super) fn github(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let rule = finding.rule;
        let message = match finding.path.as_str() {
            "" => printable::line(&finding.message).into_owned(),
            path => format!("{}: {}", Line(path), Line(&finding.message)),
        };
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "::{} file={},line={},col={},title={}::{}",
            rule.severity,
            property(&Shown(&finding.file).to_string()),
            finding.line,
            finding.column,
            property(rule.id),
            data(&format!("{message}\nAWS: {}\nFix: {}", rule.aws, rule.fix)),
        );
    }
    text + &summary(report) + "\n"
}

fn summary(report: &Report) -> String {
    let files = |count| counted(count, "file");
    let skipped = match report.skipped {
        0 => String::new(),
        count => format!("; {} of other JSON skipped", files(count)),
    };
    if report.findings.is_empty() {
        return format!("nothing found in {}{skipped}", files(report.checked));
    }
    let (errors, warnings) = (report.errors(), report.warnings());
    format!(
        "{}, {} in {}{skipped}",
        counted(errors, "error"),
        counted(warnings, "warning"),
        files(report.checked)
    )
}

fn counted(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}

const BOLD: &str = "1";
const RED: &str = "31";
const YELLOW: &str = "33";

fn paint(text: &str, style: &str, colour: bool) -> String {
    match colour {
        true => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    }
}

/// A workflow command's message, as GitHub's own toolkit writes it.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A workflow command's property: commas and colons end it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workflow_commands_are_escaped() {
        assert_eq!(data("100 %\r\nnext: a, b"), "100 %25%0D%0Anext: a, b");
        assert_eq!(property("a,b:c%.json"), "a%2Cb%3Ac%25.json");
    }
}
