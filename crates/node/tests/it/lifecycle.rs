//! From the first request to the last, and what signals do to it; on the real program.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answer, Fake, Node, Process, Reply, client, eventually};

/// Sends a request that is answered after `FAULT_DELAY_MS`, and waits until it is in flight.
async fn in_flight(node: &Process) -> TcpStream {
    let mut stream = TcpStream::connect(node.address).await.unwrap();
    let request = b"GET /start HTTP/1.1\r\nhost: john\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let figures = format!("http://{}/metrics", node.admin.unwrap());
    eventually("the request's arrival", async || {
        let figures = crate::support::get(&figures).await.body;
        figures
            .contains("ping_pong_rallies_in_flight 1")
            .then_some(())
    })
    .await;
    stream
}

async fn rest(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_request_in_flight_at_sigterm_is_answered() {
    for signal in [Signal::TERM, Signal::INT] {
        let slow = [("FAULT_DELAY_MS", "500"), ("ADMIN_PORT", "0")];
        let mut john = Process::start(&slow).await;
        let stream = in_flight(&john).await;
        john.signal(signal);
        let answer = rest(stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        assert_eq!(john.ended().await, 0);
    }
}

#[tokio::test]
async fn during_the_drain_delay_readiness_fails_liveness_holds_and_requests_are_served() {
    let mut john = Process::start(&[("DRAIN_DELAY_MS", "60000")]).await;
    let before = john.get("/start").await;
    assert_eq!(before.header("connection"), "");
    john.signal(Signal::TERM);
    john.says("draining").await;

    let ping = john.get("/ping").await;
    assert_eq!(
        ping.broke(),
        (503, "draining".to_owned(), "node-john".to_owned())
    );
    for path in ["/healthz", "/start", "/meow"] {
        let answer = john.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("connection"), "close", "{path}");
    }
}

#[tokio::test]
async fn after_the_drain_delay_the_listener_closes_and_idle_connections_with_it() {
    let mut john = Process::start(&[("DRAIN_DELAY_MS", "200")]).await;
    let mut idle = TcpStream::connect(john.address).await.unwrap();
    idle.write_all(b"GET /meow HTTP/1.1\r\nhost: john\r\n\r\n")
        .await
        .unwrap();
    let mut answer = [0; 12];
    idle.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let asked = Instant::now();
    john.signal(Signal::TERM);
    rest(idle).await;
    assert!(asked.elapsed() >= Duration::from_millis(200));
    assert_eq!(john.ended().await, 0);
    assert!(TcpStream::connect(john.address).await.is_err());
}

#[tokio::test]
async fn a_connection_that_never_asked_does_not_hold_the_end_up() {
    let mut john = Process::start(&[("SHUTDOWN_GRACE_MS", "60000")]).await;
    let silent = TcpStream::connect(john.address).await.unwrap();
    john.get("/meow").await;
    let asked = Instant::now();
    john.signal(Signal::TERM);
    assert_eq!(john.ended().await, 0);
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "{:?}",
        asked.elapsed()
    );
    drop(silent);
}

#[tokio::test]
async fn a_request_sent_just_before_the_end_is_answered() {
    let mut john = Process::start(&[]).await;
    // Stopped, the program cannot accept: the request waits in the system's queue with the signal.
    john.signal(Signal::STOP);
    let mut late = TcpStream::connect(john.address).await.unwrap();
    let request = b"GET /meow HTTP/1.1\r\nhost: john\r\n\r\n";
    late.write_all(request).await.unwrap();
    john.signal(Signal::TERM);
    john.signal(Signal::CONT);
    let answer = rest(late).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer:?}");
    assert_eq!(john.ended().await, 0);
}

