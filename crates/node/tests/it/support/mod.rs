//! Nodes to ask, hops that misbehave, and processes to send signals to.

mod fake;
mod fake_http2;
mod hosts;
mod process;

use std::net::SocketAddr;

use chassis::process::Started;
use chassis::telemetry::Spans;
use clap::Parser;
use node::Cli;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) use fake::{Fake, Reply};
pub(crate) use fake_http2::{FakeHttp2, Fate};
pub(crate) use hosts::HostsFile;
pub(crate) use process::Process;

/// A node in this process, on a free port.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    shutdown: Option<oneshot::Sender<()>>,
    served: JoinHandle<anyhow::Result<()>>,
}

impl Node {
    /// Starts `node-<name>` with more flags.
    pub(crate) async fn start(name: &str, flags: &[&str]) -> Self {
        let flags = [&["node", "--node-name", name], flags].concat();
        let config = Cli::try_parse_from(flags).unwrap().config;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (shutdown, requested) = oneshot::channel();
        Self {
            address: listener.local_addr().unwrap(),
            admin: admin.local_addr().unwrap(),
            shutdown: Some(shutdown),
            served: tokio::spawn(node::run(
                config,
                Started {
                    listener,
                    admin: Some(admin),
                    spans: Spans::off(),
                    shutdown: Box::pin(async {
                        let _ = requested.await;
                    }),
                },
            )),
        }
    }

    /// Starts `node-<name>` in front of a fake, which speaks HTTP/1.1 whatever the tests are run with.
    pub(crate) async fn calling(name: &str, fake: &Fake, flags: &[&str]) -> Self {
        let next = ["--next", &fake.url(), "--next-protocol", "http1"];
        Self::start(name, &[&next, flags].concat()).await
    }

    /// A chain of nodes, each calling the next; the first comes first.
    pub(crate) async fn chain(names: &[&str], flags: &[&str]) -> Vec<Self> {
        let mut chain: Vec<Self> = Vec::new();
        for name in names.iter().rev() {
            let next = chain.first().map(Node::url).unwrap_or_default();
            chain.insert(
                0,
                Self::start(name, &[&["--next", &next], flags].concat()).await,
            );
        }
        chain
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        get(&format!("{}{path}", self.url())).await
    }

    /// `POST /meow` as another node sends it.
    pub(crate) async fn meow(&self, body: impl Into<reqwest::Body>) -> Answer {
        let request = client().post(format!("{}/meow", self.url()));
        Answer::read(request.body(body).send().await.unwrap()).await
    }

    /// The value of the figure that `/metrics` gives in a line beginning with `name`; 0 without one.
    pub(crate) async fn figure(&self, name: &str) -> String {
        let figures = get(&format!("http://{}/metrics", self.admin)).await.body;
        let line = figures.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.rsplit(' ').next());
        value.unwrap_or("0").to_owned()
    }

    pub(crate) fn ask_to_end(&mut self) {
        self.shutdown.take().unwrap().send(()).unwrap();
    }

    pub(crate) async fn ended(self) -> anyhow::Result<()> {
        self.served.await.unwrap()
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    /// The message of the error envelope; the envelope itself is checked.
    pub(crate) fn error(&self) -> Value {
        let json = self.json();
        assert_eq!(json["status"], "error", "{json}");
        assert_eq!(json["message"]["status"], self.status, "{json}");
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(
            json["message"]["trace_id"],
            self.header("x-trace-id"),
            "{json}"
        );
        json["message"].clone()
    }

    /// Status, class and hop of an error.
    pub(crate) fn broke(&self) -> (u16, String, String) {
        let error = self.error();
        let text = |field: &str| error[field].as_str().unwrap_or_default().to_owned();
        (self.status, text("code"), text("hop"))
    }
}

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub(crate) async fn get(url: &str) -> Answer {
    Answer::read(client().get(url).send().await.unwrap()).await
}

/// Waits until `probe` gives something. There is no other clock in these tests: what does not come
/// within ten seconds does not come.
pub(crate) async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let poll = async {
        loop {
            if let Some(found) = probe().await {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let limit = std::time::Duration::from_secs(10);
    let found = tokio::time::timeout(limit, poll).await;
    found.unwrap_or_else(|_| panic!("{what} did not happen within {limit:?}"))
}
