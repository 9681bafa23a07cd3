//! How to look whether an object is there: for each call of a plan, a question that changes nothing.

use ecs::Call;
use serde_json::Value;

use super::Command;
use super::command::literal;

/// A value for what is not known and need not be.
pub(crate) const ANY: &str = "*";

/// A question that changes nothing. Its answer is `null` when there is no such object.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// The call.
    pub(crate) command: Command,
    /// What of its answer is meant, in `JMESPath`.
    pub(crate) query: String,
    /// What the error says when the object is missing, for calls that answer so.
    pub(crate) absent: Option<&'static str>,
}

/// A revision of a task definition, with its labels beside it.
pub(crate) fn task_definition(arn: &str) -> Look {
    let words = [
        "ecs",
        "describe-task-definition",
        "--include",
        "TAGS",
        "--task-definition",
    ];
    let query = "merge(taskDefinition, {tags: tags || `[]`})";
    at(Command::new(words).arg(arn), query)
}

/// The service of that name, if it runs, with its labels.
pub(crate) fn service(cluster: &str, name: &str) -> Look {
    let words = ["ecs", "describe-services", "--include", "TAGS", "--cluster"];
    let command = Command::new(words).arg(cluster).arg("--services").arg(name);
    at(command, "services[?status=='ACTIVE'] | [0]")
}

