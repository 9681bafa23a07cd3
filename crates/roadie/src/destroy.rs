//! `roadie destroy`: takes away what the files made, if it carries our label.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use ecs::{Call, Layout};
use serde_json::{Value, json};

use crate::aws::delete::deletions;
use crate::aws::labels::{Labels, labels, ours};
use crate::aws::look::{ANY, ask, filter, task_definition};
use crate::aws::{Command, Object, Runner};
use crate::deploy::settle::short;
use crate::deploy::{Place, missing, shown};
use crate::stdio;

/// Take away what was deployed.
#[derive(Args, Clone, Debug)]
pub(crate) struct Destroy {
    /// Do not ask
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    place: Place,
}

/// Something that is going to be deleted.
struct Doomed {
    name: String,
    object: Object,
    found: Value,
}

pub(crate) fn main(options: &Destroy) -> ExitCode {
    crate::report(destroy(options))
}

fn destroy(options: &Destroy) -> anyhow::Result<()> {
    let quiet = options.place.runner(false)?;
    let mut doomed = Vec::new();
    let mut revisions = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for layout in options.place.layouts(None)? {
        collect(&quiet, &layout, options, &mut seen, &mut doomed)?;
        for definition in layout.task_definitions() {
            revisions.extend(own_revisions(&quiet, &definition.family)?);
        }
    }
    for Doomed { name, .. } in &doomed {
        quiet.log().say(name);
    }
    for arn in &revisions {
        quiet.log().say(&format!("task definition {}", short(arn)));
    }
    let count = doomed.len() + revisions.len();
    if count == 0 {
        let nothing = format!("nothing of ours is in {}", quiet.region());
        quiet.log().say(&nothing);
        return Ok(quiet.log().check()?);
    }
    // Nobody has seen what would be deleted.
    quiet.log().check()?;
    if !options.yes && !agreed(count, quiet.region())? {
        bail!("nothing was deleted");
    }
    let runner = options.place.runner(true)?;
    // What came last goes first; services before the revisions they run.
    for doomed in doomed.iter().rev() {
        runner.log().check()?;
        delete(&runner, doomed)?;
    }
    let revisions: Vec<String> = revisions.into_iter().collect();
    for arn in &revisions {
        runner.log().check()?;
        let command = Command::new(["ecs", "deregister-task-definition"]);
        runner.run(command.input(json!({"taskDefinition": arn})))?;
    }
    // So many at once, says AWS.
    for some in revisions.chunks(10) {
        runner.log().check()?;
        let command = Command::new(["ecs", "delete-task-definitions"]);
        runner.run(command.input(json!({"taskDefinitions": some})))?;
    }
    Ok(runner.log().check()?)
}

/// Looks for every object of a layout, in the order of its plan, and keeps those that are ours.
fn collect(
    runner: &Runner,
    layout: &Layout,
    options: &Destroy,
    seen: &mut BTreeSet<std::path::PathBuf>,
    doomed: &mut Vec<Doomed>,
) -> anyhow::Result<()> {
    // What comes from outside tells no object from another.
    let outside = layout.variables().into_iter();
    let mut values: BTreeMap<String, String> = outside
        .map(|name| (name.to_owned(), ANY.to_owned()))
        .collect();
    for step in layout.steps() {
        if step.call() == Call::RegisterTaskDefinition {
            values.extend(
                step.outputs()
                    .iter()
                    .map(|output| (output.name().to_owned(), ANY.to_owned())),
            );
            continue;
        }
        // A step that needs what is not there has nothing there itself.
        let Ok(rendered) = step.render(&values) else {
            continue;
        };
        let object = Object::new(&rendered);
        let known = step.outputs().is_empty() && seen.contains(step.file());
        if known || matches!(labels(&object, &Value::Null), Labels::Part) {
            continue;
        }
        let found = runner.look(&object.look)?;
        if missing(&found) {
            continue;
        }
        for output in step.outputs() {
            let member = output.path().rsplit(['.', ']']).next().unwrap_or_default();
            let value = found[member].as_str().unwrap_or(ANY).to_owned();
            values.insert(output.name().to_owned(), value);
        }
        if !seen.insert(step.file().to_owned()) {
            continue;
        }
        let file = shown(step.file(), &options.place.dir);
        let id = found[object.id].as_str().unwrap_or_default();
        let name = format!("{file}: {}", id.rsplit(":::").next().unwrap_or(id));
        let own = match labels(&object, &found) {
            Labels::Beside => ours(&found["tags"]) || ours(&found["Tags"]),
            Labels::Ask(look) => ours(&runner.look(&look)?),
            Labels::Mark(member, mark) => found[member]
                .as_str()
                .is_some_and(|text| text.contains(&mark)),
            Labels::Part => false,
        };
        match own {
            true => doomed.push(Doomed {
                name,
                object,
                found,
            }),
            false => {
                let line = format!("# left, as it does not carry our label: {name}");
                runner.log().say(&line);
            }
        }
    }
    Ok(())
}

/// All revisions of a family that carry our label.
fn own_revisions(runner: &Runner, family: &str) -> anyhow::Result<Vec<String>> {
    let words = ["ecs", "list-task-definitions"];
    let input = json!({"familyPrefix": family});
    let all = runner.look(&ask(words, input, "taskDefinitionArns"))?;
    let mut own = Vec::new();
    for arn in all
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if ours(&runner.look(&task_definition(arn))?["tags"]) {
            own.push(arn.to_owned());
        }
    }
    Ok(own)
}

fn delete(runner: &Runner, doomed: &Doomed) -> anyhow::Result<()> {
    runner.log().say(&format!("# {}", doomed.name));
    let Doomed { object, found, .. } = doomed;
    if object.call == Call::CreateHttpNamespace {
        empty_namespace(runner, found)?;
    }
    for command in deletions(object, found) {
        patiently(runner, &command)?;
    }
    if object.call == Call::CreateAutoScalingGroup {
        // The instances hold the security group and the profile.
        while !missing(&runner.look(&object.look)?) {
            thread::sleep(Duration::from_secs(5));
        }
    }
    Ok(())
}

/// Service Connect leaves its names behind.
fn empty_namespace(runner: &Runner, found: &Value) -> anyhow::Result<()> {
    let own = filter("NAMESPACE_ID", found["Id"].as_str().unwrap_or_default());
    let words = ["servicediscovery", "list-services"];
    let names = runner.look(&ask(words, json!({"Filters": [own]}), "Services[].Id"))?;
    for id in names
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        let command = Command::new(["servicediscovery", "delete-service"]);
        runner.run(command.input(json!({"Id": id})))?;
    }
    Ok(())
}

/// What was just deleted may be in use for a little longer.
fn patiently(runner: &Runner, command: &Command) -> anyhow::Result<()> {
    const IN_USE: [&str; 4] = [
        "DependencyViolation",
        "ResourceInUse",
        "is currently in use",
        "DeleteConflict",
    ];
    for _ in 0..30 {
        match runner.run(command.clone()) {
            Ok(_) => return Ok(()),
            Err(error) if IN_USE.iter().any(|text| error.to_string().contains(text)) => {
                runner.log().say(&format!("# in use: {error}"));
                thread::sleep(Duration::from_secs(10));
            }
            Err(error) => return Err(error),
        }
    }
    bail!("still in use after five minutes: {command}")
}

fn agreed(count: usize, region: &str) -> anyhow::Result<bool> {
    stdio::print(&format!(
        "Delete these {count} objects in {region}? Type yes: "
    ))?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim() == "yes")
}
