//! One revision of a service: the containers of its tasks, and where they are registered.

mod variables;

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use ecs::Layout;
use ecs::container::{ContainerDefinition, DependencyCondition, HealthCheck, Probe};
use ecs::printable::Shown;
use ecs::service::CreateService;
use ecs::task_definition::{NetworkMode, RegisterTaskDefinition};

pub(crate) use self::variables::Release;
use self::variables::overridden;
use super::connect::Name;
use super::fixtures::Fixtures;
use super::health::Check;
use super::targets::TargetGroup;
use crate::container::{Image, Program, Spec};

/// The port that the suite's programs listen on when nothing is said.
const DEFAULT_PORT: u16 = 3000;

/// One revision of a service's task definition, and where its tasks are registered.
#[derive(Clone, Debug)]
pub(crate) struct Blueprint {
    pub(crate) release: String,
    pub(crate) cluster: String,
    pub(crate) family: String,
    /// Of one task; 1 is a processor.
    pub(crate) reserved_cpus: Option<f64>,
    pub(crate) reserved_bytes: Option<u64>,
    /// More memory than this for all containers of a task, and one is killed.
    pub(crate) limit_bytes: Option<u64>,
    /// In start order.
    pub(crate) containers: Vec<Part>,
    pub(crate) targets: Vec<TargetOf>,
    /// Names that lead to its tasks.
    pub(crate) offers: Vec<Offer>,
    /// Names that its tasks know: those that existed when it was deployed.
    pub(crate) names: Vec<Name>,
}

/// A container of a task.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) spec: Spec,
    /// What must be true of other containers before it starts.
    pub(crate) after: Vec<(String, DependencyCondition)>,
    pub(crate) essential: bool,
    pub(crate) check: Option<Check>,
    /// The port inside its own network on which others reach it; none where it keeps to itself.
    pub(crate) listens: Option<u16>,
}

/// Which container of a task is a target of which group.
#[derive(Clone, Debug)]
pub(crate) struct TargetOf {
    pub(crate) container: String,
    /// The port inside the container.
    pub(crate) port: u16,
    pub(crate) group: TargetGroup,
}

/// Which container of a task a name leads to.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) container: String,
    /// The port inside the container.
    pub(crate) port: u16,
    pub(crate) name: Name,
}

impl Blueprint {
    /// What `service` runs as `release`; its tasks know the first `known` names.
    pub(crate) fn read(
        layout: &Layout,
        service: &CreateService,
        fixtures: &Fixtures,
        known: usize,
        release: &Release<'_>,
    ) -> anyhow::Result<Self> {
        let name = &service.service_name;
        let wanted = service.task_definition.as_deref().unwrap_or_default();
        let definition = layout
            .task_definition(wanted)
            .with_context(|| format!("service {name}: no task definition {wanted:?}"))?;
        let file = || Shown(definition.file()).to_string();
        let mut containers = parts(definition.body, release).with_context(file)?;
        for part in &mut containers {
            part.tell_secrets(definition.body, &fixtures.secrets, release);
            if fixtures.on_host {
                part.fits_host().with_context(file)?;
            }
        }

        let mut targets = Vec::new();
        for balanced in &service.load_balancers {
            let arn = balanced.target_group_arn.as_deref().unwrap_or_default();
            let container = balanced.container_name.clone().unwrap_or_default();
            if definition.container(&container).is_none() {
                bail!("service {name}: no container {container:?} for the load balancer");
            }
            targets.push(TargetOf {
                container,
                port: balanced.container_port.unwrap_or(DEFAULT_PORT),
                group: fixtures
                    .group(arn)
                    .with_context(|| format!("service {name}: no target group {arn:?}"))?
                    .clone(),
            });
        }
        let memory = definition.memory_mib().map(|mib| u64::from(mib) << 20);
        Ok(Self {
            release: release.tag.to_owned(),
            cluster: service.cluster.clone().unwrap_or("default".to_owned()),
            family: definition.family.clone(),
            reserved_cpus: definition
                .cpu_units()
                .map(|units| f64::from(units) / 1024.0),
            reserved_bytes: memory,
            limit_bytes: memory.filter(|_| definition.memory.is_some()),
            containers,
            targets,
            offers: offers(service, definition.body, fixtures)?,
            names: known_names(service, fixtures, known),
        })
    }
}

fn parts(definition: &RegisterTaskDefinition, release: &Release<'_>) -> anyhow::Result<Vec<Part>> {
    let mode = definition.network_mode();
    let parts = definition.container_definitions.iter();
    let parts = parts.map(|part| Part::read(&overridden(part, release), mode));
    let parts: Result<Vec<_>, _> = parts.collect();
    let parts = in_start_order(parts?)?;
    if !parts.iter().any(|part| part.essential) {
        bail!("no essential container");
    }
    for (name, condition) in parts.iter().flat_map(|part| &part.after) {
        let on = parts.iter().find(|part| part.spec.name == *name);
        let why = match (condition, on) {
            (DependencyCondition::Healthy, Some(on)) if on.check.is_none() => "has no health check",
            (DependencyCondition::Complete | DependencyCondition::Success, Some(on))
                if on.essential =>
            {
                "is essential"
            }
            _ => continue,
        };
        bail!("dependsOn {condition:?}: container {name} {why}");
    }
    Ok(parts)
}

