//! Which AWS calls a plan may name, and the type of each one's body.

use std::{
    fmt::{self, Display},
    path::Path,
};

use crate::{
    Error, error,
    listener::{CreateListener, CreateRule},
    load_balancer::{CreateLoadBalancer, ModifyLoadBalancerAttributes},
    service::CreateService,
    target_group::{CreateTargetGroup, ModifyTargetGroupAttributes},
    task_definition::RegisterTaskDefinition,
};

macro_rules! calls {
    ($($(#[$doc:meta])* $call:ident = $service:literal $operation:literal,)*) => {
        /// An AWS call that takes one of our files, named as the `aws` command names it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Call {
            $($(#[$doc])* $call,)*
        }

        impl Call {
            /// Every call that is known.
            pub const ALL: [Self; [$($operation),*].len()] = [$(Self::$call),*];

            /// The two words after `aws`, for example `["elbv2", "create-rule"]`.
            #[must_use]
            pub fn words(self) -> [&'static str; 2] {
                match self {
                    $(Self::$call => [$service, $operation],)*
                }
            }
        }

        /// The body of one call, by type.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Body {
            $($(#[$doc])* $call(Box<$call>),)*
        }

        impl Body {
            /// Reads `text` as the body of `call`; `file` is for the error.
            pub fn parse(call: Call, file: &Path, text: &str) -> Result<Self, Error> {
                match call {
                    $(Call::$call => error::parse(file, text).map(Self::$call),)*
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