#[tokio::test]
async fn requests_sent_before_the_drain_delay_ends_are_answered() {
    for kept in [false, true] {
        let mut john = Process::start(&[("DRAIN_DELAY_MS", "400")]).await;
        let request = b"GET /meow HTTP/1.1\r\nhost: john\r\n\r\n";
        let mut late = Vec::new();
        for _ in 0..50 {
            let mut stream = TcpStream::connect(john.address).await.unwrap();
            if kept {
                stream.write_all(request).await.unwrap();
                let mut answer = [0; 4096];
                assert_ne!(stream.read(&mut answer).await.unwrap(), 0);
            }
            late.push(stream);
        }
        john.signal(Signal::TERM);
        john.says("draining").await;
        // Stopped, the program sees the end of the delay and all these requests at the same moment.
        john.signal(Signal::STOP);
        for stream in &mut late {
            stream.write_all(request).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        john.signal(Signal::CONT);
        for stream in late {
            let answer = rest(stream).await;
            assert!(
                answer.starts_with("HTTP/1.1 200 OK\r\n"),
                "kept: {kept}: {answer:?}"
            );
        }
        assert_eq!(john.ended().await, 0);
    }
}

#[tokio::test]
async fn an_answer_that_is_read_slowly_is_sent_to_its_end() {
    let meow = Box::leak(format!("[\"{}\"]", "m".repeat(900_000)).into_boxed_str());
    let fakes = [
        Fake::start(&[Reply::Json(meow)]).await,
        Fake::start(&[Reply::Json(meow)]).await,
    ];
    let next = [0, 1, 0, 1, 0, 1, 0, 1]
        .map(|fake: usize| fakes[fake].url())
        .join(",");
    let mut john = Process::start(&[("NEXT", &next)]).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut slow = socket.connect(john.address).await.unwrap();
    slow.write_all(b"GET /start HTTP/1.1\r\nhost: john\r\n\r\n")
        .await
        .unwrap();
    let mut head = [0; 1024];
    let seen = slow.read(&mut head).await.unwrap();
    john.signal(Signal::TERM);
    john.says("draining").await;
    // Longer than an idle connection would be listened to.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let answer = rest(slow).await;
    assert!(seen + answer.len() > 8 * 900_000, "{}", seen + answer.len());
    assert_eq!(john.ended().await, 0);
}

#[tokio::test]
async fn a_request_that_is_refused_early_is_read_to_its_end() {
    let john = Node::start("john", &["--chain-token", "s3cret"]).await;
    for (method, path, status) in [
        ("POST", "/meow", 401),
        ("POST", "/start", 405),
        ("PUT", "/x", 404),
    ] {
        for _ in 0..20 {
            let method = method.parse().unwrap();
            let request = client().request(method, format!("{}{path}", john.url()));
            let answer = request.body(vec![b'x'; 3_000_000]).send().await.unwrap();
            assert_eq!(answer.status(), status, "{path}");
        }
    }
}

#[tokio::test]
async fn a_look_up_that_hangs_does_not_hold_the_end_up() {
    // A pipe that nobody writes to blocks whoever opens it for reading, as a dead resolver would.
    let pipe = format!(
        "{}/pipe-{}",
        env!("CARGO_TARGET_TMPDIR"),
        std::process::id()
    );
    let made = tokio::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .await
        .unwrap();
    assert!(made.success());
    let mut john = Process::start(&[("NEXT", "http://node-paul:1"), ("HOSTS_FILE", &pipe)]).await;
    let asked = Instant::now();
    john.signal(Signal::TERM);
    assert_eq!(john.ended().await, 0);
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "{:?}",
        asked.elapsed()
    );
    std::fs::remove_file(pipe).unwrap();
}

#[tokio::test]
async fn a_second_signal_ends_the_program_while_its_last_spans_wait_for_a_collector() {
    let collector = Fake::start(&[Reply::Hang("")]).await;
    let mut john = Process::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]).await;
    john.get("/start").await;
    john.signal(Signal::TERM);
    john.says("drained").await;
    collector.first_request().await;
    john.signal(Signal::TERM);
    assert_eq!(john.ended().await, 143);
}