/// The names that `service` offers, each with the container behind its port.
fn offers(
    service: &CreateService,
    definition: &RegisterTaskDefinition,
    fixtures: &Fixtures,
) -> anyhow::Result<Vec<Offer>> {
    let owner = &service.service_name;
    let connect = service.service_connect_configuration.as_ref();
    for offered in connect
        .iter()
        .filter(|c| c.enabled)
        .flat_map(|c| &c.services)
    {
        let port = &offered.port_name;
        let mut known = fixtures.names.iter();
        if !known.any(|name| name.owner() == owner && name.port_name() == port) {
            bail!(
                "service {owner}: {port} is a new name; names are made when the rehearsal starts"
            );
        }
    }
    let own = fixtures.names.iter().filter(|name| name.owner() == owner);
    let offers = own.map(|name| {
        let port = name.port_name();
        let containers = definition.container_definitions.iter();
        let mut mapped = containers.flat_map(|container| {
            let mappings = container.port_mappings.iter();
            mappings.map(move |mapping| (&container.name, mapping))
        });
        let (container, mapping) = mapped
            .find(|(_, mapping)| mapping.name.as_deref() == Some(port))
            .with_context(|| format!("service {owner}: no port mapping is called {port:?}"))?;
        Ok(Offer {
            container: container.clone(),
            port: mapping.container_port.unwrap_or(DEFAULT_PORT),
            name: name.clone(),
        })
    });
    offers.collect()
}

/// The first `known` names of all, as far as `service` is in their namespace.
fn known_names(service: &CreateService, fixtures: &Fixtures, known: usize) -> Vec<Name> {
    let connect = service.service_connect_configuration.as_ref();
    let Some(connect) = connect.filter(|connect| connect.enabled) else {
        return Vec::new();
    };
    let names = fixtures.names.iter().take(known);
    let names = names.filter(|name| name.namespace() == connect.namespace.as_deref());
    names.cloned().collect()
}

impl Part {
    fn read(container: &ContainerDefinition, mode: NetworkMode) -> anyhow::Result<Self> {
        let name = &container.name;
        let program = Program::of(&container.image).with_context(|| {
            format!(
                "container {name}: {:?} is not an image of this suite",
                container.image
            )
        })?;
        if container.entry_point.is_some() {
            bail!("container {name}: another entryPoint is not rehearsed");
        }
        let files = container.environment_files.as_ref();
        if files.is_some_and(|files| files.as_array().is_none_or(|files| !files.is_empty())) {
            bail!("container {name}: environmentFiles are not rehearsed");
        }
        let mut environment: BTreeMap<_, _> = container
            .environment
            .iter()
            .map(|pair| (pair.name.clone(), pair.value.clone()))
            .collect();
        let loopback = |host: &String| host.starts_with("127.") || host == "::1";
        let keeps_to_itself = environment.get("HOST").is_some_and(loopback);
        let own_port = environment
            .get("PORT")
            .map_or(Ok(DEFAULT_PORT), |p| p.parse());
        let listens = own_port.ok().filter(|_| !keeps_to_itself);
        // On one machine all containers share one address: each gets a port of its own, but on a
        // bridge where the file names the host's.
        let mapping = container.port_mappings.first();
        let port = match mode {
            NetworkMode::Bridge => mapping.and_then(|mapping| mapping.fixed_host_port(mode)),
            _ => None,
        };
        // What is no port stays in, for the program to refuse.
        if listens.is_some() || keeps_to_itself {
            environment.insert("PORT".to_owned(), port.unwrap_or(0).to_string());
        }
        environment.insert("HOST".to_owned(), "127.0.0.1".to_owned());
        environment
            .entry("LOG_FORMAT".to_owned())
            .or_insert_with(|| "pretty".to_owned());

        let links: Vec<_> = container
            .linked()
            .map(|link| (link.container.to_owned(), link.alias.to_owned()))
            .collect();
        let linked = links
            .iter()
            .map(|(container, _)| (container.clone(), DependencyCondition::Start));
        let named = container.depends_on.iter();
        let named = named.map(|on| (on.container_name.clone(), on.condition));
        Ok(Self {
            after: linked.chain(named).collect(),
            essential: container.is_essential(),
            check: container.health_check.as_ref().map(check).transpose()?,
            listens,
            spec: Spec {
                name: name.clone(),
                program,
                arguments: container.command.clone().unwrap_or_default(),
                environment,
                stop_timeout: container.stop_timeout(),
                memory_bytes: container.memory.map(|mib| u64::from(mib) << 20),
                place: String::new(),
                links: links.clone(),
                image: Image::of(container, mode),
            },
        })
    }
}

fn check(check: &HealthCheck) -> anyhow::Result<Check> {
    let Some(Probe::Exec(command)) = check.probe() else {
        bail!("a health check that is not CMD with a program is not rehearsed");
    };
    Ok(Check {
        command: command.to_vec(),
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
        let started = |(name, _): &(String, _)| ordered.iter().any(|part| part.spec.name == *name);
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
mod tests;
