//! Where the output of containers goes.

use crate::lint::{finding::Findings, kind::Kind, rule::topic, scope::Scope, task::Task};

topic! { "Logs";
    LOG_OPTION_MISSING = Error "log-option-missing" {
        what: "The `awslogs` driver lacks `awslogs-group` or `awslogs-region`, or on Fargate `awslogs-stream-prefix`.",
        aws: "ECS refuses it, or the container does not start because its log driver does not.",
        fix: "Add the option.",
    }
    LOG_GROUP_MISSING = Warning "log-group-missing" {
        what: "A container logs to a group that none of the files creates, while others are created.",
        aws: "The task stops before its containers start: the log group does not exist.",
        fix: "Create the group, correct the name, or set `awslogs-create-group` (and allow it).",
    }
}

pub(super) fn check(task: &Task<'_>, found: &mut Findings) {
    for container in &task.containers {
        let Some(log) = container.node.get("logConfiguration") else {
            continue;
        };
        if log.text_at("logDriver") != Some("awslogs") {
            continue;
        }
        let place = log.get_or_self("options");
        let mut needed = vec!["awslogs-group", "awslogs-region"];
        if task.fargate {
            needed.push("awslogs-stream-prefix");
        }
        let lacking: Vec<&str> = needed.into_iter().filter(|key| !place.has(key)).collect();
        if !lacking.is_empty() {
            let message = format!("awslogs lacks {}", lacking.join(", "));
            found.add(&LOG_OPTION_MISSING, &place, message);
        }
    }
}

/// Where files create log groups, they create all that is needed.
pub(super) fn between(scope: &Scope<'_>, found: &mut Findings) {
    if !scope.any(Kind::LogGroup) {
        return;
    }
    let created = scope.names(Kind::LogGroup);
    for document in scope.of(Kind::TaskDefinition) {
        for container in Task::new(document.node.clone()).containers {
            let log = container.node.get("logConfiguration");
            let Some(options) = log.and_then(|log| log.get("options")) else {
                continue;
            };
            let Some(group) = options.get("awslogs-group") else {
                continue;
            };
            let by_itself = options.text_at("awslogs-create-group") == Some("true");
            let known = |name: &str| created.contains(name);
            if !by_itself && group.literal().is_some_and(|name| !known(name)) {
                let message = format!(
                    "no file creates the log group `{}`",
                    group.text().unwrap_or("")
                );
                found.add(&LOG_GROUP_MISSING, &group, message);
            }
        }
    }
}
