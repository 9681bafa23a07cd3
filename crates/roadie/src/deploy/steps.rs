//! One step after the other: look, then create, change or leave.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use ecs::{Call, Step};
use serde_json::Value;

use super::shown;
use super::values::{Values, secret_variable};
use crate::aws::change::{changes, fixed};
use crate::aws::difference::differences;
use crate::aws::object::only;
use crate::aws::{Command, Object, Runner};

/// How often to look for something AWS is still making, a second apart.
const LOOKS: u32 = 60;

/// A deployment under way.
pub(crate) struct Steps<'a> {
    runner: &'a Runner,
    dir: &'a Path,
    /// What is known so far: the outside values and the outputs of the steps taken.
    pub(crate) values: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
    /// Calls that changed something.
    pub(crate) changed: usize,
}

impl<'a> Steps<'a> {
    pub(crate) fn new(runner: &'a Runner, given: Values, dir: &'a Path) -> Self {
        let mut values = given.plain;
        // Files are rendered without them; the commands take them from standard input.
        values.extend(
            given
                .secrets
                .keys()
                .map(|name| (name.clone(), String::new())),
        );
        Self {
            runner,
            dir,
            values,
            secrets: given.secrets,
            changed: 0,
        }
    }

    /// Makes the object of `step` what its file says, and takes its outputs.
    pub(crate) fn take(&mut self, step: &Step) -> anyhow::Result<()> {
        let file = shown(step.file(), self.dir);
        self.make(step, &file).with_context(|| file.clone())
    }

    fn make(&mut self, step: &Step, file: &str) -> anyhow::Result<()> {
        let secret = secret_variable(step);
        let rendered = step.render(&self.values)?;
        rendered.check_names()?;
        let mut object = Object::new(&rendered);
        if let Some(name) = secret {
            object.wanted["Value"] = self.secrets[name].clone().into();
        }
        let log = self.runner.log();
        log.say(&format!("# {file}"));
        let mut found = self.runner.look(&object.look)?;
        let mut answer = Value::Null;
        if missing(&found) {
            log.say("#   is not there");
            answer = self.change(object.create(), secret)?;
            if object.call == Call::CreateHttpNamespace {
                found = self.appeared(&object)?;
            }
        } else {
            let differs = self.differences(&object, &found)?;
            if let Some(name) = fixed(object.call, &differs) {
                bail!("{name} is another one on AWS and cannot be changed: destroy it first");
            }
            match differs.as_slice() {
                [] => log.say("#   is as it should be"),
                differs => {
                    log.say(&format!("#   differs: {}", differs.join(", ")));
                    for command in changes(&object, &found) {
                        answer = self.change(command, secret)?;
                    }
                }
            }
        }
        for output in step.outputs() {
            let member = output.path().rsplit(['.', ']']).next().unwrap_or_default();
            let beside = only(&found, &[member]);
            let value = output.find(&answer).or_else(|| {
                let whole = beside[member].as_str()?;
                match output.behind() {
                    Some(behind) => whole.rsplit_once(behind).map(|(_, rest)| rest),
                    None => Some(whole),
                }
            });
            let value = value.with_context(|| format!("AWS did not say {}", output.path()))?;
            self.values
                .insert(output.name().to_owned(), value.to_owned());
        }
        Ok(())
    }

    fn differences(&self, object: &Object, found: &Value) -> anyhow::Result<Vec<String>> {
        let closer = match object.detail(found) {
            Some(look) => self.runner.look(&look)?,
            None => found.clone(),
        };
        if object.call == Call::CreateService {
            return Ok(service_differences(&object.wanted, closer));
        }
        if object.call == Call::CreateAutoScalingGroup {
            return Ok(differences(
                &sorted_subnets(&object.wanted),
                &sorted_subnets(&closer),
            ));
        }
        Ok(differences(&object.wanted, &closer))
    }

    fn change(&mut self, command: Command, secret: Option<&str>) -> anyhow::Result<Value> {
        let command = match secret {
            Some(name) => command.sealed(name),
            None => command,
        };
        let answer = self.runner.run(command)?;
        self.changed += 1;
        Ok(answer)
    }

    /// Waits for an object that AWS makes in its own time.
    fn appeared(&self, object: &Object) -> anyhow::Result<Value> {
        for _ in 0..LOOKS {
            let found = self.runner.look(&object.look)?;
            if !missing(&found) {
                return Ok(found);
            }
            thread::sleep(Duration::from_secs(1));
        }
        bail!("AWS did not make it within {LOOKS} seconds")
    }
}

/// Whether a look found nothing.
pub(crate) fn missing(found: &Value) -> bool {
    found.is_null() || found.as_array().is_some_and(Vec::is_empty)
}

/// A service is compared in what AWS tells of it: it leaves out what does not apply, and tells
/// Service Connect beside each deployment only.
fn service_differences(wanted: &Value, mut found: Value) -> Vec<String> {
    let connect = found["deployments"][0]["serviceConnectConfiguration"].clone();
    if connect.is_object() {
        found["serviceConnectConfiguration"] = connect;
    }
    let told: Vec<&str> = found
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null() && value.as_object().is_none_or(|o| !o.is_empty()))
        .map(|(name, _)| name.as_str())
        .collect();
    differences(&only(wanted, &told), &found)
}

/// The subnets of a group are one string, and AWS does not keep their order.
fn sorted_subnets(group: &Value) -> Value {
    let mut group = group.clone();
    if let Some(subnets) = group["VPCZoneIdentifier"].as_str() {
        let mut subnets: Vec<&str> = subnets.split(',').map(str::trim).collect();
        subnets.sort_unstable();
        group["VPCZoneIdentifier"] = subnets.join(",").into();
    }
    group
}
