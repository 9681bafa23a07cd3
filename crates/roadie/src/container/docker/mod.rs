//! Containers of a Docker engine: the real images, made as the task definition says.
//!
//! - `api`: what the engine is asked; `body`: what a container is made like;
//! - `sweep`: who takes them away when the rehearsal cannot.

mod api;
mod body;
pub(crate) mod sweep;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rustix::process::Signal;
use serde_json::Value;
use tokio::sync::{Mutex, mpsc, watch};

use self::api::Api;
use self::sweep::Sweeper;
use super::{Exit, Port, Spec};
use crate::rehearse::console::Voice;

/// Marks what belongs to a rehearsal.
const LABEL: &str = "microservice-ping-pong.rehearsal";

/// An engine, and the rehearsal that it is used for; handles to it are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Docker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    api: Api,
    /// The rehearsal's name: no other has it.
    run: String,
    sweeper: Mutex<Option<Sweeper>>,
}

/// A container under way, as whoever started it sees it.
pub(super) struct Started {
    pub(super) port: Port,
    pub(super) signals: mpsc::UnboundedSender<Signal>,
    pub(super) exit: watch::Receiver<Option<Exit>>,
    pub(super) inside: Inside,
}

/// A way into a container, once there is one.
#[derive(Clone, Debug)]
pub(crate) struct Inside {
    api: Api,
    id: watch::Receiver<Option<String>>,
}

/// What the life of a container tells others.
struct Telling {
    port: watch::Sender<Option<u16>>,
    id: watch::Sender<Option<String>>,
    voice: Voice,
}

impl Docker {
    /// The engine at `host`, in the form of `DOCKER_HOST`.
    ///
    /// # Errors
    /// It does not answer, or is not on this machine.
    pub(crate) async fn at(host: &str) -> anyhow::Result<Self> {
        let api = Api::at(host)?;
        api.ping()
            .await
            .with_context(|| format!("no Docker engine at {host}"))?;
        let run = format!("roadie-{:012x}", fastrand::u64(..1 << 48));
        let sweeper = Sweeper::hire(host, &run)?;
        Ok(Self(Arc::new(Shared {
            api,
            run,
            sweeper: Mutex::new(Some(sweeper)),
        })))
    }

    /// Takes away what is left, and waits until that is done.
    pub(crate) async fn sweep(&self) {
        if let Some(sweeper) = self.0.sweeper.lock().await.take() {
            sweeper.sweep().await;
        }
    }

    /// Starts a container; what it prints is said by `voice`.
    pub(super) fn start(&self, spec: Spec, voice: Voice) -> Started {
        let (signals, orders) = mpsc::unbounded_channel();
        let (ended, exit) = watch::channel(None);
        let (port, listening) = watch::channel(None);
        let (id, known) = watch::channel(None);
        let telling = Telling { port, id, voice };
        let docker = self.clone();
        tokio::spawn(async move {
            let exit = docker.live(&spec, &telling, orders).await;
            let exit = exit.unwrap_or_else(|error| Exit {
                success: false,
                status: format!("{error:#}"),
            });
            if let Some(id) = telling.id.send_replace(None) {
                // What is left the sweeper takes.
                let _ = docker.0.api.remove(&id).await;
            }
            ended.send_replace(Some(exit));
        });
        Started {
            port: listening,
            signals,
            exit,
            inside: Inside {
                api: self.0.api.clone(),
                id: known,
            },
        }
    }

