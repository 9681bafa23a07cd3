//! The settings of a node. Their doc comments are the `--help` text, which a test pins.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chassis::bearer;
use chassis::settings::{self, Settings};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use http::HeaderValue;
use reqwest::Url;

use crate::fault::FaultSettings;

/// The most base URLs that `NEXT` may list.
const MAX_NEXT: usize = 16;

/// One node of the chain john → paul → george → ringo.
///
/// A node without NEXT is the end of the chain. One base URL makes a link of it, several are called
/// in parallel. Every setting is a flag and an environment variable.
#[derive(Clone, Debug, Parser)]
#[command(name = "node", version = settings::VERSION, disable_help_subcommand = true)]
#[command(args_conflicts_with_subcommands = false)]
pub struct Cli {
    /// How to run.
    #[command(flatten)]
    pub config: Config,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What a node can do besides serving.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Command {
    /// Ask the node on this host for /healthz; exit 0 when it answers 200, else 1
    Healthcheck,
}

/// Who this node is, whom it calls, and within which limits.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Who this is: 1 to 63 of a-z, 0-9 and -; its public name is node-NAME
    #[arg(long, env, default_value = "john", hide_env_values = true, value_parser = node_name)]
    pub node_name: String,

    /// Base URLs of the next nodes, comma-separated
    #[arg(
        long,
        env,
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    pub next: Next,

    /// How the next nodes are spoken to. A node answers both on the same port
    #[arg(long, env, value_enum, default_value = "http1", hide_env_values = true)]
    pub next_protocol: Protocol,

    /// Budget of a whole rally, in milliseconds
    #[arg(long, env, default_value = "5000", hide_env_values = true)]
    #[arg(value_parser = settings::milliseconds)]
    pub request_timeout_ms: Duration,

    /// Limit of one connection attempt, in milliseconds
    #[arg(long, env, default_value = "1000", hide_env_values = true)]
    #[arg(value_parser = settings::milliseconds)]
    pub connect_timeout_ms: Duration,

    /// Rallies that may pass through this node at once; more are refused with 503
    #[arg(long, env, default_value = "1024", hide_env_values = true, value_parser = max_rallies)]
    pub max_rallies: usize,

    /// Origins that pages may call from: * or a comma-separated list; empty: none
    #[arg(long, env, default_value = "*", hide_env_values = true)]
    pub cors_allow_origin: Origins,

    /// Secret that callers of POST /meow must present as a bearer token, and that is sent on; unset:
    /// open
    #[arg(
        long,
        env,
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    pub chain_token: Secret,

    /// Hosts file that is asked before the system's resolver: lines of an address, with or without
    /// a port, and its names; read again each second
    #[arg(
        long,
        env,
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    #[arg(value_parser = optional_path)]
    pub hosts_file: std::option::Option<PathBuf>,

    /// Where Amazon ECS describes the task; ECS sets it
    #[arg(
        long,
        env,
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    pub ecs_container_metadata_uri_v4: String,

    /// Faults to begin with.
    #[command(flatten)]
    pub faults: FaultSettings,

    /// Where and how to serve.
    #[command(flatten)]
    pub settings: Settings,
}

impl Config {
    /// Ends the program with status 2 when a secret cannot be used; its value is not shown.
    pub fn refuse_bad_secrets(&self) {
        if !self.chain_token.0.bytes().all(|b| b.is_ascii_graphic()) {
            let why = "CHAIN_TOKEN takes printable characters without spaces or line ends";
            Cli::command().error(ErrorKind::ValueValidation, why).exit();
        }
    }

    /// The public name, such as `node-john`.
    #[must_use]
    pub fn service(&self) -> String {
        format!("node-{}", self.node_name)
    }

    /// Says in one line who listens where, calls whom, and within which limits.
    pub(crate) fn announce(&self, port: u16, admin_port: Option<u16>, max_connections: usize) {
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            service = self.service(),
            host = %self.settings.host,
            port,
            admin_port,
            release = self.settings.release,
            next = %self.next,
            next_protocol = self.next_protocol.as_str(),
            request_timeout_ms = ms(self.request_timeout_ms),
            connect_timeout_ms = ms(self.connect_timeout_ms),
            keep_alive_ms = ms(self.settings.keep_alive_ms),
            drain_delay_ms = ms(self.settings.drain_delay_ms),
            shutdown_grace_ms = ms(self.settings.shutdown_grace_ms),
            max_rallies = self.max_rallies,
            max_connections,
            chain_token = if self.chain_token.is_set() { "set" } else { "unset" },
            "listening"
        );
    }
}

/// The next nodes, in the order in which their answers are given.
#[derive(Clone, Debug, Default)]
pub struct Next(pub Vec<Url>);

impl FromStr for Next {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let next: Vec<Url> = list(text)
            .map(settings::http_url)
            .collect::<Result<_, _>>()?;
        match next.len() {
            0..=MAX_NEXT => Ok(Self(next)),
            _ => Err(format!("takes at most {MAX_NEXT} base URLs")),
        }
    }
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls: Vec<&str> = self
            .0
            .iter()
            .map(|url| url.as_str().trim_end_matches('/'))
            .collect();
        f.write_str(&urls.join(","))
    }
}

/// What is spoken between nodes, without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// HTTP/1.1: a connection for each call that is under way
    Http1,
    /// HTTP/2: one connection to each address behind a name, for all calls at once
    H2c,
}

impl Protocol {
    fn as_str(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::H2c => "h2c",
        }
    }
}

/// Who may read answers from a page of another origin.
#[derive(Clone, Debug)]
pub enum Origins {
    /// `*`
    Any,
    /// These; maybe none.
    List(Vec<HeaderValue>),
}

impl FromStr for Origins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let origin = |origin: &str| {
            Url::parse(origin)
                .ok()
                .filter(|url| url.origin().ascii_serialization() == origin)
                .and_then(|_| HeaderValue::from_str(origin).ok())
                .ok_or_else(|| "takes * or origins such as https://example.org".to_owned())
        };
        list(text)
            .map(origin)
            .collect::<Result<_, _>>()
            .map(Self::List)
    }
}

/// A value that is never printed.
///
/// Parsing cannot fail, because the message of a failure would show the value.
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    /// Whether there is one.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether `other` is the secret. Takes the same time wherever the two differ.
    pub(crate) fn is(&self, other: &[u8]) -> bool {
        bearer::is_same(self.0.as_bytes(), other)
    }

    /// The secret itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

fn node_name(text: &str) -> Result<String, String> {
    let fits = (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    fits.then(|| text.to_owned())
        .ok_or_else(|| "takes 1 to 63 of a-z, 0-9 and -".to_owned())
}

fn max_rallies(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|count| (1..=65_536).contains(count))
        .ok_or_else(|| "takes a whole number, 1 to 65536".to_owned())
}

fn optional_path(text: &str) -> Result<Option<PathBuf>, String> {
    settings::optional(text, |path| Ok(PathBuf::from(path)))
}