#[tokio::test]
async fn a_log_that_nobody_reads_does_not_stop_the_program() {
    let mut john = Process::start(&[("RUST_LOG", "debug")]).await;
    // A pipe holds 64 KiB; the log of these requests is several times as long.
    for _ in 0..1_500 {
        assert_eq!(john.get("/ping").await.status, 200);
    }
    john.signal(Signal::KILL);
    john.ended().await;
}

#[tokio::test]
async fn what_exceeds_the_grace_period_is_cut_counted_and_reported() {
    let mut john = Process::start(&[
        ("FAULT_DELAY_MS", "60000"),
        ("REQUEST_TIMEOUT_MS", "60000"),
        ("SHUTDOWN_GRACE_MS", "200"),
        ("ADMIN_PORT", "0"),
    ])
    .await;
    let stream = in_flight(&john).await;
    john.signal(Signal::TERM);
    let warning = john.says("cut off").await;
    assert_eq!(
        (&warning["level"], &warning["requests"]),
        (&"WARN".into(), &1.into())
    );
    assert_eq!(john.ended().await, 1);
    assert_eq!(rest(stream).await, "");
}

#[tokio::test]
async fn a_second_signal_ends_the_program_at_once() {
    for (second, status) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut john = Process::start(&[("DRAIN_DELAY_MS", "60000")]).await;
        john.signal(Signal::TERM);
        john.says("draining").await;
        john.signal(second);
        assert_eq!(john.ended().await, status);
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_keep_alive_and_not_before() {
    // 75 s by default, between an ALB's 60 s and the 80 s that are wanted at most; here in small.
    let john = Process::start(&[("KEEP_ALIVE_MS", "750")]).await;
    let mut idle = TcpStream::connect(john.address).await.unwrap();
    idle.write_all(b"GET /meow HTTP/1.1\r\nhost: john\r\n\r\n")
        .await
        .unwrap();
    let mut answer = [0; 12];
    idle.read_exact(&mut answer).await.unwrap();
    let answered = Instant::now();
    rest(idle).await;
    let lived = answered.elapsed();
    assert!(lived >= Duration::from_millis(700), "{lived:?}");
    assert!(lived < Duration::from_secs(5), "{lived:?}");
    let default = Process::start(&[]).await;
    assert_eq!(default.said.last().unwrap()["keep_alive_ms"], 75_000);
}

#[tokio::test]
async fn four_processes_play_and_john_names_the_one_that_was_killed() {
    let ringo = Process::start(&[("NODE_NAME", "ringo")]).await;
    let mut george = Process::start(&[("NODE_NAME", "george"), ("NEXT", &ringo.url())]).await;
    let paul = Process::start(&[("NODE_NAME", "paul"), ("NEXT", &george.url())]).await;
    let john = Process::start(&[("NODE_NAME", "john"), ("NEXT", &paul.url())]).await;
    let port = |process: &Process| process.address.port();
    let expected = format!(
        r#"["meow from node-paul:{}","meow from node-george:{}","meow from node-ringo:{}"]"#,
        port(&paul),
        port(&george),
        port(&ringo)
    );
    assert_eq!(john.get("/start").await.body, expected);

    george.signal(Signal::KILL);
    assert_eq!(george.ended().await, -9);
    let answer = john.get("/start").await;
    assert_eq!(
        answer.broke(),
        (502, "refused".to_owned(), george.address.to_string())
    );
    assert_eq!(answer.error()["meows"].as_array().unwrap().len(), 1);
    assert_eq!(john.get("/ping").await.status, 200);
}

#[tokio::test]
async fn a_node_in_this_process_drains_like_the_program() {
    let fake = Fake::start(&[Reply::Hang("")]).await;
    let mut john = Node::calling("john", &fake, &["--request-timeout-ms", "300"]).await;
    let asked = tokio::spawn(client().get(format!("{}/start", john.url())).send());
    fake.first_request().await;
    john.ask_to_end();
    let answer = Answer::read(asked.await.unwrap().unwrap()).await;
    assert_eq!(answer.broke().1, "timeout");
    john.ended().await.unwrap();
}
