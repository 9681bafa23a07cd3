//! Where the next node is: all addresses behind its name, looked up again before they are old.
//!
//! A name in a container network stands for as many addresses as there are replicas, and the set
//! changes while we run. Connections are kept per address, so calls can be spread over all of them
//! without giving up keep-alive, which a pool that is keyed by name cannot do.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Url;

/// How old an answer of the resolver may be. A replica that was added or replaced is found within
/// this time; one look-up a second costs a node next to nothing.
const REFRESH: Duration = Duration::from_secs(1);

/// The port of an `http://` URL that names none.
const HTTP_PORT: u16 = 80;

/// The addresses behind one name.
#[derive(Debug)]
pub(crate) struct Addresses {
    name: Name,
    /// The path of the calls.
    path: String,
    known: Mutex<Arc<[Replica]>>,
    turn: AtomicUsize,
}

/// One address, and the URL of calls to it: made once, not for each call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Replica {
    address: SocketAddr,
    pub(crate) url: Url,
}

/// All addresses in the order in which one call shall try them.
#[derive(Debug)]
pub(crate) struct Turn {
    known: Arc<[Replica]>,
    first: usize,
    /// How many take turns; the rest comes last.
    spread: usize,
}

#[derive(Clone, Debug)]
struct Name {
    host: String,
    port: u16,
    hosts_file: Option<PathBuf>,
}

impl Addresses {
    /// The addresses of `url`'s host for calls to `path`, kept fresh for as long as the result is in use.
    pub(crate) fn of(url: &Url, path: &str, hosts_file: Option<&Path>) -> Arc<Self> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port().unwrap_or(HTTP_PORT);
        let literal = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        let known: Vec<_> = literal
            .map(|ip| SocketAddr::new(ip, port))
            .into_iter()
            .collect();
        let addresses = Arc::new(Self {
            name: Name {
                host: host.to_owned(),
                port,
                hosts_file: hosts_file.map(Path::to_owned),
            },
            known: Mutex::new(replicas(known, path)),
            path: path.to_owned(),
            turn: AtomicUsize::new(0),
        });
        if literal.is_none() {
            let weak = Arc::downgrade(&addresses);
            tokio::spawn(async move {
                while let Some(addresses) = weak.upgrade() {
                    // A name that does not resolve now may still be served by the addresses that
                    // are known; whether it is, the next call will tell.
                    let _ = addresses.refresh().await;
                    drop(addresses);
                    tokio::time::sleep(REFRESH).await;
                }
            });
        }
        addresses
    }

    /// All addresses in the order in which this call shall try them: it is the next one's turn.
    ///
    /// # Errors
    /// None is known, and the name does not resolve.
    pub(crate) async fn in_turn(&self) -> io::Result<Turn> {
        let mut known = self.known();
        if known.is_empty() {
            known = self.refresh().await?;
        }
        let family = known.first().map(|first| first.address.is_ipv4());
        let ours = |replica: &&Replica| Some(replica.address.is_ipv4()) == family;
        let spread = known.iter().take_while(ours).count();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        Ok(Turn {
            first: turn % spread.max(1),
            spread,
            known,
        })
    }

    /// Looks the name up now.
    ///
    /// # Errors
    /// It does not resolve; what was known stays known.
    pub(crate) async fn refresh(&self) -> io::Result<Arc<[Replica]>> {
        if self
            .name
            .host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok()
        {
            return Ok(self.known());
        }
        let found = self.name.resolve().await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let same = known.len() == found.len()
            && found
                .iter()
                .all(|address| known.iter().any(|replica| replica.address == *address));
        if !same {
            tracing::debug!(host = self.name.host, addresses = ?found, "addresses changed");
            *known = replicas(found, &self.path);
        }
        Ok(Arc::clone(&known))
    }

    fn known(&self) -> Arc<[Replica]> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&known)
    }
}

