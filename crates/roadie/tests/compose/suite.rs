//! The suite as Compose runs it: whole at the start of each test.

use std::time::{Duration, Instant};

use reqwest::Client;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::docker::{PROJECT, command, compose, docker};

/// What `GET /start` answers, to the letter.
pub(crate) const MEOWS: &str =
    "[\"meow from node-paul:3000\",\"meow from node-george:3000\",\"meow from node-ringo:3000\"]";

/// The nodes, in the order of the chain.
pub(crate) const NODES: [&str; 4] = ["node-john", "node-paul", "node-george", "node-ringo"];

/// How soon a container that was added, replaced or brought back must be found.
pub(crate) const FOUND: Duration = Duration::from_secs(5);

/// How soon a container that works again must be seen to.
const HEALTHY: Duration = Duration::from_secs(15);

static BUILT: OnceCell<()> = OnceCell::const_new();
static TURN: Mutex<()> = Mutex::const_new(());

/// All six services, one container each, healthy; one test at a time.
pub(crate) struct Suite {
    /// Where the edge answers.
    pub(crate) url: String,
    pub(crate) http: Client,
    _turn: MutexGuard<'static, ()>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) took: Duration,
}

impl Suite {
    /// Builds the images once, and brings up what is missing.
    pub(crate) async fn up() -> Self {
        let turn = TURN.lock().await;
        BUILT
            .get_or_init(async || {
                compose(&["build", "--quiet"]).await;
            })
            .await;
        for id in containers_that("status=paused").await {
            docker(&["unpause", &id]).await;
        }
        until_none_is_unhealthy().await;
        compose(&["up", "--detach", "--wait", "--remove-orphans"]).await;
        let port = std::env::var("PING_PONG_PORT").unwrap_or_else(|_| "80".to_owned());
        let suite = Self {
            url: format!("http://127.0.0.1:{port}"),
            http: client(),
            _turn: turn,
        };
        suite.until_whole(FOUND).await;
        suite
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        get(&self.http, &format!("{}{path}", self.url)).await
    }

    /// Plays rallies until one succeeds.
    ///
    /// # Panics
    /// None did within `limit`.
    pub(crate) async fn until_whole(&self, limit: Duration) -> Duration {
        let started = Instant::now();
        loop {
            let answer = self.get("/start").await;
            let took = started.elapsed();
            if answer.status == 200 {
                assert_eq!(answer.body, MEOWS);
                assert!(took <= limit, "healed only after {took:?}");
                return took;
            }
            assert!(took < limit, "after {took:?} still {answer:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Plays a rally; the instance that answered for each node.
    pub(crate) async fn instances(&self) -> Vec<(String, String)> {
        let answer = self.get("/start?detail=hops").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let hops = answer.json()["hops"].take();
        let hops = hops.as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        hops.map(|hop| (text(&hop["node"]), text(&hop["instance"]["id"])))
            .collect()
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// The message of the suite's error envelope, which is checked.
    pub(crate) fn error(&self) -> Value {
        let mut json = self.json();
        assert_eq!(json["status"], "error", "{self:?}");
        let message = json["message"].take();
        assert_eq!(message["status"], self.status, "{self:?}");
        assert_eq!(message["trace_id"], self.header("x-trace-id"), "{self:?}");
        assert_eq!(self.header("x-trace-id").len(), 32, "{self:?}");
        assert_eq!(self.header("content-type"), "application/json", "{self:?}");
        assert!(!message["detail"].as_str().unwrap().is_empty(), "{self:?}");
        message
    }
}

pub(crate) fn client() -> Client {
    // Longer than the edge waits for a node: what does not end by then hangs.
    let limit = Duration::from_secs(10);
    Client::builder().no_proxy().timeout(limit).build().unwrap()
}

pub(crate) async fn get(http: &Client, url: &str) -> Answer {
    let started = Instant::now();
    let response = http.get(url).send().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.text().await.unwrap(),
        took: started.elapsed(),
    }
}

/// The running containers of a service.
pub(crate) async fn containers(service: &str) -> Vec<String> {
    lines(&compose(&["ps", "--quiet", service]).await)
}

/// The only container of a service.
pub(crate) async fn container(service: &str) -> String {
    let mut all = containers(service).await;
    assert_eq!(all.len(), 1, "containers of {service}: {all:?}");
    all.remove(0)
}

async fn containers_that(filter: &str) -> Vec<String> {
    let project = format!("label=com.docker.compose.project={PROJECT}");
    let filters = ["ps", "--quiet", "--filter", &project, "--filter", filter];
    lines(&docker(&filters).await)
}

/// A container that was paused is unhealthy until its next check, and Compose does not wait for that.
async fn until_none_is_unhealthy() {
    let started = Instant::now();
    while !containers_that("health=unhealthy").await.is_empty() {
        assert!(
            started.elapsed() < HEALTHY,
            "still unhealthy after {HEALTHY:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(ToOwned::to_owned).collect()
}

/// A script of the repository.
pub(crate) async fn script(path: &str, arguments: &[&str]) -> String {
    let mut script = command(path);
    script.args(arguments);
    crate::docker::output(script).await
}
