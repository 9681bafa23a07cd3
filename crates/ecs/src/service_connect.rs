//! Service Connect: names that other services find a task by, served by a proxy beside it.

use serde::Deserialize;
use serde_json::Value;

use crate::container::LogConfiguration;

/// A service's part in a Service Connect namespace.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceConnectConfiguration {
    /// Whether tasks get the proxy.
    pub enabled: bool,
    /// The namespace; the cluster's own when none is given.
    pub namespace: Option<String>,
    /// What this service offers. None: it only calls others.
    #[serde(default)]
    pub services: Vec<ServiceConnectService>,
    /// Where the proxy's output goes.
    pub log_configuration: Option<LogConfiguration>,
    /// How the proxy logs requests.
    pub access_log_configuration: Option<Value>,
}

/// One port that others may call.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceConnectService {
    /// The name of a port mapping in the task definition.
    pub port_name: String,
    /// Its name in Cloud Map; the port's name when none is given.
    pub discovery_name: Option<String>,
    /// What callers write.
    #[serde(default)]
    pub client_aliases: Vec<ServiceConnectClientAlias>,
    /// The port the proxy listens on.
    pub ingress_port_override: Option<u16>,
    /// The proxy's limits.
    pub timeout: Option<TimeoutConfiguration>,
    /// Encryption between the proxies.
    pub tls: Option<Value>,
}

/// A name and port that callers write.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceConnectClientAlias {
    /// The port.
    pub port: u16,
    /// The host name; `discovery name.namespace` when none is given.
    pub dns_name: Option<String>,
    /// Which requests a blue/green deployment tests with.
    pub test_traffic_rules: Option<Value>,
}

/// The limits of a Service Connect proxy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeoutConfiguration {
    /// Seconds an idle connection is kept; 0 for ever.
    pub idle_timeout_seconds: Option<u32>,
    /// Seconds a request may take; 0 for ever.
    pub per_request_timeout_seconds: Option<u32>,
}
