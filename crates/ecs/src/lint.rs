//! What Amazon ECS and its load balancer would refuse or break, found in anyone's JSON files.
//!
//! The other modules read our own layout strictly. This one takes any files: it looks at each one's
//! contents to see what it is, ignores what it does not know, collects every finding and never
//! stops at the first.
//!
//! - [`check`] takes [`SourceFile`]s and gives a [`Report`] of [`Finding`]s;
//! - [`Rule`] is what a finding is an instance of, [`rules`] all of them, by topic in `rules/`;
//! - inside: `source` reads a file, `node` walks it by `path`s, `kind` says what it is, `scope` which
//!   files belong together, found by an `index`, and `routing` which way requests go among them.
//!
//! Nothing takes longer than n log n: files are anyone's, and what a rule looks up is kept in tables.

mod finding;
mod index;
mod kind;
mod node;
mod path;
mod position;
mod reference;
mod routing;
mod rule;
mod rules;
mod scope;
mod source;
mod task;
mod template;
mod url;

pub use finding::{Finding, Report, Severity};
pub use rule::Rule;
pub use source::SourceFile;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use self::{
    finding::Findings,
    kind::{Document, Kind},
    scope::Scope,
    source::Source,
};
use crate::{file, plan};

/// Holds every rule against `files`, each alone and all against each other.
///
/// Files belong together when one `plan.json` names them; files that no plan names belong together
/// when they are in one folder, and find by name what is in other folders.
#[must_use]
pub fn check(files: Vec<SourceFile>) -> Report {
    let mut found = Findings::default();
    let sources: Vec<Source> = files.into_iter().map(Source::new).collect();
    for source in &sources {
        rules::file::check(source, &mut found);
    }
    let documents: Vec<Document<'_>> = sources.iter().flat_map(kind::documents).collect();
    for document in &documents {
        rules::document(document, &mut found);
    }
    rules::plans(&sources, &documents, &mut found);
    for scope in Scope::all(&sources, &documents) {
        rules::between(&scope, &mut found);
    }
    let seen: HashSet<&Path> = { documents.iter() }
        .map(|document| &*document.node.source.path)
        .collect();
    let known = { sources.iter() }.filter(|s| seen.contains(&*s.path));
    let known = known.count();
    let unread = sources.iter().filter(|s| s.value.is_none()).count();
    found.report(known + unread, sources.len() - known - unread)
}

/// A file that a plan names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// Its path.
    pub path: PathBuf,
    /// The plan's folder; [`file::root`] tells where the file has to be.
    pub layout: PathBuf,
}

/// Files that a plan among `files` names and that are not among them, as paths from where the plan
/// is: a layout may lean on files outside of the folder that is checked. Whoever can read them adds
/// them before [`check`]. Those that a layout may not have are left out.
#[must_use]
pub fn named_elsewhere(files: &[SourceFile]) -> Vec<Named> {
    let here: HashSet<PathBuf> = files.iter().map(|file| scope::normal(&file.path)).collect();
    let is_plan = |file: &&SourceFile| file.path.file_name().is_some_and(|name| name == plan::FILE);
    let mut missing = Vec::new();
    for source in files.iter().filter(is_plan).cloned().map(Source::new) {
        for document in kind::documents(&source)
            .iter()
            .filter(|d| d.kind == Kind::Plan)
        {
            for step in document.node.elements() {
                if step.text_at("file").is_some_and(file::leaves) {
                    continue;
                }
                let path = scope::planned_file(&document.node, &step);
                let path = path.filter(|path| !here.contains(path));
                missing.extend(path.map(|path| Named {
                    path,
                    layout: folder_of(&source.path).to_owned(),
                }));
            }
        }
    }
    missing.sort();
    missing.dedup();
    missing
}

fn folder_of(file: &Path) -> &Path {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Every rule there is, in the order of the documentation.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    rules::ALL
        .iter()
        .flat_map(|topic| topic.rules.iter().copied())
}

/// Every rule there is, by topic.
pub fn topics() -> impl Iterator<Item = (&'static str, &'static [&'static Rule])> {
    rules::ALL.iter().map(|topic| (topic.title, topic.rules))
}
