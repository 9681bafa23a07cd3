//! The load balancer over real sockets, with targets that do as they are told.

use std::future::Future;
use std::net::Ipv4Addr;

use chassis::server::{self, Service};
use ecs::alb::Balancer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::super::clock::Clock;
use super::super::targets::Registration;
use super::*;

/// Long enough for a busy machine, short enough to wait for.
const IDLE: Duration = Duration::from_millis(400);

/// A load balancer with one group, to which everything goes.
struct Stage {
    address: std::net::SocketAddr,
    group: TargetGroup,
    figures: Figures,
}

impl Stage {
    async fn start() -> Self {
        let text = r#"{"Name": "tg", "HealthCheckIntervalSeconds": 300}"#;
        let settings = serde_json::from_str(text).unwrap();
        let (balancer, clock) = (Balancer::default(), Clock::start(1.0));
        let group = TargetGroup::new("arn", settings, balancer, clock).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let rules = router();
        let edge = Edge::new(rules, vec![group.clone()], address.port(), IDLE);
        let figures = Figures::new();
        let (edge, never) = (edge.into_service(figures.clone()), std::future::pending());
        tokio::spawn(server::serve(listener, edge, limits(IDLE), never));
        Self {
            address,
            group,
            figures,
        }
    }

    /// Registers a target that does `what` with each connection but those of health checks.
    async fn target<F>(&self, what: impl Fn(Peer) -> F + Send + Sync + 'static) -> Registration
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (_, port) = watch::channel(Some(listener.local_addr().unwrap().port()));
        let what = std::sync::Arc::new(what);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let what = std::sync::Arc::clone(&what);
                tokio::spawn(async move {
                    let mut peer = Peer(stream);
                    let mut seen = [0; 6];
                    // A check asks for `/`, what a test asks for begins otherwise.
                    let _ = peer.0.peek(&mut seen).await;
                    if &seen == b"GET / " {
                        let well = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                        peer.say(well).await;
                    } else {
                        what(peer).await;
                    }
                });
            }
        });
        self.group.register(Some(port), |_| {})
    }

    async fn connect(&self) -> Peer {
        Peer(TcpStream::connect(self.address).await.unwrap())
    }

    /// The answer to a whole request.
    async fn ask(&self, path: &str) -> String {
        let mut peer = self.connect().await;
        peer.say(&format!(
            "GET {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n"
        ))
        .await;
        peer.rest().await
    }
}

/// The other end of a connection.
struct Peer(TcpStream);

impl Peer {
    async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads until `end` has come.
    async fn until(&mut self, end: &str) -> String {
        let mut heard = Vec::new();
        while !heard.ends_with(end.as_bytes()) {
            let byte = self.0.read_u8().await;
            let byte = byte.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&heard)));
            heard.push(byte);
        }
        String::from_utf8(heard).unwrap()
    }

    async fn rest(&mut self) -> String {
        let mut heard = Vec::new();
        self.0.read_to_end(&mut heard).await.unwrap();
        String::from_utf8(heard).unwrap()
    }
}

fn router() -> ecs::Router {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ecs/ec2");
    let layout = ecs::Layout::read(&dir).unwrap();
    let outside = layout.variables().into_iter().map(str::to_owned);
    let made = layout.outputs().map(|output| output.name().to_owned());
    // All target groups are the same one.
    let values = outside.chain(made).map(|name| (name, "arn".to_owned()));
    let layout = layout.render(&values.collect()).unwrap();
    let listener = layout.listeners().next().unwrap();
    layout.router(listener).unwrap()
}

#[tokio::test]
async fn an_upgraded_connection_passes_in_both_directions_and_counts_as_in_flight() {
    let stage = Stage::start().await;
    let registration = stage
        .target(async |mut peer: Peer| {
            let head = peer.until("\r\n\r\n").await.to_lowercase();
            assert!(head.contains("upgrade: chat\r\n"), "{head}");
            assert!(head.contains("connection: upgrade\r\n"), "{head}");
            assert!(!head.contains("x-secret"), "named by Connection: {head}");
            peer.say(
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: chat\r\nconnection: Upgrade\r\n\r\n",
            )
            .await;
            let line = peer.until("\n").await;
            peer.say(&format!("heard {line}")).await;
        })
        .await;
    let mut peer = stage.connect().await;
    peer.say("GET /chat HTTP/1.1\r\nhost: here\r\nupgrade: chat\r\nx-secret: 1\r\nconnection: upgrade, x-secret\r\n\r\n")
        .await;
    let head = peer.until("\r\n\r\n").await.to_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(head.contains("upgrade: chat\r\n"), "{head}");
    assert!(registration.is_in_use(), "while it is open");
    peer.say("hello\n").await;
    assert_eq!(peer.rest().await, "heard hello\n");
    registration.drained().await;
}

