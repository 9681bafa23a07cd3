//! A folder for the files that containers read, gone when the rehearsal is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::process::{Pid, test_kill_process};

const PREFIX: &str = "roadie-";

/// The folder of this process.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes it, and removes those of rehearsals that were killed and could not.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let all = std::env::temp_dir();
        remove_orphans(&all);
        let own = all.join(format!("{PREFIX}{}", std::process::id()));
        fs::create_dir(&own).with_context(|| format!("cannot create {}", own.display()))?;
        Ok(Self(own))
    }

    /// Writes `text` to a file of its own.
    pub(crate) fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        fs::write(&path, text)?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next rehearsal.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn remove_orphans(all: &Path) {
    let entries = fs::read_dir(all).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let pid = pid.and_then(|pid| Pid::from_raw(pid.parse().ok()?));
        if pid.is_some_and(|pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
