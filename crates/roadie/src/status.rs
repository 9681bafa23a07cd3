//! `roadie status`: services, tasks by zone and release, target health, events, alarms.

use std::fmt::Write;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use ecs::printable;
use serde_json::{Value, json};

use crate::aws::Runner;
use crate::aws::look::{ask, service, task_definition};
use crate::deploy::settle::short;
use crate::deploy::{Name, Place};
use crate::stdio;

/// Show what runs.
#[derive(Args, Clone, Debug)]
pub(crate) struct Status {
    /// Which layout; every one that runs, if not given
    #[arg(long, value_enum)]
    layout: Option<Name>,

    /// How to show it
    #[arg(long, value_enum, default_value = "table")]
    format: Format,

    #[command(flatten)]
    place: Place,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

pub(crate) fn main(options: &Status) -> ExitCode {
    crate::report(status(options))
}

fn status(options: &Status) -> anyhow::Result<()> {
    let runner = options.place.runner(false)?;
    let mut services = Vec::new();
    let mut alarms: Vec<String> = Vec::new();
    for layout in options.place.layouts(options.layout)? {
        for entry in layout.services() {
            let cluster = entry.cluster.as_deref().unwrap_or("default");
            let found = runner.look(&service(cluster, &entry.service_name))?;
            if !found.is_null() {
                services.push(one(&runner, cluster, &found)?);
            }
        }
        let named = layout
            .steps()
            .iter()
            .filter_map(|step| step.input()["AlarmName"].as_str());
        alarms.extend(named.map(str::to_owned));
    }
    alarms.sort_unstable();
    alarms.dedup();
    let words = ["cloudwatch", "describe-alarms"];
    let query = "MetricAlarms[].{name: AlarmName, state: StateValue, reason: StateReason}";
    // Without a name, AWS describes all alarms there are.
    let alarms = match alarms.as_slice() {
        [] => json!([]),
        names => runner.look(&ask(words, json!({"AlarmNames": names}), query))?,
    };
    let status = json!({"region": runner.region(), "services": services, "alarms": alarms});
    match options.format {
        Format::Json => stdio::print(&stdio::json(&status)?)?,
        Format::Table => stdio::print(&table(&status))?,
    }
    Ok(())
}

/// One service with its tasks, targets and latest events.
fn one(runner: &Runner, cluster: &str, found: &Value) -> anyhow::Result<Value> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = text(&found["serviceName"]);
    let tasks = tasks(runner, cluster, &name)?;
    let mut targets = Vec::new();
    for balancer in found["loadBalancers"].as_array().into_iter().flatten() {
        let words = ["elbv2", "describe-target-health"];
        let input = json!({"TargetGroupArn": balancer["targetGroupArn"]});
        let query = "TargetHealthDescriptions[].{target: Target.Id, port: Target.Port, \
                     state: TargetHealth.State, reason: TargetHealth.Reason}";
        targets.extend(
            runner
                .look(&ask(words, input, query))?
                .as_array()
                .cloned()
                .unwrap_or_default(),
        );
    }
    let events = found["events"].as_array().into_iter().flatten().take(5);
    let events: Vec<Value> = events
        .map(|event| json!({"at": event["createdAt"], "message": event["message"]}))
        .collect();
    let runs = text(&found["taskDefinition"]);
    Ok(json!({
        "name": name,
        "desired": found["desiredCount"], "running": found["runningCount"], "pending": found["pendingCount"],
        "revision": short(&runs),
        "release": release(runner, &runs)?,
        "rollout": found["deployments"][0]["rolloutState"],
        "tasks": tasks, "targets": targets, "events": events,
    }))
}

fn tasks(runner: &Runner, cluster: &str, name: &str) -> anyhow::Result<Vec<Value>> {
    let input = json!({"cluster": cluster, "serviceName": name});
    let arns = runner.look(&ask(["ecs", "list-tasks"], input, "taskArns"))?;
    let arns: Vec<&str> = arns
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut tasks = Vec::new();
    // So many at once, says AWS.
    for some in arns.chunks(100) {
        let input = json!({"cluster": cluster, "tasks": some});
        let query = "tasks[].{task: taskArn, zone: availabilityZone, revision: taskDefinitionArn, \
                     state: lastStatus, health: healthStatus}";
        for mut task in runner
            .look(&ask(["ecs", "describe-tasks"], input, query))?
            .as_array()
            .cloned()
            .unwrap_or_default()
        {
            let revision = task["revision"].as_str().unwrap_or_default().to_owned();
            task["release"] = release(runner, &revision)?.into();
            for member in ["task", "revision"] {
                task[member] = short(task[member].as_str().unwrap_or_default()).into();
            }
            tasks.push(task);
        }
    }
    tasks.sort_by_key(|task| (task["zone"].to_string(), task["release"].to_string()));
    Ok(tasks)
}

