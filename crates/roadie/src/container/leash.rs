//! What ties a container's process to the `roadie` that started it.
//!
//! The process's standard input is one end of a socket pair. Over it the process says on which port
//! it listens, and on it the process waits for the other end to close. That happens when `roadie`
//! lets go, and however `roadie` ends, SIGKILL included: nothing is left behind. A process that is
//! stopped cannot notice; on Linux the kernel is therefore asked to kill it when its parent is gone.

use std::fmt::Display;
use std::future::Future;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use chassis::process::{self, Started};
use chassis::settings::Settings;
use tokio::io::AsyncReadExt;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::watch;

#[cfg(target_os = "linux")]
use super::executable;

/// The end that `roadie` holds; the process ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Leash(#[expect(dead_code, reason = "held, not used")] OwnedWriteHalf);

/// Where a process listens, once it has said so. Gone when the process is gone before.
pub(crate) type Port = watch::Receiver<Option<u16>>;

impl Leash {
    /// A leash, what the process will say over it, and the standard input of the process.
    pub(crate) fn new() -> io::Result<(Self, Port, OwnedFd)> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (mut hear, hold) = tokio::net::UnixStream::from_std(ours)?.into_split();
        let (said, port) = watch::channel(None);
        tokio::spawn(async move {
            if let Ok(port) = hear.read_u16().await {
                said.send_replace(Some(port));
                // The port stays known until the process is gone.
                let _ = hear.read_u8().await;
            }
        });
        Ok((Self(hold), port, theirs.into()))
    }
}

/// Runs a service on the leash that is its standard input.
pub(crate) fn run<F, E>(
    settings: &Settings,
    service: &str,
    serve: impl FnOnce(Started) -> F,
) -> ExitCode
where
    F: Future<Output = Result<(), E>>,
    E: Into<anyhow::Error>,
{
    process::run(settings, service, |started| async {
        hold(&started).map_err(|error| fail("cannot take the leash", error))?;
        serve(started).await.map_err(Into::into)
    })
}

/// Says where the service listens, and ends the process when the leash is let go.
fn hold(started: &Started) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // It is called after the last part of the path that it was started by. Not being found is no failure.
    #[cfg(target_os = "linux")]
    let _ = std::fs::write("/proc/self/comm", executable::NAME);
    let mut leash = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    leash.write_all(&started.listener.local_addr()?.port().to_be_bytes())?;
    // A thread of its own: it has to work whatever the service is busy with.
    std::thread::Builder::new()
        .name("leash".to_owned())
        .spawn(move || {
            let _ = leash.read(&mut [0]);
            std::process::exit(0);
        })?;
    Ok(())
}

fn fail(what: &str, error: impl Display) -> anyhow::Error {
    anyhow::anyhow!("{what}: {error}")
}
