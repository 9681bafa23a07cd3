//! Asks a running rehearsal, from a second terminal.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use ecs::printable;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, Url};
use serde::Serialize;
use serde_json::Value;

use super::control::{Deploy, Kill, Restore, Scale, Status};
use super::scratch::Token;
use super::status::{self, ServiceStatus};
use super::zones::ZoneStatus;
use crate::{deploy, stdio};

/// How often a deployment that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// How long the rehearsal may take to answer; it reads files before it answers to a deployment.
const ANSWERS: Duration = Duration::from_mins(1);

/// What a running rehearsal can be asked.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Ask {
    /// Deploy the files as they are now as a new release, and wait for the end
    Deploy {
        /// The new release
        #[arg(long, value_parser = deploy::tag)]
        tag: String,
        /// Only this service
        #[arg(long)]
        service: Option<String>,
        /// A variable for its containers, in place of the files'; may come several times
        #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
        environment: Vec<(String, String)>,
        #[command(flatten)]
        at: At,
    },
    /// Want another number of tasks
    Scale {
        service: String,
        desired: u32,
        #[command(flatten)]
        at: At,
    },
    /// Kill a task or a zone
    #[command(subcommand)]
    Kill(KillWhat),
    /// Bring back what was killed
    #[command(subcommand)]
    Restore(RestoreWhat),
    /// Show services, deployments and tasks
    Status {
        #[arg(long, default_value = "text")]
        format: Format,
        #[command(flatten)]
        at: At,
    },
    /// Show what has happened
    Events {
        #[command(flatten)]
        at: At,
    },
}

/// What can be killed.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum KillWhat {
    /// Kill a container of a task with SIGKILL
    Task {
        service: String,
        task: u64,
        #[command(flatten)]
        at: At,
    },
    /// Take a zone away, with all tasks that run there
    Zone {
        name: String,
        #[command(flatten)]
        at: At,
    },
}

/// What can be brought back.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum RestoreWhat {
    /// Let tasks run in a zone again
    Zone {
        name: String,
        #[command(flatten)]
        at: At,
    },
}

/// Where the rehearsal is.
#[derive(Args, Clone, Debug)]
pub(crate) struct At {
    /// The rehearsal's API
    #[arg(long, default_value = "http://127.0.0.1:8081")]
    control: Url,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

impl Ask {
    /// Asks, and prints the answer.
    pub(crate) async fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Deploy {
                tag,
                service,
                environment,
                at,
            } => {
                let wanted = Deploy {
                    tag: tag.clone(),
                    service: service.clone(),
                    environment: environment.iter().cloned().collect(),
                };
                at.deploy(&wanted).await
            }
            Self::Scale {
                service,
                desired,
                at,
            } => {
                let (service, desired) = (service.clone(), *desired);
                at.post("scale", &Scale { service, desired }).await
            }
            Self::Kill(KillWhat::Task { service, task, at }) => {
                let (service, task) = (service.clone(), *task);
                at.post("kill", &Kill::Task { service, task }).await
            }
            Self::Kill(KillWhat::Zone { name, at }) => {
                let zone = name.clone();
                at.post("kill", &Kill::Zone { zone }).await
            }
            Self::Restore(RestoreWhat::Zone { name, at }) => {
                let zone = name.clone();
                at.post("restore", &Restore { zone }).await
            }
            Self::Status { format, at } => {
                let status = at.status().await?;
                match format {
                    Format::Json => Ok(stdio::print(&stdio::json(&status)?)?),
                    Format::Text => {
                        say(&format!("load balancer: {}", status.load_balancer))?;
                        say(&format!(
                            "zones: {}",
                            printable::line(&zones(&status.zones))
                        ))?;
                        status.services.iter().try_for_each(|s| say(&table(s)))
                    }
                }
            }
            Self::Events { at } => {
                for service in at.status().await?.services {
                    for event in &service.events {
                        say(&line(&service.name, event.at_ms, &event.message))?;
                    }
                }
                Ok(())
            }
        }
    }
}

