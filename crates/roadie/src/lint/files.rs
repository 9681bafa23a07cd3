//! The files to look at.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use ecs::lint::{SourceFile, named_elsewhere};
use ecs::printable::Shown;

/// Folders that hold other people's JSON.
const NOT_OURS: [&str; 2] = ["node_modules", "target"];

/// The files named, those in the folders named, and those that a plan among them names.
pub(super) fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<SourceFile>> {
    let mut found = Vec::new();
    for path in paths {
        // Unlike for what lies in a folder, a link is followed here: it was asked for.
        let kind = fs::metadata(path).with_context(|| format!("cannot read {}", Shown(path)))?;
        match kind.is_dir() {
            true => walk(path, &mut found)?,
            false => found.push(path.clone()),
        }
    }
    // People who look at `.` do not want it before every name.
    let short = |path: PathBuf| path.strip_prefix(".").map_or(path.clone(), Path::to_owned);
    let mut found: Vec<PathBuf> = found.into_iter().map(short).collect();
    found.sort();
    found.dedup();
    let mut files: Vec<SourceFile> = found
        .iter()
        .map(|path| load(path))
        .collect::<Result<_, _>>()?;
    for path in named_elsewhere(&files) {
        // One that is not there is a finding, not a failure.
        if path.is_file() {
            files.push(load(&path)?);
        }
    }
    Ok(files)
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", Shown(dir)))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", Shown(dir)))?;
        let path = entry.path();
        let name = entry.file_name();
        let hidden = name.as_encoded_bytes().starts_with(b".");
        // Links are not followed: they can lead in a circle.
        let kind = entry
            .file_type()
            .with_context(|| format!("cannot read {}", Shown(&path)))?;
        if kind.is_dir() && !hidden && !NOT_OURS.iter().any(|other| name == *other) {
            walk(&path, found)?;
        } else if !kind.is_dir() && path.extension() == Some(OsStr::new("json")) && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

fn load(path: &Path) -> anyhow::Result<SourceFile> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", Shown(path)))?;
    Ok(SourceFile {
        path: path.to_owned(),
        bytes,
    })
}
