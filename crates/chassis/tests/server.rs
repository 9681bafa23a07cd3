//! What a listener does with peers that vanish, do not read, come in masses or write nonsense.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::{any, get};
use chassis::metrics::Metrics;
use chassis::request::Observe;
use chassis::server::{self, CutOff, Limits, Service};
use chassis::telemetry::Spans;
use http::{Method, Request, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

const GET: &[u8] = b"GET /small HTTP/1.1\r\nhost: here\r\n\r\n";

/// Larger than what the buffers of two sockets hold.
const LARGE: usize = 16 * 1024 * 1024;

/// A listener, served until it is told to end.
struct Server {
    address: SocketAddr,
    metrics: Arc<Metrics>,
    /// Lets `/wait` answer.
    answer: Arc<Notify>,
    shutdown: oneshot::Sender<()>,
    served: JoinHandle<Result<(), CutOff>>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let metrics = Arc::new(Metrics::new("test", "test"));
        let observe = Observe::new("test".into(), Arc::clone(&metrics), Spans::off());
        let answer = Arc::new(Notify::new());
        let wait = {
            let answer = Arc::clone(&answer);
            move || async move { answer.notified().await }
        };
        let routes = Router::new()
            .route("/small", any("small"))
            .route("/ping", get("pong"))
            .route("/large", get(|| async { vec![b'x'; LARGE] }))
            .route("/wait", get(wait))
            .route(
                "/host",
                get(|request: Request<axum::body::Body>| async move {
                    format!("{:?}", request.headers().get("host"))
                }),
            )
            .layer(observe.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (shutdown, requested) = oneshot::channel();
        let address = listener.local_addr().unwrap();
        let service = Service::new(routes).with_observer(observe);
        let served = tokio::spawn(server::serve(listener, service, limits, async {
            let _ = requested.await;
        }));
        Self {
            address,
            metrics,
            answer,
            shutdown,
            served,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What is answered to these bytes, up to the end of the connection.
    async fn answer_to(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        rest(stream).await
    }

    /// An HTTP/2 connection whose peer is driven by the test alone; `window` is that of each stream.
    async fn http2(
        &self,
        window: u32,
    ) -> (
        h2::client::SendRequest<bytes::Bytes>,
        h2::client::Connection<TcpStream>,
    ) {
        let stream = self.connect().await;
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(window);
        builder.handshake(stream).await.unwrap()
    }

    async fn end(self) -> Result<(), CutOff> {
        self.shutdown.send(()).unwrap();
        self.served.await.unwrap()
    }
}

fn limits() -> Limits {
    Limits {
        keep_alive: Duration::from_mins(1),
        write_timeout: Duration::from_millis(300),
        shutdown_grace: Duration::from_secs(30),
        ..Limits::default()
    }
}

fn request(path: &str) -> Request<()> {
    Request::get(format!("http://here{path}"))
        .version(Version::HTTP_2)
        .body(())
        .unwrap()
}

/// All that still comes; an error is the end, too.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let limit = Duration::from_secs(10);
    let read = tokio::time::timeout(limit, stream.read_to_end(&mut bytes)).await;
    let _ = read.unwrap_or_else(|_| panic!("still open after {limit:?}"));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Asks for `/small` on a connection, and reads the answer.
async fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(GET).await.unwrap();
    let mut answer = vec![0; 1024];
    let length = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

/// Polls until `probe` holds; what does not happen within ten seconds does not happen.
async fn eventually(what: &str, mut probe: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !probe().await {
        assert!(begun.elapsed() < Duration::from_secs(10), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_preface_in_two_segments_is_http2() {
    let server = Server::start(limits()).await;
    let mut stream = server.connect().await;
    stream.set_nodelay(true).unwrap();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for split in [1, 3, 14, 20] {
        let mut stream = server.connect().await;
        stream.set_nodelay(true).unwrap();
        stream.write_all(&preface[..split]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        stream.write_all(&preface[split..]).await.unwrap();
        stream
            .write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0])
            .await
            .unwrap();
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(head[3], 4, "a SETTINGS frame, after {split} bytes");
    }
    // What only begins like it is HTTP/1.1.
    stream.write_all(b"P").await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    stream
        .write_all(b"UT /small HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    assert!(rest(stream).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn half_a_preface_is_given_up_like_half_a_head() {
    let short = Limits {
        keep_alive: Duration::from_millis(200),
        ..limits()
    };
    let server = Server::start(short).await;
    for half in ["PRI", "PRI * HTTP/2.0\r\n", "GET / HT", ""] {
        assert_eq!(server.answer_to(half.as_bytes()).await, "", "{half:?}");
    }
}

#[tokio::test]
async fn a_peer_that_reads_no_answer_is_given_up_after_the_write_timeout() {
    let server = Server::start(limits()).await;
    let mut stream = server.connect().await;
    let begun = Instant::now();
    stream
        .write_all(b"GET /large HTTP/1.1\r\nhost: here\r\n\r\n")
        .await
        .unwrap();
    // Told to close, by a peer that has read nothing: only a reset can say so.
    eventually("the connection's end", async || {
        stream.write_all(b" ").await.is_err()
    })
    .await;
    assert!(begun.elapsed() >= Duration::from_millis(300));
    server.end().await.unwrap();
}

#[tokio::test]
async fn a_peer_that_reads_slowly_gets_all_of_its_answer() {
    let server = Server::start(limits()).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    stream
        .write_all(b"GET /large HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut seen = 0;
    let mut chunk = vec![0; 1024 * 1024];
    loop {
        // In all longer than the write timeout, but never without progress for so long.
        tokio::time::sleep(Duration::from_millis(10)).await;
        match stream.read(&mut chunk).await.unwrap() {
            0 => break,
            read => seen += read,
        }
    }
    assert!(seen > LARGE, "{seen}");
}

#[tokio::test]
async fn pipelined_requests_whose_answers_are_not_read_are_not_read_for_ever() {
    let patient = Limits {
        write_timeout: Duration::from_secs(30),
        ..limits()
    };
    let server = Server::start(patient).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    let requests = GET.repeat(1000);
    let mut written = 0;
    // The system's buffers take some, the server no more than that.
    while let Ok(result) =
        tokio::time::timeout(Duration::from_millis(500), stream.write(&requests)).await
    {
        written += result.unwrap();
        assert!(written < 64 * 1024 * 1024, "it takes requests without end");
    }
    // It goes on where the peer reads.
    let mut chunk = vec![0; 1024 * 1024];
    let mut read = 0;
    while read < 2 * 1024 * 1024 && written > 0 {
        let result = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut chunk)).await;
        read += result.unwrap().unwrap();
    }
}

#[tokio::test]
async fn streams_whose_answers_have_no_room_are_given_up_with_their_connection() {
    let server = Server::start(limits()).await;
    let (mut send, connection) = server.http2(0).await;
    let driven = tokio::spawn(connection);
    // The connection has been idle for almost as long as an answer may be left unread.
    tokio::time::sleep(Duration::from_millis(250)).await;
    let begun = Instant::now();
    let mut answers = Vec::new();
    for _ in 0..100 {
        send = send.ready().await.unwrap();
        answers.push(send.send_request(request("/small"), true).unwrap().0);
    }
    let mut unread = Vec::new();
    for answer in answers {
        // Their heads come, since only bodies need a window.
        unread.push(answer.await.unwrap());
    }
    let end = tokio::time::timeout(Duration::from_secs(5), driven).await;
    assert!(end.is_ok(), "still open after {:?}", begun.elapsed());
    assert!(
        begun.elapsed() >= Duration::from_millis(300),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_connection_has_only_so_many_streams() {
    let server = Server::start(limits()).await;
    let (mut send, connection) = server.http2(65_535).await;
    tokio::spawn(connection);
    // The server's limits come with its first answer.
    let answer = send.send_request(request("/small"), true).unwrap().0;
    assert_eq!(answer.await.unwrap().status(), 200);
    assert_eq!(send.current_max_send_streams(), server::MAX_STREAMS);
    let mut answers = Vec::new();
    for _ in 0..2 * server::MAX_STREAMS {
        answers.push(send.send_request(request("/wait"), true).unwrap().0);
    }
    let expected = format!("http_server_active_requests {}\n", server::MAX_STREAMS);
    eventually("as many requests as there may be", async || {
        server.metrics.render().contains(&expected)
    })
    .await;
    // The others wait for room.
    server.answer.notify_one();
    eventually("one that has ended", async || {
        server
            .metrics
            .render()
            .contains("\"/wait\",http_response_status_code=\"200\"} 1\n")
    })
    .await;
    eventually("one that has taken its place", async || {
        server.metrics.render().contains(&expected)
    })
    .await;
}

#[tokio::test]
async fn an_http2_peer_that_does_not_answer_the_goodbye_does_not_hold_the_end_up() {
    let server = Server::start(limits()).await;
    let (mut send, mut connection) = server.http2(65_535).await;
    let answer = send.send_request(request("/small"), true).unwrap().0;
    tokio::select! {
        answer = answer => assert_eq!(answer.unwrap().status(), 200),
        _ = &mut connection => panic!("it ended"),
    }
    // From here on nobody reads what comes: the peer is gone, and the network has not said so.
    let begun = Instant::now();
    server.end().await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
    drop((send, connection));
}

#[tokio::test]
async fn half_a_request_does_not_hold_the_end_up() {
    let server = Server::start(limits()).await;
    let mut first = server.connect().await;
    first.write_all(b"GET /small HT").await.unwrap();
    let mut second = server.connect().await;
    assert!(ask(&mut second).await.starts_with("HTTP/1.1 200"));
    second.write_all(b"GET /small HT").await.unwrap();
    let begun = Instant::now();
    server.end().await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn what_is_cut_off_is_counted_whatever_holds_it() {
    let short = Limits {
        shutdown_grace: Duration::from_millis(700),
        write_timeout: Duration::from_mins(1),
        ..limits()
    };
    let server = Server::start(short).await;
    // An answer that does not come, ...
    let mut waits = server.connect().await;
    waits
        .write_all(b"GET /wait HTTP/1.1\r\nhost: here\r\n\r\n")
        .await
        .unwrap();
    // ... one that is not read, ...
    let mut unread = server.connect().await;
    unread
        .write_all(b"GET /large HTTP/1.1\r\nhost: here\r\n\r\n")
        .await
        .unwrap();
    unread.readable().await.unwrap();
    // ... two streams without room for a body, ...
    let (mut send, connection) = server.http2(0).await;
    tokio::spawn(connection);
    let mut answers = Vec::new();
    for _ in 0..2 {
        send = send.ready().await.unwrap();
        let answer = send.send_request(request("/small"), true).unwrap().0;
        answers.push(answer.await.unwrap());
    }
    // ... but not a connection on which nothing is asked.
    let mut idle = server.connect().await;
    assert!(ask(&mut idle).await.starts_with("HTTP/1.1 200"));
    let cut = server.end().await.unwrap_err();
    assert_eq!(cut.requests, 4);
}

#[tokio::test]
async fn beyond_the_limit_idle_connections_make_room_for_new_ones() {
    let few = Limits {
        max_connections: 10,
        ..limits()
    };
    let server = Server::start(few).await;
    let mut oldest = server.connect().await;
    assert!(ask(&mut oldest).await.starts_with("HTTP/1.1 200"));
    // Silent ones fill the limit and all that is kept beyond it.
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(server.connect().await);
    }
    let mut new = server.connect().await;
    let answer = tokio::time::timeout(Duration::from_secs(5), ask(&mut new)).await;
    assert!(answer.unwrap().starts_with("HTTP/1.1 200"));
    // One that has been used is worth more than one that has not.
    assert!(ask(&mut oldest).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn while_no_connection_is_idle_health_checks_are_answered_and_nothing_else() {
    let few = Limits {
        max_connections: 10,
        ..limits()
    };
    let server = Server::start(few).await;
    let mut busy = Vec::new();
    for _ in 0..10 {
        let mut stream = server.connect().await;
        stream
            .write_all(b"GET /wait HTTP/1.1\r\nhost: here\r\n\r\n")
            .await
            .unwrap();
        busy.push(stream);
    }
    eventually("ten requests in flight", async || {
        let text = server.metrics.render();
        text.contains("http_server_active_requests 10")
    })
    .await;
    for _ in 0..100 {
        let refused = server.answer_to(GET).await;
        assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
        assert!(refused.contains("\"code\":\"overloaded\""), "{refused}");
        let check = b"GET /ping HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n";
        assert!(server.answer_to(check).await.starts_with("HTTP/1.1 200"));
    }
    let check = b"GET /small HTTP/1.1\r\nhost: x\r\nuser-agent: ELB-HealthChecker/2.0\r\nconnection: close\r\n\r\n";
    assert!(server.answer_to(check).await.starts_with("HTTP/1.1 200"));
    assert!(server.metrics.render().contains("code=\"503\"} 100"));
    for _ in 0..10 {
        server.answer.notify_one();
    }
    for stream in &mut busy {
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
}

#[tokio::test]
async fn a_request_without_one_host_is_malformed() {
    let server = Server::start(limits()).await;
    for (headers, status) in [
        ("", "400"),
        ("host: a\r\nhost: b\r\n", "400"),
        ("host: a\r\nHost: a\r\n", "400"),
        ("host: a b\r\n", "400"),
        ("host: user@a\r\n", "400"),
        ("host: a/b\r\n", "400"),
        ("host: a\r\n", "200"),
        ("host:\r\n", "200"),
        ("host: [::1]:80\r\n", "200"),
    ] {
        let request = format!("GET /small HTTP/1.1\r\nconnection: close\r\n{headers}\r\n");
        let answer = server.answer_to(request.as_bytes()).await;
        assert_eq!(answer.get(9..12), Some(status), "{headers:?}: {answer}");
    }
    let old = server.answer_to(b"GET /small HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200"), "{old}");
}

#[tokio::test]
async fn connect_is_refused_by_both_protocols() {
    let server = Server::start(limits()).await;
    let answer = server
        .answer_to(b"CONNECT here:443 HTTP/1.1\r\nhost: here:443\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");

    let (mut send, connection) = server.http2(65_535).await;
    tokio::spawn(connection);
    let mut connect = Request::new(());
    *connect.method_mut() = Method::CONNECT;
    *connect.uri_mut() = "here:443".parse().unwrap();
    *connect.version_mut() = Version::HTTP_2;
    let answer = send.send_request(connect, true).unwrap().0;
    assert_eq!(answer.await.unwrap().status(), 405);
}

#[tokio::test]
async fn a_host_that_differs_from_the_authority_is_malformed() {
    let server = Server::start(limits()).await;
    let (mut send, connection) = server.http2(65_535).await;
    tokio::spawn(connection);
    for (host, status) in [("HERE", 200), ("elsewhere", 400)] {
        send = send.ready().await.unwrap();
        let mut request = request("/small");
        request.headers_mut().insert("host", host.parse().unwrap());
        let answer = send.send_request(request, true).unwrap().0;
        assert_eq!(answer.await.unwrap().status(), status, "{host}");
        (send, _) = {
            let (send, connection) = server.http2(65_535).await;
            (send, tokio::spawn(connection))
        };
    }
}

#[tokio::test]
async fn what_cannot_be_parsed_is_counted() {
    let server = Server::start(limits()).await;
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(200));
    let large = format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(300_000));
    for (request, status) in [
        ("\u{16}\u{3}\u{1} hello\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), "400"),
        (long, "414"),
        (many, "431"),
        (large, "431"),
    ] {
        let answer = server.answer_to(request.as_bytes()).await;
        assert_eq!(answer.get(9..12), Some(status), "{request:.40}");
        let counted = format!("code=\"{status}\"}}");
        eventually("its count", async || {
            server.metrics.render().contains(&counted)
        })
        .await;
    }
    assert!(server.metrics.render().contains("_OTHER"));
}

#[tokio::test]
async fn a_request_whose_sender_leaves_at_once_is_counted() {
    let server = Server::start(limits()).await;
    for _ in 0..300 {
        let mut stream = server.connect().await;
        stream
            .write_all(b"GET /wait HTTP/1.1\r\nhost: here\r\n\r\n")
            .await
            .unwrap();
    }
    eventually("all of them", async || {
        let text = server.metrics.render();
        text.contains("\"/wait\",http_response_status_code=\"499\"} 300\n")
    })
    .await;
}

#[tokio::test]
async fn an_early_answer_over_http2_does_not_wait_for_a_body() {
    let server = Server::start(limits()).await;
    let (mut send, connection) = server.http2(65_535).await;
    tokio::spawn(connection);
    let mut post = request("/nowhere");
    *post.method_mut() = Method::POST;
    let (answer, body) = send.send_request(post, false).unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(2), answer).await;
    assert_eq!(answer.unwrap().unwrap().status(), 404);
    // The connection is as good as before.
    send = send.ready().await.unwrap();
    let answer = send.send_request(request("/small"), true).unwrap().0;
    assert_eq!(answer.await.unwrap().status(), 200);
    drop(body);
}
