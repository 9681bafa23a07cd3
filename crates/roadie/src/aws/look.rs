//! How to look whether an object is there: for each call of a plan, a question that changes nothing.

use ecs::Call;
use serde_json::{Value, json};

use super::Command;
use super::command::Query;

/// A value for what is not known and need not be.
pub(crate) const ANY: &str = "*";

/// A question that changes nothing. Its answer is `null` when there is no such object.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// The call.
    pub(crate) command: Command,
    /// What of its answer is meant.
    pub(crate) query: Query,
    /// What the error says when the object is missing, for calls that answer so.
    pub(crate) absent: Option<&'static str>,
}

/// A revision of a task definition, with its labels beside it.
pub(crate) fn task_definition(arn: &str) -> Look {
    let words = ["ecs", "describe-task-definition"];
    let input = json!({"taskDefinition": arn, "include": ["TAGS"]});
    let query = "merge(taskDefinition, {tags: tags || `[]`})";
    ask(words, input, query)
}

/// The service of that name, if it runs, with its labels.
pub(crate) fn service(cluster: &str, name: &str) -> Look {
    let input = json!({"cluster": cluster, "services": [name], "include": ["TAGS"]});
    let query = "services[?status=='ACTIVE'] | [0]";
    ask(["ecs", "describe-services"], input, query)
}

