//! What the files leave open: read from the environment, checked all at once.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::{self, BufRead, IsTerminal};
use std::process::Command;

use anyhow::{Context, bail};
use ecs::printable::Shown;
use ecs::{Call, Layout, Step};

use crate::stdio;

/// A value for each variable of a layout that no step produces.
#[derive(Clone)]
pub(crate) struct Values {
    /// Where to deploy.
    pub(crate) region: String,
    /// Values that may be seen.
    pub(crate) plain: BTreeMap<String, String>,
    /// Values that may not: for standard input of the `aws` command only.
    pub(crate) secrets: BTreeMap<String, String>,
}

impl Values {
    /// Looks for all of them; an error names all that are missing and all that cannot be right.
    ///
    /// The environment is read by the names the files use, so no list of them stands here. For a
    /// script no secret is needed: it reads its own.
    pub(crate) fn gather(
        layout: &Layout,
        tag: &str,
        region: &str,
        for_script: bool,
    ) -> anyhow::Result<Self> {
        let secret: BTreeSet<&str> = layout.steps().iter().filter_map(secret_variable).collect();
        let mut plain: BTreeMap<String, String> = layout
            .variables()
            .into_iter()
            .filter(|name| !secret.contains(name))
            .filter_map(|name| Some((name.to_owned(), given(name)?)))
            .collect();
        plain.insert("TAG".to_owned(), tag.to_owned());
        if !region.is_empty() {
            plain.insert("AWS_REGION".to_owned(), region.to_owned());
        }
        let account = plain
            .get("AWS_ACCOUNT_ID")
            .cloned()
            .or_else(|| given("AWS_ACCOUNT_ID"));
        if let Some(account) = account {
            if !region.is_empty() {
                let registry = format!("{account}.dkr.ecr.{region}.amazonaws.com");
                plain.entry("ECR_REGISTRY".to_owned()).or_insert(registry);
            }
            plain.insert("AWS_ACCOUNT_ID".to_owned(), account);
        }
        let mut secrets = BTreeMap::new();
        for name in secret.iter().filter(|_| !for_script) {
            let value = match given(name) {
                None if io::stdin().is_terminal() => Some(ask(name)?),
                given => given,
            };
            secrets.extend(value.map(|value| ((*name).to_owned(), value)));
        }
        let mut faults = wrong(&plain, &secrets);
        let mut names: BTreeSet<&str> = layout.variables();
        names.extend(["AWS_ACCOUNT_ID", "AWS_REGION"]);
        let missing = names.into_iter().filter(|name| {
            let known = plain.contains_key(*name) || secrets.contains_key(*name);
            let read_later = for_script && secret.contains(name);
            !known && !read_later
        });
        faults.extend(missing.map(|name| format!("{name} has no value")));
        if !faults.is_empty() {
            bail!(
                "not ready to deploy, set these in the environment:\n  {}",
                faults.join("\n  ")
            );
        }
        for step in layout.steps() {
            let own = secret_variable(step);
            let stray = step
                .variables()
                .into_iter()
                .find(|name| secret.contains(name) && own != Some(name));
            if let Some(name) = stray {
                bail!(
                    "{}: {name} is a secret and would be seen here",
                    Shown(step.file())
                );
            }
        }
        Ok(Self {
            region: plain["AWS_REGION"].clone(),
            plain,
            secrets,
        })
    }
}

/// The variable that is the value of a `SecureString`.
pub(crate) fn secret_variable(step: &Step) -> Option<&str> {
    let body = step.input();
    if step.call() != Call::PutParameter || body["Type"] != "SecureString" {
        return None;
    }
    let name = body["Value"]
        .as_str()?
        .strip_prefix("${")?
        .strip_suffix('}')?;
    // Two variables and what stands between them begin and end in the same way.
    step.variables().into_iter().find(|own| *own == name)
}

fn given(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// What cannot be right, said without saying a secret.
fn wrong(plain: &BTreeMap<String, String>, secrets: &BTreeMap<String, String>) -> Vec<String> {
    let mut faults = Vec::new();
    if plain["TAG"] == "latest" {
        faults.push(
            "--tag latest means another image every time; tags are immutable here".to_owned(),
        );
    }
    if let Some(account) = plain.get("AWS_ACCOUNT_ID")
        && (account.len() != 12 || !account.chars().all(|c| c.is_ascii_digit()))
    {
        faults.push(format!(
            "AWS_ACCOUNT_ID {account:?} is not a number of 12 digits"
        ));
    }
    for (name, secret) in secrets {
        if !secret.chars().all(|c| c.is_ascii_graphic()) {
            faults.push(format!("{name} has characters that no header can carry"));
        }
    }
    faults
}

/// Asks a person, without showing what is typed.
fn ask(name: &str) -> anyhow::Result<String> {
    stdio::tell(&format!("{name}: "));
    let echo = |on: &str| Command::new("stty").arg(on).status();
    echo("-echo").context("cannot hide what is typed: is stty there?")?;
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    echo("echo")?;
    stdio::tell("\n");
    read?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
