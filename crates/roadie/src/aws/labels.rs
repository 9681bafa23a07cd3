//! Whether an object carries our label.

use ecs::Call;
use serde_json::Value;

use super::look::{Look, at, service};
use super::{Command, Object};

/// The label all our objects carry.
const LABEL: (&str, &str) = ("project", "microservice-ping-pong");

/// Where the labels of an object are.
pub(crate) enum Labels {
    /// In what was found.
    Beside,
    /// In the answer to a question of its own.
    Ask(Look),
    /// It has none; this text in what was found says as much.
    Mark(&'static str, String),
    /// It goes with the object it belongs to.
    Part,
}

/// Whether `labels`, a list of pairs or an object of them, has ours.
pub(crate) fn ours(labels: &Value) -> bool {
    let (key, value) = LABEL;
    if labels[key] == value {
        return true;
    }
    let mut pairs = labels.as_array().into_iter().flatten();
    pairs.any(|pair| {
        (pair["key"] == key && pair["value"] == value)
            || (pair["Key"] == key && pair["Value"] == value)
    })
}

/// Where to find the labels of `object`, which was `found`.
pub(crate) fn labels(object: &Object, found: &Value) -> Labels {
    let body = &object.body;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ask = |words: [&str; 3], id: String, query: &str| {
        Labels::Ask(at(Command::new(words).arg(id), query))
    };
    match object.call {
        Call::CreateCluster
        | Call::CreateService
        | Call::CreateSecurityGroup
        | Call::CreateLaunchTemplate
        | Call::CreateAutoScalingGroup
        | Call::CreateCapacityProvider
        | Call::PutClusterCapacityProviders
        | Call::RegisterTaskDefinition => Labels::Beside,
        Call::CreateRepository => ask(
            ["ecr", "list-tags-for-resource", "--resource-arn"],
            text(&found["repositoryArn"]),
            "tags",
        ),
        Call::CreateLogGroup => ask(
            ["logs", "list-tags-for-resource", "--resource-arn"],
            text(&found["arn"]).trim_end_matches(":*").to_owned(),
            "tags",
        ),
        Call::PutParameter => {
            let words = [
                "ssm",
                "list-tags-for-resource",
                "--resource-type",
                "Parameter",
            ];
            let command = Command::new(words)
                .arg("--resource-id")
                .arg(text(&body["Name"]));
            Labels::Ask(at(command, "TagList"))
        }
        Call::CreateRole
        | Call::PutRolePolicy
        | Call::AttachRolePolicy
        | Call::AddRoleToInstanceProfile => ask(
            ["iam", "list-role-tags", "--role-name"],
            text(&body["RoleName"]),
            "Tags",
        ),
        Call::CreateInstanceProfile => ask(
            ["iam", "get-instance-profile", "--instance-profile-name"],
            text(&body["InstanceProfileName"]),
            "InstanceProfile.Tags",
        ),
        Call::CreateHttpNamespace => ask(
            [
                "servicediscovery",
                "list-tags-for-resource",
                "--resource-arn",
            ],
            text(&found["Arn"]),
            "Tags",
        ),
        Call::CreateLoadBalancer
        | Call::CreateTargetGroup
        | Call::CreateListener
        | Call::CreateRule => ask(
            ["elbv2", "describe-tags", "--resource-arns"],
            text(&found[object.id]),
            "TagDescriptions[0].Tags",
        ),
        Call::PutMetricAlarm => ask(
            ["cloudwatch", "list-tags-for-resource", "--resource-arn"],
            text(&found["AlarmArn"]),
            "Tags",
        ),
        // Older versions of the command cannot label a dashboard, so its text says it.
        Call::PutDashboard => Labels::Mark("DashboardBody", format!("{}={}", LABEL.0, LABEL.1)),
        Call::RegisterScalableTarget | Call::PutScalingPolicy => {
            let id = text(&body["ResourceId"]);
            let mut parts = id.split('/').skip(1);
            let cluster = parts.next().unwrap_or_default();
            let name = parts.next().unwrap_or_default();
            let mut look = service(cluster, name);
            look.query.push_str(".tags");
            Labels::Ask(look)
        }
        Call::PutLifecyclePolicy
        | Call::PutRetentionPolicy
        | Call::AuthorizeSecurityGroupIngress
        | Call::ModifyLoadBalancerAttributes
        | Call::ModifyTargetGroupAttributes => Labels::Part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_our_label_is_ours_in_each_form_aws_has() {
        for labels in [
            json!([{"key": "project", "value": "microservice-ping-pong"}]),
            json!([{"Key": "a", "Value": "b"}, {"Key": "project", "Value": "microservice-ping-pong"}]),
            json!({"project": "microservice-ping-pong"}),
        ] {
            assert!(ours(&labels), "{labels}");
        }
        for labels in [
            json!(null),
            json!([]),
            json!([{"Key": "project", "Value": "other"}]),
            json!({}),
        ] {
            assert!(!ours(&labels), "{labels}");
        }
    }
}
