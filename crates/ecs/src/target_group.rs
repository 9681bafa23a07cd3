//! The bodies of `elbv2 create-target-group` and `elbv2 modify-target-group-attributes`.

use std::{ops::RangeInclusive, time::Duration};

use serde::Deserialize;

use crate::{
    alb::Algorithm,
    attribute::{self, Attribute},
    load_balancer::Tag,
};

/// How long a target stays `draining` when no attribute says otherwise.
pub const DEREGISTRATION_DELAY: Duration = Duration::from_mins(5);

/// A target group with its health check. Defaults are those of HTTP behind an Application Load
/// Balancer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateTargetGroup {
    /// Its name, unique in a region, at most 32 characters.
    pub name: String,
    /// The protocol towards the targets.
    pub protocol: Option<Protocol>,
    /// `HTTP1` unless given; also `HTTP2`, `GRPC`.
    pub protocol_version: Option<String>,
    /// The port of targets that are registered without one. ECS always registers one.
    pub port: Option<u16>,
    /// The targets' network.
    pub vpc_id: Option<String>,
    /// What a target is; see [`Self::target_type`].
    pub target_type: Option<TargetType>,
    /// The protocol of health checks.
    pub health_check_protocol: Option<Protocol>,
    /// The port of health checks, or `traffic-port`, the default: the target's own.
    pub health_check_port: Option<String>,
    /// Whether targets are checked; always on for instances and addresses.
    pub health_check_enabled: Option<bool>,
    /// See [`Self::health_check_path`].
    pub health_check_path: Option<String>,
    /// See [`Self::health_check_interval`]; 5 to 300.
    pub health_check_interval_seconds: Option<u32>,
    /// See [`Self::health_check_timeout`]; 2 to 120.
    pub health_check_timeout_seconds: Option<u32>,
    /// See [`Self::healthy_threshold`]; 2 to 10.
    pub healthy_threshold_count: Option<u32>,
    /// See [`Self::unhealthy_threshold`]; 2 to 10.
    pub unhealthy_threshold_count: Option<u32>,
    /// The answers that count as success; see [`Self::accepts`].
    pub matcher: Option<Matcher>,
    /// Labels.
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// `ipv4` or `ipv6`.
    pub ip_address_type: Option<String>,
    /// The port of an agent beside the target.
    pub target_control_port: Option<u16>,
}

impl CreateTargetGroup {
    /// What a target is: an instance and a port, unless given.
    #[must_use]
    pub fn target_type(&self) -> TargetType {
        self.target_type.unwrap_or(TargetType::Instance)
    }

    /// The path that is asked for: `/` unless given.
    #[must_use]
    pub fn health_check_path(&self) -> &str {
        self.health_check_path.as_deref().unwrap_or("/")
    }

    /// Time between two checks of one target: 30 s unless given.
    #[must_use]
    pub fn health_check_interval(&self) -> Duration {
        Duration::from_secs(self.health_check_interval_seconds.unwrap_or(30).into())
    }

    /// Time a check may take: 5 s unless given. AWS's guide says 5 and its API reference 6, so a
    /// file had better say.
    #[must_use]
    pub fn health_check_timeout(&self) -> Duration {
        Duration::from_secs(self.health_check_timeout_seconds.unwrap_or(5).into())
    }

    /// Successes in a row that make an unhealthy target healthy: 5 unless given. A new target
    /// needs one.
    #[must_use]
    pub fn healthy_threshold(&self) -> u32 {
        self.healthy_threshold_count.unwrap_or(5)
    }

    /// Failures in a row that make a target unhealthy: 2 unless given.
    #[must_use]
    pub fn unhealthy_threshold(&self) -> u32 {
        self.unhealthy_threshold_count.unwrap_or(2)
    }

    /// Whether a check that was answered with `status` succeeded: 200 only, unless given.
    #[must_use]
    pub fn accepts(&self, status: u16) -> bool {
        let codes = self.matcher.as_ref().and_then(|m| m.http_code.as_ref());
        codes.map_or(status == 200, |codes| codes.contains(status))
    }
}

/// A protocol of listeners and target groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "each is only its name")]
pub enum Protocol {
    Http,
    Https,
    Tcp,
    Tls,
    Udp,
    TcpUdp,
    Geneve,
    Quic,
    TcpQuic,
}

