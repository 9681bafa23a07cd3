//! One call to the next node: in time, over a connection that is kept, to a replica that is there.

mod connect;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chassis::request::X_MEANT_FOR;
use chassis::trace::{SpanId, TraceContext};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use reqwest::{Client, Request, Response, Url};
use tokio::time::Instant;
use tower::util::MapFutureLayer;

use self::connect::Connected;
use self::trouble::{io_kind, is_closed, is_ended, is_refused};
use crate::addresses::{Addresses, Replica, Turn};
use crate::config::{Config, Protocol};
use crate::error::Failure;
use crate::wire::TIMEOUT_HEADER;

/// The largest answer that is read: a fan-out of 16 nodes, twice, with all details.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The longest `Server-Timing` that is passed on: 256 hops have room in it.
const MAX_TIMING_BYTES: usize = 16 * 1024;

/// Idle connections are given up well before the next node closes them (`KEEP_ALIVE_MS`, 75 s).
const IDLE: Duration = Duration::from_secs(50);

/// How often a connection that carries calls is tried, and how long that may take.
const PING: Duration = Duration::from_secs(5);

/// One of the next nodes.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    /// What the hop is called: its host's name, or its address where it has no name.
    pub(crate) hop: Arc<str>,
    /// The same as `Server-Timing` can say it.
    pub(crate) timing_name: Arc<str>,
    url: Arc<Target>,
    addresses: Arc<Addresses>,
    clients: Clients,
    token: Option<HeaderValue>,
    connect_timeout: Duration,
}

#[derive(Debug)]
struct Target {
    /// HTTP/2 has the address in its place.
    host: Option<HeaderValue>,
    /// Who is called, where the URL has the public name of a node.
    meant_for: Option<HeaderValue>,
}

/// The same client twice: one keeps connections, the other opens one for each request.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    pooled: Client,
    fresh: Client,
}

/// A complete answer of the next node, of whatever status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What is sent.
#[derive(Debug)]
pub(crate) struct Ball<'a> {
    pub(crate) trace: &'a TraceContext,
    /// The span of this call.
    pub(crate) span: SpanId,
    /// The JSON array of the nodes that it has passed, the sender included.
    pub(crate) path: Bytes,
    /// Whether details are wanted in the answer.
    pub(crate) detail: bool,
    /// When the sender stops waiting.
    pub(crate) until: Instant,
}

impl Clients {
    /// # Errors
    /// The client library cannot start.
    pub(crate) fn new(config: &Config) -> reqwest::Result<Self> {
        let builder = || {
            let builder = Client::builder();
            let builder = match config.next_protocol {
                Protocol::Http1 => builder.http1_only(),
                // A peer that has vanished without a word would hold all calls until the system
                // gives up on it, minutes later.
                Protocol::H2c => builder
                    .http2_prior_knowledge()
                    .http2_keep_alive_interval(PING)
                    .http2_keep_alive_timeout(PING),
            };
            builder
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                // What is sent again is decided here; with no retries it keeps no copy of a request.
                .retry(reqwest::retry::never().max_retries_per_request(0))
                .connect_timeout(config.connect_timeout_ms)
                .pool_idle_timeout(IDLE)
                .connector_layer(MapFutureLayer::new(connect::note))
        };
        Ok(Self {
            pooled: builder().build()?,
            fresh: builder().pool_max_idle_per_host(0).build()?,
        })
    }
}

impl Upstream {
    /// The node behind `url`, one of `NEXT`.
    pub(crate) fn new(url: &Url, config: &Config, clients: Clients) -> Self {
        let authority = url.authority();
        let hop = match url.domain() {
            Some(name) => name,
            None => authority,
        };
        let path = format!("{}/meow", url.path().trim_end_matches('/'));
        let bearer = config
            .chain_token
            .is_set()
            .then(|| format!("Bearer {}", config.chain_token.expose()));
        Self {
            hop: hop.into(),
            timing_name: hop.replace([':', '[', ']'], "_").into(),
            url: Arc::new(Target {
                // The authority of a parsed URL is made of characters that a header may hold.
                host: match config.next_protocol {
                    Protocol::Http1 => HeaderValue::from_str(authority).ok(),
                    Protocol::H2c => None,
                },
                meant_for: url.domain().and_then(service),
            }),
            addresses: Addresses::of(url, &path, config.hosts_file.as_deref()),
            clients,
            token: bearer.and_then(|bearer| {
                let mut value = HeaderValue::from_str(&bearer).ok()?;
                value.set_sensitive(true);
                Some(value)
            }),
            connect_timeout: config.connect_timeout_ms,
        }
    }

