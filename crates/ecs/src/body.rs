//! Which AWS calls a plan may name, and the type of each one's body.
//!
//! Bodies that the rehearsal or the linter look into have a type; the others stay JSON.

use std::{
    fmt::{self, Display},
    path::Path,
};

use serde_json::{Map, Value};

use crate::{
    Error,
    capacity::{CreateAutoScalingGroup, CreateCapacityProvider},
    error,
    listener::{CreateListener, CreateRule},
    load_balancer::{CreateLoadBalancer, ModifyLoadBalancerAttributes},
    scaling::{PutScalingPolicy, RegisterScalableTarget},
    service::CreateService,
    target_group::{CreateTargetGroup, ModifyTargetGroupAttributes},
    task_definition::RegisterTaskDefinition,
};

macro_rules! calls {
    (
        typed {
            $($(#[$doc:meta])* $call:ident = $service:literal $operation:literal,)*
        }
        plain {
            $($(#[$plain_doc:meta])* $plain:ident = $plain_service:literal $plain_operation:literal,)*
        }
    ) => {
        /// An AWS call that takes one of our files, named as the `aws` command names it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Call {
            $($(#[$doc])* $call,)*
            $($(#[$plain_doc])* $plain,)*
        }

        impl Call {
            /// Every call that is known.
            pub const ALL: [Self; [$($operation,)* $($plain_operation),*].len()] =
                [$(Self::$call,)* $(Self::$plain),*];

            /// The two words after `aws`, for example `["elbv2", "create-rule"]`.
            #[must_use]
            pub fn words(self) -> [&'static str; 2] {
                match self {
                    $(Self::$call => [$service, $operation],)*
                    $(Self::$plain => [$plain_service, $plain_operation],)*
                }
            }
        }

        /// The body of one call, by type.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Body {
            $($(#[$doc])* $call(Box<$call>),)*
            /// The body of a call that only AWS has a use for: members and values as they are.
            Plain(Map<String, Value>),
        }

        impl Body {
            /// Reads `text` as the body of `call`; `file` is for the error.
            pub fn parse(call: Call, file: &Path, text: &str) -> Result<Self, Error> {
                match call {
                    $(Call::$call => error::parse(file, text).map(Self::$call),)*
                    $(Call::$plain)|* => error::parse(file, text).map(Self::Plain),
                }
            }
        }

        $(impl Kind for $call {
            fn of(body: &Body) -> Option<&Self> {
                match body {
                    Body::$call(body) => Some(body),
                    _ => None,
                }
            }
        })*
    };
}

calls! {
    typed {
        /// A revision of a task definition.
        RegisterTaskDefinition = "ecs" "register-task-definition",
        /// A service that keeps tasks of it running.
        CreateService = "ecs" "create-service",
        /// The load balancer.
        CreateLoadBalancer = "elbv2" "create-load-balancer",
        /// Its attributes, such as the idle timeout.
        ModifyLoadBalancerAttributes = "elbv2" "modify-load-balancer-attributes",
        /// A target group with its health check.
        CreateTargetGroup = "elbv2" "create-target-group",
        /// A target group's attributes, such as the deregistration delay.
        ModifyTargetGroupAttributes = "elbv2" "modify-target-group-attributes",
        /// A listener with its default action.
        CreateListener = "elbv2" "create-listener",
        /// A rule of a listener.
        CreateRule = "elbv2" "create-rule",
        /// What may be scaled, and how far.
        RegisterScalableTarget = "application-autoscaling" "register-scalable-target",
        /// When it is scaled.
        PutScalingPolicy = "application-autoscaling" "put-scaling-policy",
        /// The instances of a cluster.
        CreateAutoScalingGroup = "autoscaling" "create-auto-scaling-group",
        /// Such a group as a place for tasks.
        CreateCapacityProvider = "ecs" "create-capacity-provider",
    }
    plain {
        /// The cluster.
        CreateCluster = "ecs" "create-cluster",
        /// Which capacity providers a cluster has.
        PutClusterCapacityProviders = "ecs" "put-cluster-capacity-providers",
        /// A place for images.
        CreateRepository = "ecr" "create-repository",
        /// Which of its images are dropped, and when.
        PutLifecyclePolicy = "ecr" "put-lifecycle-policy",
        /// A log group.
        CreateLogGroup = "logs" "create-log-group",
        /// How long its events are kept.
        PutRetentionPolicy = "logs" "put-retention-policy",
        /// A parameter, such as a secret.
        PutParameter = "ssm" "put-parameter",
        /// A role.
        CreateRole = "iam" "create-role",
        /// What a role may do, written out.
        PutRolePolicy = "iam" "put-role-policy",
        /// What a role may do, by one of AWS's own policies.
        AttachRolePolicy = "iam" "attach-role-policy",
        /// What gives instances a role.
        CreateInstanceProfile = "iam" "create-instance-profile",
        /// Which role that is.
        AddRoleToInstanceProfile = "iam" "add-role-to-instance-profile",
        /// A security group.
        CreateSecurityGroup = "ec2" "create-security-group",
        /// What it lets in.
        AuthorizeSecurityGroupIngress = "ec2" "authorize-security-group-ingress",
        /// What instances are made from.
        CreateLaunchTemplate = "ec2" "create-launch-template",
        /// A namespace of Service Connect.
        CreateHttpNamespace = "servicediscovery" "create-http-namespace",
        /// An alarm.
        PutMetricAlarm = "cloudwatch" "put-metric-alarm",
        /// A dashboard.
        PutDashboard = "cloudwatch" "put-dashboard",
    }
}

impl Call {
    /// The call of that name, for example `elbv2 create-rule`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|call| call.to_string() == name)
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [service, operation] = self.words();
        write!(f, "{service} {operation}")
    }
}

/// A type that is the body of exactly one call.
pub trait Kind: Sized {
    /// The body as this type, if it is one.
    fn of(body: &Body) -> Option<&Self>;
}
