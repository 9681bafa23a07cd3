//! A deployment as a script for a POSIX shell: what the steps do, with nothing but `aws` and
//! `docker`.
//!
//! A shell cannot compare objects member by member, so where a deployment looks for differences
//! the script puts what the file says again. Task definitions are the exception, as each call makes
//! a revision: one that runs the same image, whose tag never moves, is left as it is.
//!
//! What files, names and values say stands in [`Word`]s only, in no comment and between no quotation marks
//! of this module. The script's own variables have small letters, which a layout's never have.

use std::fmt::Display;
use std::path::Path;

use anyhow::{Context, bail};
use ecs::{Call, Layout, Output, Step, printable};
use serde_json::json;

use super::values::{Values, secret_variable};
use super::word::{Meanings, Word, output};
use super::{completed, images, shown};
use crate::aws::change::changes;
use crate::aws::look::{self, Look, at, task_definition};
use crate::aws::{Command, Object};

const HEAD: &str = r#"#!/bin/sh
# Makes AWS what the files of a layout say.
# Run it again after a failure: what is there is not made twice.
set -eu
export AWS_PAGER=

# Says which step it is at.
at() {
    printf '# %s\n' "$1"
}

# One value out of an answer; nothing when it is not there.
ask() {
    answer=$(aws "$@" --output json)
    case $answer in null | '[]' | '{}') answer= ;; esac
    answer=${answer#\"}
    printf %s "${answer%\"}"
}

# A role that was just made is not known everywhere at once.
patiently() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 12 ] || return 1
        sleep 5
    done
}

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

"#;

/// What was found, as a text of a body.
const FOUND: &str = "${found}";

/// The script for `layout`.
pub(super) fn script(layout: &Layout, given: &Values, dir: &Path) -> anyhow::Result<String> {
    check_names(layout, given)?;
    let mut script = Script {
        text: HEAD.to_owned(),
        meanings: Meanings {
            given: &given.plain,
        },
        region: given.region.clone(),
    };
    let about = format!(
        "{} as release {}",
        printable::Shown(layout.dir()),
        given.plain["TAG"]
    );
    script.line(format!("at {}", Word::exact(&about)));
    for name in layout.steps().iter().filter_map(secret_variable) {
        script.line(format!(": \"${{{name}:?is a secret this script needs}}\""));
    }
    let account = Command::new(["sts", "get-caller-identity"]);
    let account = script.ask(&at(account, "Account"), "");
    let wanted = &given.plain["AWS_ACCOUNT_ID"];
    let other = format!("these are not the credentials of account {wanted}");
    let (wanted, other) = (Word::exact(wanted), Word::exact(&other));
    script.line(format!("[ {account} = {wanted} ] || fail {other}"));

    let mut pushed = false;
    for step in layout.steps() {
        if !pushed && step.call() == Call::RegisterTaskDefinition {
            script.images(layout)?;
            pushed = true;
        }
        script.line("");
        script.line(format!("at {}", Word::exact(&shown(step.file(), dir))));
        script.step(step)?;
    }
    script.settle(layout);
    let steers = |line: &&str| *line != printable::line(line);
    if let Some(line) = script.text.lines().find(steers) {
        // A shell would take it; a person who reads the script would not see it.
        bail!(
            "a control character stands in what the script would have to say: {}",
            printable::line(line)
        );
    }
    Ok(script.text)
}

/// Holds the names against AWS's patterns, with the values that are known by now.
fn check_names(layout: &Layout, given: &Values) -> anyhow::Result<()> {
    let mut values = given.plain.clone();
    let later = layout.outputs().map(Output::name);
    let later = later.chain(layout.steps().iter().filter_map(secret_variable));
    // What only AWS or the environment knows when the script runs is no part of a name.
    values.extend(later.map(|name| (name.to_owned(), "later".to_owned())));
    for step in layout.steps() {
        step.render(&values)?.check_names()?;
    }
    Ok(())
}

struct Script<'a> {
    text: String,
    meanings: Meanings<'a>,
    region: String,
}

