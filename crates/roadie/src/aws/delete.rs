//! How an object is taken away.

use ecs::Call;
use serde_json::Value;

use super::{Command, Object};

/// The calls that take `object` away. None: it goes with the object it belongs to, or takes more
/// than calls that are known beforehand.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each call, and nothing else"
)]
pub(crate) fn deletions(object: &Object, found: &Value) -> Vec<Command> {
    let body = &object.body;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let id = || text(&found[object.id]);
    let one = |words: [&str; 3], id: String| vec![Command::new(words).arg(id)];
    let role = |operation: &str| {
        Command::new(["iam", operation, "--role-name"]).arg(text(&body["RoleName"]))
    };
    match object.call {
        Call::CreateCluster => one(
            ["ecs", "delete-cluster", "--cluster"],
            text(&body["clusterName"]),
        ),
        Call::CreateService => {
            let (cluster, name) = (text(&body["cluster"]), text(&body["serviceName"]));
            let delete = Command::new(["ecs", "delete-service", "--force", "--cluster"]);
            let wait = Command::new(["ecs", "wait", "services-inactive", "--cluster"]);
            vec![
                delete
                    .arg(cluster.clone())
                    .arg("--service")
                    .arg(name.clone()),
                wait.arg(cluster).arg("--services").arg(name),
            ]
        }
        Call::CreateSecurityGroup => one(["ec2", "delete-security-group", "--group-id"], id()),
        Call::CreateLaunchTemplate => one(
            ["ec2", "delete-launch-template", "--launch-template-id"],
            id(),
        ),
        Call::CreateAutoScalingGroup => {
            let words = ["autoscaling", "delete-auto-scaling-group", "--force-delete"];
            vec![
                Command::new(words)
                    .arg("--auto-scaling-group-name")
                    .arg(id()),
            ]
        }
        Call::CreateCapacityProvider => one(
            ["ecs", "delete-capacity-provider", "--capacity-provider"],
            id(),
        ),
        Call::PutClusterCapacityProviders => {
            let words = ["ecs", "put-cluster-capacity-providers", "--cluster"];
            let command = Command::new(words).arg(text(&body["cluster"]));
            let command = command.arg("--capacity-providers").arg("[]");
            vec![
                command
                    .arg("--default-capacity-provider-strategy")
                    .arg("[]"),
            ]
        }
        Call::CreateRepository => {
            let words = ["ecr", "delete-repository", "--force", "--repository-name"];
            vec![Command::new(words).arg(text(&body["repositoryName"]))]
        }
        Call::CreateLogGroup => one(["logs", "delete-log-group", "--log-group-name"], id()),
        Call::PutParameter => one(["ssm", "delete-parameter", "--name"], id()),
        Call::CreateRole => vec![role("delete-role")],
        Call::PutRolePolicy => {
            vec![
                role("delete-role-policy")
                    .arg("--policy-name")
                    .arg(text(&body["PolicyName"])),
            ]
        }
        Call::AttachRolePolicy => {
            vec![
                role("detach-role-policy")
                    .arg("--policy-arn")
                    .arg(text(&body["PolicyArn"])),
            ]
        }
        Call::AddRoleToInstanceProfile => {
            let profile = text(&body["InstanceProfileName"]);
            vec![
                role("remove-role-from-instance-profile")
                    .arg("--instance-profile-name")
                    .arg(profile),
            ]
        }
        Call::CreateInstanceProfile => one(
            ["iam", "delete-instance-profile", "--instance-profile-name"],
            id(),
        ),
        Call::CreateHttpNamespace => one(["servicediscovery", "delete-namespace", "--id"], id()),
        Call::CreateLoadBalancer => {
            let mut calls = one(
                ["elbv2", "delete-load-balancer", "--load-balancer-arn"],
                id(),
            );
            let wait = [
                "elbv2",
                "wait",
                "load-balancers-deleted",
                "--load-balancer-arns",
            ];
            calls.push(Command::new(wait).arg(id()));
            calls
        }
        Call::CreateTargetGroup => {
            one(["elbv2", "delete-target-group", "--target-group-arn"], id())
        }
        Call::CreateListener => one(["elbv2", "delete-listener", "--listener-arn"], id()),
        Call::CreateRule => one(["elbv2", "delete-rule", "--rule-arn"], id()),
        Call::PutMetricAlarm => one(
            ["cloudwatch", "delete-alarms", "--alarm-names"],
            text(&body["AlarmName"]),
        ),
        Call::PutDashboard => one(
            ["cloudwatch", "delete-dashboards", "--dashboard-names"],
            id(),
        ),
        Call::RegisterScalableTarget => vec![scaling("deregister-scalable-target", body)],
        Call::PutScalingPolicy => {
            let policy = text(&body["PolicyName"]);
            vec![
                scaling("delete-scaling-policy", body)
                    .arg("--policy-name")
                    .arg(policy),
            ]
        }
        Call::RegisterTaskDefinition
        | Call::PutLifecyclePolicy
        | Call::PutRetentionPolicy
        | Call::AuthorizeSecurityGroupIngress
        | Call::ModifyLoadBalancerAttributes
        | Call::ModifyTargetGroupAttributes => Vec::new(),
    }
}

fn scaling(operation: &str, body: &Value) -> Command {
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    let command = Command::new(["application-autoscaling", operation, "--service-namespace"]);
    let command = command
        .arg(text("ServiceNamespace"))
        .arg("--resource-id")
        .arg(text("ResourceId"));
    command
        .arg("--scalable-dimension")
        .arg(text("ScalableDimension"))
}
