//! What a layout asks for, in the terms of this machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use ecs::container::{ContainerDefinition, DependencyCondition, HealthCheck, Probe};
use ecs::scheduler::Settings;
use ecs::service::CreateService;
use ecs::{Layout, Router};

use super::health::Check;
use super::targets::TargetGroup;
use crate::container::{Program, Spec};

/// Everything to be started.
pub(crate) struct Stage {
    pub(crate) services: Vec<Service>,
    pub(crate) groups: Vec<TargetGroup>,
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
}

/// One revision of a service's task definition, and where its tasks are registered.
#[derive(Clone, Debug)]
pub(crate) struct Blueprint {
    pub(crate) release: String,
    pub(crate) containers: Vec<Part>,
    pub(crate) targets: Vec<TargetOf>,
}

/// A container of a task.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) spec: Spec,
    /// Containers it knows by name: the container's name and the alias.
    pub(crate) links: Vec<(String, String)>,
    /// Containers that start before it.
    pub(crate) after: Vec<String>,
    pub(crate) essential: bool,
    pub(crate) check: Option<Check>,
    /// Whether others wait until it is healthy.
    pub(crate) awaited: bool,
}

/// Which container of a task is a target of which group.
#[derive(Clone, Debug)]
pub(crate) struct TargetOf {
    pub(crate) container: String,
    pub(crate) group: TargetGroup,
}

impl Stage {
    /// Reads the layout in `dir`, with `tag` as its `TAG` and stand-ins for what only AWS can give.
    pub(crate) fn read(dir: &Path, tag: &str) -> anyhow::Result<Self> {
        let layout = read(dir, tag)?;
        let groups: Vec<TargetGroup> = layout
            .target_groups()
            .map(|group| TargetGroup::new(group.arn().unwrap_or(&group.name), group.body.clone()))
            .collect::<Result<_, _>>()
            .context("cannot start the HTTP client")?;
        let listener = layout.listeners().next();
        let listener = listener.with_context(|| format!("{}: no listener", dir.display()))?;
        let services = layout.services();
        Ok(Self {
            services: services
                .map(|service| Service::read(&layout, service.body, &groups, tag))
                .collect::<Result<_, _>>()?,
            router: layout.router(listener)?,
            idle_timeout: layout.idle_timeout(&listener.load_balancer_arn),
            groups,
        })
    }

    /// The number of letters of the longest name that is going to say something.
    pub(crate) fn longest_name(&self) -> usize {
        let blueprints = self.services.iter().map(|service| &service.blueprint);
        let parts = blueprints.flat_map(|blueprint| &blueprint.containers);
        let names = parts.map(|part| part.spec.name.len());
        names.chain(["roadie".len()]).max().unwrap_or_default()
    }
}

/// Reads the files again, as another release: a blueprint for each service that they name.
pub(crate) fn blueprints(
    dir: &Path,
    tag: &str,
    groups: &[TargetGroup],
) -> anyhow::Result<Vec<(String, Blueprint)>> {
    let layout = read(dir, tag)?;
    let services = layout.services();
    services
        .map(|service| {
            let blueprint = Blueprint::read(&layout, service.body, groups, tag)?;
            Ok((service.service_name.clone(), blueprint))
        })
        .collect()
}

fn read(dir: &Path, tag: &str) -> anyhow::Result<Layout> {
    let layout = Layout::read(dir)?;
    Ok(layout.render(&stand_ins(&layout, tag))?)
}

/// A value for everything that is not known before AWS has answered.
fn stand_ins(layout: &Layout, tag: &str) -> BTreeMap<String, String> {
    let outside = layout.variables().into_iter().map(str::to_owned);
    let made = layout.outputs().map(|output| output.name().to_owned());
    let mut values: BTreeMap<_, _> = outside
        .chain(made)
        .map(|name| (name.clone(), format!("rehearsal:{name}")))
        .collect();
    values.insert("TAG".to_owned(), tag.to_owned());
    values
}

impl Service {
    fn read(
        layout: &Layout,
        service: &CreateService,
        groups: &[TargetGroup],
        tag: &str,
    ) -> anyhow::Result<Self> {
        let blueprint = Blueprint::read(layout, service, groups, tag)?;
        let arns = service.load_balancers.iter();
        let arns = arns.filter_map(|balanced| balanced.target_group_arn.as_deref());
        let delays = arns.map(|arn| layout.deregistration_delay(arn));
        let checks = blueprint.containers.iter().any(|part| part.check.is_some());
        Ok(Self {
            name: service.service_name.clone(),
            desired_count: service.desired_count.unwrap_or(0),
            settings: Settings {
                deployment: service.deployment(),
                checked: checks || !service.load_balancers.is_empty(),
                grace_period: service.health_check_grace_period(),
                deregistration_delay: delays.max().unwrap_or_default(),
            },
            blueprint,
        })
    }
}

