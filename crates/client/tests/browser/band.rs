//! Nodes that answer as they are told: the wire format of `GET /start?detail=hops`, without nodes.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// The names of the suite.
pub(crate) const FOUR: [&str; 4] = ["node-john", "node-paul", "node-george", "node-ringo"];

/// Nodes behind one address, which can go away and come back.
pub(crate) struct Band {
    pub(crate) url: String,
    pub(crate) stage: Stage,
    address: SocketAddr,
    serving: Mutex<JoinHandle<()>>,
}

/// What is played, shared with whoever serves it.
#[derive(Clone)]
pub(crate) struct Stage {
    play: Arc<Mutex<Play>>,
    in_flight: Arc<AtomicUsize>,
    most_in_flight: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
}

/// One answer, and how long it takes.
#[derive(Clone)]
pub(crate) struct Play {
    pub(crate) status: u16,
    pub(crate) media_type: &'static str,
    pub(crate) body: String,
    pub(crate) takes: Duration,
}

impl Band {
    pub(crate) async fn start(play: Play) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stage = Stage::new(play);
        let serving = Mutex::new(serve(listener, stage.routes()));
        Self {
            url: format!("http://{address}"),
            stage,
            address,
            serving,
        }
    }

    /// From now on nobody listens at the address, and connections are cut.
    pub(crate) fn leave(&self) {
        self.serving.lock().unwrap().abort();
    }

    /// Listens again at the same address.
    pub(crate) async fn come_back(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        *self.serving.lock().unwrap() = serve(listener, self.stage.routes());
    }
}

fn serve(listener: TcpListener, routes: Router) -> JoinHandle<()> {
    tokio::spawn(async move {
        // Connections are tasks of this one, so that they end with it.
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let service = hyper_util::service::TowerToHyperService::new(routes.clone());
            connections.spawn(async move {
                let io = hyper_util::rt::TokioIo::new(stream);
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(io, service)
                    .await;
            });
        }
    })
}

impl Stage {
    pub(crate) fn new(play: Play) -> Self {
        Self {
            play: Arc::new(Mutex::new(play)),
            in_flight: Arc::default(),
            most_in_flight: Arc::default(),
            asked: Arc::default(),
        }
    }

    pub(crate) fn set(&self, play: Play) {
        *self.play.lock().unwrap() = play;
    }

    /// Rallies asked for so far.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    pub(crate) fn most_in_flight(&self) -> usize {
        self.most_in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn routes(&self) -> Router {
        Router::new()
            .route("/start", get(start))
            .with_state(self.clone())
    }
}

async fn start(State(stage): State<Stage>, request: axum::extract::Request) -> Response {
    stage.asked.fetch_add(1, Ordering::Relaxed);
    let now = stage.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
    stage.most_in_flight.fetch_max(now, Ordering::Relaxed);
    let play = stage.play.lock().unwrap().clone();
    tokio::time::sleep(play.takes).await;
    stage.in_flight.fetch_sub(1, Ordering::Relaxed);

    // Without `detail` it is the original's plain array.
    let body = match request.uri().query() {
        Some("detail=hops") => play.body,
        _ => serde_json::from_str::<Value>(&play.body).unwrap()["meows"].to_string(),
    };
    let headers = [
        ("content-type", play.media_type),
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "x-trace-id"),
        ("x-trace-id", TRACE),
    ];
    (StatusCode::from_u16(play.status).unwrap(), headers, body).into_response()
}

/// One call of a rally: who, called by whom, how deep.
pub(crate) type Call<'a> = (&'a str, &'a str, usize);

/// The calls of a chain of these nodes.
pub(crate) fn chain<'a>(names: &[&'a str]) -> Vec<Call<'a>> {
    let links = names.windows(2).enumerate();
    links
        .map(|(index, pair)| (pair[1], pair[0], index + 1))
        .collect()
}

