//! Environment variables and secrets.

use std::collections::{HashMap, HashSet};

use crate::lint::{
    finding::Findings,
    node::Node,
    rule::topic,
    task::{Container, Mode, Task},
};

topic! { "Environment and secrets";
    ENV_DUPLICATE = Warning "env-duplicate" {
        what: "A container has an environment variable twice, with different values.",
        aws: "One of the values wins, and it is not said which.",
        fix: "Keep one.",
    }
    ENV_SECRET_CLASH = Error "env-secret-clash" {
        what: "A name stands in `environment` and in `secrets`, or twice in `secrets`.",
        aws: "ECS refuses it: a secret's name must be unique among all variables of the container.",
        fix: "Keep one of them.",
    }
    ENV_LINK_CLASH = Warning "env-link-clash" {
        what: "A variable has a name that a link injects, such as `DB_PORT` for a link called `db`.",
        aws: "Docker sets `DB_PORT=tcp://…` for the link as well; the two stand for different things, and whichever container lacks its own gets the link's.",
        fix: "Rename the variable or the link's alias.",
    }
    SECRET_EXECUTION_ROLE = Error "secret-execution-role" {
        what: "A container takes secrets, but the task has no execution role.",
        aws: "ECS refuses it: it fetches secrets, and credentials of a registry, as the execution role.",
        fix: "Set `executionRoleArn` to a role that may read them.",
    }
    SECRET_IN_PLAIN_TEXT = Warning "secret-in-plain-text" {
        what: "A variable whose name says password, secret, token or key has a value in the file.",
        aws: "Everyone who may describe the task definition can read it, for every revision there ever was.",
        fix: "Keep it in Parameter Store or Secrets Manager, and name it in `secrets`.",
    }
}

pub(super) fn check(task: &Task<'_>, found: &mut Findings) {
    for container in &task.containers {
        let entries = container.node.items("environment");
        duplicates(&entries, found);
        clashes(container, &entries, found);
        plain(&entries, found);
        if task.mode == Mode::Bridge {
            injected(container, &entries, found);
        }
    }
    execution_role(task, found);
}

/// Each variable once.
fn duplicates(entries: &[Node<'_>], found: &mut Findings) {
    let mut first: HashMap<&str, Option<&str>> = HashMap::new();
    for entry in entries {
        let Some(name) = entry.text_at("name") else {
            continue;
        };
        let value = entry.text_at("value");
        if first
            .insert(name, value)
            .is_some_and(|before| before != value)
        {
            let message = format!("`{name}` is here for the second time, with another value");
            found.add(&ENV_DUPLICATE, &entry.get_or_self("name"), message);
        }
    }
}

/// A secret has a name that nothing else has.
fn clashes(container: &Container<'_>, entries: &[Node<'_>], found: &mut Findings) {
    let mut taken: HashSet<&str> = entries
        .iter()
        .filter_map(|entry| entry.text_at("name"))
        .collect();
    for secret in container.node.items("secrets") {
        let Some(name) = secret.text_at("name") else {
            continue;
        };
        if !taken.insert(name) {
            let message = format!("`{name}` is already a variable of this container");
            found.add(&ENV_SECRET_CLASH, &secret.get_or_self("name"), message);
        }
    }
}

/// Docker's links set `<ALIAS>_PORT`, `<ALIAS>_NAME`, `<ALIAS>_ENV_…` and `<ALIAS>_PORT_…`.
fn injected(container: &Container<'_>, entries: &[Node<'_>], found: &mut Findings) {
    let links = container.links().iter();
    let aliases: HashSet<String> = links
        .map(|(_, _, alias)| alias.to_ascii_uppercase().replace('-', "_"))
        .collect();
    // No container has a longer name.
    let most = aliases.iter().map(String::len).max().unwrap_or(0).min(255);
    for entry in entries {
        let Some(name) = entry.text_at("name") else {
            continue;
        };
        let ends = name.bytes().take(most + 1).enumerate();
        let ends = ends.filter(|(_, byte)| *byte == b'_');
        for (alias, rest) in
            ends.filter_map(|(end, _)| Some((name.get(..end)?, name.get(end + 1..)?)))
        {
            let is_injected = matches!(rest, "PORT" | "NAME")
                || rest.starts_with("ENV_")
                || rest
                    .strip_prefix("PORT_")
                    .is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit()));
            if is_injected && aliases.contains(alias) {
                let message = format!(
                    "the link to `{}` injects `{name}` as well",
                    alias.to_ascii_lowercase()
                );
                found.add(&ENV_LINK_CLASH, &entry.get_or_self("name"), message);
            }
        }
    }
}

/// Whoever fetches secrets needs a role to do so.
fn execution_role(task: &Task<'_>, found: &mut Findings) {
    if task.node.has("executionRoleArn") || task.is_bare() {
        return;
    }
    for container in &task.containers {
        let log = container.node.get("logConfiguration");
        let wants = [
            container.node.get("secrets"),
            log.and_then(|log| log.get("secretOptions")),
            container.node.get("repositoryCredentials"),
        ];
        let filled = |node: &Node<'_>| node.value.as_array().is_none_or(|list| !list.is_empty());
        if let Some(place) = wants.into_iter().flatten().find(filled) {
            found.add(
                &SECRET_EXECUTION_ROLE,
                &place,
                "the task has no `executionRoleArn`",
            );
        }
    }
}

/// What is called a secret is not written down.
fn plain(entries: &[Node<'_>], found: &mut Findings) {
    for entry in entries {
        let (Some(name), Some(value)) = (entry.text_at("name"), entry.get("value")) else {
            continue;
        };
        if is_secret(name) && value.literal().is_some_and(is_written_down) {
            let message = format!(
                "`{name}` can be read by everyone who sees this file or the task definition"
            );
            found.add(&SECRET_IN_PLAIN_TEXT, &value, message);
        }
    }
}

/// Whether the value can be a secret itself: not a switch, a number, or where to find one.
fn is_written_down(value: &str) -> bool {
    let elsewhere = ["arn:", "/", "http://", "https://", "file:"];
    let switch = ["true", "false", "yes", "no", "on", "off", "none"];
    !value.is_empty()
        && !elsewhere.iter().any(|start| value.starts_with(start))
        && !switch.iter().any(|word| value.eq_ignore_ascii_case(word))
        && value.parse::<f64>().is_err()
}

/// By the name's last words: `DB_PASSWORD` is one, `PASSWORD_FILE` and `TOKEN_TTL` are not.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let ends = [
        "PASSWORD",
        "PASSWD",
        "SECRET",
        "TOKEN",
        "API_KEY",
        "APIKEY",
        "SECRET_KEY",
        "SECRET_ACCESS_KEY",
        "PRIVATE_KEY",
        "CREDENTIALS",
    ];
    ends.iter().any(|end| name.ends_with(end))
}
