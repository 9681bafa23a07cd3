//! What a service is to run: by its scaling policies, by a deployment, and held to what the machine holds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ecs::scheduler::{Deployment, Rollout, Task};

use super::super::super::blueprint::Blueprint;
use super::super::super::machine::Want;
use super::super::super::scaling;
use super::Keeper;

impl Keeper {
    /// Does what the scaling policies want, once a minute.
    pub(super) fn scale_by_itself(&mut self, now: Duration) {
        let Some(scaling) = &mut self.scaling else {
            return;
        };
        let (revision, desired) = (
            self.scheduler.primary().revision(),
            self.scheduler.desired(),
        );
        let deploying = self.scheduler.primary().rollout() == Rollout::InProgress;
        let blueprint = self.blueprints.get(&revision);
        let tasks = scaling::Tasks {
            meters: self.running.values().map(|task| &task.meter).collect(),
            reserved_cpus: blueprint.and_then(|blueprint| blueprint.reserved_cpus),
            reserved_bytes: blueprint.and_then(|blueprint| blueprint.reserved_bytes),
        };
        if let Some(decision) = scaling.advance(&tasks, desired, deploying, now) {
            let why = format!(
                "auto scaling by {}: {:.0} where the target is {:.0}",
                decision.policy, decision.figure, decision.target
            );
            match self.claim_for(decision.desired) {
                Ok(()) => {
                    self.say(format!("{why}: scaling to {} tasks", decision.desired));
                    self.scheduler.scale(decision.desired);
                }
                Err(error) => self.say(format!("{why}: not scaling: {error}")),
            }
        }
    }

    pub(super) fn deploy(&mut self, blueprint: Blueprint, now: Duration) {
        let revision = self.blueprints.keys().last().map_or(1, |last| last + 1);
        self.say(format!("deploying release {}", blueprint.release));
        self.blueprints.insert(revision, Arc::new(blueprint));
        self.scheduler.deploy(revision, now);
        // What no deployment and no task refers to will not be asked for again.
        let deployments = self.scheduler.deployments().iter();
        let tasks = self.scheduler.tasks().iter();
        let known: BTreeSet<_> = deployments
            .map(Deployment::revision)
            .chain(tasks.map(Task::revision))
            .chain(self.told.map(|(revision, _)| revision))
            .collect();
        self.blueprints
            .retain(|revision, _| known.contains(revision));
    }

    /// Claims room for `desired` tasks of what is deployed.
    pub(super) fn claim_for(&self, desired: u32) -> Result<(), String> {
        let revision = self.scheduler.primary().revision();
        match self.blueprints.get(&revision) {
            Some(deployed) => self.claim(desired, deployed),
            None => Ok(()),
        }
    }

    pub(super) fn claim(&self, desired: u32, blueprint: &Blueprint) -> Result<(), String> {
        let want = Want {
            desired,
            most: self.scheduler.most_tasks(desired),
            containers: blueprint.containers.len(),
        };
        self.stagehand.machine.claim(&self.name, want)
    }
}