impl Blueprint {
    fn read(
        layout: &Layout,
        service: &CreateService,
        groups: &[TargetGroup],
        tag: &str,
    ) -> anyhow::Result<Self> {
        let name = &service.service_name;
        let wanted = service.task_definition.as_deref().unwrap_or_default();
        let definition = layout
            .task_definition(wanted)
            .with_context(|| format!("service {name}: no task definition {wanted:?}"))?;
        let file = || definition.file().display().to_string();
        let containers = definition.container_definitions.iter();
        let containers: Result<Vec<_>, _> = containers.map(Part::read).collect();
        let mut containers = in_start_order(containers.with_context(file)?).with_context(file)?;
        if !containers.iter().any(|part| part.essential) {
            bail!("{}: no essential container", file());
        }
        let dependencies = definition.container_definitions.iter();
        for on in dependencies.flat_map(|container| &container.depends_on) {
            let part = containers
                .iter_mut()
                .find(|part| part.spec.name == on.container_name);
            match (on.condition, part) {
                (DependencyCondition::Healthy, Some(part)) => part.awaited = true,
                (DependencyCondition::Start, _) => {}
                (condition, _) => {
                    let on = &on.container_name;
                    bail!("{}: dependsOn {on}: {condition:?} is not rehearsed", file());
                }
            }
        }

        let mut targets = Vec::new();
        for balanced in &service.load_balancers {
            let arn = balanced.target_group_arn.as_deref().unwrap_or_default();
            let group = groups.iter().find(|group| group.arn() == arn);
            let container = balanced.container_name.clone().unwrap_or_default();
            if definition.container(&container).is_none() {
                bail!("service {name}: no container {container:?} for the load balancer");
            }
            targets.push(TargetOf {
                container,
                group: group
                    .with_context(|| format!("service {name}: no target group {arn:?}"))?
                    .clone(),
            });
        }
        Ok(Self {
            release: tag.to_owned(),
            containers,
            targets,
        })
    }
}

impl Part {
    fn read(container: &ContainerDefinition) -> anyhow::Result<Self> {
        let name = &container.name;
        let program = Program::of(&container.image).with_context(|| {
            format!(
                "container {name}: {:?} is not an image of this suite",
                container.image
            )
        })?;
        let mut environment: BTreeMap<_, _> = container
            .environment
            .iter()
            .map(|pair| (pair.name.clone(), pair.value.clone()))
            .collect();
        // On one machine all containers share one address: each gets a port of its own.
        let port = container
            .port_mappings
            .first()
            .and_then(|mapping| mapping.host_port);
        environment.insert("PORT".to_owned(), port.unwrap_or(0).to_string());
        environment.insert("HOST".to_owned(), "127.0.0.1".to_owned());
        environment
            .entry("LOG_FORMAT".to_owned())
            .or_insert_with(|| "pretty".to_owned());

        let links: Vec<_> = container
            .linked()
            .map(|link| (link.container.to_owned(), link.alias.to_owned()))
            .collect();
        let linked = links.iter().map(|(container, _)| container);
        let named = container.depends_on.iter().map(|on| &on.container_name);
        Ok(Self {
            after: linked.chain(named).cloned().collect(),
            links,
            essential: container.is_essential(),
            check: container.health_check.as_ref().map(check).transpose()?,
            awaited: false,
            spec: Spec {
                name: name.clone(),
                program,
                environment,
                stop_timeout: container.stop_timeout(),
            },
        })
    }
}

fn check(check: &HealthCheck) -> anyhow::Result<Check> {
    let Some(Probe::Exec([_, arguments @ ..])) = check.probe() else {
        bail!("a health check that is not CMD with a program is not rehearsed");
    };
    Ok(Check {
        arguments: arguments.to_vec(),
        interval: check.interval(),
        timeout: check.timeout(),
        retries: check.retries(),
        start_period: check.start_period(),
    })
}

/// Each container behind those that it depends on or links to; else as listed.
fn in_start_order(mut waiting: Vec<Part>) -> anyhow::Result<Vec<Part>> {
    let mut ordered: Vec<Part> = Vec::new();
    while !waiting.is_empty() {
        let started = |name: &String| ordered.iter().any(|part| part.spec.name == *name);
        let Some(next) = waiting
            .iter()
            .position(|part| part.after.iter().all(started))
        else {
            let names: Vec<_> = waiting.iter().map(|part| &*part.spec.name).collect();
            bail!(
                "containers wait for each other, or for one that is not there: {}",
                names.join(", ")
            );
        };
        ordered.push(waiting.remove(next));
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, after: &[&str]) -> Part {
        Part {
            spec: Spec {
                name: name.to_owned(),
                program: Program::Node,
                environment: BTreeMap::new(),
                stop_timeout: Duration::ZERO,
            },
            links: Vec::new(),
            after: after.iter().map(ToString::to_string).collect(),
            essential: true,
            check: None,
            awaited: false,
        }
    }

    #[test]
    fn containers_start_behind_those_they_need() {
        let parts = vec![
            part("john", &["paul"]),
            part("paul", &["george"]),
            part("george", &[]),
        ];
        let ordered = in_start_order(parts).unwrap();
        let names: Vec<_> = ordered.iter().map(|part| &*part.spec.name).collect();
        assert_eq!(names, ["george", "paul", "john"]);
    }

    #[test]
    fn containers_that_wait_for_each_other_are_an_error_that_names_them() {
        let parts = vec![
            part("john", &["paul"]),
            part("paul", &["john"]),
            part("ringo", &[]),
        ];
        let error = in_start_order(parts).unwrap_err().to_string();
        assert!(error.ends_with(": john, paul"), "{error}");
    }
}
