//! `roadie deploy`: makes AWS what the files in `ecs/` say.
//!
//! - `values`: what the files leave open, from the environment;
//! - `steps`: looks at each object of the plan, creates what is missing, changes what differs;
//! - `images`: puts the images where the task definitions expect them;
//! - `settle`: waits for the services, and compares what runs with what was asked for;
//! - `script`: all of it as a shell script, made of `word`s.

pub(crate) mod images;
mod script;
pub(crate) mod settle;
mod steps;
mod values;
mod word;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use ecs::Layout;
use ecs::name::patterns::{IMAGE_TAG, REGION};
use ecs::printable;
use serde_json::{Value, json};

use self::steps::Steps;
pub(crate) use self::steps::missing;
use self::values::Values;
use crate::aws::look::{at, task_definition};
use crate::aws::{Command, Runner};
use crate::stdio;

/// The label of a task definition that has run as part of a completed deployment.
pub(crate) const COMPLETED: &str = "completed";

/// Make AWS what the files say.
#[derive(Args, Clone, Debug)]
pub(crate) struct Deploy {
    /// Which layout
    #[arg(long, value_enum)]
    layout: Name,

    /// Tag of the images, for example git SHA and environment: 3f2c1ab-staging
    #[arg(long, value_parser = tag)]
    tag: String,

    /// Print a shell script that does the same, and call nothing
    #[arg(long)]
    dry_run: bool,

    /// Minutes to wait for the services
    #[arg(long, default_value_t = 20)]
    patience: u32,

    #[command(flatten)]
    place: Place,
}

/// The layouts there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// Four linked containers in one task, on instances
    Ec2,
    /// Each Beatle a service of its own, on Fargate
    Fargate,
}

impl Name {
    /// The name of its folder.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Fargate => "fargate",
        }
    }
}

/// Where the files are and where AWS is.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// Folder with the layouts
    #[arg(long, default_value = "ecs")]
    pub(crate) dir: PathBuf,

    /// The region, for example eu-west-1
    #[arg(
        long = "region",
        env = "AWS_REGION",
        default_value = "",
        hide_default_value = true,
        value_parser = region
    )]
    pub(crate) aws_region: String,
}

impl Place {
    /// The layouts asked for; all, when none is.
    pub(crate) fn layouts(&self, name: Option<Name>) -> anyhow::Result<Vec<Layout>> {
        let names = Name::value_variants().iter();
        let names = names.filter(|each| name.is_none_or(|name| name == **each));
        let read = names.map(|name| Layout::read(&self.dir.join(name.folder())));
        Ok(read.collect::<Result<_, _>>()?)
    }

    /// A runner that calls `aws` in the region.
    pub(crate) fn runner(&self, show: bool) -> anyhow::Result<Runner> {
        if self.aws_region.is_empty() {
            bail!("no value for AWS_REGION: set it, or give --region");
        }
        Ok(Runner::new(&self.aws_region, [].into(), show))
    }
}

/// Parses the tag of an image, which is the name of a release.
pub(crate) fn tag(text: &str) -> Result<String, String> {
    IMAGE_TAG.check(text).map(|()| text.to_owned())
}

/// Parses a region; empty where none is given.
fn region(text: &str) -> Result<String, String> {
    let checked = match text {
        "" => Ok(()),
        text => REGION.check(text),
    };
    checked.map(|()| text.to_owned())
}

/// Deploys, or prints how.
pub(crate) fn main(options: &Deploy) -> ExitCode {
    crate::report(deploy(options))
}

fn deploy(options: &Deploy) -> anyhow::Result<()> {
    let dir = options.place.dir.join(options.layout.folder());
    let layout = Layout::read(&dir)?;
    let values = Values::gather(
        &layout,
        &options.tag,
        &options.place.aws_region,
        options.dry_run,
    )?;
    let patience = Duration::from_secs(u64::from(options.patience) * 60);
    if options.dry_run {
        let script = script::script(&layout, &values, &options.place.dir)?;
        return Ok(stdio::print(&script)?);
    }
    let runner = Runner::new(&values.region, values.secrets.clone(), true);
    right_account(&runner, &values.plain["AWS_ACCOUNT_ID"])?;
    let mut steps = Steps::new(&runner, values, &options.place.dir);
    let mut pushed = false;
    for step in layout.steps() {
        // What nobody sees is not done: a step that has begun is finished, and no other begins.
        runner.log().check()?;
        if !pushed && step.call() == ecs::Call::RegisterTaskDefinition {
            steps.changed += images::push(&runner, &layout, &steps.values)?;
            pushed = true;
        }
        steps.take(step)?;
    }
    runner.log().check()?;
    let services = services(&layout, &steps.values)?;
    settle::all(&runner, &services, patience)?;
    for (_, _, arn) in &services {
        steps.changed += complete(&runner, arn, &options.tag)?;
    }
    let log = runner.log();
    log.say(&match steps.changed {
        0 => "# nothing had to change".to_owned(),
        1 => "# 1 change".to_owned(),
        changes => format!("# {changes} changes"),
    });
    if let Some(name) = steps.values.get("LOAD_BALANCER_DNS_NAME") {
        let (layout, tag) = (options.layout.folder(), &options.tag);
        log.say(&format!("# {layout} runs {tag}: http://{name}/"));
    }
    Ok(log.check()?)
}

/// Cluster, name and task definition of each service.
fn services(
    layout: &Layout,
    values: &std::collections::BTreeMap<String, String>,
) -> anyhow::Result<Vec<(String, String, String)>> {
    let mut services = Vec::new();
    for service in layout.services() {
        let rendered = service.step.render(values)?;
        let text = |name: &str| {
            rendered.input()[name]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        services.push((text("cluster"), text("serviceName"), text("taskDefinition")));
    }
    Ok(services)
}

/// Labels a task definition that has proved itself, for `roadie rollback`.
fn complete(runner: &Runner, arn: &str, tag: &str) -> anyhow::Result<usize> {
    let found = runner.look(&task_definition(arn))?;
    if label(&found, COMPLETED).is_some() {
        return Ok(0);
    }
    runner.run(completed(arn, tag))?;
    Ok(1)
}

/// The call that does so.
fn completed(arn: &str, tag: &str) -> Command {
    let tags = json!([{"key": COMPLETED, "value": tag}]);
    Command::new(["ecs", "tag-resource"]).input(json!({"resourceArn": arn, "tags": tags}))
}

/// The value of an ECS object's label.
pub(crate) fn label<'a>(found: &'a Value, key: &str) -> Option<&'a str> {
    let mut labels = found["tags"].as_array().into_iter().flatten();
    labels.find(|label| label["key"] == key)?["value"].as_str()
}

/// Whether the credentials are those of the account that is meant.
fn right_account(runner: &Runner, wanted: &str) -> anyhow::Result<()> {
    let look = at(Command::new(["sts", "get-caller-identity"]), "Account");
    let found = runner.look(&look).context("who are we on AWS?")?;
    if found != wanted {
        bail!("AWS_ACCOUNT_ID is {wanted}, but the credentials are those of account {found}");
    }
    Ok(())
}

/// `file` as people know it, from the folder that has the layouts.
pub(crate) fn shown(file: &Path, dir: &Path) -> String {
    let shown = file.strip_prefix(dir).unwrap_or(file);
    printable::Shown(shown).to_string()
}
