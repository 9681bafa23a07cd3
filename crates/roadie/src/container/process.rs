//! Starts, watches and stops the process of one container.

use std::collections::BTreeMap;
use std::future::Future;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use super::leash::Leash;
use crate::rehearse::console::Voice;

/// What `roadie` itself can run in place of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Node,
    Client,
}

/// What a container runs, and with which environment.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) program: Program,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) stop_timeout: Duration,
}

/// A running container. Dropping it ends its process at once.
#[derive(Debug)]
pub(crate) struct Container {
    spec: Spec,
    child: Child,
    /// Where it listens.
    pub(crate) port: u16,
    leash: Leash,
}

/// How long a process that was let go may take to end. It does nothing then but exit.
const LET_GO: Duration = Duration::from_secs(2);

impl Program {
    /// The program inside `image`, judged by the last part of its repository's name.
    pub(crate) fn of(image: &str) -> Option<Self> {
        let repository = image.split('@').next()?;
        let last = repository.rsplit('/').next()?;
        match last.split(':').next()? {
            "node" => Some(Self::Node),
            "client" => Some(Self::Client),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Client => "client",
        }
    }
}

impl Container {
    /// Starts the process and waits until it listens. What it prints is said by `voice`.
    ///
    /// # Errors
    /// It cannot be started, or ends before it listens.
    pub(crate) async fn start(spec: Spec, voice: Voice) -> anyhow::Result<Self> {
        let (mut leash, stdin) = Leash::new().context("cannot make a leash")?;
        let program = std::env::current_exe().context("cannot find the own program")?;
        let mut child = Command::new(program)
            .arg(spec.program.name())
            .env_clear()
            .envs(&spec.environment)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C on the terminal is for roadie, which then ends its containers in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the process")?;
        say(child.stdout.take(), voice.clone());
        say(child.stderr.take(), voice);

        match leash.port().await {
            Ok(port) => Ok(Self {
                spec,
                child,
                port,
                leash,
            }),
            Err(_) => {
                let status = child.wait().await.context("cannot wait for the process")?;
                bail!("it ended with {status} before it listened");
            }
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.spec.name
    }

    /// Waits until the process ends by itself.
    pub(crate) async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// What it runs.
    pub(crate) fn spec(&self) -> &Spec {
        &self.spec
    }

    /// SIGKILL, as when it dies by itself.
    pub(crate) fn kill(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        let _ = self.child.start_kill();
    }

    /// SIGTERM, and SIGKILL after the stop timeout, as ECS does it; at once when `over` resolves.
    pub(crate) async fn stop(mut self, over: impl Future<Output = ()>) {
        // Reaped by nobody but us: the id is still ours.
        let pid = self
            .child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
        let limit = self.spec.stop_timeout;
        tokio::select! {
            () = wait_or_kill(&mut self.child, limit) => {}
            () = over => self.let_go().await,
        }
    }

    /// Ends the process at once; nobody is waiting for its answers.
    pub(crate) async fn let_go(mut self) {
        drop(self.leash);
        wait_or_kill(&mut self.child, LET_GO).await;
    }
}

/// Runs a check of the container beside it: whether it exits with 0 within `limit`.
pub(crate) async fn check(spec: &Spec, arguments: &[String], limit: Duration) -> bool {
    let Ok(program) = std::env::current_exe() else {
        return false;
    };
    let status = Command::new(program)
        .arg(spec.program.name())
        .args(arguments)
        .env_clear()
        .envs(&spec.environment)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .status();
    matches!(tokio::time::timeout(limit, status).await, Ok(Ok(status)) if status.success())
}

async fn wait_or_kill(child: &mut Child, limit: Duration) {
    if tokio::time::timeout(limit, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

fn say(stream: Option<impl AsyncRead + Unpin + Send + 'static>, voice: Voice) {
    let Some(stream) = stream else { return };
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            voice.say(&String::from_utf8_lossy(&line));
        }
    });
}