impl Play {
    /// A rally that `first` was asked for and that went well.
    pub(crate) fn well(first: &str, calls: &[Call], release: &str) -> Self {
        let body = json!({
            "node": first,
            "release": release,
            "instance": instance(first, release),
            "meows": calls.iter().map(|(name, ..)| meow(name)).collect::<Vec<_>>(),
            "hops": hops(calls, release),
            "trace_id": TRACE,
            "total_us": 400 * (deepest(calls) + 1),
        });
        Self::json(200, &body)
    }

    /// The four of the suite.
    pub(crate) fn four() -> Self {
        Self::well(FOUR[0], &chain(&FOUR), "1.2.0")
    }

    /// The four, with one of them replaced by another release.
    pub(crate) fn replaced(name: &str) -> Self {
        let mut body: Value = serde_json::from_str(&Self::four().body).unwrap();
        for hop in body["hops"].as_array_mut().unwrap() {
            if hop["node"] == name {
                hop["release"] = json!("1.3.0");
                hop["instance"] = instance(name, "1.3.0");
            }
        }
        Self::json(200, &body)
    }

    /// The four, with the last one not listening.
    pub(crate) fn broken() -> Self {
        let calls = chain(&FOUR);
        let mut hops = hops(&calls, "1.2.0");
        let last = calls.len() - 1;
        for hop in &mut hops {
            hop["status"] = json!(502);
        }
        hops[last] = json!({ "node": FOUR[3], "from": FOUR[2], "depth": 3, "duration_us": 310, "status": 502, "code": "refused" });
        let message = json!({
            "status": 502,
            "code": "refused",
            "hop": FOUR[3],
            "detail": "node-ringo refused the connection",
            "trace_id": TRACE,
            "node": FOUR[0],
            "release": "1.2.0",
            "instance": instance(FOUR[0], "1.2.0"),
            "meows": [meow(FOUR[1]), meow(FOUR[2])],
            "hops": hops,
            "total_us": 1600,
        });
        Self::json(502, &json!({ "status": "error", "message": message }))
    }

    /// What a load balancer says when it has nobody to ask.
    pub(crate) fn edge() -> Self {
        Self {
            status: 503,
            media_type: "text/html",
            body: "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>".into(),
            takes: Duration::ZERO,
        }
    }

    /// The same, but slowly.
    pub(crate) fn taking(self, takes: Duration) -> Self {
        Self { takes, ..self }
    }

    fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            media_type: "application/json",
            body: body.to_string(),
            takes: Duration::from_millis(2),
        }
    }
}

fn meow(name: &str) -> String {
    format!("meow from {name}:3000")
}

fn instance(name: &str, release: &str) -> Value {
    // As long as the id of a task on ECS.
    let text = format!("{name}{release}");
    let id = text.bytes().fold(0_u128, |id, byte| {
        id.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
            .wrapping_add(byte.into())
    });
    let id = format!("{id:032x}");
    let zone = if name.len().is_multiple_of(2) {
        "eu-west-1a"
    } else {
        "eu-west-1b"
    };
    json!({ "id": id, "availability_zone": zone })
}

fn hops(calls: &[Call], release: &str) -> Vec<Value> {
    let deepest = deepest(calls);
    let hop = |(name, from, depth): &Call| {
        json!({
            "node": name,
            "from": from,
            "meow": meow(name),
            "depth": depth,
            "duration_us": 400 * (deepest + 1 - depth) - 50,
            "own_us": 90,
            "release": release,
            "instance": instance(name, release),
            "status": 200,
        })
    };
    let names: HashSet<_> = calls.iter().map(|(name, ..)| name).collect();
    assert_eq!(names.len(), calls.len(), "every node plays once");
    calls.iter().map(hop).collect()
}

fn deepest(calls: &[Call]) -> usize {
    calls
        .iter()
        .map(|(.., depth)| *depth)
        .max()
        .unwrap_or_default()
}