    /// Sends the ball on and waits for the whole answer.
    ///
    /// A POST is sent a second time in two cases only, both of which leave the next node untouched:
    /// - no connection came about, or only one to a node of another name: the other addresses behind
    ///   the name are tried, each once;
    /// - the connection was kept from an earlier call and ended before a byte of the answer came, as
    ///   when the next node was replaced, or the next node says that it did not take the call: once
    ///   more, on a fresh connection.
    pub(crate) async fn send(&self, ball: &Ball<'_>) -> Result<Answer, Failure> {
        let started = Instant::now();
        match tokio::time::timeout_at(ball.until, self.attempt(ball)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::Timeout {
                hop: self.hop.to_string(),
                limit_ms: ball.until.duration_since(started).as_millis(),
            }),
        }
    }

    async fn attempt(&self, ball: &Ball<'_>) -> Result<Answer, Failure> {
        let addresses = self.addresses.in_turn().await.map_err(|_| self.dns())?;
        match self.try_each(&self.clients.pooled, &addresses, ball).await {
            Err(Stopped::Untaken) => {
                tracing::debug!(hop = &*self.hop, "the call was not taken: sending again");
                // Whoever was there may be somewhere else by now.
                let _ = self.addresses.refresh().await;
            }
            Err(Stopped::Unsent(failure)) => {
                // None of the addresses could be connected to: the name may have moved.
                let now = self.addresses.refresh().await.map_err(|_| self.dns())?;
                if now.iter().all(|replica| addresses.contains(replica)) {
                    return Err(failure);
                }
            }
            Err(Stopped::Failed(failure)) => return Err(failure),
            Ok(response) => return self.read(response).await,
        }
        let addresses = self.addresses.in_turn().await.map_err(|_| self.dns())?;
        match self.try_each(&self.clients.fresh, &addresses, ball).await {
            Ok(response) => self.read(response).await,
            Err(Stopped::Unsent(failure) | Stopped::Failed(failure)) => Err(failure),
            Err(Stopped::Untaken) => Err(self.reset()),
        }
    }

    /// The first address to which a connection comes about gets the request.
    async fn try_each(
        &self,
        client: &Client,
        addresses: &Turn,
        ball: &Ball<'_>,
    ) -> Result<Response, Stopped> {
        let mut outcome = Err(Stopped::Unsent(self.dns()));
        for replica in addresses.iter() {
            outcome = self.try_one(client, replica, ball).await;
            if !matches!(outcome, Err(Stopped::Unsent(_))) {
                break;
            }
        }
        outcome
    }

    async fn try_one(
        &self,
        client: &Client,
        replica: &Replica,
        ball: &Ball<'_>,
    ) -> Result<Response, Stopped> {
        let mut url = replica.url.clone();
        if ball.detail {
            url.set_query(Some("detail=hops"));
        }
        let mut request = Request::new(Method::POST, url);
        *request.headers_mut() = self.headers(ball);
        *request.body_mut() = Some(ball.path.clone().into());
        let (sent, connected) = connect::watch(client.execute(request)).await;
        match sent {
            Ok(answer) if answer.status() == StatusCode::MISDIRECTED_REQUEST => {
                let hop = self.hop.to_string();
                Err(Stopped::Unsent(Failure::Unreachable { hop }))
            }
            Ok(answer) => Ok(answer),
            Err(error) => Err(match connected {
                _ if error.is_connect() => Stopped::Unsent(self.connect_failure(&error)),
                _ if is_refused(&error) => Stopped::Untaken,
                Connected::Before if is_ended(&error) => Stopped::Untaken,
                _ => Stopped::Failed(self.failure(&error)),
            }),
        }
    }

    fn headers(&self, ball: &Ball<'_>) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(8);
        if let Some(host) = &self.url.host {
            headers.insert(header::HOST, host.clone());
        }
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        if let Some(token) = &self.token {
            headers.insert(header::AUTHORIZATION, token.clone());
        }
        if let Some(name) = &self.url.meant_for {
            headers.insert(X_MEANT_FOR, name.clone());
        }
        let left = ball.until.saturating_duration_since(Instant::now());
        let left = crate::rally::shorter(left).as_millis();
        let left = HeaderValue::from(u64::try_from(left).unwrap_or(u64::MAX));
        headers.insert(TIMEOUT_HEADER, left);
        ball.trace.inject(ball.span, &mut headers);
        headers
    }

    async fn read(&self, mut response: Response) -> Result<Answer, Failure> {
        let next = async |response: &mut Response| {
            let chunk = response.chunk().await;
            chunk.map_err(|error| self.failure(&error))
        };
        // Most answers come in one piece, and stay where they are.
        let mut body = next(&mut response).await?.unwrap_or_default();
        while let Some(chunk) = next(&mut response).await? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(Failure::BadAnswer {
                    hop: self.hop.to_string(),
                    why: "it does not end",
                });
            }
            let mut longer = BytesMut::from(body);
            longer.extend_from_slice(&chunk);
            body = longer.freeze();
        }
        Ok(Answer {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }

    fn dns(&self) -> Failure {
        Failure::Dns {
            hop: self.hop.to_string(),
        }
    }

    fn reset(&self) -> Failure {
        Failure::Reset {
            hop: self.hop.to_string(),
        }
    }

    fn connect_failure(&self, error: &reqwest::Error) -> Failure {
        let hop = self.hop.to_string();
        match io_kind(error) {
            _ if error.is_timeout() => Failure::ConnectTimeout {
                hop,
                limit_ms: self.connect_timeout.as_millis(),
            },
            Some(std::io::ErrorKind::ConnectionRefused) => Failure::Refused { hop },
            _ => Failure::Unreachable { hop },
        }
    }

    /// What went wrong once there was a connection.
    fn failure(&self, error: &reqwest::Error) -> Failure {
        let hop = self.hop.to_string();
        match is_closed(error) {
            true => Failure::Reset { hop },
            false => Failure::BadAnswer {
                hop,
                why: "it is not HTTP",
            },
        }
    }
}

/// Why no answer came.
enum Stopped {
    /// No connection came about, or one to somebody else: nothing was done.
    Unsent(Failure),
    /// A connection from an earlier call ended before a byte of the answer came, or the call was refused.
    Untaken,
    /// Anything else.
    Failed(Failure),
}

/// The service behind a host's name, where that is a node's public name: `node-paul` of
/// `node-paul.internal`. Other names say nothing about who answers.
fn service(host: &str) -> Option<HeaderValue> {
    let name = host.split('.').next()?;
    let node = name.starts_with("node-");
    node.then(|| HeaderValue::from_str(name).ok())?
}

impl Answer {
    /// The upstream's own `Server-Timing`, to be passed on.
    pub(crate) fn timing(&self) -> Option<&str> {
        let timing = self.headers.get("server-timing")?.to_str().ok()?;
        (timing.len() <= MAX_TIMING_BYTES).then_some(timing)
    }
}
