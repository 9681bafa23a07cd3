//! What was found: one place of one file that breaks one rule.

use std::{
    collections::HashSet,
    fmt::{self, Display},
    path::PathBuf,
};

use super::{Rule, node::Node, path};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// AWS refuses it, or tasks do not come up, or requests are lost.
    Error,
    /// It works, until something else happens.
    Warning,
}

impl Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One place that breaks one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule, with what AWS does and what to do instead.
    pub rule: &'static Rule,
    /// The file, as it was given.
    pub file: PathBuf,
    /// Where in the file, for example `containerDefinitions[1].links[0]`; empty for the whole file.
    pub path: String,
    /// Line of that place, from 1.
    pub line: usize,
    /// Column of that place, from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// By file, then by line.
    pub findings: Vec<Finding>,
    /// Files that were looked into.
    pub checked: usize,
    /// Files that hold JSON of a kind no rule is about.
    pub skipped: usize,
}

impl Report {
    /// How many findings are errors.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// How many findings are warnings.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    fn count(&self, severity: Severity) -> usize {
        let findings = self.findings.iter();
        findings.filter(|f| f.rule.severity == severity).count()
    }
}

/// Where rules put what they find.
#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// `node` breaks `rule`.
    pub(super) fn add(&mut self, rule: &'static Rule, node: &Node<'_>, message: impl Into<String>) {
        const MOST: usize = 1_000;
        let (line, column) = node.place();
        self.0.push(Finding {
            rule,
            file: node.source.path.clone(),
            path: node.path.text(),
            line,
            column,
            message: path::shortened(&message.into(), MOST),
        });
    }

    /// A finding about a place that has no node, because the file is not JSON.
    pub(super) fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Each finding once: a file that is in two layouts is held against both.
    pub(super) fn report(mut self, checked: usize, skipped: usize) -> Report {
        self.0.sort_by(|a, b| {
            let file = a.file.cmp(&b.file);
            let place = |f: &Finding| (f.line, f.column, f.rule.id);
            file.then_with(|| place(a).cmp(&place(b)))
        });
        let mut seen = HashSet::new();
        self.0.retain(|f| {
            seen.insert((f.rule.id, f.file.clone(), f.path.clone(), f.message.clone()))
        });
        Report {
            findings: self.0,
            checked,
            skipped,
        }
    }
}
