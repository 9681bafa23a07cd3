//! Takes the containers away when the rehearsal that made them is gone, however it went.
//!
//! A process can be held on a leash; a container belongs to the engine. So a second `roadie` waits for the
//! end of a socket that only the rehearsal holds, and then removes all that carries its label.

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tokio::process::Child;

use super::super::executable;
use super::api::Api;
use super::label;
use crate::rehearse::block_on;

/// A container may come to be while others are swept: the engine goes on with what it was asked.
const AGAIN: Duration = Duration::from_millis(500);

/// Nothing found this often in a row is the end.
const CLEAN: u32 = 3;

/// How long the sweeping may take.
const LIMIT: Duration = Duration::from_mins(2);

/// Remove a rehearsal's containers when standard input ends; the rehearsal starts this
#[derive(Args, Clone, Debug)]
pub(crate) struct Sweep {
    /// Where the engine is
    #[arg(long)]
    docker_host: String,
    /// The rehearsal
    run: String,
}

/// Somebody who will sweep, once this is dropped.
#[derive(Debug)]
pub(super) struct Sweeper {
    child: Child,
    held: UnixStream,
}

impl Sweep {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        // An error is an end, too.
        while let Ok(1..) = io::stdin().read(&mut [0]) {}
        block_on(self.sweep())
    }

    async fn sweep(&self) -> anyhow::Result<()> {
        let api = Api::at(&self.docker_host)?;
        let sweeping = async {
            let mut clean = 0;
            while clean < CLEAN {
                let left = api.labelled(&label(&self.run)).await?;
                clean = if left.is_empty() { clean + 1 } else { 0 };
                for id in left {
                    // It may be going away already.
                    let _ = api.remove(&id).await;
                }
                tokio::time::sleep(AGAIN).await;
            }
            Ok(())
        };
        let swept = tokio::time::timeout(LIMIT, sweeping).await;
        swept.context("containers are left")?
    }
}

impl Sweeper {
    pub(super) fn hire(docker_host: &str, run: &str) -> anyhow::Result<Self> {
        let (ours, theirs) = UnixStream::pair().context("cannot make a leash")?;
        let child = executable::again()
            .context("cannot find the own program")?
            .args(["sweep", "--docker-host", docker_host, run])
            .env_clear()
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            // Ctrl-C on the terminal is for roadie.
            .process_group(0)
            .spawn()
            .context("cannot start the sweeper")?;
        Ok(Self { child, held: ours })
    }

    /// Lets it sweep, and waits until it has.
    pub(super) async fn sweep(self) {
        let Self { mut child, held } = self;
        drop(held);
        let _ = child.wait().await;
    }
}