#[tokio::test]
async fn bodies_stream_in_both_directions_at_once() {
    let stage = Stage::start().await;
    let _registration = stage
        .target(async |mut peer: Peer| {
            peer.until("\r\n\r\n").await;
            peer.until("one\r\n").await;
            peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nONE\r\n")
                .await;
            peer.until("two\r\n0\r\n\r\n").await;
            peer.say("3\r\nTWO\r\n0\r\n\r\n").await;
        })
        .await;
    let mut peer = stage.connect().await;
    peer.say(
        "POST /start HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n",
    )
    .await;
    let answer = peer.until("ONE\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    peer.say("3\r\ntwo\r\n0\r\n\r\n").await;
    peer.until("TWO\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn whoever_is_silent_for_the_idle_time_out_gets_the_blame() {
    let stage = Stage::start().await;
    assert!(
        stage.ask("/start").await.starts_with("HTTP/1.1 503 "),
        "nobody is there"
    );
    let registration = stage
        .target(async |mut peer: Peer| {
            peer.until("\r\n\r\n").await;
            std::future::pending::<()>().await;
        })
        .await;
    let answer = stage.ask("/start").await;
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    let mut peer = stage.connect().await;
    peer.say("POST /start HTTP/1.1\r\nhost: here\r\ncontent-length: 5\r\n\r\nha")
        .await;
    let answer = peer.until("\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    drop(registration);
    // An answer that breaks off is no whole answer.
    let _registration = stage
        .target(async |mut peer: Peer| {
            peer.until("\r\n\r\n").await;
            peer.say("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nha")
                .await;
            std::future::pending::<()>().await;
        })
        .await;
    let answer = stage.ask("/start").await;
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nha"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_target_that_ends_the_connection_or_is_not_there_is_502() {
    let stage = Stage::start().await;
    let registration = stage
        .target(async |mut peer: Peer| {
            peer.until("\r\n\r\n").await;
        })
        .await;
    let answer = stage.ask("/start").await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    drop(registration);
    let _registration = stage.group.register(None, |_| {});
    let answer = stage.ask("/start").await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
}

#[tokio::test]
async fn a_target_learns_who_asks_and_by_which_trace() {
    let stage = Stage::start().await;
    let _registration = stage.target(echo).await;
    let told = stage.ask("/start").await;
    let port = stage.address.port();
    for header in [
        "host: here".to_owned(),
        "x-forwarded-for: 127.0.0.1".to_owned(),
        "x-forwarded-proto: http".to_owned(),
        format!("x-forwarded-port: {port}"),
        "x-amzn-trace-id: root=1-".to_owned(),
    ] {
        assert!(told.contains(&format!("\r\n{header}")), "{header}: {told}");
    }
}

/// Answers with the request's head as its body.
async fn echo(mut peer: Peer) {
    let head = peer.until("\r\n\r\n").await.to_lowercase();
    let length = head.len();
    peer.say(&format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{head}"
    ))
    .await;
}

#[tokio::test]
async fn what_other_load_balancers_said_is_kept_in_one_line() {
    let stage = Stage::start().await;
    let _registration = stage.target(echo).await;
    let root = "root=1-67891233-abcdef012345678912345678";
    for (trace, fields) in [
        (root.to_owned(), vec!["self=1-", root]),
        (
            format!("self=1-0-0;{root};own=x").replace("self", "Self"),
            vec!["self=1-", root, "own=x"],
        ),
        ("own=x".to_owned(), vec!["root=1-", "own=x"]),
        ("Self=1-0-0".to_owned(), vec!["root=1-"]),
    ] {
        let mut peer = stage.connect().await;
        let trace = trace.replace("root", "Root");
        peer.say(&format!(
            "GET /start HTTP/1.1\r\nhost: here\r\nconnection: close\r\nx-forwarded-for: 203.0.113.7\r\n\
             x-forwarded-for: 10.0.0.1\r\nx-amzn-trace-id: {trace}\r\n\r\n"
        ))
        .await;
        let told = peer.rest().await;
        let line = "\r\nx-forwarded-for: 203.0.113.7, 10.0.0.1, 127.0.0.1\r\n";
        assert!(told.contains(line), "{told}");
        let sent = told.split("x-amzn-trace-id: ").nth(1).unwrap();
        let sent: Vec<_> = sent.lines().next().unwrap().split(';').collect();
        assert_eq!(sent.len(), fields.len(), "{trace}: {sent:?}");
        for (sent, field) in sent.iter().zip(fields) {
            assert!(sent.starts_with(field), "{trace}: {sent}");
            assert_ne!(*sent, "self=1-0-0");
        }
    }
}

#[tokio::test]
async fn a_connection_header_takes_nothing_away_that_must_stay() {
    let stage = Stage::start().await;
    let _registration = stage.target(echo).await;
    let mut peer = stage.connect().await;
    peer.say(
        "GET /start HTTP/1.1\r\nhost: here\r\ncookie: a=b\r\nauthorization: Bearer x\r\nx-own: 1\r\n\
         connection: close, Host, cookie, authorization, content-length, x-own, x-forwarded-for\r\n\r\n",
    )
    .await;
    let told = peer.rest().await;
    for kept in [
        "host: here",
        "cookie: a=b",
        "authorization: bearer x",
        "x-forwarded-for: ",
    ] {
        assert!(told.contains(&format!("\r\n{kept}")), "{kept}: {told}");
    }
    assert!(!told.contains("x-own"), "{told}");
}

#[tokio::test]
async fn what_came_by_http2_is_passed_on_as_http1_writes_it() {
    let stage = Stage::start().await;
    let _registration = stage.target(echo).await;
    let stream = TcpStream::connect(stage.address).await.unwrap();
    let (mut send, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get("http://shop.example:8080/start")
        .version(http::Version::HTTP_2)
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .body(())
        .unwrap();
    let (answer, _) = send.send_request(request, true).unwrap();
    let mut body = answer.await.unwrap().into_body();
    let told = body.data().await.unwrap().unwrap();
    let told = String::from_utf8_lossy(&told);
    for line in ["host: shop.example:8080", "cookie: a=1; b=2"] {
        assert!(told.contains(&format!("\r\n{line}\r\n")), "{line}: {told}");
        let name = line.split(':').next().unwrap();
        assert_eq!(told.matches(&format!("\r\n{name}:")).count(), 1, "{told}");
    }
}

#[tokio::test]
async fn a_client_that_breaks_its_request_is_not_the_targets_fault() {
    let stage = Stage::start().await;
    let (given, mut got) = tokio::sync::mpsc::unbounded_channel();
    let _registration = stage
        .target(move |mut peer: Peer| {
            let given = given.clone();
            async move {
                peer.until("\r\n\r\n").await;
                given.send(()).unwrap();
                let _ = peer.0.read_to_end(&mut Vec::new()).await;
            }
        })
        .await;
    let head =
        "POST /start HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n";
    let mut peer = stage.connect().await;
    peer.say(head).await;
    got.recv().await.unwrap();
    peer.say("no length\r\n").await;
    let answer = peer.rest().await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");

    let mut peer = stage.connect().await;
    peer.say(head).await;
    got.recv().await.unwrap();
    drop(peer);
    // Whatever comes after it has been counted after it.
    let mut peer = stage.connect().await;
    peer.say("TRACE /start HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
        .await;
    assert!(peer.rest().await.starts_with("HTTP/1.1 405 "));
    let total = stage.figures.status().total;
    assert_eq!((total.elb_5xx, total.target_5xx), (0, 0), "{total:?}");
}

#[tokio::test]
async fn what_the_load_balancer_lets_in_is_what_a_node_takes() {
    let stage = Stage::start().await;
    let node = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = node.local_addr().unwrap().port();
    let routes = axum::Router::new().fallback(|| async { "taken" });
    let never = std::future::pending();
    tokio::spawn(server::serve(
        node,
        Service::new(routes),
        Limits::default(),
        never,
    ));
    let (_say, port) = watch::channel(Some(port));
    let _registration = stage.group.register(Some(port), |_| {});
    let headers = |count: usize, size: usize| {
        let value = "v".repeat(size);
        let lines: Vec<_> = (0..count)
            .map(|number| format!("a{number}: {value}\r\n"))
            .collect();
        lines.concat()
    };
    let fits = [
        headers(94, 1),
        headers(4, 15 * 1024),
        headers(3, 16_000) + &headers(90, 180),
    ];
    for headers in fits {
        let request =
            format!("GET /start HTTP/1.1\r\nhost: here\r\nconnection: close\r\n{headers}\r\n");
        let mut peer = stage.connect().await;
        peer.say(&request).await;
        let answer = peer.rest().await;
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("taken"),
            "{answer}"
        );
    }
    for (headers, status) in [
        (headers(95, 1), "431"),
        (headers(1, 16 * 1024), "400"),
        (headers(5, 15 * 1024), "400"),
    ] {
        let request =
            format!("GET /start HTTP/1.1\r\nhost: here\r\nconnection: close\r\n{headers}\r\n");
        let mut peer = stage.connect().await;
        peer.say(&request).await;
        let answer = peer.rest().await;
        assert_eq!(answer.get(9..12), Some(status), "{answer}");
    }
}
