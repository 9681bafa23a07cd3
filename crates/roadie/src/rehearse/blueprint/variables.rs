//! The variables of a revision's containers: the files', in their place the release's, and secrets.

use std::collections::BTreeMap;

use anyhow::bail;
use ecs::container::{ContainerDefinition, KeyValuePair};
use ecs::task_definition::RegisterTaskDefinition;

use super::super::secrets::Secrets;
use super::Part;
use crate::container::environment;

/// What a revision is called, and what it has of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Release<'a> {
    pub(crate) tag: &'a str,
    /// Variables in place of the files'.
    pub(crate) overrides: &'a BTreeMap<String, String>,
}

/// The container with the variables of the release: as if the files said so.
pub(super) fn overridden(
    container: &ContainerDefinition,
    release: &Release<'_>,
) -> ContainerDefinition {
    let mut container = container.clone();
    let own = &mut container.environment;
    own.retain(|pair| !release.overrides.contains_key(&pair.name));
    let overrides = release.overrides.iter();
    own.extend(overrides.map(|(name, value)| KeyValuePair {
        name: name.clone(),
        value: value.clone(),
    }));
    container
}

impl Part {
    /// Puts the values of secrets into the environment. All have one, which was made sure of before.
    pub(super) fn tell_secrets(
        &mut self,
        definition: &RegisterTaskDefinition,
        secrets: &Secrets,
        release: &Release<'_>,
    ) {
        let own = definition.container(&self.spec.name);
        let own = own.iter().flat_map(|container| &container.secrets);
        for secret in own.filter(|secret| !release.overrides.contains_key(&secret.name)) {
            if let Some(value) = secrets.get(secret) {
                self.spec.environment.insert(secret.name.clone(), value);
            }
        }
    }

    /// Makes sure that a process of this machine may be given what the container is given.
    pub(super) fn fits_host(&self) -> anyhow::Result<()> {
        let elsewhere = |argument: &String| argument == "--host" || argument.starts_with("--host=");
        if self.spec.arguments.iter().any(elsewhere) {
            // The variable becomes loopback here; an argument would be stronger.
            bail!(
                "container {}: --host in its command is not rehearsed: set the variable HOST",
                self.spec.name
            );
        }
        for (name, value) in &self.spec.environment {
            environment::check(name, value)
                .map_err(|why| anyhow::anyhow!("container {}: {why}", self.spec.name))?;
        }
        Ok(())
    }
}
