//! What is played in: the rehearsal that runs, and when it has settled.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;

use super::super::clock::Clock;
use super::super::control::{Control, Status};
use super::super::status::ServiceStatus;
use super::report::OnAws;

/// How long, in the rehearsal's time, something may take to settle; and at least, in this machine's.
const LIMIT: Duration = Duration::from_mins(15);
const LEAST: Duration = Duration::from_mins(1);

/// How often is looked.
const LOOK: Duration = Duration::from_millis(50);

/// A rehearsal that runs.
#[derive(Clone)]
pub(crate) struct House {
    /// Where the load balancer listens.
    pub(crate) address: SocketAddr,
    pub(crate) control: Arc<Control>,
    pub(crate) clock: Clock,
}

impl House {
    /// Waits until `settled` is true of the rehearsal.
    ///
    /// # Errors
    /// It does not become true in time, or a deployment has failed for good.
    pub(super) async fn until(
        &self,
        settled: impl Fn(&ServiceStatus) -> bool,
    ) -> anyhow::Result<Status> {
        let limit = self.clock.real(LIMIT).max(LEAST);
        let wait = async {
            loop {
                let status = self.control.status().await;
                let given_up = |service: &&ServiceStatus| {
                    let newest = service.deployments.first();
                    newest.is_some_and(|newest| newest.rollout == "FAILED")
                };
                if let Some(service) = status.services.iter().find(given_up) {
                    bail!("given up: {}", describe(service));
                }
                if status.services.iter().all(&settled) {
                    return Ok(status);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        if let Ok(outcome) = tokio::time::timeout(limit, wait).await {
            return outcome;
        }
        let status = self.control.status().await;
        let open = status.services.iter().filter(|service| !settled(service));
        let open: Vec<_> = open.map(describe).collect();
        bail!("not settled after {limit:.0?}: {}", open.join("; "))
    }

    /// Waits until every service has completed its deployment and runs what it wants, and nothing else.
    pub(super) async fn settled(&self) -> anyhow::Result<Status> {
        self.until(is_settled).await
    }
}

/// Whether a service runs what it wants, and nothing else.
pub(super) fn is_settled(service: &ServiceStatus) -> bool {
    let completed = |rollout: &str| rollout == "COMPLETED";
    service.tasks.len() == service.desired as usize
        && service.tasks.iter().all(|task| task.state == "healthy")
        && service.deployments.iter().all(|d| completed(&d.rollout))
}

/// Whether no deployment of the service is under way, and nothing is left of the others.
pub(super) fn has_ended(service: &ServiceStatus) -> bool {
    let under_way = |rollout: &str| rollout == "IN_PROGRESS";
    !service.deployments.iter().any(|d| under_way(&d.rollout)) && is_settled(service)
}

/// What the newest deployment of the service came to.
pub(super) fn end(service: &ServiceStatus) -> OnAws {
    match service.deployments.first() {
        Some(newest) if newest.rollback => OnAws::RolledBack,
        Some(newest) if newest.rollout == "COMPLETED" => OnAws::Completed,
        _ => OnAws::Failed,
    }
}

fn describe(service: &ServiceStatus) -> String {
    let rollout = service
        .deployments
        .first()
        .map(|d| format!("release {} {}", d.release, d.rollout));
    let tasks = service
        .tasks
        .iter()
        .map(|task| format!("{} {}", task.id, task.state));
    let tasks: Vec<_> = tasks.collect();
    format!(
        "{}: {} of {} healthy, {}, tasks {}",
        service.name,
        service.healthy,
        service.desired,
        rollout.unwrap_or_default(),
        tasks.join(", ")
    )
}
