//! Starts, watches and stops the process of one container.

use std::future::Future;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::{mpsc, watch};

use super::docker::Inside;
use super::leash::{Leash, Port};
use super::usage::Usage;
use super::{Engine, Probe, Spec, executable};
use crate::rehearse::console::Voice;

/// Reads what a container uses, and may kill it for that.
#[derive(Clone, Debug)]
pub(crate) struct Gauge {
    id: Option<u32>,
    signals: mpsc::WeakUnboundedSender<Signal>,
    exit: watch::Receiver<Option<Exit>>,
}

/// A container that was started. Dropping it ends its process at once.
#[derive(Debug)]
pub(crate) struct Container {
    spec: Spec,
    id: Option<u32>,
    port: Port,
    signals: mpsc::UnboundedSender<Signal>,
    exit: watch::Receiver<Option<Exit>>,
    /// What holds it, where it is a process.
    leash: Option<Leash>,
    inside: Option<Inside>,
}

/// How a container ended.
#[derive(Clone, Debug)]
pub(crate) struct Exit {
    pub(crate) success: bool,
    /// The same for people.
    pub(crate) status: String,
}

/// How long a process that was let go may take to end. It does nothing then but exit.
const LET_GO: Duration = Duration::from_secs(2);

/// How long a process may take to listen before it counts as started all the same.
const LISTENS: Duration = Duration::from_secs(2);

/// How long an engine may take to start a container.
const STARTS: Duration = Duration::from_mins(1);

impl Container {
    /// Starts it on `engine`. What it prints is said by `voice`.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(spec: Spec, voice: Voice, engine: &Engine) -> anyhow::Result<Self> {
        let Engine::Docker(docker) = engine else {
            return Self::start_process(spec, voice);
        };
        let started = docker.start(spec.clone(), voice);
        Ok(Self {
            spec,
            id: None,
            port: started.port,
            signals: started.signals,
            exit: started.exit,
            leash: None,
            inside: Some(started.inside),
        })
    }

    fn start_process(spec: Spec, voice: Voice) -> anyhow::Result<Self> {
        let (leash, port, stdin) = Leash::new().context("cannot make a leash")?;
        let mut child = executable::again()
            .context("cannot find the own program")?
            .arg(spec.program.name())
            .args(&spec.arguments)
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
        let id = child.id();
        let (signals, orders) = mpsc::unbounded_channel();
        let (ended, exit) = watch::channel(None);
        tokio::spawn(tend(child, orders, ended));
        Ok(Self {
            spec,
            id,
            port,
            signals,
            exit,
            leash: Some(leash),
            inside: None,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.spec.name
    }

    /// A way to ask how it is.
    pub(crate) fn probe(&self) -> Probe {
        match &self.inside {
            Some(inside) => Probe::Inside(inside.clone()),
            None => Probe::Beside(Box::new(self.spec.clone())),
        }
    }

    /// What it runs.
    pub(crate) fn spec(&self) -> &Spec {
        &self.spec
    }

    pub(crate) fn gauge(&self) -> Gauge {
        Gauge {
            id: self.id,
            signals: self.signals.downgrade(),
            exit: self.exit.clone(),
        }
    }

    /// Where it listens, as soon as it has said so.
    pub(crate) fn port(&self) -> &Port {
        &self.port
    }

    /// Waits until it listens, has ended, or has had time enough for both: how it ended.
    pub(crate) async fn settled(&self) -> Option<Exit> {
        // An engine says when it has started; that takes as long as it takes.
        let limit = match self.inside {
            Some(_) => STARTS,
            None => LISTENS,
        };
        let mut port = self.port.clone();
        let listens = async {
            if port.wait_for(Option::is_some).await.is_err() {
                // It will never listen; it may be about to end.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            exit = self.ended() => Some(exit),
            () = listens => None,
            () = tokio::time::sleep(limit) => None,
        }
    }

    /// Waits until the process ends.
    pub(crate) async fn ended(&self) -> Exit {
        let mut exit = self.exit.clone();
        let exit = exit.wait_for(Option::is_some).await;
        let exit = exit.ok().and_then(|exit| exit.clone());
        exit.unwrap_or_else(|| Exit::unknown(&"nobody knows"))
    }

    /// SIGKILL, as when it dies by itself.
    pub(crate) fn kill(&self) {
        // One that has ended already cannot be killed, and need not be.
        let _ = self.signals.send(Signal::KILL);
    }

    /// SIGTERM, and SIGKILL after the stop timeout, as ECS does it; at once when `over` resolves.
    /// Whether SIGTERM was enough.
    pub(crate) async fn stop(self, over: impl Future<Output = ()>) -> bool {
        let _ = self.signals.send(Signal::TERM);
        let limit = self.spec.stop_timeout;
        tokio::select! {
            in_time = self.end_or_kill(limit) => in_time,
            () = over => {
                self.let_go().await;
                true
            }
        }
    }

    /// Ends the process at once; nobody is waiting for its answers.
    pub(crate) async fn let_go(self) {
        let Self {
            signals,
            mut exit,
            leash,
            ..
        } = self;
        match leash {
            Some(leash) => drop(leash),
            // Nobody waits for it.
            None => drop(signals.send(Signal::KILL)),
        }
        let end = exit.wait_for(Option::is_some);
        if tokio::time::timeout(LET_GO, end).await.is_err() {
            let _ = signals.send(Signal::KILL);
            let _ = exit.wait_for(Option::is_some).await;
        }
    }

    async fn end_or_kill(&self, limit: Duration) -> bool {
        let in_time = tokio::time::timeout(limit, self.ended()).await.is_ok();
        if !in_time {
            self.kill();
            self.ended().await;
        }
        in_time
    }
}

impl Gauge {
    /// What the container uses now; none once it has ended.
    pub(crate) fn read(&self) -> Option<Usage> {
        // As long as the end is not known, nobody has reaped the process: the id is still its own.
        let running = self.exit.borrow().is_none();
        self.id.filter(|_| running).and_then(Usage::of)
    }

    /// SIGKILL, as the kernel sends it to one that uses too much memory.
    pub(crate) fn kill(&self) {
        if let Some(signals) = self.signals.upgrade() {
            let _ = signals.send(Signal::KILL);
        }
    }
}

impl Exit {
    fn unknown(why: &impl ToString) -> Self {
        Self {
            success: false,
            status: why.to_string(),
        }
    }
}

/// Waits for the process's end and passes signals on until then; nobody else reaps it, so that its id
/// cannot have become another process's. Ends it when nobody holds the container any more.
async fn tend(
    mut child: Child,
    mut orders: mpsc::UnboundedReceiver<Signal>,
    ended: watch::Sender<Option<Exit>>,
) {
    let exit = loop {
        tokio::select! {
            status = child.wait() => break status,
            order = orders.recv() => {
                let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
                if let Some(pid) = pid {
                    let _ = rustix::process::kill_process(pid, order.unwrap_or(Signal::KILL));
                }
                if order.is_none() {
                    break child.wait().await;
                }
            }
        }
    };
    ended.send_replace(Some(match exit {
        Ok(status) => Exit {
            success: status.success(),
            status: status.to_string(),
        },
        Err(error) => Exit::unknown(&error),
    }));
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
