//! How an object is taken away.

use ecs::Call;
use serde_json::{Value, json};

use super::object::only;
use super::{Command, Object};

/// The calls that take `object` away. None: it goes with the object it belongs to, or takes more
/// than calls that are known beforehand.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each call, and nothing else"
)]
pub(crate) fn deletions(object: &Object, found: &Value) -> Vec<Command> {
    let body = &object.body;
    let id = &found[object.id];
    let one = |words: [&'static str; 2], input: Value| vec![Command::new(words).input(input)];
    match object.call {
        Call::CreateCluster => one(
            ["ecs", "delete-cluster"],
            json!({"cluster": body["clusterName"]}),
        ),
        Call::CreateService => {
            let (cluster, name) = (&body["cluster"], &body["serviceName"]);
            let delete = json!({"cluster": cluster, "service": name, "force": true});
            let wait = json!({"cluster": cluster, "services": [name]});
            vec![
                Command::new(["ecs", "delete-service"]).input(delete),
                Command::new(["ecs", "wait", "services-inactive"]).input(wait),
            ]
        }
        Call::CreateSecurityGroup => one(["ec2", "delete-security-group"], json!({"GroupId": id})),
        Call::CreateLaunchTemplate => one(
            ["ec2", "delete-launch-template"],
            json!({"LaunchTemplateId": id}),
        ),
        Call::CreateAutoScalingGroup => one(
            ["autoscaling", "delete-auto-scaling-group"],
            json!({"AutoScalingGroupName": id, "ForceDelete": true}),
        ),
        Call::CreateCapacityProvider => one(
            ["ecs", "delete-capacity-provider"],
            json!({"capacityProvider": id}),
        ),
        Call::PutClusterCapacityProviders => one(
            ["ecs", "put-cluster-capacity-providers"],
            json!({
                "cluster": body["cluster"], "capacityProviders": [],
                "defaultCapacityProviderStrategy": [],
            }),
        ),
        Call::CreateRepository => one(
            ["ecr", "delete-repository"],
            json!({"repositoryName": body["repositoryName"], "force": true}),
        ),
        Call::CreateLogGroup => one(["logs", "delete-log-group"], json!({"logGroupName": id})),
        Call::PutParameter => one(["ssm", "delete-parameter"], json!({"Name": id})),
        Call::CreateRole => one(["iam", "delete-role"], only(body, &["RoleName"])),
        Call::PutRolePolicy => one(
            ["iam", "delete-role-policy"],
            only(body, &["RoleName", "PolicyName"]),
        ),
        Call::AttachRolePolicy => one(
            ["iam", "detach-role-policy"],
            only(body, &["RoleName", "PolicyArn"]),
        ),
        Call::AddRoleToInstanceProfile => one(
            ["iam", "remove-role-from-instance-profile"],
            only(body, &["RoleName", "InstanceProfileName"]),
        ),
        Call::CreateInstanceProfile => one(
            ["iam", "delete-instance-profile"],
            json!({"InstanceProfileName": id}),
        ),
        Call::CreateHttpNamespace => {
            one(["servicediscovery", "delete-namespace"], json!({"Id": id}))
        }
        Call::CreateLoadBalancer => {
            let words = ["elbv2", "wait", "load-balancers-deleted"];
            let mut calls = one(
                ["elbv2", "delete-load-balancer"],
                json!({"LoadBalancerArn": id}),
            );
            calls.push(Command::new(words).input(json!({"LoadBalancerArns": [id]})));
            calls
        }
        Call::CreateTargetGroup => one(
            ["elbv2", "delete-target-group"],
            json!({"TargetGroupArn": id}),
        ),
        Call::CreateListener => one(["elbv2", "delete-listener"], json!({"ListenerArn": id})),
        Call::CreateRule => one(["elbv2", "delete-rule"], json!({"RuleArn": id})),
        Call::PutMetricAlarm => one(
            ["cloudwatch", "delete-alarms"],
            json!({"AlarmNames": [body["AlarmName"]]}),
        ),
        Call::PutDashboard => one(
            ["cloudwatch", "delete-dashboards"],
            json!({"DashboardNames": [id]}),
        ),
        Call::RegisterScalableTarget => one(
            ["application-autoscaling", "deregister-scalable-target"],
            only(
                body,
                &["ServiceNamespace", "ResourceId", "ScalableDimension"],
            ),
        ),
        Call::PutScalingPolicy => one(
            ["application-autoscaling", "delete-scaling-policy"],
            only(
                body,
                &[
                    "ServiceNamespace",
                    "ResourceId",
                    "ScalableDimension",
                    "PolicyName",
                ],
            ),
        ),
        Call::RegisterTaskDefinition
        | Call::PutLifecyclePolicy
        | Call::PutRetentionPolicy
        | Call::AuthorizeSecurityGroupIngress
        | Call::ModifyLoadBalancerAttributes
        | Call::ModifyTargetGroupAttributes => Vec::new(),
    }
}
