//! The compose file as types: what it may say, and nothing else.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(crate) struct Compose {
    pub(crate) name: String,
    pub(crate) services: BTreeMap<String, Service>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    pub(crate) image: String,
    pub(crate) build: Build,
    pub(crate) user: String,
    /// A variable without a value is handed through from the shell.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, Option<String>>,
    #[serde(default)]
    pub(crate) depends_on: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    pub(crate) expose: Vec<String>,
    #[serde(default)]
    pub(crate) ports: Vec<String>,
    #[serde(default)]
    pub(crate) tmpfs: Vec<String>,
    pub(crate) healthcheck: Health,
    pub(crate) read_only: bool,
    pub(crate) cap_drop: Vec<String>,
    pub(crate) security_opt: Vec<String>,
    pub(crate) mem_limit: String,
    pub(crate) mem_reservation: String,
    pub(crate) pids_limit: u32,
    pub(crate) stop_grace_period: String,
    pub(crate) restart: String,
    #[serde(rename = "logging")]
    pub(crate) _logging: Value,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Build {
    pub(crate) target: String,
    pub(crate) dockerfile: String,
    pub(crate) args: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Health {
    pub(crate) test: Vec<String>,
}
