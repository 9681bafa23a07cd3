//! The bodies of `elbv2 create-listener` and `elbv2 create-rule`.

use serde::Deserialize;
use serde_json::Value;

use crate::{load_balancer::Tag, target_group::Protocol};

/// A port of a load balancer, and what happens to requests that no rule wants.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateListener {
    /// Whose port it is.
    pub load_balancer_arn: String,
    /// The protocol towards callers.
    pub protocol: Option<Protocol>,
    /// The port.
    pub port: Option<u16>,
    /// What happens when no rule matches.
    pub default_actions: Vec<Action>,
    /// TLS versions and ciphers.
    pub ssl_policy: Option<String>,
    /// The certificate.
    pub certificates: Option<Value>,
    /// Protocols offered within TLS.
    pub alpn_policy: Option<Vec<String>>,
    /// Labels.
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// Certificates of callers.
    pub mutual_authentication: Option<Value>,
}

/// A rule of a listener: if all conditions hold, the actions follow.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateRule {
    /// Whose rule it is.
    pub listener_arn: String,
    /// Its place: the lowest is asked first; 1 to 50000, each once.
    pub priority: u32,
    /// When it applies.
    pub conditions: Vec<RuleCondition>,
    /// What it does.
    pub actions: Vec<Action>,
    /// Labels.
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// Changes to host and path before a target sees them.
    pub transforms: Option<Value>,
}

/// One thing that must be true of a request. Of several values, one must match.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RuleCondition {
    /// What it looks at.
    pub field: Option<ConditionField>,
    /// The values of a host header or path pattern, in the short form.
    #[serde(default)]
    pub values: Vec<String>,
    /// The same as regular expressions.
    #[serde(default)]
    pub regex_values: Vec<String>,
    /// Values for `host-header`.
    pub host_header_config: Option<Values>,
    /// Values for `path-pattern`.
    pub path_pattern_config: Option<Values>,
    /// Values for `http-header`.
    pub http_header_config: Option<HttpHeaderConfig>,
    /// Values for `query-string`.
    pub query_string_config: Option<QueryStringConfig>,
    /// Values for `http-request-method`.
    pub http_request_method_config: Option<Values>,
    /// Values for `source-ip`.
    pub source_ip_config: Option<Values>,
}

/// What a condition looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionField {
    /// The path, without the query.
    PathPattern,
    /// The host.
    HostHeader,
    /// Any header.
    HttpHeader,
    /// The method.
    HttpRequestMethod,
    /// The query.
    QueryString,
    /// The caller's address.
    SourceIp,
}

/// The values of a condition.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Values {
    /// Plain values or patterns; one must match.
    #[serde(default)]
    pub values: Vec<String>,
    /// Regular expressions instead; only for hosts and paths.
    #[serde(default)]
    pub regex_values: Vec<String>,
}

/// A header and the values it may have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct HttpHeaderConfig {
    /// The header's name.
    pub http_header_name: Option<String>,
    /// Patterns; one must match.
    #[serde(default)]
    pub values: Vec<String>,
    /// Regular expressions instead.
    #[serde(default)]
    pub regex_values: Vec<String>,
}

/// Parts of a query, one of which must be there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct QueryStringConfig {
    /// The parts.
    #[serde(default)]
    pub values: Vec<QueryStringKeyValuePair>,
}

/// One part of a query.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct QueryStringKeyValuePair {
    /// Its key; any when none is given.
    pub key: Option<String>,
    /// Its value.
    pub value: Option<String>,
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Action {
    /// What kind of action it is.
    #[serde(rename = "Type")]
    pub kind: ActionType,
    /// The target group, in the short form.
    pub target_group_arn: Option<String>,
    /// Target groups with weights.
    pub forward_config: Option<ForwardConfig>,
    /// Its place among several actions.
    pub order: Option<u32>,
    /// Where a redirect leads.
    pub redirect_config: Option<Value>,
    /// What a fixed response says.
    pub fixed_response_config: Option<Value>,
    /// `OpenID` Connect.
    pub authenticate_oidc_config: Option<Value>,
    /// Cognito.
    pub authenticate_cognito_config: Option<Value>,
    /// JSON Web Tokens.
    pub jwt_validation_config: Option<Value>,
}

/// The kinds of action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is only its name")]
pub enum ActionType {
    Forward,
    Redirect,
    FixedResponse,
    AuthenticateOidc,
    AuthenticateCognito,
    JwtValidation,
}

/// Target groups that share requests.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ForwardConfig {
    /// The groups.
    #[serde(default)]
    pub target_groups: Vec<TargetGroupTuple>,
    /// Whether a caller stays with one group.
    pub target_group_stickiness_config: Option<Value>,
}

/// A target group and its share.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TargetGroupTuple {
    /// The group.
    pub target_group_arn: Option<String>,
    /// Its share, 0 to 999, relative to the others'.
    pub weight: Option<u32>,
}