impl At {
    /// Deploys, shows what happens, and fails where the new release does not stay.
    async fn deploy(&self, wanted: &Deploy) -> anyhow::Result<()> {
        let concerned = |service: &ServiceStatus| {
            wanted
                .service
                .as_ref()
                .is_none_or(|name| *name == service.name)
        };
        let before = self.status().await?;
        let mut seen: Vec<Option<u64>> = before
            .services
            .iter()
            .map(|service| service.events.back().map(|event| event.at_ms))
            .collect();
        self.post("deploy", wanted).await?;
        loop {
            let status = self.status().await?;
            let mut under_way = false;
            for (service, seen) in status.services.iter().zip(&mut seen) {
                for event in service
                    .events
                    .iter()
                    .filter(|event| Some(event.at_ms) > *seen)
                {
                    say(&line(&service.name, event.at_ms, &event.message))?;
                }
                *seen = service.events.back().map(|event| event.at_ms).or(*seen);
                let Some(newest) = service.deployments.first().filter(|_| concerned(service))
                else {
                    continue;
                };
                match &*newest.rollout {
                    "IN_PROGRESS" => under_way = true,
                    "COMPLETED" if newest.release == wanted.tag => {}
                    _ => bail!(
                        "{}: release {} did not come up; {} is running",
                        service.name,
                        wanted.tag,
                        newest.release
                    ),
                }
            }
            if !under_way {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn status(&self) -> anyhow::Result<Status> {
        let answer = self.send(client()?.get(self.url("status")?)).await?;
        Ok(serde_json::from_slice(&answer.bytes().await?)?)
    }

    async fn post(&self, what: &str, body: &impl Serialize) -> anyhow::Result<()> {
        let request = client()?.post(self.url(what)?);
        let request = request.header("content-type", "application/json");
        let request = request.bearer_auth(self.token()?.expose());
        self.send(request.body(serde_json::to_vec(body)?)).await?;
        Ok(())
    }

    /// Fails where the rehearsal refuses.
    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let answer = request.send().await;
        let answer = answer.with_context(|| format!("no rehearsal at {}", self.control))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let body: Value = serde_json::from_slice(&answer.bytes().await?).unwrap_or_default();
        bail!(
            "{}",
            printable::line(body["error"].as_str().unwrap_or("the rehearsal refuses"))
        )
    }

    /// The token of the rehearsal, which is left where only this user can read it.
    fn token(&self) -> anyhow::Result<Token> {
        let host = self.control.host_str().unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        let port = self.control.port_or_known_default().filter(|_| here);
        // Other machines have no use for the token.
        let port = port.with_context(|| format!("{} is not on this machine", self.control))?;
        Token::of_running(port).with_context(|| format!("cannot ask {}", self.control))
    }

    fn url(&self, what: &str) -> anyhow::Result<Url> {
        Ok(self.control.join(what)?)
    }
}

/// Parses a variable and its value.
fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("takes NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn client() -> anyhow::Result<Client> {
    let client = Client::builder().no_proxy().redirect(Policy::none());
    Ok(client.timeout(ANSWERS).build()?)
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(stdio::print(&format!("{text}\n"))?)
}

fn line(service: &str, at_ms: u64, message: &str) -> String {
    let seconds = Duration::from_millis(at_ms).as_secs_f64();
    let (service, message) = (printable::Line(service), printable::Line(message));
    format!("{seconds:9.3} s  {service}: {message}")
}

fn zones(zones: &[ZoneStatus]) -> String {
    let zones = zones.iter().map(|zone| match zone.lost {
        true => format!("{} (lost)", zone.name),
        false => zone.name.clone(),
    });
    zones.collect::<Vec<_>>().join(", ")
}

fn table(service: &ServiceStatus) -> String {
    let mut lines = vec![format!(
        "{}: {} desired, {} running, {} healthy",
        service.name, service.desired, service.running, service.healthy
    )];
    for deployment in &service.deployments {
        let back = if deployment.rollback {
            ", rolled back to"
        } else {
            ""
        };
        lines.push(format!(
            "  release {:12} {}{back}, {} failed tasks",
            deployment.release, deployment.rollout, deployment.failed_tasks
        ));
    }
    for task in &service.tasks {
        lines.push(format!(
            "  task {:<4} {:12} {:9} {} {:>6}  {} MiB  {}",
            task.id,
            task.release,
            task.state,
            task.zone,
            task.port
                .map_or_else(String::new, |port| format!(":{port}")),
            task.memory_mib,
            status::age(Duration::from_millis(task.age_ms)),
        ));
    }
    let lines = lines.iter().map(|line| printable::line(line));
    lines.collect::<Vec<_>>().join("\n")
}