/// Finds the object that `call` makes of `body`, and the member of it that names it.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each call, and nothing else"
)]
pub(crate) fn look(call: Call, body: &Value) -> (Look, &'static str) {
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    match call {
        Call::CreateCluster => (cluster(text("clusterName")), "clusterArn"),
        Call::PutClusterCapacityProviders => (cluster(text("cluster")), "clusterArn"),
        Call::CreateRepository => {
            let query = one_of("repositories", "repositoryName", text("repositoryName"));
            (
                list(["ecr", "describe-repositories"], query),
                "repositoryArn",
            )
        }
        Call::PutLifecyclePolicy => {
            let input = json!({"repositoryName": text("repositoryName")});
            let look = ask(["ecr", "get-lifecycle-policy"], input, "@");
            (
                or_absent(look, "LifecyclePolicyNotFoundException"),
                "repositoryName",
            )
        }
        Call::CreateLogGroup | Call::PutRetentionPolicy => {
            let group = text("logGroupName");
            let query = one_of("logGroups", "logGroupName", group);
            let input = json!({"logGroupNamePrefix": group});
            (
                ask(["logs", "describe-log-groups"], input, query),
                "logGroupName",
            )
        }
        Call::PutParameter => {
            let input = json!({"Names": [text("Name")], "WithDecryption": true});
            (
                ask(["ssm", "get-parameters"], input, "Parameters[0]"),
                "Name",
            )
        }
        Call::CreateRole => {
            let query = one_of("Roles", "RoleName", text("RoleName"));
            (list(["iam", "list-roles"], query), "RoleName")
        }
        Call::PutRolePolicy => {
            let input = json!({"RoleName": text("RoleName"), "PolicyName": text("PolicyName")});
            let look = ask(["iam", "get-role-policy"], input, "@");
            (or_absent(look, "NoSuchEntity"), "PolicyName")
        }
        Call::AttachRolePolicy => {
            let query = one_of("AttachedPolicies", "PolicyArn", text("PolicyArn"));
            let input = json!({"RoleName": text("RoleName")});
            let look = ask(["iam", "list-attached-role-policies"], input, query);
            (or_absent(look, "NoSuchEntity"), "PolicyArn")
        }
        Call::CreateInstanceProfile => {
            let member = "InstanceProfileName";
            let query = one_of("InstanceProfiles", member, text(member));
            (list(["iam", "list-instance-profiles"], query), member)
        }
        Call::AddRoleToInstanceProfile => {
            let query = Query::from("InstanceProfiles[?InstanceProfileName==")
                .text(text("InstanceProfileName"))
                .code("].Roles[] | [?RoleName==")
                .text(text("RoleName"))
                .code("] | [0]");
            (list(["iam", "list-instance-profiles"], query), "RoleName")
        }
        Call::CreateSecurityGroup => {
            let mut filters = vec![filter("group-name", text("GroupName"))];
            // Who takes things away need not know the VPC.
            if text("VpcId") != ANY {
                filters.push(filter("vpc-id", text("VpcId")));
            }
            let words = ["ec2", "describe-security-groups"];
            let look = ask(words, json!({"Filters": filters}), "SecurityGroups[0]");
            (look, "GroupId")
        }
        Call::AuthorizeSecurityGroupIngress => {
            let input = json!({"GroupIds": [text("GroupId")]});
            let query = ingress(&body["IpPermissions"][0]);
            let look = ask(["ec2", "describe-security-groups"], input, query);
            (look, "IpProtocol")
        }
        Call::CreateLaunchTemplate => {
            let named = filter("launch-template-name", text("LaunchTemplateName"));
            let words = ["ec2", "describe-launch-templates"];
            let look = ask(words, json!({"Filters": [named]}), "LaunchTemplates[0]");
            (look, "LaunchTemplateId")
        }
        Call::CreateAutoScalingGroup => {
            let member = "AutoScalingGroupName";
            let words = ["autoscaling", "describe-auto-scaling-groups"];
            let input = json!({"AutoScalingGroupNames": [text(member)]});
            (ask(words, input, "AutoScalingGroups[0]"), member)
        }
        Call::CreateCapacityProvider => {
            let words = ["ecs", "describe-capacity-providers"];
            let input = json!({"capacityProviders": [text("name")], "include": ["TAGS"]});
            let query = "capacityProviders[?status=='ACTIVE'] | [0]";
            (ask(words, input, query), "name")
        }
        Call::CreateHttpNamespace => {
            let query = Query::from("Namespaces[?Name==").text(text("Name"));
            let query = query.code(" && Type=='HTTP'] | [0]");
            (list(["servicediscovery", "list-namespaces"], query), "Id")
        }
        Call::CreateLoadBalancer => {
            let query = one_of("LoadBalancers", "LoadBalancerName", text("Name"));
            let look = list(["elbv2", "describe-load-balancers"], query);
            (look, "LoadBalancerArn")
        }
        Call::ModifyLoadBalancerAttributes => {
            let words = ["elbv2", "describe-load-balancer-attributes"];
            let input = json!({"LoadBalancerArn": text("LoadBalancerArn")});
            (ask(words, input, attributes(body)), "none")
        }
        Call::CreateTargetGroup => {
            let query = one_of("TargetGroups", "TargetGroupName", text("Name"));
            let look = list(["elbv2", "describe-target-groups"], query);
            (look, "TargetGroupArn")
        }
        Call::ModifyTargetGroupAttributes => {
            let words = ["elbv2", "describe-target-group-attributes"];
            let input = json!({"TargetGroupArn": text("TargetGroupArn")});
            (ask(words, input, attributes(body)), "none")
        }
        Call::CreateListener => {
            let query = Query::from("Listeners[?Port==").code(value(&body["Port"]));
            let query = query.code("] | [0]");
            let input = json!({"LoadBalancerArn": text("LoadBalancerArn")});
            (
                ask(["elbv2", "describe-listeners"], input, query),
                "ListenerArn",
            )
        }
        Call::CreateRule => {
            let query = one_of("Rules", "Priority", &body["Priority"].to_string());
            let input = json!({"ListenerArn": text("ListenerArn")});
            (ask(["elbv2", "describe-rules"], input, query), "RuleArn")
        }
        Call::PutMetricAlarm => {
            let input = json!({"AlarmNames": [text("AlarmName")]});
            let look = ask(["cloudwatch", "describe-alarms"], input, "MetricAlarms[0]");
            (look, "AlarmArn")
        }
        Call::PutDashboard => {
            let input = json!({"DashboardName": text("DashboardName")});
            let look = ask(["cloudwatch", "get-dashboard"], input, "@");
            (or_absent(look, "ResourceNotFound"), "DashboardName")
        }
        Call::RegisterScalableTarget => {
            let words = ["application-autoscaling", "describe-scalable-targets"];
            let dimension = text("ScalableDimension");
            let query = one_of("ScalableTargets", "ScalableDimension", dimension);
            let (space, id) = (text("ServiceNamespace"), text("ResourceId"));
            let input = json!({"ServiceNamespace": space, "ResourceIds": [id]});
            (ask(words, input, query), "ResourceId")
        }
        Call::PutScalingPolicy => {
            let words = ["application-autoscaling", "describe-scaling-policies"];
            let query = one_of("ScalingPolicies", "PolicyName", text("PolicyName"));
            let (space, id) = (text("ServiceNamespace"), text("ResourceId"));
            let input = json!({"ServiceNamespace": space, "ResourceId": id});
            (ask(words, input, query), "PolicyARN")
        }
        Call::RegisterTaskDefinition => {
            let input = json!({"status": "ACTIVE", "familyPrefix": text("family")});
            let query = "taskDefinitionArns[-1] && {taskDefinitionArn: taskDefinitionArns[-1]}";
            let look = ask(["ecs", "list-task-definitions"], input, query);
            (look, "taskDefinitionArn")
        }
        Call::CreateService => (service(text("cluster"), text("serviceName")), "serviceArn"),
    }
}

