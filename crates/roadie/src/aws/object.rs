//! What a step of a plan makes, and what of it is compared with its file.

use ecs::{Call, Step};
use serde_json::{Value, json};

use super::Command;
use super::look::{Look, ask, look, task_definition};

/// What a step of a plan makes, as AWS keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// Which call makes it.
    pub(crate) call: Call,
    /// Finds it.
    pub(crate) look: Look,
    /// The member of what is found that names it.
    pub(crate) id: &'static str,
    /// What the file says, in the shape of what is found.
    pub(crate) wanted: Value,
    /// The file.
    pub(crate) body: Value,
}

impl Object {
    /// The object of a rendered step.
    pub(crate) fn new(step: &Step) -> Self {
        let body = step.input().clone();
        let (look, id) = look(step.call(), &body);
        Self {
            call: step.call(),
            look,
            id,
            wanted: wanted(step.call(), &body),
            body,
        }
    }

    /// The call that makes it, with the file as it is.
    pub(crate) fn create(&self) -> Command {
        Command::new(self.call.words()).input(self.body.clone())
    }

    /// Looks closer at what was found: what the first look cannot tell.
    pub(crate) fn detail(&self, found: &Value) -> Option<Look> {
        let id = found[self.id].as_str()?;
        match self.call {
            Call::RegisterTaskDefinition => Some(task_definition(id)),
            Call::CreateLaunchTemplate => {
                let words = ["ec2", "describe-launch-template-versions"];
                let input = json!({"LaunchTemplateId": id, "Versions": ["$Latest"]});
                Some(ask(words, input, "LaunchTemplateVersions[0]"))
            }
            _ => None,
        }
    }
}

/// What a file says of its object, in the shape in which AWS describes it.
fn wanted(call: Call, body: &Value) -> Value {
    match call {
        Call::CreateCluster => only(body, &["settings"]),
        Call::CreateRepository => only(body, &["imageTagMutability", "imageScanningConfiguration"]),
        Call::PutRetentionPolicy => only(body, &["retentionInDays"]),
        Call::PutParameter => only(body, &["Type", "Value"]),
        Call::CreateRole => only(body, &["AssumeRolePolicyDocument"]),
        Call::CreateLaunchTemplate => {
            // Labels are not compared, here as anywhere.
            let data = without(&body["LaunchTemplateData"], &["TagSpecifications"]);
            json!({"LaunchTemplateData": data})
        }
        Call::CreateAutoScalingGroup => without(body, &["DesiredCapacity", "Tags"]),
        Call::CreateCapacityProvider => {
            let provider = &body["autoScalingGroupProvider"];
            json!({"autoScalingGroupProvider": without(provider, &["autoScalingGroupArn"])})
        }
        Call::PutClusterCapacityProviders => without(body, &["cluster"]),
        Call::CreateLoadBalancer => {
            let mut wanted = only(body, &["Scheme", "SecurityGroups"]);
            let subnets = body["Subnets"].as_array().into_iter().flatten();
            wanted["AvailabilityZones"] = subnets.map(|id| json!({"SubnetId": id})).collect();
            wanted
        }
        Call::CreateTargetGroup => without(body, &["Name", "Tags"]),
        Call::CreateListener => without(body, &["LoadBalancerArn", "Tags"]),
        Call::CreateRule => only(body, &["Conditions", "Actions"]),
        Call::ModifyLoadBalancerAttributes | Call::ModifyTargetGroupAttributes => {
            body["Attributes"].clone()
        }
        Call::RegisterScalableTarget => only(body, &["MinCapacity", "MaxCapacity"]),
        Call::RegisterTaskDefinition => without(body, &["tags"]),
        Call::CreateService => {
            let not_compared = ["cluster", "desiredCount", "serviceName", "tags"];
            without(body, &not_compared)
        }
        Call::PutMetricAlarm => without(body, &["Tags"]),
        Call::PutLifecyclePolicy
        | Call::PutRolePolicy
        | Call::PutDashboard
        | Call::PutScalingPolicy => body.clone(),
        // These are there or not; nothing of them can change.
        Call::CreateLogGroup
        | Call::AttachRolePolicy
        | Call::CreateInstanceProfile
        | Call::AddRoleToInstanceProfile
        | Call::CreateSecurityGroup
        | Call::AuthorizeSecurityGroupIngress
        | Call::CreateHttpNamespace => json!({}),
    }
}

/// These members of `value`.
pub(crate) fn only(value: &Value, names: &[&str]) -> Value {
    let members = value.as_object().into_iter().flatten();
    let members = members.filter(|(name, _)| names.contains(&name.as_str()));
    members
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// All members of `value` but these.
pub(crate) fn without(value: &Value, names: &[&str]) -> Value {
    let members = value.as_object().into_iter().flatten();
    let members = members.filter(|(name, _)| !names.contains(&name.as_str()));
    members
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
