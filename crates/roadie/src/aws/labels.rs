//! Whether an object carries our label.

use ecs::Call;
use serde_json::{Value, json};

use super::Object;
use super::look::{Look, ask, service};

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
    let ask = |words, input, query: &str| Labels::Ask(ask(words, input, query));
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
            ["ecr", "list-tags-for-resource"],
            json!({"resourceArn": found["repositoryArn"]}),
            "tags",
        ),
        Call::CreateLogGroup => {
            let arn = text(&found["arn"]);
            ask(
                ["logs", "list-tags-for-resource"],
                json!({"resourceArn": arn.trim_end_matches(":*")}),
                "tags",
            )
        }
        Call::PutParameter => ask(
            ["ssm", "list-tags-for-resource"],
            json!({"ResourceType": "Parameter", "ResourceId": body["Name"]}),
            "TagList",
        ),
        Call::CreateRole
        | Call::PutRolePolicy
        | Call::AttachRolePolicy
        | Call::AddRoleToInstanceProfile => ask(
            ["iam", "list-role-tags"],
            json!({"RoleName": body["RoleName"]}),
            "Tags",
        ),
        Call::CreateInstanceProfile => ask(
            ["iam", "get-instance-profile"],
            json!({"InstanceProfileName": body["InstanceProfileName"]}),
            "InstanceProfile.Tags",
        ),
        Call::CreateHttpNamespace => ask(
            ["servicediscovery", "list-tags-for-resource"],
            json!({"ResourceARN": found["Arn"]}),
            "Tags",
        ),
        Call::CreateLoadBalancer
        | Call::CreateTargetGroup
        | Call::CreateListener
        | Call::CreateRule => ask(
            ["elbv2", "describe-tags"],
            json!({"ResourceArns": [found[object.id]]}),
            "TagDescriptions[0].Tags",
        ),
        Call::PutMetricAlarm => ask(
            ["cloudwatch", "list-tags-for-resource"],
            json!({"ResourceARN": found["AlarmArn"]}),
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
            look.query = look.query.code(".tags");
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
