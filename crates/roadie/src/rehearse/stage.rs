//! What a layout asks for, in the terms of this machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use ecs::printable::Shown;
use ecs::scheduler::Settings;
use ecs::service::{CreateService, MAX_TASKS};
use ecs::{Layout, Router};

use super::blueprint::{Blueprint, Release};
use super::clock::Clock;
use super::fixtures::Fixtures;
use super::machine::{Machine, Want};
use super::scaling::Scaling;
use super::secrets::Secrets;
use super::zones::Zones;
use crate::container::STAND_IN;
use crate::deploy;

/// Everything to be started.
pub(crate) struct Stage {
    pub(crate) clock: Clock,
    pub(crate) zones: Zones,
    pub(crate) services: Vec<Service>,
    pub(crate) fixtures: Fixtures,
    pub(crate) router: Router,
    /// How long the load balancer keeps an idle connection.
    pub(crate) idle_timeout: Duration,
}

/// A service, with its first revision.
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) desired_count: u32,
    pub(crate) settings: Settings,
    pub(crate) blueprint: Blueprint,
    pub(crate) scaling: Option<Scaling>,
}

impl Stage {
    /// Reads the layout in `dir`, with `tag` as its `TAG` and stand-ins for what only AWS can give.
    /// Tasks are spread over `zones`; containers are processes of this machine, or not.
    pub(crate) fn read(
        dir: &Path,
        tag: &str,
        zones: Zones,
        secrets: Secrets,
        clock: Clock,
        on_host: bool,
    ) -> anyhow::Result<Self> {
        let layout = read(dir, tag)?;
        let fixtures = Fixtures::of(&layout, secrets, clock, on_host)?;
        fixtures.secrets.cover(&layout)?;
        let listener = layout.listeners().next();
        let listener = listener.with_context(|| format!("{}: no listener", Shown(dir)))?;
        let services = layout.services();
        let spread = zones.names().len();
        Ok(Self {
            clock,
            zones,
            services: services
                .map(|service| Service::read(&layout, service.body, &fixtures, tag, spread))
                .collect::<Result<_, _>>()?,
            router: layout.router(listener)?,
            idle_timeout: layout.idle_timeout(&listener.load_balancer_arn),
            fixtures,
        })
    }

    /// Claims room for all services.
    ///
    /// # Errors
    /// This machine cannot hold them.
    pub(crate) fn claim(&self, machine: &Machine) -> anyhow::Result<()> {
        for service in &self.services {
            let desired = service.desired_count;
            let want = Want {
                desired,
                most: service.settings.deployment.most_tasks(desired),
                containers: service.blueprint.containers.len(),
            };
            machine
                .claim(&service.name, want)
                .map_err(anyhow::Error::msg)?;
        }
        Ok(())
    }

    /// The number of letters of the longest name that is going to say something.
    pub(crate) fn longest_name(&self) -> usize {
        let blueprints = self.services.iter().map(|service| &service.blueprint);
        let parts = blueprints.flat_map(|blueprint| &blueprint.containers);
        let names = parts.map(|part| part.spec.name.len());
        names.chain(["roadie".len()]).max().unwrap_or_default()
    }
}

/// Reads the files again, as another release: a blueprint for each service that they name. Its containers
/// get `overrides` in place of the files' own variables.
pub(crate) fn blueprints(
    dir: &Path,
    tag: &str,
    fixtures: &Fixtures,
    overrides: &BTreeMap<String, String>,
) -> anyhow::Result<Vec<(String, Blueprint)>> {
    let layout = read(dir, tag)?;
    fixtures.secrets.cover(&layout)?;
    // All services have been created by now.
    let known = fixtures.names.len();
    let services = layout.services();
    services
        .map(|service| {
            let release = Release { tag, overrides };
            let blueprint = Blueprint::read(&layout, service.body, fixtures, known, &release)?;
            Ok((service.service_name.clone(), blueprint))
        })
        .collect()
}

fn read(dir: &Path, tag: &str) -> anyhow::Result<Layout> {
    // It comes from the control API, too.
    deploy::tag(tag).map_err(anyhow::Error::msg)?;
    let layout = Layout::read(dir)?;
    let layout = layout.render(&stand_ins(&layout, tag))?;
    within_quota(&layout)?;
    Ok(layout)
}

/// Makes sure that AWS allows as many tasks as the files may come to.
fn within_quota(layout: &Layout) -> anyhow::Result<()> {
    let services = layout.services();
    let counts = services.map(|s| (s.file(), "desiredCount", s.body.desired_count));
    let targets = layout.scalable_targets();
    let targets = targets.filter(|target| target.service().is_some());
    let capacities = targets.flat_map(|target| {
        let (least, most) = (target.body.min_capacity, target.body.max_capacity);
        [("MinCapacity", least), ("MaxCapacity", most)]
            .map(|(field, tasks)| (target.file(), field, tasks))
    });
    for (file, field, tasks) in counts.chain(capacities) {
        if let Some(tasks) = tasks.filter(|tasks| *tasks > MAX_TASKS) {
            let file = Shown(file);
            bail!("{file}: {field} {tasks}: AWS's quota for a service is {MAX_TASKS} tasks");
        }
    }
    Ok(())
}

/// A value for everything that is not known before AWS has answered.
fn stand_ins(layout: &Layout, tag: &str) -> BTreeMap<String, String> {
    let outside = layout.variables().into_iter().map(str::to_owned);
    let made = layout.outputs().map(|output| output.name().to_owned());
    let mut values: BTreeMap<_, _> = outside
        .chain(made)
        .map(|name| (name.clone(), format!("{STAND_IN}{name}")))
        .collect();
    values.insert("TAG".to_owned(), tag.to_owned());
    values
}

impl Service {
    fn read(
        layout: &Layout,
        service: &CreateService,
        fixtures: &Fixtures,
        tag: &str,
        zones: usize,
    ) -> anyhow::Result<Self> {
        // Running tasks do not see names that are created after them.
        let created = layout.services();
        let created: Vec<_> = created
            .map(|service| service.body.service_name.clone())
            .collect();
        let place = |name: &str| created.iter().position(|known| known == name);
        let own = place(&service.service_name);
        let known = fixtures.names.iter();
        let known = known.take_while(|name| place(name.owner()) <= own).count();
        let release = Release {
            tag,
            overrides: &BTreeMap::new(),
        };
        let blueprint = Blueprint::read(layout, service, fixtures, known, &release)?;
        let arns = service.load_balancers.iter();
        let arns = arns.filter_map(|balanced| balanced.target_group_arn.as_deref());
        let delays = arns.map(|arn| layout.deregistration_delay(arn));
        let checks = blueprint.containers.iter().any(|part| part.check.is_some());
        let scaling = Scaling::read(layout, &service.service_name, fixtures);
        let desired = service.desired_count.unwrap_or(0);
        Ok(Self {
            name: service.service_name.clone(),
            desired_count: scaling
                .as_ref()
                .map_or(desired, |scaling| scaling.within(desired)),
            settings: Settings {
                deployment: service.deployment(),
                checked: checks || !service.load_balancers.is_empty(),
                grace_period: service.health_check_grace_period(),
                deregistration_delay: delays.max().unwrap_or_default(),
                zones,
                rebalances: service.rebalances(),
            },
            blueprint,
            scaling,
        })
    }
}
