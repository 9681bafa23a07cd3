//! The bodies of `elbv2 create-load-balancer` and `elbv2 modify-load-balancer-attributes`, and the
//! labels all load balancing objects share.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::attribute::{self, Attribute};

/// How long an Application Load Balancer keeps an idle connection when no attribute says otherwise.
/// A target must keep it longer, or requests on a closing connection end as 502.
pub const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// A load balancer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateLoadBalancer {
    /// Its name, at most 32 characters.
    pub name: String,
    /// At least two subnets, in different zones.
    #[serde(default)]
    pub subnets: Vec<String>,
    /// Subnets with addresses, instead of `Subnets`.
    pub subnet_mappings: Option<Value>,
    /// Its security groups.
    #[serde(default)]
    pub security_groups: Vec<String>,
    /// Whether the internet reaches it: yes, unless given.
    pub scheme: Option<Scheme>,
    /// Its kind: `application`, unless given.
    #[serde(rename = "Type")]
    pub kind: Option<LoadBalancerType>,
    /// `ipv4`, `dualstack` or `dualstack-without-public-ipv4`.
    pub ip_address_type: Option<String>,
    /// Labels.
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// Addresses of an Outpost.
    pub customer_owned_ipv4_pool: Option<String>,
    /// `on` or `off`; Network Load Balancers with UDP over IPv6.
    pub enable_prefix_for_ipv6_source_nat: Option<String>,
    /// Where its public addresses come from.
    pub ipam_pools: Option<Value>,
}

/// Who reaches a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Everyone.
    InternetFacing,
    /// The VPC.
    Internal,
}

/// The kinds of load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoadBalancerType {
    /// HTTP, with rules.
    Application,
    /// TCP and UDP.
    Network,
    /// Packets, for appliances.
    Gateway,
}

/// Attributes of a load balancer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyLoadBalancerAttributes {
    /// Whose attributes they are.
    pub load_balancer_arn: String,
    /// The attributes that are set.
    pub attributes: Vec<Attribute>,
}

impl ModifyLoadBalancerAttributes {
    /// How long an idle connection is kept; nothing if these attributes do not say.
    #[must_use]
    pub fn idle_timeout(&self) -> Option<Duration> {
        attribute::seconds(&self.attributes, "idle_timeout.timeout_seconds")
    }
}

/// A label on a load balancing object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}
