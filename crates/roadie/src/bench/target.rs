//! What is asked, where it is, and whether it may be asked so often.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use reqwest::Url;

use super::{Bench, MAX_RATE_ELSEWHERE, RATE_ELSEWHERE};
use crate::load::Pace;

/// A URL and the addresses behind its name, looked up once: what is allowed is what is asked.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) host: String,
    pub(super) path: String,
}

impl Target {
    pub(super) async fn find(url: &str) -> anyhow::Result<Self> {
        let full = match url.contains("://") {
            true => url.to_owned(),
            false => format!("http://{url}"),
        };
        let parsed = Url::parse(&full).with_context(|| format!("{url} is not a URL"))?;
        ensure!(
            parsed.scheme() == "http" && parsed.has_host(),
            "{url}: only plain http is asked"
        );
        let port = parsed.port_or_known_default().unwrap_or(80);
        let name = parsed
            .host_str()
            .unwrap_or_default()
            .trim_matches(['[', ']']);
        let found = tokio::net::lookup_host((name, port)).await;
        let addresses: Vec<SocketAddr> = found
            .with_context(|| format!("the name {name} cannot be resolved"))?
            .collect();
        ensure!(!addresses.is_empty(), "there is no address behind {name}");
        // A slash at the end asks for the page; only what names no path at all means a rally.
        let path = match has_path(&full) {
            true => parsed.path(),
            false => "/start",
        };
        let query = parsed.query().map(|query| format!("?{query}"));
        Ok(Self {
            addresses,
            host: parsed.authority().to_owned(),
            path: format!("{path}{}", query.unwrap_or_default()),
        })
    }

    /// The pace that `options` ask for, where they may.
    pub(super) fn allow(&self, options: &Bench) -> anyhow::Result<Pace> {
        if self
            .addresses
            .iter()
            .all(|address| address.ip().is_loopback())
        {
            return Ok(options.rate.map_or(Pace::Closed, Pace::Rate));
        }
        if !options.i_own_this_host {
            let host = &self.host;
            bail!("{host} is not this machine; --i-own-this-host says that you may load it");
        }
        let rate = options.rate.unwrap_or(RATE_ELSEWHERE);
        ensure!(
            rate <= MAX_RATE_ELSEWHERE,
            "another host than this one gets at most {MAX_RATE_ELSEWHERE} requests a second"
        );
        Ok(Pace::Rate(rate))
    }

    /// Whether it plays a rally that can be asked for its hops.
    pub(super) fn is_rally(&self) -> bool {
        self.path.ends_with("/start")
    }
}

/// Whether a URL names a path; parsed, one without has the path `/`.
fn has_path(url: &str) -> bool {
    let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
    let host = behind.find(['/', '?', '#']).unwrap_or(behind.len());
    behind[host..].starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_without_a_path_means_a_rally_and_one_with_a_slash_the_page() {
        for (url, path) in [
            ("http://127.0.0.1:1", "/start"),
            ("127.0.0.1:1", "/start"),
            ("http://127.0.0.1:1?detail=hops", "/start?detail=hops"),
            ("http://127.0.0.1:1/", "/"),
            ("127.0.0.1:1/", "/"),
            ("127.0.0.1:1/?a", "/?a"),
            ("127.0.0.1:1/ping", "/ping"),
        ] {
            assert_eq!(Target::find(url).await.unwrap().path, path, "{url}");
        }
    }
}