impl Turn {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Replica> {
        let (spread, others) = self.known.split_at(self.spread);
        let (later, now) = spread.split_at(self.first);
        now.iter().chain(later).chain(others)
    }

    pub(crate) fn contains(&self, replica: &Replica) -> bool {
        self.known.contains(replica)
    }
}

/// A name with addresses of both families stands for the same replicas twice: calls are spread over
/// those of the first one's family, the others are tried when they fail.
fn replicas(mut addresses: Vec<SocketAddr>, path: &str) -> Arc<[Replica]> {
    let family = addresses.first().map(SocketAddr::is_ipv4);
    addresses.sort_by_key(|address| Some(address.is_ipv4()) != family);
    let replica = |address| {
        // An address and the path of a parsed URL make a URL.
        let url = Url::parse(&format!("http://{address}{path}")).ok()?;
        Some(Replica { address, url })
    };
    addresses.into_iter().filter_map(replica).collect()
}

impl Name {
    async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        if let Some(path) = &self.hosts_file {
            let hosts = tokio::fs::read(path).await.unwrap_or_default();
            let found = self.find_in(&String::from_utf8_lossy(&hosts));
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let mut found: Vec<_> = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await?
            .collect();
        // Resolvers rotate their answers; the order must not look like a change. The first one's
        // family stays first.
        let family = found.first().map(SocketAddr::is_ipv4);
        found.sort_unstable_by_key(|address| (Some(address.is_ipv4()) != family, *address));
        found.dedup();
        match found.is_empty() {
            true => Err(io::ErrorKind::NotFound.into()),
            false => Ok(found),
        }
    }

    /// Reads lines as in hosts(5), but the address may carry a port.
    fn find_in(&self, hosts: &str) -> Vec<SocketAddr> {
        let find = |line: &str| {
            let mut words = line.split('#').next()?.split_whitespace();
            let address = words.next()?;
            words.find(|name| name.eq_ignore_ascii_case(&self.host))?;
            let with_port = address.parse::<SocketAddr>().ok();
            with_port.or_else(|| Some(SocketAddr::new(address.parse().ok()?, self.port)))
        };
        hosts.lines().filter_map(find).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hosts_file_gives_addresses_with_and_without_a_port() {
        let name = Name {
            host: "node-paul".into(),
            port: 3000,
            hosts_file: None,
        };
        let hosts = "\
            127.0.0.1 localhost\n\
            # 10.0.0.9 node-paul\n\
            10.0.0.1 paul node-paul # the first\n\
            10.0.0.2:4000 NODE-PAUL\n\
            nonsense node-paul\n\
            [::1]:5000 node-paul\n";
        let expected: Vec<SocketAddr> = ["10.0.0.1:3000", "10.0.0.2:4000", "[::1]:5000"]
            .map(|address| address.parse().unwrap())
            .into();
        assert_eq!(name.find_in(hosts), expected);
    }

    #[tokio::test]
    async fn calls_take_turns_over_the_replicas_and_keep_the_other_family_for_last() {
        let addresses = Addresses {
            name: Name {
                host: "node-paul".into(),
                port: 3000,
                hosts_file: None,
            },
            path: "/meow".into(),
            known: Mutex::new(replicas(
                ["10.0.0.1:1", "[::1]:1", "10.0.0.2:1"]
                    .map(|address| address.parse().unwrap())
                    .into(),
                "/meow",
            )),
            turn: AtomicUsize::new(0),
        };
        let order = async || {
            let order = addresses.in_turn().await.unwrap();
            let order = order.iter().map(|replica| replica.address.to_string());
            order.collect::<Vec<_>>()
        };
        assert_eq!(order().await, ["10.0.0.1:1", "10.0.0.2:1", "[::1]:1"]);
        assert_eq!(order().await, ["10.0.0.2:1", "10.0.0.1:1", "[::1]:1"]);
        assert_eq!(order().await, ["10.0.0.1:1", "10.0.0.2:1", "[::1]:1"]);
    }
}
