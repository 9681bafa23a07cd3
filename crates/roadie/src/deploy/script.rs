//! A deployment as a script for a POSIX shell: what the steps do, with nothing but `aws` and
//! `docker`.
//!
//! A shell cannot compare objects member by member, so where a deployment looks for differences
//! the script puts what the file says again. Task definitions are the exception, as each call makes
//! a revision: one that runs the same image, whose tag never moves, is left as it is.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::Context;
use ecs::{Call, Layout, Step};
use serde_json::json;

use super::values::{Values, secret_variable};
use super::{COMPLETED, images, shown};
use crate::aws::change::changes;
use crate::aws::command::{quote, variable};
use crate::aws::look::{self, Look, at, task_definition};
use crate::aws::{Command, Object};

const HEAD: &str = r#"set -eu
export AWS_PAGER=

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
"#;

/// The script for `layout`.
pub(super) fn script(layout: &Layout, given: &Values, dir: &Path) -> anyhow::Result<String> {
    let mut values = given.plain.clone();
    let outputs = layout.outputs().map(|output| output.name().to_owned());
    values.extend(outputs.map(|name| (name.clone(), variable(&name))));
    let secrets: Vec<&str> = layout.steps().iter().filter_map(secret_variable).collect();
    values.extend(
        secrets
            .iter()
            .map(|name| ((*name).to_owned(), String::new())),
    );

    let mut script = Script {
        text: String::new(),
        region: given.region.clone(),
    };
    let folder = layout.dir().display();
    script.line("#!/bin/sh");
    script.line(&format!(
        "# Makes AWS what {folder} says, with release {}.",
        given.plain["TAG"]
    ));
    script.line("# Run it again after a failure: what is there is not made twice.");
    script.text.push_str(HEAD);
    for name in &secrets {
        script.line(&format!(": \"${{{name}:?is a secret this script needs}}\""));
    }
    let account = Command::new(["sts", "get-caller-identity"]);
    let account = script.ask(&at(account, "Account"), "");
    let wanted = &given.plain["AWS_ACCOUNT_ID"];
    script.line(&format!("[ {account} = {wanted} ] || {{ echo 'these are not the credentials of account {wanted}' >&2; exit 1; }}"));

    let mut pushed = false;
    for step in layout.steps() {
        if !pushed && step.call() == Call::RegisterTaskDefinition {
            script.images(layout, &given.plain);
            pushed = true;
        }
        script.line(&format!("\n# {}", shown(step.file(), dir)));
        script.step(step, &values)?;
    }
    script.settle(layout, &values)?;
    Ok(script.text)
}

struct Script {
    text: String,
    region: String,
}

impl Script {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The call, in this region, its answer dropped.
    fn call(&self, command: Command) -> String {
        let command = command.arg("--region").arg(&self.region);
        format!("{command} >/dev/null")
    }

    /// The value of `member` in what a look finds, as a word.
    fn ask(&self, look: &Look, member: &str) -> String {
        let command = look.command.clone().arg("--query");
        let command = command.arg(format!("{}{member}", look.query));
        let command = command.arg("--region").arg(&self.region);
        let words: Vec<String> = command.words().iter().map(|word| quote(word)).collect();
        format!("\"$(ask {})\"", words.join(" "))
    }

    fn step(&mut self, step: &Step, values: &BTreeMap<String, String>) -> anyhow::Result<()> {
        let rendered = step.render(values)?;
        let object = Object::new(&rendered);
        let found = json!({object.id: variable("FOUND")});
        let seal = |command: Command| match secret_variable(step) {
            Some(name) => command.sealed(name),
            None => command,
        };
        let changes: Vec<Command> = changes(&object, &found).into_iter().map(seal).collect();
        let create = self.call(seal(object.create()));
        if object.call == Call::RegisterTaskDefinition {
            self.task_definition(&object, &create)?;
        } else if changes == [object.create()] {
            self.line(&create);
            return Ok(());
        } else {
            let look = self.ask(&object.look, &format!(".{}", object.id));
            self.line(&format!("FOUND={look}"));
            self.line("if [ -z \"$FOUND\" ]; then");
            match object.call {
                Call::CreateAutoScalingGroup | Call::CreateService => {
                    self.line(&format!("    patiently {create}"));
                }
                _ => self.line(&format!("    {create}")),
            }
            if object.call == Call::CreateHttpNamespace {
                self.line(&format!("    until [ -n {look} ]; do sleep 1; done"));
            }
            if !step.outputs().is_empty() {
                self.line(&format!("    FOUND={look}"));
            }
            if !changes.is_empty() {
                self.line("else");
                for change in changes {
                    let change = self.call(change);
                    self.line(&format!("    {change}"));
                }
            }
            self.line("fi");
        }
        for output in step.outputs() {
            let member = output.path().rsplit(['.', ']']).next().unwrap_or_default();
            let name = output.name();
            match member == object.id {
                true => self.line(&format!("{name}=$FOUND")),
                false => {
                    let asked = self.ask(&object.look, &format!(".{member}"));
                    self.line(&format!("{name}={asked}"));
                }
            }
            if let Some(behind) = output.behind() {
                self.line(&format!("{name}=${{{name}##*{behind}}}"));
            }
        }
        Ok(())
    }