/// The tag of a revision's first image.
fn release(runner: &Runner, arn: &str) -> anyhow::Result<String> {
    let found = runner.look(&task_definition(arn))?;
    let image = found["containerDefinitions"][0]["image"]
        .as_str()
        .unwrap_or_default();
    Ok(image.rsplit_once(':').map_or("", |(_, tag)| tag).to_owned())
}

/// The same for people.
fn table(status: &Value) -> String {
    let mut text = String::new();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let word = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => printable::line(text).into_owned(),
        other => other.to_string(),
    };
    let services = list(&status["services"]);
    if services.is_empty() {
        let _ = writeln!(
            text,
            "no service of ours runs in {}",
            word(&status["region"])
        );
    }
    let rows = services.iter().map(|service| {
        let counts = format!(
            "{}/{}",
            word(&service["running"]),
            word(&service["desired"])
        );
        vec![
            word(&service["name"]),
            counts,
            word(&service["release"]),
            word(&service["revision"]),
            word(&service["rollout"]),
        ]
    });
    columns(
        &mut text,
        &["SERVICE", "RUNNING", "RELEASE", "REVISION", "ROLLOUT"],
        rows.collect(),
    );
    let of = |part: &str, members: &[&str]| -> Vec<Vec<String>> {
        let rows = services.iter().flat_map(|service| {
            let rows = list(&service[part]).into_iter();
            rows.map(|row| {
                let own = members.iter().map(|member| word(&row[*member]));
                [word(&service["name"])].into_iter().chain(own).collect()
            })
            .collect::<Vec<_>>()
        });
        rows.collect()
    };
    let tasks = of("tasks", &["zone", "release", "state", "health", "task"]);
    columns(
        &mut text,
        &["TASKS OF", "ZONE", "RELEASE", "STATE", "HEALTH", "TASK"],
        tasks,
    );
    let targets = of("targets", &["target", "port", "state", "reason"]);
    columns(
        &mut text,
        &["TARGETS OF", "TARGET", "PORT", "STATE", "REASON"],
        targets,
    );
    columns(
        &mut text,
        &["EVENTS OF", "AT", "MESSAGE"],
        of("events", &["at", "message"]),
    );
    let alarms = list(&status["alarms"]);
    let alarms = alarms
        .iter()
        .map(|alarm| vec![word(&alarm["name"]), word(&alarm["state"])]);
    columns(&mut text, &["ALARM", "STATE"], alarms.collect());
    text
}

/// Rows under a head, each column as wide as it needs; nothing when there are no rows.
fn columns(text: &mut String, head: &[&str], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let mut lines = vec![head.iter().map(ToString::to_string).collect::<Vec<_>>()];
    lines.extend(rows);
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            lines
                .iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for line in lines {
        let cells = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        let line: Vec<String> = cells.collect();
        let _ = writeln!(text, "{}", line.join("  ").trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_only_the_parts_that_say_something() {
        let status = json!({"region": "eu-west-1", "alarms": [{"name": "5xx", "state": "OK"}], "services": [{
            "name": "node", "desired": 2, "running": 1, "release": "a1", "revision": "td:3",
            "rollout": null, "targets": [], "events": [],
            "tasks": [{"zone": "a", "release": "a1", "state": "RUNNING", "health": "HEALTHY", "task": "t"}],
        }]});
        assert_eq!(
            table(&status),
            "SERVICE  RUNNING  RELEASE  REVISION  ROLLOUT\n\
             node     1/2      a1       td:3      -\n\n\
             TASKS OF  ZONE  RELEASE  STATE    HEALTH   TASK\n\
             node      a     a1       RUNNING  HEALTHY  t\n\n\
             ALARM  STATE\n\
             5xx    OK\n"
        );
    }
}
