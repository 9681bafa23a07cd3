//! The settings every service shares, each a flag and an environment variable.
//!
//! A value that does not parse ends the program with status 2 before anything is bound; the message
//! names the variable, the value and what it takes. That is clap's own behaviour, as long as each
//! flag's value is named like its variable, which a test holds.

use std::net::IpAddr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tracing_subscriber::filter::{LevelFilter, Targets};

/// A day: longer than any time-out here can mean.
const MAX_MS: u64 = 86_400_000;

/// The default limit of connections to one listener: an idle one takes about 10 KiB.
pub(crate) const MAX_CONNECTIONS: usize = 4096;

/// Where a service listens and how it lives.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// Address to listen on
    #[arg(long, env, default_value = "0.0.0.0", hide_env_values = true)]
    #[arg(value_parser = address)]
    pub host: IpAddr,

    /// Port to listen on; 0 takes a free one and logs it
    #[arg(long, env, default_value = "3000", hide_env_values = true, value_parser = port)]
    pub port: u16,

    /// Close a connection on which no request arrived for this long; must exceed the idle
    /// time-out of the load balancer in front (an ALB's is 60 s)
    #[arg(long, env, default_value = "75000", hide_env_values = true, value_parser = milliseconds)]
    pub keep_alive_ms: Duration,

    /// Connections that may be open at once, at most half of the files that the process may open;
    /// beyond it idle ones are closed, and while all are busy only health checks are answered
    #[arg(long, env, default_value_t = MAX_CONNECTIONS, hide_env_values = true)]
    #[arg(value_parser = max_connections)]
    pub max_connections: usize,

    /// After SIGTERM, keep serving for this long while readiness fails
    #[arg(long, env, default_value = "0", hide_env_values = true, value_parser = milliseconds_or_zero)]
    pub drain_delay_ms: Duration,

    /// After that, let requests in flight finish for this long
    #[arg(long, env, default_value = "20000", hide_env_values = true, value_parser = milliseconds)]
    pub shutdown_grace_ms: Duration,

    /// Port of a second listener for metrics; unset: none, 0 takes a free one and logs it
    #[arg(
        long,
        env,
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    #[arg(value_parser = optional_port)]
    // The full path keeps clap from reading "a flag that may be absent" into the type: an empty
    // value, as Compose passes for an unset variable, has to mean "unset" too.
    pub admin_port: std::option::Option<u16>,

    /// Label of this revision, shown in logs and answers
    #[arg(long, env, default_value = VERSION, hide_env_values = true, value_parser = release)]
    pub release: String,

    /// Logs and spans.
    #[command(flatten)]
    pub telemetry: TelemetrySettings,
}

/// The version this program was built as: what the build was told (an image's is told its revision as
/// well, `0.1.0+3f2c1ab`), else the package's.
pub const VERSION: &str = match option_env!("PING_PONG_VERSION") {
    Some(version) if !version.is_empty() => version,
    _ => env!("CARGO_PKG_VERSION"),
};

/// How logs look and where spans go.
#[derive(Args, Clone, Debug)]
pub struct TelemetrySettings {
    /// Format of the logs; unset: pretty on a terminal, else json
    #[arg(
        long,
        env,
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    #[arg(value_parser = optional_log_format)]
    pub log_format: std::option::Option<LogFormat>,

    /// Any value: no colour in the logs
    #[arg(
        long,
        env,
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    pub no_color: String,

    /// Log levels: `info`, or by module as in `info,node=debug`
    #[arg(long, env, default_value = "info", hide_env_values = true, value_parser = log_levels)]
    pub rust_log: Targets,

    /// Where spans are sent by OTLP over HTTP, such as <http://127.0.0.1:4318>; unset: nowhere. Of
    /// the other standard variables those of service name, resource, sampler, batching and headers
    /// are honoured
    #[arg(
        long,
        env,
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    #[arg(value_parser = optional_http_url)]
    pub otel_exporter_otlp_endpoint: std::option::Option<reqwest::Url>,

    /// true: no spans, whatever the endpoint
    #[arg(long, env, default_value = "false", hide_env_values = true, value_parser = flag)]
    #[arg(num_args = 0..=1, default_missing_value = "true")]
    pub otel_sdk_disabled: bool,
}

/// What a log line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line for people.
    Pretty,
    /// One JSON object a line, for machines.
    Json,
}

fn address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| "takes an IP address, such as 0.0.0.0 or ::".into())
}

/// Parses a port, 0 to 65535.
pub fn port(text: &str) -> Result<u16, String> {
    text.parse()
        .map_err(|_| "takes a port, 0 to 65535".to_owned())
}

/// Parses a whole number of milliseconds above zero.
pub fn milliseconds(text: &str) -> Result<Duration, String> {
    whole(text, 1).ok_or_else(|| format!("takes whole milliseconds, 1 to {MAX_MS}"))
}

/// Parses a whole number of milliseconds; 0 means none.
pub fn milliseconds_or_zero(text: &str) -> Result<Duration, String> {
    whole(text, 0).ok_or_else(|| format!("takes whole milliseconds, 0 to {MAX_MS}"))
}

/// Parses milliseconds that may be left empty.
pub fn optional_milliseconds(text: &str) -> Result<Option<Duration>, String> {
    optional(text, milliseconds)
}

/// Parses an `http://` URL without credentials or query.
pub fn http_url(text: &str) -> Result<reqwest::Url, String> {
    reqwest::Url::parse(text)
        .ok()
        .filter(|url| url.scheme() == "http" && url.has_host())
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .filter(|url| url.query().is_none() && url.fragment().is_none())
        .ok_or_else(|| "takes a URL such as http://host:3000 (plain http)".to_owned())
}

fn max_connections(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|count| (1..=1_048_576).contains(count))
        .ok_or_else(|| "takes a whole number, 1 to 1048576".to_owned())
}

fn whole(text: &str, least: u64) -> Option<Duration> {
    let ms = text.parse().ok()?;
    (least..=MAX_MS)
        .contains(&ms)
        .then(|| Duration::from_millis(ms))
}

fn optional_port(text: &str) -> Result<Option<u16>, String> {
    optional(text, port)
}

fn optional_http_url(text: &str) -> Result<Option<reqwest::Url>, String> {
    optional(text, http_url)
}

fn optional_log_format(text: &str) -> Result<Option<LogFormat>, String> {
    optional(text, |text| {
        LogFormat::from_str(text, false).map_err(|_| "takes pretty or json".to_owned())
    })
}

/// Empty means unset; anything else must parse.
pub fn optional<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    (!text.is_empty()).then(|| parse(text)).transpose()
}

fn log_levels(text: &str) -> Result<Targets, String> {
    // `Targets` takes a bare word for a module, and a slip of the pen would silence everything.
    let is_level = |level: &str| !level.is_empty() && level.parse::<LevelFilter>().is_ok();
    let fits = text
        .split(',')
        .all(|entry| match entry.trim().split_once('=') {
            Some((target, level)) => !target.is_empty() && is_level(level),
            None => is_level(entry.trim()),
        });
    text.parse()
        .ok()
        .filter(|_| fits)
        .ok_or_else(|| "takes error, warn, info, debug, trace or off, also by module".into())
}

/// Parses a switch.
pub fn flag(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" | "" => Ok(false),
        _ => Err("takes true or false".to_owned()),
    }
}

fn release(text: &str) -> Result<String, String> {
    let fits = (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| text.to_owned())
        .ok_or_else(|| "takes 1 to 128 printable characters without spaces".to_owned())
}
