//! What dies without a warning, and may take with it what was in flight there.

use anyhow::Context;

use super::super::control::{Kill, Restore};
use super::super::status::{ServiceStatus, TaskStatus};
use super::acts::Play;
use super::cast::Member;
use super::house::{House, is_settled};
use super::outcome::Outcome;

impl Play<'_> {
    /// Kills the oldest task of a service.
    pub(super) async fn kill_task(&mut self, house: &House, index: usize) -> anyhow::Result<()> {
        let Member {
            name: service,
            short,
            ..
        } = &self.cast[index];
        let service = service.clone();
        let name = format!("kill a task of {short}");
        let targets = self.targets();
        self.act(house, &name, true, async || {
            let status = house.settled().await?;
            let ports = ports(&status.services, &targets, |s, task| {
                s.name == service && s.tasks.first().map(|first| first.id) == Some(task.id)
            });
            let own = status.services.iter().find(|s| s.name == service);
            let task = own.and_then(|service| service.tasks.first());
            let task = task.context("there is no task to kill")?.id;
            let kill = Kill::Task {
                service: service.clone(),
                task,
            };
            house.control.kill(&kill).await?;
            let gone =
                |s: &ServiceStatus| s.tasks.iter().all(|t| s.name != service || t.id != task);
            house
                .until(|service| gone(service) && is_settled(service))
                .await?;
            Ok(Outcome::killing("it was replaced", ports))
        })
        .await
    }

    /// Takes the first zone away, where there is another.
    pub(super) async fn kill_zone(&mut self, house: &House) -> anyhow::Result<()> {
        let status = house.control.status().await;
        let [first, _, ..] = &*status.zones else {
            return Ok(());
        };
        let zone = first.name.clone();
        let targets = self.targets();
        let ports = ports(&status.services, &targets, |_, task| task.zone == zone);
        self.act(house, &format!("kill zone {zone}"), true, async || {
            let kill = Kill::Zone { zone: zone.clone() };
            house.control.kill(&kill).await?;
            let left = |s: &ServiceStatus| s.tasks.iter().all(|task| task.zone != zone);
            house
                .until(|service| left(service) && is_settled(service))
                .await?;
            let zone = zone.clone();
            house.control.restore(&Restore { zone })?;
            Ok(Outcome::killing("its tasks run elsewhere", ports))
        })
        .await
    }

    /// The services that the load balancer leads to.
    fn targets(&self) -> Vec<String> {
        let targets = self.cast.iter().filter(|member| member.spoilt.is_some());
        targets.map(|member| member.name.clone()).collect()
    }
}

/// The ports of the tasks that `are_killed`; none where one of them is no target, because what is lost there
/// shows elsewhere.
fn ports(
    services: &[ServiceStatus],
    targets: &[String],
    are_killed: impl Fn(&ServiceStatus, &TaskStatus) -> bool,
) -> Option<Vec<u16>> {
    let mut ports = Vec::new();
    for service in services {
        for task in service
            .tasks
            .iter()
            .filter(|task| are_killed(service, task))
        {
            if !targets.contains(&service.name) {
                return None;
            }
            ports.extend(task.port);
        }
    }
    Some(ports)
}
