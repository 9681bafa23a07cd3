//! How an object that is there becomes what its file says.

use ecs::Call;
use serde_json::{Value, json};

use super::object::{only, without};
use super::{Command, Object};

/// Members of objects that AWS lets nobody change.
const FIXED: [(Call, &[&str]); 3] = [
    (Call::CreateLoadBalancer, &["Scheme"]),
    (
        Call::CreateTargetGroup,
        &["Port", "Protocol", "VpcId", "TargetType"],
    ),
    (Call::CreateService, &["launchType", "schedulingStrategy"]),
];

/// What `aws ecs update-service` does not take.
const NOT_UPDATED: [&str; 8] = [
    "clientToken",
    // Application Auto Scaling has it in its hands.
    "desiredCount",
    "launchType",
    "role",
    "schedulingStrategy",
    "serviceName",
    "tags",
    "deploymentController",
];

/// The one of `differences` that cannot be changed, if there is one.
pub(crate) fn fixed(call: Call, differences: &[String]) -> Option<&str> {
    let (_, names) = FIXED.iter().find(|(fixed, _)| *fixed == call)?;
    let mut differences = differences.iter().map(String::as_str);
    differences.find(|difference| names.contains(difference))
}

/// The calls that change `object`, of which `found` gives at least its id. None: AWS has nothing to
/// change about such an object.
pub(crate) fn changes(object: &Object, found: &Value) -> Vec<Command> {
    let body = &object.body;
    let id = &found[object.id];
    let one = |words: [&'static str; 2], input: Value| vec![Command::new(words).input(input)];
    match object.call {
        Call::CreateCluster => {
            let input = json!({"cluster": body["clusterName"], "settings": body["settings"]});
            one(["ecs", "update-cluster"], input)
        }
        Call::CreateRepository => {
            let name = "repositoryName";
            let mut calls = one(
                ["ecr", "put-image-tag-mutability"],
                only(body, &[name, "imageTagMutability"]),
            );
            let scanning = only(body, &[name, "imageScanningConfiguration"]);
            calls.push(Command::new(["ecr", "put-image-scanning-configuration"]).input(scanning));
            calls
        }
        Call::PutParameter => {
            let mut input = without(body, &["Tags"]);
            input["Overwrite"] = json!(true);
            one(object.call.words(), input)
        }
        Call::CreateRole => {
            let policy = &body["AssumeRolePolicyDocument"];
            let input = json!({"RoleName": body["RoleName"], "PolicyDocument": policy});
            one(["iam", "update-assume-role-policy"], input)
        }
        Call::CreateLaunchTemplate => one(
            ["ec2", "create-launch-template-version"],
            only(body, &["LaunchTemplateName", "LaunchTemplateData"]),
        ),
        Call::CreateAutoScalingGroup => {
            let input = without(body, &["DesiredCapacity", "Tags"]);
            one(["autoscaling", "update-auto-scaling-group"], input)
        }
        Call::CreateCapacityProvider => {
            let provider = without(&body["autoScalingGroupProvider"], &["autoScalingGroupArn"]);
            let input = json!({"name": body["name"], "autoScalingGroupProvider": provider});
            one(["ecs", "update-capacity-provider"], input)
        }
        Call::CreateLoadBalancer => {
            let arn = "LoadBalancerArn";
            let groups = json!({arn: id, "SecurityGroups": body["SecurityGroups"]});
            let mut calls = one(["elbv2", "set-security-groups"], groups);
            let subnets = json!({arn: id, "Subnets": body["Subnets"]});
            calls.push(Command::new(["elbv2", "set-subnets"]).input(subnets));
            calls
        }
        Call::CreateTargetGroup => {
            let fixed = ["Name", "Port", "Protocol", "VpcId", "TargetType", "Tags"];
            let mut input = without(body, &fixed);
            input["TargetGroupArn"] = id.clone();
            one(["elbv2", "modify-target-group"], input)
        }
        Call::CreateListener => {
            let mut input = without(body, &["LoadBalancerArn", "Tags"]);
            input["ListenerArn"] = id.clone();
            one(["elbv2", "modify-listener"], input)
        }
        Call::CreateRule => {
            let mut input = only(body, &["Conditions", "Actions"]);
            input["RuleArn"] = id.clone();
            one(["elbv2", "modify-rule"], input)
        }
        Call::RegisterScalableTarget => one(object.call.words(), without(body, &["Tags"])),
        Call::CreateService => one(["ecs", "update-service"], service(body)),
        // Called again they put what the file says; a task definition gets a new revision.
        Call::RegisterTaskDefinition
        | Call::PutClusterCapacityProviders
        | Call::PutLifecyclePolicy
        | Call::PutRetentionPolicy
        | Call::PutRolePolicy
        | Call::PutMetricAlarm
        | Call::PutDashboard
        | Call::PutScalingPolicy
        | Call::ModifyLoadBalancerAttributes
        | Call::ModifyTargetGroupAttributes => vec![object.create()],
        Call::CreateLogGroup
        | Call::AttachRolePolicy
        | Call::CreateInstanceProfile
        | Call::AddRoleToInstanceProfile
        | Call::CreateSecurityGroup
        | Call::AuthorizeSecurityGroupIngress
        | Call::CreateHttpNamespace => Vec::new(),
    }
}

/// The body of `update-service` for that of `create-service`.
fn service(body: &Value) -> Value {
    let mut input = without(body, &NOT_UPDATED);
    input["service"] = body["serviceName"].clone();
    input
}