/// `query` in the answer of `command`.
pub(crate) fn at(command: Command, query: impl Into<Query>) -> Look {
    Look {
        command,
        query: query.into(),
        absent: None,
    }
}

/// `query` in the answer of a call with that input.
pub(crate) fn ask(words: [&'static str; 2], input: Value, query: impl Into<Query>) -> Look {
    at(Command::new(words).input(input), query)
}

/// `query` in the answer of a call that takes no input.
fn list(words: [&'static str; 2], query: Query) -> Look {
    at(Command::new(words), query)
}

fn or_absent(mut look: Look, error: &'static str) -> Look {
    look.absent = Some(error);
    look
}

/// The one of a list that has this value.
pub(crate) fn one_of(list: &str, member: &str, value: &str) -> Query {
    let query = Query::from(list).code(format!("[?{member}=="));
    query.text(value).code("] | [0]")
}

/// A filter of EC2 and Cloud Map.
pub(crate) fn filter(name: &str, value: &str) -> Value {
    json!({"Name": name, "Values": [value]})
}

fn cluster(name: &str) -> Look {
    let input = json!({"clusters": [name], "include": ["SETTINGS", "TAGS"]});
    let query = "clusters[?status=='ACTIVE'] | [0]";
    ask(["ecs", "describe-clusters"], input, query)
}

/// The attributes a file sets, as they are.
fn attributes(body: &Value) -> Query {
    let attributes = body["Attributes"].as_array().into_iter().flatten();
    let keys = attributes.filter_map(|attribute| attribute["Key"].as_str());
    let mut query = Query::from("Attributes[?");
    for (index, key) in keys.enumerate() {
        let or = if index > 0 { " || " } else { "" };
        query = query.code(format!("{or}Key==")).text(key);
    }
    query.code("]")
}

/// The rule of a security group that lets the same in.
fn ingress(wanted: &Value) -> Query {
    let protocol = wanted["IpProtocol"].as_str().unwrap_or_default();
    let query = Query::from("SecurityGroups[0].IpPermissions[?IpProtocol==").text(protocol);
    let (first, last) = (value(&wanted["FromPort"]), value(&wanted["ToPort"]));
    let query = query.code(format!(" && FromPort=={first} && ToPort=={last} && "));
    let query = match (
        &wanted["IpRanges"][0]["CidrIp"],
        &wanted["UserIdGroupPairs"][0]["GroupId"],
    ) {
        (Value::String(range), _) => query.code("IpRanges[?CidrIp==").text(range).code("]"),
        (_, Value::String(group)) => query
            .code("UserIdGroupPairs[?GroupId==")
            .text(group)
            .code("]"),
        _ => query.code("`true`"),
    };
    query.code("] | [0]")
}

/// A JSON literal of `JMESPath`.
fn value(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("`{number}`"),
        // A port that is none matches nothing.
        _ => "`null`".to_owned(),
    }
}