/// What a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetType {
    /// An instance and a port.
    Instance,
    /// An address and a port.
    Ip,
    /// A function.
    Lambda,
    /// Another load balancer.
    Alb,
}

/// The answers to a health check that count as success.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Matcher {
    /// HTTP status codes.
    pub http_code: Option<StatusCodes>,
    /// gRPC codes, instead.
    pub grpc_code: Option<String>,
}

/// HTTP status codes, written `200`, `200,202` or `200-299`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct StatusCodes(Vec<RangeInclusive<u16>>);

impl StatusCodes {
    /// Whether `status` is among them.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl TryFrom<String> for StatusCodes {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let ranges: Option<_> = text.split(',').map(range).collect();
        ranges.map(Self).ok_or_else(|| {
            format!("`{text}` is no list of status codes like `200`, `200,202` or `200-299`")
        })
    }
}

/// Attributes of a target group.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyTargetGroupAttributes {
    /// Whose attributes they are.
    pub target_group_arn: String,
    /// The attributes that are set.
    pub attributes: Vec<Attribute>,
}

impl ModifyTargetGroupAttributes {
    /// How long a target stays `draining`; nothing if these attributes do not say.
    #[must_use]
    pub fn deregistration_delay(&self) -> Option<Duration> {
        attribute::seconds(&self.attributes, "deregistration_delay.timeout_seconds")
    }

    /// How long a new target gets less than its share; nothing if these attributes do not say.
    #[must_use]
    pub fn slow_start(&self) -> Option<Duration> {
        attribute::seconds(&self.attributes, "slow_start.duration_seconds")
    }

    /// How requests are spread; nothing if these attributes do not say. AWS's `weighted_random` is
    /// taken as turns, too: without anomalies it comes to the same.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        let mut attributes = self.attributes.iter();
        let attribute = attributes.find(|known| known.key == "load_balancing.algorithm.type")?;
        Some(match attribute.value.as_str() {
            "least_outstanding_requests" => Algorithm::LeastOutstandingRequests,
            _ => Algorithm::RoundRobin,
        })
    }
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (code(first)?, code(last)?);
    (first <= last).then_some(first..=last)
}

/// 200 to 599 are the codes any kind of load balancer takes.
fn code(text: &str) -> Option<u16> {
    text.parse().ok().filter(|code| (200..=599).contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_codes_are_lists_and_ranges() {
        let codes = StatusCodes::try_from("200,204,300-302".to_owned()).unwrap();
        for status in [200, 204, 300, 301, 302] {
            assert!(codes.contains(status), "{status}");
        }
        for status in [201, 299, 303, 503] {
            assert!(!codes.contains(status), "{status}");
        }
    }

    #[test]
    fn other_texts_are_no_status_codes() {
        for text in [
            "",
            "ok",
            "200,",
            "299-200",
            "2000",
            "199",
            "200–299",
            "200, 202",
        ] {
            assert!(StatusCodes::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_silent_file_means_the_defaults_of_aws() {
        let group: CreateTargetGroup = serde_json::from_str(r#"{"Name": "tg"}"#).unwrap();
        assert_eq!(group.target_type(), TargetType::Instance);
        assert_eq!(group.health_check_path(), "/");
        assert_eq!(group.health_check_interval(), Duration::from_secs(30));
        assert_eq!(group.health_check_timeout(), Duration::from_secs(5));
        assert_eq!(
            (group.healthy_threshold(), group.unhealthy_threshold()),
            (5, 2)
        );
        assert!(group.accepts(200));
        assert!(!group.accepts(204));
    }

    #[test]
    fn attributes_say_how_requests_are_spread() {
        let of = |attributes: &str| {
            let text = format!(r#"{{"TargetGroupArn": "arn", "Attributes": [{attributes}]}}"#);
            serde_json::from_str::<ModifyTargetGroupAttributes>(&text).unwrap()
        };
        let silent = of("");
        assert_eq!((silent.algorithm(), silent.slow_start()), (None, None));
        let least =
            r#"{"Key": "load_balancing.algorithm.type", "Value": "least_outstanding_requests"}"#;
        assert_eq!(
            of(least).algorithm(),
            Some(Algorithm::LeastOutstandingRequests)
        );
        let slow = r#"{"Key": "slow_start.duration_seconds", "Value": "30"}"#;
        assert_eq!(of(slow).slow_start(), Some(Duration::from_secs(30)));
    }
}