/// Finds the object that `call` makes of `body`, and the member of it that names it.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each call, and nothing else"
)]
pub(crate) fn look(call: Call, body: &Value) -> (Look, &'static str) {
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    let name = |member: &str| literal(text(member));
    match call {
        Call::CreateCluster => (cluster(text("clusterName")), "clusterArn"),
        Call::PutClusterCapacityProviders => (cluster(text("cluster")), "clusterArn"),
        Call::CreateRepository => {
            let query = one_of("repositories", "repositoryName", text("repositoryName"));
            (
                ask(["ecr", "describe-repositories"], [], query),
                "repositoryArn",
            )
        }
        Call::PutLifecyclePolicy => {
            let words = ["ecr", "get-lifecycle-policy", "--repository-name"];
            let look = ask(words, [text("repositoryName")], "@");
            (
                or_absent(look, "LifecyclePolicyNotFoundException"),
                "repositoryName",
            )
        }
        Call::CreateLogGroup | Call::PutRetentionPolicy => {
            let words = ["logs", "describe-log-groups", "--log-group-name-prefix"];
            let group = text("logGroupName");
            (
                ask(words, [group], one_of("logGroups", "logGroupName", group)),
                "logGroupName",
            )
        }
        Call::PutParameter => {
            let words = ["ssm", "get-parameters", "--with-decryption", "--names"];
            (ask(words, [text("Name")], "Parameters[0]"), "Name")
        }
        Call::CreateRole => {
            let query = one_of("Roles", "RoleName", text("RoleName"));
            (ask(["iam", "list-roles"], [], query), "RoleName")
        }
        Call::PutRolePolicy => {
            let words = ["iam", "get-role-policy", "--role-name"];
            let more = [text("RoleName"), "--policy-name", text("PolicyName")];
            (
                or_absent(ask(words, more, "@"), "NoSuchEntity"),
                "PolicyName",
            )
        }
        Call::AttachRolePolicy => {
            let words = ["iam", "list-attached-role-policies", "--role-name"];
            let query = one_of("AttachedPolicies", "PolicyArn", text("PolicyArn"));
            let look = ask(words, [text("RoleName")], query);
            (or_absent(look, "NoSuchEntity"), "PolicyArn")
        }
        Call::CreateInstanceProfile => {
            let member = "InstanceProfileName";
            let query = one_of("InstanceProfiles", member, text(member));
            (ask(["iam", "list-instance-profiles"], [], query), member)
        }
        Call::AddRoleToInstanceProfile => {
            let profile = name("InstanceProfileName");
            let profiles = format!("InstanceProfiles[?InstanceProfileName=={profile}].Roles[]");
            let query = format!("{profiles} | [?RoleName=={}] | [0]", name("RoleName"));
            (
                ask(["iam", "list-instance-profiles"], [], query),
                "RoleName",
            )
        }
        Call::CreateSecurityGroup => {
            let group = format!("Name=group-name,Values={}", text("GroupName"));
            let vpc = format!("Name=vpc-id,Values={}", text("VpcId"));
            let words = ["ec2", "describe-security-groups", "--filters"];
            let filters = [group.as_str(), &vpc];
            // Who takes things away need not know the VPC.
            let filters = filters
                .into_iter()
                .take(if text("VpcId") == ANY { 1 } else { 2 });
            (ask(words, filters, "SecurityGroups[0]"), "GroupId")
        }
        Call::AuthorizeSecurityGroupIngress => {
            let words = ["ec2", "describe-security-groups", "--group-ids"];
            let query = ingress(&body["IpPermissions"][0]);
            (ask(words, [text("GroupId")], query), "IpProtocol")
        }
        Call::CreateLaunchTemplate => {
            let words = ["ec2", "describe-launch-templates", "--filters"];
            let filter = format!(
                "Name=launch-template-name,Values={}",
                text("LaunchTemplateName")
            );
            (
                ask(words, [filter.as_str()], "LaunchTemplates[0]"),
                "LaunchTemplateId",
            )
        }
        Call::CreateAutoScalingGroup => {
            let member = "AutoScalingGroupName";
            let words = [
                "autoscaling",
                "describe-auto-scaling-groups",
                "--auto-scaling-group-names",
            ];
            (ask(words, [text(member)], "AutoScalingGroups[0]"), member)
        }
        Call::CreateCapacityProvider => {
            let words = ["ecs", "describe-capacity-providers", "--include", "TAGS"];
            let query = "capacityProviders[?status=='ACTIVE'] | [0]";
            (
                ask(words, ["--capacity-providers", text("name")], query),
                "name",
            )
        }
        Call::CreateHttpNamespace => {
            let query = format!("Namespaces[?Name=={} && Type=='HTTP'] | [0]", name("Name"));
            (
                ask(["servicediscovery", "list-namespaces"], [], query),
                "Id",
            )
        }
        Call::CreateLoadBalancer => {
            let query = one_of("LoadBalancers", "LoadBalancerName", text("Name"));
            (
                ask(["elbv2", "describe-load-balancers"], [], query),
                "LoadBalancerArn",
            )
        }
        Call::ModifyLoadBalancerAttributes => {
            let words = [
                "elbv2",
                "describe-load-balancer-attributes",
                "--load-balancer-arn",
            ];
            (
                ask(words, [text("LoadBalancerArn")], attributes(body)),
                "none",
            )
        }
        Call::CreateTargetGroup => {
            let query = one_of("TargetGroups", "TargetGroupName", text("Name"));
            (
                ask(["elbv2", "describe-target-groups"], [], query),
                "TargetGroupArn",
            )
        }
        Call::ModifyTargetGroupAttributes => {
            let words = [
                "elbv2",
                "describe-target-group-attributes",
                "--target-group-arn",
            ];
            (
                ask(words, [text("TargetGroupArn")], attributes(body)),
                "none",
            )
        }
        Call::CreateListener => {
            let words = ["elbv2", "describe-listeners", "--load-balancer-arn"];
            let query = format!("Listeners[?Port==`{}`] | [0]", body["Port"]);
            (ask(words, [text("LoadBalancerArn")], query), "ListenerArn")
        }
        Call::CreateRule => {
            let words = ["elbv2", "describe-rules", "--listener-arn"];
            let query = format!("Rules[?Priority=='{}'] | [0]", body["Priority"]);
            (ask(words, [text("ListenerArn")], query), "RuleArn")
        }
        Call::PutMetricAlarm => {
            let words = ["cloudwatch", "describe-alarms", "--alarm-names"];
            (
                ask(words, [text("AlarmName")], "MetricAlarms[0]"),
                "AlarmArn",
            )
        }
        Call::PutDashboard => {
            let words = ["cloudwatch", "get-dashboard", "--dashboard-name"];
            let look = ask(words, [text("DashboardName")], "@");
            (or_absent(look, "ResourceNotFound"), "DashboardName")
        }
        Call::RegisterScalableTarget => {
            let words = ["application-autoscaling", "describe-scalable-targets"];
            let query = one_of(
                "ScalableTargets",
                "ScalableDimension",
                text("ScalableDimension"),
            );
            let more = ["--resource-ids", text("ResourceId")];
            (
                ask(words, scalable(body).into_iter().chain(more), query),
                "ResourceId",
            )
        }
        Call::PutScalingPolicy => {
            let words = ["application-autoscaling", "describe-scaling-policies"];
            let query = one_of("ScalingPolicies", "PolicyName", text("PolicyName"));
            let more = ["--resource-id", text("ResourceId")];
            (
                ask(words, scalable(body).into_iter().chain(more), query),
                "PolicyARN",
            )
        }
        Call::RegisterTaskDefinition => {
            let words = [
                "ecs",
                "list-task-definitions",
                "--status",
                "ACTIVE",
                "--family-prefix",
            ];
            let query = "taskDefinitionArns[-1] && {taskDefinitionArn: taskDefinitionArns[-1]}";
            (ask(words, [text("family")], query), "taskDefinitionArn")
        }
        Call::CreateService => (service(text("cluster"), text("serviceName")), "serviceArn"),
    }
}

