//! A folder for the files of a rehearsal, for its user alone, gone when the rehearsal is.

mod token;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Error, ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, openat};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

pub(crate) use self::token::Token;

const PREFIX: &str = "roadie-";

/// Held as long as the folder is in use; the system lets go of it however the process ends.
const LOCK: &str = "lock";

/// The same before it is held: nobody takes the folder of a rehearsal that is starting for an orphan.
const NEW_LOCK: &str = "lock.new";

/// What others than the user may do, in a mode.
const OTHERS: u32 = 0o077;

/// How the names of the other files end.
const HOSTS: &str = "-hosts";

/// A folder without a lock is left to its rehearsal for so long; making the lock takes a moment.
const STARTS: Duration = Duration::from_mins(1);

/// The hosts file of a container; gone when dropped.
#[derive(Debug)]
pub(crate) struct HostsFile(PathBuf);

impl HostsFile {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for HostsFile {
    fn drop(&mut self) {
        // What is not removed now goes with the folder.
        let _ = fs::remove_file(&self.0);
    }
}

/// The folder of this process.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
    lock: Mutex<File>,
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
        let lock = make(&folder).with_context(cannot)?;
        Ok(Self {
            folder,
            lock: Mutex::new(lock),
        })
    }

    /// Writes `text` to the hosts file of `name`, a container that no other has the name of.
    ///
    /// # Errors
    /// It cannot be written, or something else has taken the folder's name.
    pub(crate) fn write_hosts(&self, name: &str, text: &str) -> io::Result<HostsFile> {
        self.write(&format!("{name}{HOSTS}"), text).map(HostsFile)
    }

    /// Writes the file by which the subcommands of this user are let in at `port`.
    ///
    /// # Errors
    /// See [`Self::write_hosts`].
    pub(crate) fn write_token(&self, port: u16, token: &Token) -> io::Result<PathBuf> {
        self.write(&token::file(port), token.expose())
    }

    /// Writes `text` to a file of its own.
    fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        if name.contains('/') {
            return Err(Error::other(format!("{name:?} is no name of a file")));
        }
        let mut lock = self.lock();
        if !is_own_folder(&self.folder)? {
            // Somebody has tidied up; others can have taken the name since.
            *lock = make(&self.folder)?;
        }
        let path = self.folder.join(name);
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)?;
        file.write_all(text.as_bytes())?;
        Ok(path)
    }

    fn lock(&self) -> MutexGuard<'_, File> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next rehearsal.
        if let Ok(true) = is_own_folder(&self.folder) {
            remove(&self.folder);
        }
    }
}

/// Makes a folder that was not there, and its lock.
fn make(folder: &Path) -> io::Result<File> {
    DirBuilder::new().mode(0o700).create(folder)?;
    let mut options = OpenOptions::new();
    let new = options.write(true).create_new(true).mode(0o600);
    let lock = new.open(folder.join(NEW_LOCK))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    fs::rename(folder.join(NEW_LOCK), folder.join(LOCK))?;
    Ok(lock)
}

/// Whether the folder is there, and its user's alone.
///
/// # Errors
/// Something else has its name.
fn is_own_folder(folder: &Path) -> io::Result<bool> {
    let found = match fs::symlink_metadata(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if found.is_dir() && found.uid() == own_id() && found.mode() & OTHERS == 0 {
        return Ok(true);
    }
    let what = format!("{} is not this user's folder", folder.display());
    Err(Error::other(what))
}

fn own_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The folders in `all` that are called as a rehearsal calls its own.
fn called_so(all: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(all).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_name));
    named.map(|entry| entry.path())
}

fn is_name(name: &str) -> bool {
    let parts = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(process, random)| {
        let process_fits = (1..=10).contains(&process.len());
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        process_fits
            && process.bytes().all(|byte| byte.is_ascii_digit())
            && random.len() == 8
            && random.bytes().all(hex)
    })
}

fn remove_orphans(all: &Path) {
    for folder in called_so(all) {
        // What cannot be looked at is not ours to remove.
        if let Ok(true) = is_orphan(&folder) {
            remove(&folder);
        }
    }
}

/// Whether a rehearsal of this user made the folder and is gone.
fn is_orphan(path: &Path) -> io::Result<bool> {
    let folder = open_folder(path)?;
    let found = rustix::fs::fstat(&folder)?;
    if found.st_uid != own_id() {
        return Ok(false);
    }
    match open_own(&folder, LOCK) {
        Ok(lock) => Ok(flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok()),
        // It was killed before it had one, or has only just begun.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let changed = File::from(folder).metadata()?.modified()?;
            let old = changed.elapsed().is_ok_and(|age| age > STARTS);
            Ok(old && !is_process(path))
        }
        Err(error) => Err(error),
    }
}

/// Whether there is a process of the number that a folder is called by: it may have lost its lock.
fn is_process(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str());
    let number = name
        .and_then(|name| name.split('-').nth(1))
        .and_then(|number| Pid::from_raw(number.parse().ok()?));
    // Another user's cannot be sent a signal, but is there.
    number.is_some_and(|number| test_kill_process(number) != Err(Errno::SRCH))
}

/// Opens a folder, and nothing that only leads to one.
fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// Opens a regular file of this user, without waiting for whatever else may be there.
///
/// # Errors
/// It is not there, or is something else.
fn open_own(folder: &OwnedFd, name: &str) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(openat(folder, name, flags, Mode::empty())?);
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(Error::other("no regular file"));
    }
    if found.uid() != own_id() {
        let what = format!("a file of another user, {}", found.uid());
        return Err(Error::other(what));
    }
    Ok(file)
}

/// Removes what a rehearsal makes, and the folder where that was all.
fn remove(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let known = |name: &str| {
            matches!(name, LOCK | NEW_LOCK) || name.ends_with(HOSTS) || token::is_file(name)
        };
        let regular = entry.file_type().is_ok_and(|kind| kind.is_file());
        if regular && name.to_str().is_some_and(known) {
            let _ = fs::remove_file(entry.path());
        }
    }
    let _ = fs::remove_dir(folder);
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn a_folder_is_called_by_a_process_and_eight_digits() {
        for name in ["roadie-1-00000000", "roadie-4194304-deadbeef"] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "roadie-",
            "roadie--00000000",
            "roadie-1-0000000",
            "roadie-1-000000000",
            "roadie-1-DEADBEEF",
            "roadie-1-00000000-x",
            "roadie-x-00000000",
            "roadie-notes",
            "Roadie-1-00000000",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }
}
