//! Service Connect: a name leads to the running tasks of a service, through a proxy that knows them.
//!
//! On AWS each task has a proxy of its own; here one stands for all. It takes turns over the tasks
//! that run and are not unhealthy, asks another one when no connection comes about, and answers 503
//! where nobody is: a caller sees a broken hop, and never waits for a name that leads nowhere.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use chassis::server::{self, Limits, Service};
use ecs::Layout;
use http::StatusCode;

use super::forward::{Broken, Forwarder};
use super::health::Board;
use super::idle::Idle;
use crate::container::Port;

/// How long a request may take when the file is silent: the default of AWS for HTTP.
const PER_REQUEST: Duration = Duration::from_secs(15);

/// How long nothing may come: the default of AWS. Here the tasks' own limits are always shorter.
const IDLE: Duration = Duration::from_mins(5);

/// Requests at once on one HTTP/2 connection: a caller's one connection carries all its calls.
const MAX_STREAMS: usize = 4096;

/// The most endpoints that are tried for a request, as with AWS's proxy.
const ATTEMPTS: usize = 2;

/// A name, with the port on which its proxy listens; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Name(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    owner: String,
    namespace: Option<String>,
    port_name: String,
    host: String,
    limit: Option<Duration>,
    listener: TcpListener,
    port: u16,
    endpoints: Mutex<Vec<Endpoint>>,
    added: AtomicU64,
    turn: AtomicUsize,
}

/// A container of a running task.
#[derive(Clone, Debug)]
struct Endpoint {
    number: u64,
    port: Option<Port>,
    health: Option<(Board, usize)>,
}

/// A task's place behind a name; ends when dropped.
#[derive(Debug)]
pub(crate) struct Listing {
    name: Name,
    number: u64,
}

/// All names of a rendered layout, in the order in which their services are created.
pub(crate) fn names(layout: &Layout) -> anyhow::Result<Vec<Name>> {
    let mut names = Vec::new();
    for service in layout.services() {
        let connect = service.body.service_connect_configuration.as_ref();
        let connect = connect.filter(|connect| connect.enabled);
        for offered in connect.iter().flat_map(|connect| &connect.services) {
            let discovery = offered.discovery_name.as_ref();
            let discovery = discovery.unwrap_or(&offered.port_name);
            let namespace = connect.and_then(|connect| connect.namespace.clone());
            let limit = offered.timeout.as_ref();
            let limit = limit.and_then(|limit| limit.per_request_timeout_seconds);
            let aliases = offered.client_aliases.iter();
            let mut hosts: Vec<_> = aliases.filter_map(|alias| alias.dns_name.clone()).collect();
            if hosts.is_empty() {
                let namespace = namespace.as_deref().unwrap_or_default();
                hosts.push(format!("{discovery}.{namespace}"));
            }
            for host in hosts {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
                let listener = listener
                    .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
                    .with_context(|| format!("no port for the name {host}"))?;
                names.push(Name(Arc::new(Shared {
                    owner: service.body.service_name.clone(),
                    namespace: namespace.clone(),
                    port_name: offered.port_name.clone(),
                    host,
                    // 0 is no limit.
                    limit: limit
                        .map_or(Some(PER_REQUEST), |s| Some(Duration::from_secs(s.into())))
                        .filter(|limit| !limit.is_zero()),
                    port: listener.local_addr().context("a listener")?.port(),
                    listener,
                    endpoints: Mutex::default(),
                    added: AtomicU64::new(0),
                    turn: AtomicUsize::new(0),
                })));
            }
        }
    }
    Ok(names)
}

impl Name {
    /// The service that offers it.
    pub(crate) fn owner(&self) -> &str {
        &self.0.owner
    }

    pub(crate) fn namespace(&self) -> Option<&str> {
        self.0.namespace.as_deref()
    }

    /// The port mapping that it leads to.
    pub(crate) fn port_name(&self) -> &str {
        &self.0.port_name
    }

    /// A line for a hosts file.
    pub(crate) fn line(&self) -> String {
        format!("127.0.0.1:{} {}\n", self.0.port, self.0.host)
    }

    /// Leads to `port`, too, from now on, unless `health` says that it is ill. No port: nothing
    /// listens where the name leads.
    pub(crate) fn list(&self, port: Option<Port>, health: Option<(Board, usize)>) -> Listing {
        let number = self.0.added.fetch_add(1, Ordering::Relaxed);
        let endpoint = Endpoint {
            number,
            port,
            health,
        };
        self.endpoints().push(endpoint);
        Listing {
            name: self.clone(),
            number,
        }
    }

    /// Answers for the name until dropped.
    pub(crate) async fn serve(self) {
        let listener = self.0.listener.try_clone();
        let Ok(listener) = listener.and_then(tokio::net::TcpListener::from_std) else {
            return;
        };
        let proxy = Proxy {
            forwarder: Forwarder::new(),
            name: self,
        };
        let routes = Router::new().fallback(pass).with_state(proxy);
        let limits = Limits {
            max_streams: MAX_STREAMS,
            ..Limits::default()
        };
        // Without an end there is nothing to be cut off.
        let never = std::future::pending();
        let _ = server::serve(listener, Service::new(routes), limits, never).await;
    }

    /// The endpoints to be tried for the next request, in this order.
    fn in_turn(&self) -> Vec<SocketAddr> {
        let endpoints = self.endpoints();
        let well = |endpoint: &&Endpoint| match &endpoint.health {
            Some((board, place)) => board.is_good(*place),
            None => true,
        };
        let addresses = endpoints.iter().filter(well);
        let mut addresses: Vec<_> = addresses.map(Endpoint::address).collect();
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed);
        if let Some(turn) = turn.checked_rem(addresses.len()) {
            addresses.rotate_left(turn);
        }
        addresses
    }

    fn endpoints(&self) -> MutexGuard<'_, Vec<Endpoint>> {
        let endpoints = self.0.endpoints.lock();
        endpoints.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Endpoint {
    fn address(&self) -> SocketAddr {
        let port = self.port.as_ref().and_then(|port| *port.borrow());
        // Nobody listens on port 0.
        SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0)))
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        let own = self.number;
        self.name.endpoints().retain(|known| known.number != own);
    }
}

#[derive(Clone, Debug)]
struct Proxy {
    forwarder: Forwarder,
    name: Name,
}

async fn pass(State(proxy): State<Proxy>, request: Request) -> Response {
    let limit = proxy.name.0.limit;
    let answer = answer(&proxy, request);
    match limit {
        Some(limit) => match tokio::time::timeout(limit, answer).await {
            Ok(answer) => answer,
            Err(_) => (StatusCode::GATEWAY_TIMEOUT, "upstream request timeout").into_response(),
        },
        None => answer.await,
    }
}

async fn answer(proxy: &Proxy, request: Request) -> Response {
    let mut request = Some(request);
    for address in proxy.name.in_turn().into_iter().take(ATTEMPTS) {
        let Some(untried) = request.take() else { break };
        match proxy.forwarder.pass(untried, address, |_| {}).await {
            Ok(answer) => return answer.holding((), &Idle::new(IDLE)),
            Err(Broken::Unconnected(untouched, _)) => request = Some(*untouched),
            Err(Broken::Request { .. }) => return StatusCode::BAD_REQUEST.into_response(),
            Err(Broken::Reset) => break,
        }
    }
    let why = match request {
        Some(_) => "no healthy upstream",
        None => "upstream connect error or disconnect/reset before headers",
    };
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}

#[cfg(test)]
mod tests;