impl Script<'_> {
    fn line(&mut self, line: impl Display) {
        self.text.push_str(&line.to_string());
        self.text.push('\n');
    }

    /// What stands behind `aws`.
    fn words(&self, command: Command) -> String {
        let words = command.region(&self.region).words_with(
            Word::exact,
            |query| Word::query(query, &self.meanings),
            |input| Word::json(input, &self.meanings),
        );
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        words.join(" ")
    }

    /// The call, its answer dropped.
    fn call(&self, command: Command) -> String {
        let secret = command.secret_variable();
        let secret = secret.map(|name| format!("printf %s \"${name}\" | "));
        let words = self.words(command);
        format!("{}aws {words} >/dev/null", secret.unwrap_or_default())
    }

    /// The value of `member` in what a look finds, as a word.
    fn ask(&self, look: &Look, member: &str) -> String {
        let query = look.query.clone().code(member);
        let words = self.words(look.command.clone().query(query));
        format!("\"$(ask {words})\"")
    }

    fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        let object = Object::new(step);
        let found = json!({object.id: FOUND});
        let seal = |command: Command| match secret_variable(step) {
            Some(name) => command.sealed(name),
            None => command,
        };
        let changes: Vec<Command> = changes(&object, &found).into_iter().map(seal).collect();
        let create = self.call(seal(object.create()));
        if object.call == Call::RegisterTaskDefinition {
            self.task_definition(&object, &create)?;
        } else if changes == [object.create()] {
            self.line(create);
            return Ok(());
        } else {
            let look = self.ask(&object.look, &format!(".{}", object.id));
            self.line(format!("found={look}"));
            self.line("if [ -z \"$found\" ]; then");
            match object.call {
                Call::CreateAutoScalingGroup | Call::CreateService => {
                    self.line(format!("    patiently {create}"));
                }
                _ => self.line(format!("    {create}")),
            }
            if object.call == Call::CreateHttpNamespace {
                self.line(format!("    until [ -n {look} ]; do sleep 1; done"));
            }
            if !step.outputs().is_empty() {
                self.line(format!("    found={look}"));
            }
            if !changes.is_empty() {
                self.line("else");
                for change in changes {
                    let change = self.call(change);
                    self.line(format!("    {change}"));
                }
            }
            self.line("fi");
        }
        for given in step.outputs() {
            let member = given.path().rsplit(['.', ']']).next().unwrap_or_default();
            let name = output(given.name());
            match member == object.id {
                true => self.line(format!("{name}=$found")),
                false => {
                    let asked = self.ask(&object.look, &format!(".{member}"));
                    self.line(format!("{name}={asked}"));
                }
            }
            if let Some(behind) = given.behind() {
                let behind = Word::exact(behind);
                self.line(format!("{name}=${{{name}##*{behind}}}"));
            }
        }
        Ok(())
    }

    fn task_definition(&mut self, object: &Object, create: &str) -> anyhow::Result<()> {
        let image = object.body["containerDefinitions"][0]["image"].as_str();
        let image = image.context("the first container has no image")?;
        let image = Word::template(image, &self.meanings);
        let id = format!(".{}", object.id);
        let look = self.ask(&object.look, &id);
        self.line(format!("found={look}"));
        self.line("image=");
        let asked = self.ask(&task_definition(FOUND), ".containerDefinitions[0].image");
        self.line(format!("[ -z \"$found\" ] || image={asked}"));
        self.line(format!("if [ \"$image\" != {image} ]; then"));
        self.line(format!("    {create}"));
        self.line(format!("    found={look}"));
        self.line("fi");
        Ok(())
    }

    fn images(&mut self, layout: &Layout) -> anyhow::Result<()> {
        for image in images::of(layout, self.meanings.given)? {
            let about = format!("image {}, built with: {}", image.local(), image.build());
            // Names of repositories and tags have no `$`: what is looked for has no variable.
            let asked = self.ask(&image.look(), ".imageTag");
            let exact = |text: &str| Word::exact(text);
            let (local, remote) = (exact(&image.local()), exact(&image.remote()));
            let (region, registry) = (exact(&self.region), exact(&image.registry));
            self.line("");
            self.line(format!("at {}", exact(&about)));
            self.line(format!("if [ -z {asked} ]; then"));
            self.line(format!(
                "    aws ecr get-login-password --region {region} | \
                 docker login --username AWS --password-stdin {registry} >/dev/null"
            ));
            self.line(format!("    docker tag {local} {remote}"));
            self.line(format!("    docker push {remote}"));
            self.line("fi");
        }
        Ok(())
    }

    fn settle(&mut self, layout: &Layout) {
        self.line("\n# A rolled-back service is stable, too: what counts is what runs.");
        let mut done = Vec::new();
        for service in layout.services() {
            let input = service.step.input();
            let text = |name: &str| input[name].as_str().unwrap_or_default();
            let (cluster, name) = (text("cluster"), text("serviceName"));
            let services = json!({"cluster": cluster, "services": [name]});
            let wait = Command::new(["ecs", "wait", "services-stable"]);
            let wait = self.words(wait.input(services.clone()));
            self.line(format!("aws {wait}"));
            let asked = self.ask(&look::service(cluster, name), ".taskDefinition");
            let wanted = Word::template(text("taskDefinition"), &self.meanings);
            self.line(format!("[ {asked} = {wanted} ] || {{"));
            let events = Command::new(["ecs", "describe-services"]).input(services);
            let events = events.query("services[0].events[:5].message".into());
            let events = self.words(events);
            self.line(format!("    aws {events} --output text >&2"));
            let name = Word::template(name, &self.meanings);
            self.line(format!("    fail {name}' was rolled back, see above'"));
            self.line("}");
            done.push(text("taskDefinition").to_owned());
        }
        for arn in done {
            let call = self.call(completed(&arn, "${TAG}"));
            self.line(call);
        }
        let name = "LOAD_BALANCER_DNS_NAME";
        if layout.outputs().any(|output| output.name() == name) {
            let name = output(name);
            self.line(format!("printf 'http://%s/\\n' \"${name}\""));
        }
    }
}
