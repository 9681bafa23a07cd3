//! Waits until services are settled, and compares what runs with what was asked for.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;
use serde_json::Value;

use crate::aws::Runner;
use crate::aws::look;

/// Between two looks at a service.
const PAUSE: Duration = Duration::from_secs(5);

/// Waits for all services, each given as cluster, name and the task definition it is to run.
pub(crate) fn all(
    runner: &Runner,
    services: &[(String, String, String)],
    patience: Duration,
) -> anyhow::Result<()> {
    let end = Instant::now() + patience;
    let mut failures = Vec::new();
    for (cluster, name, wanted) in services {
        if let Err(error) = one(runner, cluster, name, wanted, end) {
            runner.log().check()?;
            failures.push(format!("{name}: {error}"));
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    bail!("{}", failures.join("\n"))
}

fn one(
    runner: &Runner,
    cluster: &str,
    name: &str,
    wanted: &str,
    end: Instant,
) -> anyhow::Result<()> {
    let question = look::service(cluster, name);
    let log = runner.log();
    log.say(&format!("# waiting for {name}"));
    let mut told = BTreeSet::new();
    let mut reasons: Vec<String> = Vec::new();
    let mut before = None;
    loop {
        let service = runner.look(&question)?;
        if service.is_null() {
            bail!("it is gone");
        }
        // What happened before this deployment is history.
        let since = before
            .get_or_insert_with(|| started(&service, wanted))
            .clone();
        for event in events(&service, since.as_deref(), &mut told) {
            log.say(&format!("#   {event}"));
            if event.contains("unable") || event.contains("failed") || event.contains("unhealthy") {
                reasons.push(event);
            }
        }
        for deployment in service["deployments"].as_array().into_iter().flatten() {
            let reason = deployment["rolloutStateReason"]
                .as_str()
                .unwrap_or_default();
            if deployment["rolloutState"] == "FAILED" && !reasons.iter().any(|told| told == reason)
            {
                reasons.push(reason.to_owned());
            }
        }
        if settled(&service) {
            let runs = service["taskDefinition"].as_str().unwrap_or_default();
            if runs == wanted {
                log.say(&format!("#   runs {}", short(wanted)));
                return Ok(());
            }
            let why = match reasons.as_slice() {
                [] => "AWS gives no reason".to_owned(),
                reasons => reasons.join("; "),
            };
            bail!(
                "rolled back: it runs {} and not {}: {why}",
                short(runs),
                short(wanted)
            );
        }
        if Instant::now() > end {
            let last = reasons.last().map_or("no event tells why", String::as_str);
            bail!("still not settled: {last}");
        }
        // AWS goes on without anybody who waits.
        log.check()?;
        thread::sleep(PAUSE);
    }
}

/// What `aws ecs wait services-stable` waits for: one deployment, all its tasks running.
fn settled(service: &Value) -> bool {
    let deployments = service["deployments"].as_array().map_or(0, Vec::len);
    let rolling = service["deployments"][0]["rolloutState"] == "IN_PROGRESS";
    deployments == 1 && !rolling && service["runningCount"] == service["desiredCount"]
}

/// When the deployment of `wanted` began, as AWS writes times.
fn started(service: &Value, wanted: &str) -> Option<String> {
    let mut deployments = service["deployments"].as_array().into_iter().flatten();
    let ours = deployments.find(|deployment| deployment["taskDefinition"] == wanted)?;
    Some(time(&ours["createdAt"]))
}

/// Events since then that were not told yet, oldest first.
fn events(service: &Value, since: Option<&str>, told: &mut BTreeSet<String>) -> Vec<String> {
    let mut new = Vec::new();
    for event in service["events"].as_array().into_iter().flatten() {
        let (id, at) = (event["id"].to_string(), time(&event["createdAt"]));
        if since.is_some_and(|since| at.as_str() < since) || !told.insert(id) {
            continue;
        }
        new.push(format!(
            "{at} {}",
            event["message"].as_str().unwrap_or_default()
        ));
    }
    new.reverse();
    new
}

/// A time as text: version 1 of the command writes seconds, version 2 a date.
fn time(at: &Value) -> String {
    at.as_str().map_or_else(|| at.to_string(), str::to_owned)
}

/// `family:revision` of an ARN.
pub(crate) fn short(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_service_is_settled_when_one_deployment_has_all_its_tasks() {
        let mut service = json!({
            "desiredCount": 2, "runningCount": 2,
            "deployments": [{"rolloutState": "COMPLETED"}],
        });
        assert!(settled(&service));
        service["deployments"][0]["rolloutState"] = json!("IN_PROGRESS");
        assert!(!settled(&service));
        service["deployments"] = json!([{"rolloutState": "COMPLETED"}, {}]);
        assert!(!settled(&service));
        service["deployments"] = json!([{"rolloutState": "COMPLETED"}]);
        service["runningCount"] = json!(1);
        assert!(!settled(&service));
    }

    #[test]
    fn events_are_told_once_and_in_order_and_none_from_before() {
        let service = json!({"events": [
            {"id": "3", "createdAt": "2026-01-01T00:00:03Z", "message": "three"},
            {"id": "2", "createdAt": "2026-01-01T00:00:02Z", "message": "two"},
            {"id": "1", "createdAt": "2026-01-01T00:00:01Z", "message": "one"},
        ]});
        let mut told = BTreeSet::new();
        let since = Some("2026-01-01T00:00:02Z");
        let new = events(&service, since, &mut told);
        assert_eq!(
            new,
            ["2026-01-01T00:00:02Z two", "2026-01-01T00:00:03Z three"]
        );
        assert!(events(&service, since, &mut told).is_empty());
    }
}