/// `query` in the answer of `command`.
pub(crate) fn at(command: Command, query: impl Into<String>) -> Look {
    Look {
        command,
        query: query.into(),
        absent: None,
    }
}

fn ask<'a, const N: usize>(
    words: [&str; N],
    more: impl IntoIterator<Item = &'a str>,
    query: impl Into<String>,
) -> Look {
    let command = more.into_iter().fold(Command::new(words), Command::arg);
    at(command, query)
}

fn or_absent(mut look: Look, error: &'static str) -> Look {
    look.absent = Some(error);
    look
}

/// The one of a list that has this value.
fn one_of(list: &str, member: &str, value: &str) -> String {
    format!("{list}[?{member}=={}] | [0]", literal(value))
}

fn cluster(name: &str) -> Look {
    let words = [
        "ecs",
        "describe-clusters",
        "--include",
        "SETTINGS",
        "TAGS",
        "--clusters",
    ];
    ask(words, [name], "clusters[?status=='ACTIVE'] | [0]")
}

fn scalable(body: &Value) -> [&str; 2] {
    let namespace = body["ServiceNamespace"].as_str().unwrap_or_default();
    ["--service-namespace", namespace]
}

/// The attributes a file sets, as they are.
fn attributes(body: &Value) -> String {
    let attributes = body["Attributes"].as_array().into_iter().flatten();
    let keys = attributes.filter_map(|attribute| attribute["Key"].as_str());
    let keys: Vec<String> = keys.map(|key| format!("Key=={}", literal(key))).collect();
    format!("Attributes[?{}]", keys.join(" || "))
}

/// The rule of a security group that lets the same in.
fn ingress(wanted: &Value) -> String {
    let ports = format!(
        "IpProtocol=={} && FromPort==`{}` && ToPort==`{}`",
        literal(wanted["IpProtocol"].as_str().unwrap_or_default()),
        wanted["FromPort"],
        wanted["ToPort"],
    );
    let from = match (
        &wanted["IpRanges"][0]["CidrIp"],
        &wanted["UserIdGroupPairs"][0]["GroupId"],
    ) {
        (Value::String(range), _) => format!("IpRanges[?CidrIp=={}]", literal(range)),
        (_, Value::String(group)) => format!("UserIdGroupPairs[?GroupId=={}]", literal(group)),
        _ => "`true`".to_owned(),
    };
    format!("SecurityGroups[0].IpPermissions[?{ports} && {from}] | [0]")
}
