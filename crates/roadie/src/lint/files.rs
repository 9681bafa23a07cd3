//! The files to look at.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use anyhow::Context;
use ecs::file::{self, Refusal};
use ecs::lint::{Named, SourceFile, named_elsewhere};
use ecs::printable::Shown;

use crate::stdio;

/// Folders that hold other people's JSON.
const NOT_OURS: [&str; 2] = ["node_modules", "target"];

/// The files named, those in the folders named, and those that a plan among them names.
pub(super) fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<SourceFile>> {
    let mut found = BTreeMap::new();
    for path in paths {
        // Unlike for what lies in a folder, a link is followed here: it was asked for.
        let kind = fs::metadata(path).with_context(|| format!("cannot read {}", Shown(path)))?;
        match kind.is_dir() {
            true => {
                let root = fs::canonicalize(path);
                let root = root.with_context(|| format!("cannot read {}", Shown(path)))?;
                walk(path, &root, &mut found)?;
            }
            false => drop(found.insert(short(path), None)),
        }
    }
    let mut files = Vec::new();
    for (path, root) in found {
        match root {
            None => files.push(load(&path, file::read(&path))?),
            Some(root) => match file::read_below(&path, &root) {
                // What lies there was not asked for by its name.
                Err(error) if Refusal::of(&error).is_some() => {
                    stdio::tell(&format!("left out: {}: {error}\n", Shown(&path)));
                }
                bytes => files.push(load(&path, bytes)?),
            },
        }
    }
    for Named { path, layout } in named_elsewhere(&files) {
        match file::root(&layout).and_then(|root| file::read_below(&path, &root)) {
            Ok(bytes) => files.push(SourceFile { path, bytes }),
            // One that is not there, or is none that may be read, is a finding and not a failure.
            Err(error) if error.kind() == ErrorKind::NotFound || Refusal::of(&error).is_some() => {}
            Err(error) => files.push(load(&path, Err(error))?),
        }
    }
    Ok(files)
}

/// People who look at `.` do not want it before every name.
fn short(path: &Path) -> PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_owned()
}

/// All JSON files below `dir`, each with `root`, the folder that was named.
fn walk(
    dir: &Path,
    root: &Path,
    found: &mut BTreeMap<PathBuf, Option<PathBuf>>,
) -> anyhow::Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", Shown(dir)))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", Shown(dir)))?;
        let path = entry.path();
        let name = entry.file_name();
        let hidden = name.as_encoded_bytes().starts_with(b".");
        // Links to folders are not followed: they can lead in a circle.
        let kind = entry
            .file_type()
            .with_context(|| format!("cannot read {}", Shown(&path)))?;
        if kind.is_dir() && !hidden && !NOT_OURS.iter().any(|other| name == *other) {
            walk(&path, root, found)?;
        } else if !kind.is_dir() && path.extension() == Some(OsStr::new("json")) {
            // A link that leads to a folder, or nowhere, is no file.
            if !kind.is_symlink() || path.is_file() {
                found
                    .entry(short(&path))
                    .or_insert_with(|| Some(root.to_owned()));
            }
        }
    }
    Ok(())
}

fn load(path: &Path, bytes: io::Result<Vec<u8>>) -> anyhow::Result<SourceFile> {
    let bytes = bytes.with_context(|| format!("cannot read {}", Shown(path)))?;
    Ok(SourceFile {
        path: path.to_owned(),
        bytes,
    })
}
