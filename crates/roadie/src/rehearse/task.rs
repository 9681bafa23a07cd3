//! One task: its containers, started in order, running as long as the essential ones do.

use std::fmt::Write as _;

use anyhow::Context;
use ecs::alb::TargetState;
use futures_util::future::{join_all, select_all};

use super::console::Voice;
use super::service::Stagehand;
use super::stage::{Part, Service, TargetOf};
use super::targets::Registration;
use crate::container::Container;

/// A running task. Dropping it ends its containers at once.
#[derive(Debug)]
pub(crate) struct Task {
    /// In start order.
    containers: Vec<Container>,
    essential: Vec<bool>,
    registrations: Vec<Registration>,
}

impl Task {
    /// Starts the containers one after the other, and registers the targets.
    ///
    /// # Errors
    /// A container does not come up; those before it are ended.
    pub(crate) async fn start(
        id: &str,
        service: &Service,
        stagehand: &Stagehand,
    ) -> anyhow::Result<Self> {
        let voices = &stagehand.voices;
        let mut task = Self {
            containers: Vec::new(),
            essential: Vec::new(),
            registrations: Vec::new(),
        };
        for part in &service.containers {
            let name = &part.spec.name;
            let hosts = stagehand
                .scratch
                .write(&format!("{id}-{name}-hosts"), &task.hosts_of(part))
                .context("cannot write a hosts file")?;
            let mut spec = part.spec.clone();
            spec.environment.extend(stagehand.ambient.clone());
            spec.environment
                .insert("HOSTS_FILE".to_owned(), hosts.display().to_string());
            let container = Container::start(spec, voices.of(name)).await;
            task.containers
                .push(container.with_context(|| name.clone())?);
            task.essential.push(part.essential);
        }
        for target in &service.targets {
            let container = task
                .containers
                .iter()
                .find(|c| c.name() == target.container);
            if let Some(container) = container {
                let said = announce(voices.roadie.clone(), container, target);
                let registration = target.group.register(container.port, said);
                task.registrations.push(registration);
            }
        }
        Ok(task)
    }

    /// The names that a container knows, with the ports on which they are found here.
    fn hosts_of(&self, part: &Part) -> String {
        let mut hosts = String::new();
        for (linked, alias) in &part.links {
            if let Some(container) = self.containers.iter().find(|c| c.name() == linked) {
                // Writing into a String does not fail.
                let _ = writeln!(hosts, "127.0.0.1:{} {linked} {alias}", container.port);
            }
        }
        hosts
    }

    /// Waits until an essential container ends, and says which and how.
    pub(crate) async fn broken(&mut self) -> String {
        let containers = self.containers.iter_mut().zip(&self.essential);
        let essential =
            containers.filter_map(|(container, essential)| essential.then_some(container));
        let ends = essential.map(|container| {
            Box::pin(async {
                let status = container.ended().await;
                let status = status.map_or_else(|error| error.to_string(), |s| s.to_string());
                format!("{} ended: {status}", container.name())
            })
        });
        // A task has an essential container: AWS refuses one without, and so does the stage.
        select_all(ends).await.0
    }

    /// Ends what still runs: out of the target groups first, then the containers in reverse order.
    pub(crate) async fn stop(self, mut stagehand: Stagehand) {
        drop(self.registrations);
        for container in self.containers.into_iter().rev() {
            container.stop(stagehand.over()).await;
        }
    }

    /// Ends everything at once, and waits until it has ended.
    pub(crate) async fn let_go(self) {
        drop(self.registrations);
        join_all(self.containers.into_iter().map(Container::let_go)).await;
    }
}

/// Says when a target's health changes.
fn announce(
    roadie: Voice,
    container: &Container,
    target: &TargetOf,
) -> impl Fn(TargetState) + Send + 'static {
    let (name, port) = (container.name().to_owned(), container.port);
    let group = target.group.name().to_owned();
    move |state| {
        let state = match state {
            TargetState::Initial => "initial",
            TargetState::Healthy => "healthy",
            TargetState::Unhealthy => "unhealthy",
        };
        roadie.say(&format!("{group}: {name} on port {port} is {state}"));
    }
}
