//! How the processes of a rehearsal are started: each is this program once more.

use std::io;
use std::path::PathBuf;

use tokio::process::Command;

/// What the processes are called in the system's lists.
pub(super) const NAME: &str = "roadie";

/// A command that runs the program that runs now, also when another one has taken its place on the disk:
/// a rebuild does not reach into a rehearsal.
///
/// # Errors
/// The system does not say where the program is.
pub(super) fn again() -> io::Result<Command> {
    let mut command = Command::new(path()?);
    // Instead of the path by which the kernel is asked.
    command.arg0(NAME);
    Ok(command)
}

/// On Linux the kernel holds the file that a process was started from as long as the process runs, and opens
/// it under this name. `current_exe` names its path, which may lead nowhere by now, or to another program.
#[cfg(target_os = "linux")]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn path() -> io::Result<PathBuf> {
    Ok(PathBuf::from("/proc/self/exe"))
}

#[cfg(not(target_os = "linux"))]
fn path() -> io::Result<PathBuf> {
    std::env::current_exe()
}
