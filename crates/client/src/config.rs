//! The settings of the page. Their doc comments are the `--help` text, which a test pins.

use std::str::FromStr;

use chassis::settings::{self, Settings};
use clap::{Args, Parser, Subcommand};
use reqwest::Url;

/// The page with eight letters: each plays a rally.
///
/// Every setting is a flag and an environment variable.
#[derive(Clone, Debug, Parser)]
#[command(name = "client", version = settings::VERSION, disable_help_subcommand = true)]
pub struct Cli {
    /// How to run.
    #[command(flatten)]
    pub config: Config,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the client can do besides serving.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Command {
    /// Ask the client on this host for /healthz; exit 0 when it answers 200, else 1
    Healthcheck,
}

/// Where the page is served and where its letters play.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Where the browser finds /start, such as <https://play.example.com>; empty: where the page
    /// itself comes from
    #[arg(
        long,
        env,
        default_value = "",
        hide_env_values = true,
        hide_default_value = true
    )]
    pub base_url: BaseUrl,

    /// What every service of the suite takes.
    #[command(flatten)]
    pub settings: Settings,
}

/// What is put before `/start`: nothing, or an `http(s)` URL without a slash at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseUrl {
    prefix: String,
    origin: Option<String>,
}

impl BaseUrl {
    /// The prefix of every path that the page calls.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.prefix
    }

    /// Scheme, host and port, where they are not the page's own.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }
}

impl FromStr for BaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let url = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .filter(|url| url.username().is_empty() && url.password().is_none())
            .filter(|url| url.query().is_none() && url.fragment().is_none())
            .filter(|url| url.host_str().is_some_and(is_nameable))
            .ok_or("takes a URL such as https://play.example.com, without IPv6 address")?;
        Ok(Self {
            prefix: url.as_str().trim_end_matches('/').to_owned(),
            origin: Some(url.origin().ascii_serialization()),
        })
    }
}

/// Whether a Content-Security-Policy can name this host: it has no notation for IPv6 addresses, and
/// a host with a comma or a semicolon in it, which a URL may have, would end the directive.
fn is_nameable(host: &str) -> bool {
    host.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_loses_the_slash_at_its_end() {
        for (text, prefix, origin) in [
            (
                "http://127.0.0.1:8080/",
                "http://127.0.0.1:8080",
                "http://127.0.0.1:8080",
            ),
            (
                "https://Play.example:443",
                "https://play.example",
                "https://play.example",
            ),
            ("http://a/b/", "http://a/b", "http://a"),
        ] {
            let url: BaseUrl = text.parse().unwrap();
            assert_eq!(
                (url.as_str(), url.origin()),
                (prefix, Some(origin)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_a_policy_cannot_name_is_refused() {
        for text in [
            "play.example",
            "ftp://play.example",
            "http://user@play.example",
            "http://play.example/?a",
            "http://play.example/#a",
            "http://[::1]:3000",
            "http://play.example;script-src",
            "http://a,b",
        ] {
            text.parse::<BaseUrl>().expect_err(text);
        }
    }
}
