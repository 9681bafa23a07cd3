//! A rule: what it finds, what AWS does about it, and what to do instead.

use super::Severity;

/// Something that must hold. A rule says in general what a [`Finding`](super::Finding) says of one
/// place.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Short and stable, for example `link-cycle`.
    pub id: &'static str,
    /// Whether it fails a run.
    pub severity: Severity,
    /// What it finds.
    pub what: &'static str,
    /// What AWS does with it.
    pub aws: &'static str,
    /// What to do instead.
    pub fix: &'static str,
}

/// Rules about one thing, under one heading of the documentation.
pub(super) struct Topic {
    pub(super) title: &'static str,
    pub(super) rules: &'static [&'static Rule],
}

/// Declares the rules of a topic, and the topic itself.
macro_rules! topic {
    ($title:literal; $($name:ident = $severity:ident $id:literal {
        what: $what:literal, aws: $aws:literal, fix: $fix:literal $(,)?
    })*) => {
        $(static $name: $crate::lint::Rule = $crate::lint::Rule {
            id: $id,
            severity: $crate::lint::Severity::$severity,
            what: $what,
            aws: $aws,
            fix: $fix,
        };)*
        pub(in crate::lint) static TOPIC: $crate::lint::rule::Topic = $crate::lint::rule::Topic {
            title: $title,
            rules: &[$(&$name),*],
        };
    };
}

pub(super) use topic;
