//! What dies without a warning, and may take with it what was in flight there.

use anyhow::Context;

use super::super::control::{Kill, Restore};
use super::super::status::ServiceStatus;
use super::acts::{Outcome, Play};
use super::cast::Member;
use super::house::{House, is_settled};

impl Play<'_> {
    /// Kills the oldest task of a service.
    pub(super) async fn kill_task(&mut self, house: &House, index: usize) -> anyhow::Result<()> {
        let Member {
            name: service,
            short,
            ..
        } = &self.cast[index];
        let service = service.clone();
        let may_fail = self.wishes.most_in_flight();
        let name = format!("kill a task of {short}");
        self.act(house, &name, may_fail, async || {
            let status = house.settled().await?;
            let of = |status: &[ServiceStatus]| {
                let service = status.iter().find(|s| s.name == service)?;
                service.tasks.first().map(|task| task.id)
            };
            let task = of(&status.services).context("there is no task to kill")?;
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
            Ok(Outcome::done("it was replaced"))
        })
        .await
    }

    /// Takes the first zone away, where there is another.
    pub(super) async fn kill_zone(&mut self, house: &House) -> anyhow::Result<()> {
        let zones = house.control.status().await.zones;
        let [first, _, ..] = &*zones else {
            return Ok(());
        };
        let zone = first.name.clone();
        let may_fail = self.wishes.most_in_flight();
        self.act(house, &format!("kill zone {zone}"), may_fail, async || {
            let kill = Kill::Zone { zone: zone.clone() };
            house.control.kill(&kill).await?;
            let left = |s: &ServiceStatus| s.tasks.iter().all(|task| task.zone != zone);
            house
                .until(|service| left(service) && is_settled(service))
                .await?;
            let zone = zone.clone();
            house.control.restore(&Restore { zone })?;
            Ok(Outcome::done("its tasks run elsewhere"))
        })
        .await
    }
}
