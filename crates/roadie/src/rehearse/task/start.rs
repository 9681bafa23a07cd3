//! The start of a task: its containers in order, and where they are to be found from then on.

use std::fmt::Write as _;

use anyhow::Context;
use ecs::alb::TargetState;
use ecs::auto_scaling;
use ecs::container::DependencyCondition;

use super::super::blueprint::{Blueprint, Part};
use super::super::connect::Name;
use super::super::metadata;
use super::{Member, Task, TaskContext};
use crate::container::Container;

impl Task {
    /// Starts the containers one after the other, and registers them where they are to be found.
    ///
    /// # Errors
    /// A container cannot be started, ends at once, or waits for something that will not be.
    pub(super) async fn start(&mut self, context: &TaskContext) -> anyhow::Result<()> {
        let blueprint = &context.blueprint;
        let names = blueprint.containers.iter().map(|part| &*part.spec.name);
        let names: Vec<_> = names.collect();
        let entry = context.stagehand.metadata.enter(&metadata::Task {
            cluster: &blueprint.cluster,
            family: &blueprint.family,
            number: context.id.0,
            revision: context.revision,
            zone: &context.zone,
            containers: &names,
        })?;
        let metadata = self.metadata.insert(entry).uri();
        for part in &context.blueprint.containers {
            let name = part.spec.name.clone();
            self.start_part(part, context, &metadata)
                .await
                .context(name)?;
        }
        let target = context.blueprint.targets.first();
        let mut serving = self.members.iter().rev();
        let serving = serving.find(|member| {
            let name = member.container.name();
            target.is_none_or(|target| name == target.container)
        });
        if let Some(port) = serving.and_then(Member::port) {
            let _ = context.port.set(port);
        }
        for offer in &context.blueprint.offers {
            if let Some(member) = self.member(&offer.container) {
                let health = member.verdict.map(|place| (self.health.clone(), place));
                let listing = offer.name.list(member.reached_on(offer.port), health);
                self.listings.push(listing);
            }
        }
        for target in &context.blueprint.targets {
            let Some(member) = self.member(&target.container) else {
                continue;
            };
            let port = member.reached_on(target.port);
            let (health, place) = (self.health.clone(), self.health.add());
            let said = context.stagehand.roadie.clone();
            let (name, group) = (target.container.clone(), target.group.name().to_owned());
            let listening = port.clone();
            let on_change = move |state| {
                health.set(place, state == TargetState::Healthy);
                let port = listening.as_ref().and_then(|port| *port.borrow());
                let port = port.map_or("no port".to_owned(), |port| format!("port {port}"));
                let state = format!("{state:?}").to_lowercase();
                said.say(&format!("{group}: {name} on {port} is {state}"));
            };
            let registration = target.group.register(port, on_change);
            self.registrations.push(registration);
        }
        let containers = self.members.iter().map(Member::gauged).collect();
        let limit = context.blueprint.limit_bytes;
        let period = context.stagehand.clock.real(auto_scaling::PERIOD) / 4;
        let (teller, meter) = (context.teller(), context.meter.clone());
        self.checks
            .spawn(meter.run(containers, limit, period, move |what| teller.say(&what)));
        Ok(())
    }

    /// Starts a container when what it depends on is true, and waits until it has settled.
    async fn start_part(
        &mut self,
        part: &Part,
        context: &TaskContext,
        metadata: &str,
    ) -> anyhow::Result<()> {
        for (name, condition) in &part.after {
            self.wait_for(name, *condition).await?;
        }
        let stagehand = &context.stagehand;
        let name = &part.spec.name;
        if !stagehand.machine.has_room() {
            context.say(&format!(
                "this machine has no room for {name}: it waits for others to end"
            ));
        }
        let on_machine = stagehand.machine.place().await;
        let turn = stagehand.machine.turn().await;
        let place = format!("{}-{}", context.service, context.id.0);
        let hosts = stagehand
            .scratch
            .write_hosts(
                &format!("{place}-{name}"),
                &self.hosts_of(part, &context.blueprint),
            )
            .context("cannot write a hosts file")?;
        let mut spec = part.spec.clone();
        spec.place = place;
        let file = hosts.path().display().to_string();
        let file = ("HOSTS_FILE".to_owned(), file);
        spec.environment.extend(stagehand.ambient.clone());
        let metadata = (
            "ECS_CONTAINER_METADATA_URI_V4".to_owned(),
            metadata.to_owned(),
        );
        spec.environment.extend([file, metadata]);

        let voice = stagehand.voices.get(name).unwrap_or(&stagehand.roadie);
        let container = Container::start(spec, voice.clone(), &stagehand.engine)?;
        let settled = container.settled().await;
        drop(turn);
        if let Some(exit) = settled.filter(|_| part.essential) {
            anyhow::bail!("it ended at once: {}", exit.status);
        }
        let verdict = part.check.as_ref().map(|check| {
            let (health, place) = (self.health.clone(), self.health.add());
            let (probe, listening) = (container.probe(), container.port().clone());
            let check = check.clone();
            self.checks
                .spawn(check.run(probe, listening, stagehand.clock, health, place));
            place
        });
        self.members.push(Member {
            container,
            essential: part.essential,
            listens: part.listens,
            verdict,
            _place: on_machine,
            _hosts: hosts,
        });
        Ok(())
    }

    /// Waits until `condition` is true of the container called `name`.
    ///
    /// # Errors
    /// It cannot become true any more, or an essential container ended.
    async fn wait_for(&self, name: &str, condition: DependencyCondition) -> anyhow::Result<()> {
        let Some(member) = self.member(name) else {
            return Ok(());
        };
        let true_now = async {
            match (condition, member.verdict) {
                (DependencyCondition::Healthy, Some(place)) => self.health.healthy(place).await,
                (DependencyCondition::Complete, _) => drop(member.container.ended().await),
                (DependencyCondition::Success, _) => {
                    let exit = member.container.ended().await;
                    if !exit.success {
                        anyhow::bail!("{name} was to end well first: {}", exit.status);
                    }
                }
                (DependencyCondition::Start | DependencyCondition::Healthy, _) => {}
            }
            Ok(())
        };
        tokio::select! {
            met = true_now => met,
            why = self.broken() => anyhow::bail!(why),
        }
    }

    fn member(&self, name: &str) -> Option<&Member> {
        let mut members = self.members.iter();
        members.find(|member| member.container.name() == name)
    }

    /// The names that a container knows, with the ports on which they are found here.
    fn hosts_of(&self, part: &Part, blueprint: &Blueprint) -> String {
        let mut hosts: String = blueprint.names.iter().map(Name::line).collect();
        for (linked, alias) in &part.spec.links {
            let found = self.member(linked).and_then(Member::port);
            if let Some(found) = found {
                // Writing into a String does not fail.
                let _ = writeln!(hosts, "127.0.0.1:{found} {linked} {alias}");
            }
        }
        hosts
    }
}
