//! `roadie rollback`: the services go back to the revision that last completed a deployment.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use crate::aws::look::{ask, service, task_definition};
use crate::aws::{Command, Runner};
use crate::deploy::{COMPLETED, Name, Place, label, settle};

/// Go back to the last completed revision.
#[derive(Args, Clone, Debug)]
pub(crate) struct Rollback {
    /// Which layout; every one that runs, if not given
    #[arg(long, value_enum)]
    layout: Option<Name>,

    /// Minutes to wait for the services
    #[arg(long, default_value_t = 20)]
    patience: u32,

    #[command(flatten)]
    place: Place,
}

/// A service, what it runs, and the revisions that have completed a deployment, newest first.
struct Player {
    cluster: String,
    name: String,
    runs: String,
    completed: Vec<String>,
}

pub(crate) fn main(options: &Rollback) -> ExitCode {
    crate::report(rollback(options))
}

fn rollback(options: &Rollback) -> anyhow::Result<()> {
    let runner = options.place.runner(true)?;
    let mut any = false;
    for layout in options.place.layouts(options.layout)? {
        let mut players = Vec::new();
        for entry in layout.services() {
            let cluster = entry
                .cluster
                .clone()
                .unwrap_or_else(|| "default".to_owned());
            let found = runner.look(&service(&cluster, &entry.service_name))?;
            let Some(runs) = found["taskDefinition"].as_str() else {
                continue;
            };
            players.push(Player {
                cluster,
                name: entry.service_name.clone(),
                completed: completed(&runner, runs)?,
                runs: runs.to_owned(),
            });
        }
        if players.is_empty() {
            continue;
        }
        any = true;
        let mut services = Vec::new();
        for (player, wanted) in targets(&players)? {
            runner.log().check()?;
            if wanted != player.runs {
                let input = json!({
                    "cluster": player.cluster, "service": player.name, "taskDefinition": wanted,
                });
                runner.run(Command::new(["ecs", "update-service"]).input(input))?;
            }
            services.push((player.cluster.clone(), player.name.clone(), wanted));
        }
        settle::all(
            &runner,
            &services,
            Duration::from_secs(u64::from(options.patience) * 60),
        )?;
    }
    runner.log().check()?;
    if !any {
        bail!("no service runs in {}", runner.region());
    }
    Ok(())
}

/// What each service goes back to.
///
/// After a deployment that did not complete, the services that took it leave it and the others
/// stay. When all run what has completed, all go one back.
fn targets(players: &[Player]) -> anyhow::Result<Vec<(&Player, String)>> {
    let broken = players
        .iter()
        .any(|player| !player.completed.contains(&player.runs));
    let targets = players.iter().map(|player| {
        let place = player.completed.iter().position(|arn| *arn == player.runs);
        let next = match (broken, place) {
            (true, _) => 0,
            (false, place) => place.map_or(0, |place| place + 1),
        };
        let Some(wanted) = player.completed.get(next) else {
            bail!(
                "{}: no earlier revision has completed a deployment",
                player.name
            );
        };
        Ok((player, wanted.clone()))
    });
    targets.collect()
}

/// The revisions of that family with the label of a completed deployment, newest first.
fn completed(runner: &Runner, arn: &str) -> anyhow::Result<Vec<String>> {
    let family = settle::short(arn).split(':').next().unwrap_or_default();
    let words = ["ecs", "list-task-definitions"];
    let input = json!({"status": "ACTIVE", "familyPrefix": family});
    let all = runner.look(&ask(words, input, "taskDefinitionArns"))?;
    let mut revisions: Vec<&str> = all
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    revisions.sort_by_key(|arn| std::cmp::Reverse(number(arn)));
    let mut completed = Vec::new();
    for revision in revisions {
        if label(&runner.look(&task_definition(revision))?, COMPLETED).is_some() {
            completed.push(revision.to_owned());
        }
        // One behind what runs is enough.
        if completed
            .last()
            .is_some_and(|last| number(last) < number(arn))
        {
            break;
        }
    }
    Ok(completed)
}

/// The number of a revision.
fn number(arn: &str) -> u64 {
    let number = arn
        .rsplit(':')
        .next()
        .and_then(|number| number.parse().ok());
    number.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn player(runs: &str, completed: &[&str]) -> Player {
        Player {
            cluster: "cluster".to_owned(),
            name: "service".to_owned(),
            runs: runs.to_owned(),
            completed: completed.iter().map(ToString::to_string).collect(),
        }
    }

    fn wanted(players: &[Player]) -> Vec<String> {
        targets(players)
            .unwrap()
            .into_iter()
            .map(|(_, wanted)| wanted)
            .collect()
    }

    #[test]
    fn services_that_completed_go_one_back() {
        let players = [
            player("a:3", &["a:3", "a:2"]),
            player("b:7", &["b:7", "b:5"]),
        ];
        assert_eq!(wanted(&players), ["a:2", "b:5"]);
        assert!(targets(&[player("a:1", &["a:1"])]).is_err());
    }

    #[test]
    fn after_half_a_deployment_only_its_half_goes_back() {
        let players = [
            player("a:4", &["a:3", "a:2"]),
            player("b:7", &["b:7", "b:5"]),
        ];
        assert_eq!(wanted(&players), ["a:3", "b:7"]);
    }

    #[test]
    fn revisions_are_numbers() {
        assert!(number("x:10") > number("x:9"));
    }
}
