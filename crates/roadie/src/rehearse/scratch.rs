//! A folder for the files that containers read, gone when the rehearsal is.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};

const PREFIX: &str = "roadie-";

/// Held as long as the folder is in use; the system lets go of it however the process ends.
const LOCK: &str = "lock";

/// The folder of this process.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
    _lock: File,
}

impl Scratch {
    /// Makes it, and removes those of rehearsals that were killed and could not.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let all = std::env::temp_dir();
        remove_orphans(&all);
        // The number tells people whose it is; it alone would not do where every program is number 1.
        let name = format!("{PREFIX}{}-{:08x}", std::process::id(), fastrand::u32(..));
        let folder = all.join(name);
        let cannot = || format!("cannot create {}", folder.display());
        fs::create_dir(&folder).with_context(cannot)?;
        let lock = File::create(folder.join(LOCK)).with_context(cannot)?;
        flock(&lock, FlockOperation::LockExclusive).with_context(cannot)?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// Writes `text` to a file of its own.
    pub(crate) fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        // Somebody may have tidied up.
        fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(name);
        fs::write(&path, text)?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next rehearsal.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn remove_orphans(all: &Path) {
    let entries = fs::read_dir(all).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX));
        if !ours {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join(LOCK)) else {
            continue;
        };
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
