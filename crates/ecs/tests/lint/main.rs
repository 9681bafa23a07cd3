//! The linter, held by a corpus of spoilt files, one of correct ones, our own, and broken JSON.
#![expect(
    clippy::unwrap_used,
    reason = "the functions around the tests may panic as the tests do"
)]

mod corpus;
mod documentation;
mod files;
mod growth;
mod limits;
mod mutations;
mod own_files;

use std::{
    fs,
    path::{Path, PathBuf},
};

use ecs::lint::{Finding, Report, SourceFile};

/// Every JSON file below `dir`, under its path from there, in a fixed order.
fn read(dir: &Path) -> Vec<SourceFile> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let bytes = fs::read(&path).unwrap();
                let path = path.strip_prefix(dir).unwrap().to_owned();
                files.push(SourceFile { path, bytes });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// One file, checked alone.
fn check(path: &str, text: &str) -> Report {
    ecs::lint::check(vec![SourceFile {
        path: path.into(),
        bytes: text.as_bytes().to_vec(),
    }])
}

/// A finding as one line: rule, file, path.
fn line(finding: &Finding) -> String {
    let place = match finding.path.as_str() {
        "" => "(file)",
        path => path,
    };
    format!("{} {} {place}", finding.rule.id, finding.file.display())
}