    fn task_definition(&mut self, object: &Object, create: &str) -> anyhow::Result<()> {
        let image = object.body["containerDefinitions"][0]["image"].as_str();
        let image = quote(image.context("the first container has no image")?);
        let id = format!(".{}", object.id);
        let look = self.ask(&object.look, &id);
        self.line(&format!("FOUND={look}"));
        self.line("IMAGE=");
        let closer = task_definition(&variable("FOUND"));
        let asked = self.ask(&closer, ".containerDefinitions[0].image");
        self.line(&format!("[ -z \"$FOUND\" ] || IMAGE={asked}"));
        self.line(&format!("if [ \"$IMAGE\" != {image} ]; then"));
        self.line(&format!("    {create}"));
        self.line(&format!("    FOUND={look}"));
        self.line("fi");
        Ok(())
    }

    fn images(&mut self, layout: &Layout, values: &BTreeMap<String, String>) {
        for image in images::of(layout, values) {
            let asked = self.ask(&image.look(), ".imageTag");
            let (local, remote) = (quote(&image.local()), quote(&image.remote()));
            let (region, registry) = (quote(&self.region), quote(&image.registry));
            let lines = [
                format!("\n# image {local}, built with: {}", image.build()),
                format!("if [ -z {asked} ]; then"),
                format!(
                    "    aws ecr get-login-password --region {region} | \
                     docker login --username AWS --password-stdin {registry} >/dev/null"
                ),
                format!("    docker tag {local} {remote}"),
                format!("    docker push {remote}"),
                "fi".to_owned(),
            ];
            for line in lines {
                self.line(&line);
            }
        }
    }

    fn settle(&mut self, layout: &Layout, values: &BTreeMap<String, String>) -> anyhow::Result<()> {
        self.line("\n# A rolled-back service is stable, too: what counts is what runs.");
        let mut completed = Vec::new();
        for service in layout.services() {
            let rendered = service.step.render(values)?;
            let text = |name: &str| rendered.input()[name].as_str().unwrap_or_default();
            let (cluster, name) = (text("cluster"), text("serviceName"));
            let wanted = quote(text("taskDefinition"));
            let wait = Command::new(["ecs", "wait", "services-stable", "--cluster", cluster]);
            let wait = wait
                .arg("--services")
                .arg(name)
                .arg("--region")
                .arg(&self.region);
            self.line(&wait.to_string());
            let asked = self.ask(&look::service(cluster, name), ".taskDefinition");
            let events = Command::new(["ecs", "describe-services", "--cluster", cluster]);
            let events = events.arg("--services").arg(name).arg("--query");
            let events = events
                .arg("services[0].events[:5].message")
                .arg("--region")
                .arg(&self.region);
            let mut refusal = format!("[ {asked} = {wanted} ] || {{\n");
            let _ = writeln!(refusal, "    echo 'error: {name} was rolled back:' >&2");
            let _ = writeln!(refusal, "    {events} --output text >&2");
            refusal.push_str("    exit 1\n}");
            self.line(&refusal);
            completed.push(text("taskDefinition").to_owned());
        }
        let tag = format!("key={COMPLETED},value={}", values["TAG"]);
        for arn in completed {
            let command = Command::new([
                "ecs",
                "tag-resource",
                "--resource-arn",
                &arn,
                "--tags",
                &tag,
            ]);
            let line = self.call(command);
            self.line(&line);
        }
        if values.contains_key("LOAD_BALANCER_DNS_NAME") {
            self.line("echo \"http://$LOAD_BALANCER_DNS_NAME/\"");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_variable_in_a_body_is_a_variable_of_the_shell() {
        let body: Value = json!({"LoadBalancerArn": variable("ARN")});
        let line = Command::new(["elbv2", "x"]).input(body).to_string();
        assert_eq!(
            line,
            "aws elbv2 x --cli-input-json '{\"LoadBalancerArn\":\"'\"${ARN}\"'\"}'"
        );
    }
}