    /// The life of a container, from its making to its end.
    async fn live(
        &self,
        spec: &Spec,
        telling: &Telling,
        mut orders: mpsc::UnboundedReceiver<Signal>,
    ) -> anyhow::Result<Exit> {
        let api = &self.0.api;
        let image = self.image(spec).await?;
        let links = spec.links.iter();
        let links = links.map(|(to, alias)| format!("{}:{alias}", self.name(&spec.place, to)));
        let labels = BTreeMap::from([(LABEL, &*self.0.run)]);
        let body = body::body(spec, image, &labels, &links.collect::<Vec<_>>());
        let id = api
            .create(&self.name(&spec.place, &spec.name), &body)
            .await?;
        telling.id.send_replace(Some(id.clone()));
        api.start(&id).await?;
        self.follow(id.clone(), telling.voice.clone());
        telling
            .port
            .send_replace(Some(port(&api.inspect(&id).await?)));

        let mut end = Box::pin(api.wait(&id));
        let status = loop {
            tokio::select! {
                status = &mut end => break status?,
                order = orders.recv() => {
                    let signal = match order {
                        Some(Signal::TERM) => "SIGTERM",
                        _ => "SIGKILL",
                    };
                    // One that has ended cannot be sent a signal, and need not be.
                    let _ = api.signal(&id, signal).await;
                    if order.is_none() {
                        break end.await?;
                    }
                }
            }
        };
        let ended = api.inspect(&id).await.unwrap_or_default();
        let starved = ended["State"]["OOMKilled"] == Value::Bool(true);
        Ok(Exit {
            success: status == 0,
            status: match starved {
                true => format!("exit status: {status}, out of memory"),
                false => format!("exit status: {status}"),
            },
        })
    }

    /// The name under which the image is known here.
    async fn image<'a>(&self, spec: &'a Spec) -> anyhow::Result<&'a str> {
        for name in &spec.image.names {
            if self.0.api.has_image(name).await? {
                return Ok(name);
            }
        }
        let names = spec.image.names.join(" or ");
        anyhow::bail!("no image {names} on this machine; `docker compose build` makes ours")
    }

    fn name(&self, place: &str, container: &str) -> String {
        format!("{}-{place}-{container}", self.0.run)
    }

    /// Says what the container prints, line by line, until it ends.
    fn follow(&self, id: String, voice: Voice) {
        let api = self.0.api.clone();
        tokio::spawn(async move {
            let Ok(mut logs) = api.logs(&id).await else {
                return;
            };
            let (mut frames, mut line) = (Vec::new(), Vec::new());
            while let Ok(Some(chunk)) = logs.chunk().await {
                frames.extend_from_slice(&chunk);
                for byte in take_frames(&mut frames) {
                    match byte {
                        b'\n' => voice.say(&String::from_utf8_lossy(&std::mem::take(&mut line))),
                        byte => line.push(byte),
                    }
                }
            }
        });
    }
}

impl Inside {
    /// Whether `command` exits with 0 within `limit`, inside the container.
    pub(super) async fn passes(&self, command: &[String], limit: Duration) -> bool {
        let id = self.id.borrow().clone();
        let Some(id) = id else { return false };
        let run = tokio::time::timeout(limit, self.api.run(&id, command));
        matches!(run.await, Ok(Ok(0)))
    }
}

/// The label of what belongs to the rehearsal `run`.
fn label(run: &str) -> String {
    format!("{LABEL}={run}")
}

/// The port of this machine that leads into the container; 0, where nobody listens, if none does.
fn port(inspected: &Value) -> u16 {
    let ports = inspected["NetworkSettings"]["Ports"].as_object();
    let bound = ports.into_iter().flat_map(|ports| ports.values());
    let mut bound = bound.filter_map(|bound| bound[0]["HostPort"].as_str()?.parse().ok());
    bound.next().unwrap_or(0)
}

/// Takes the whole frames out: eight bytes of head, the last four of which are the length.
fn take_frames(frames: &mut Vec<u8>) -> Vec<u8> {
    let mut said = Vec::new();
    let mut rest = &frames[..];
    while let Some((head, behind)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        let Some((text, behind)) = behind.split_at_checked(length as usize) else {
            break;
        };
        said.extend_from_slice(text);
        rest = behind;
    }
    *frames = rest.to_vec();
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_when_they_are_whole() {
        let whole = b"\x01\0\0\0\0\0\0\x03one\x02\0\0\0\0\0\0\x04two\n";
        for cut in 0..whole.len() {
            let (mut frames, mut said) = (Vec::new(), Vec::new());
            for part in [&whole[..cut], &whole[cut..]] {
                frames.extend_from_slice(part);
                said.extend(take_frames(&mut frames));
            }
            assert_eq!(said, b"onetwo\n", "cut at {cut}");
        }
    }
}
