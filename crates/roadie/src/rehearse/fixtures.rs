//! What stays for the whole rehearsal while revisions come and go: target groups, names, secrets.

use anyhow::Context;
use ecs::Layout;

use super::clock::Clock;
use super::connect::{self, Name};
use super::secrets::Secrets;
use super::targets::TargetGroup;

/// What tasks are registered with, and what they are told. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Fixtures {
    pub(crate) groups: Vec<TargetGroup>,
    /// The names of Service Connect, in the order in which their services are created.
    pub(crate) names: Vec<Name>,
    pub(crate) secrets: Secrets,
    /// Whether containers are processes of this machine.
    pub(crate) on_host: bool,
}

impl Fixtures {
    /// Those that `layout`, which is rendered, asks for. Its containers are processes of this machine, or
    /// not.
    ///
    /// # Errors
    /// A listener or HTTP client cannot be had.
    pub(crate) fn of(
        layout: &Layout,
        secrets: Secrets,
        clock: Clock,
        on_host: bool,
    ) -> anyhow::Result<Self> {
        let groups = layout.target_groups();
        let groups = groups.map(|group| {
            let arn = group.arn().unwrap_or(&group.name);
            TargetGroup::new(arn, group.body.clone(), layout.balancer(arn), clock)
        });
        Ok(Self {
            groups: groups
                .collect::<Result<_, _>>()
                .context("cannot start the HTTP client")?,
            names: connect::names(layout)?,
            secrets,
            on_host,
        })
    }

    /// The target group with that ARN.
    pub(crate) fn group(&self, arn: &str) -> Option<&TargetGroup> {
        self.groups.iter().find(|group| group.arn() == arn)
    }
}
