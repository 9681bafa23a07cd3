//! Bad input: the right status, and the process works on.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::Node;

#[tokio::test]
async fn a_bad_body_is_refused_with_the_right_status() {
    let ringo = Node::start("ringo", &[]).await;
    let names = |count: usize| serde_json::to_string(&vec!["node-x"; count]).unwrap();
    for (what, body, status, code) in [
        ("nothing", String::new().into_bytes(), 400, "bad_request"),
        (
            "broken JSON",
            b"[\"node-john\"".to_vec(),
            400,
            "bad_request",
        ),
        ("two documents", b"[] []".to_vec(), 400, "bad_request"),
        ("an object", b"{}".to_vec(), 400, "bad_request"),
        ("numbers", b"[1, 2]".to_vec(), 400, "bad_request"),
        ("null", b"[null]".to_vec(), 400, "bad_request"),
        (
            "invalid UTF-8",
            b"[\"\xff\xfe\"]".to_vec(),
            400,
            "bad_request",
        ),
        ("an empty name", b"[\"\"]".to_vec(), 400, "bad_request"),
        (
            "a long name",
            format!("[\"{}\"]", "x".repeat(69)).into_bytes(),
            400,
            "bad_request",
        ),
        (
            "deep nesting",
            "[".repeat(10_000).into_bytes(),
            400,
            "bad_request",
        ),
        ("1000 names", names(1000).into_bytes(), 400, "bad_request"),
        ("10,000 names", names(10_000).into_bytes(), 413, "too_large"),
        (
            "16 KiB and a byte",
            vec![b' '; 16 * 1024 + 1],
            413,
            "too_large",
        ),
        ("1 MB", vec![b'['; 1_000_000], 413, "too_large"),
    ] {
        let answer = ringo.meow(body).await;
        let expected = (status, code.to_owned(), "node-ringo".to_owned());
        assert_eq!(answer.broke(), expected, "{what}");
        assert!(
            !answer.body.contains("node-john"),
            "{what} is not repeated: {}",
            answer.body
        );
        assert_eq!(ringo.meow("[]").await.status, 200, "after {what}");
    }
}

#[tokio::test]
async fn a_query_that_asks_for_what_there_is_not_is_a_bad_request() {
    let john = Node::start("john", &[]).await;
    assert_eq!(john.get("/start?detail=all").await.broke().1, "bad_request");
    assert_eq!(
        john.get("/start?detail=hops&detail=hops").await.broke().1,
        "bad_request"
    );
    // What a form or a cache buster adds is none of our business.
    assert_eq!(john.get("/start?letter=P&%00=%ff").await.status, 200);
    assert_eq!(john.get("/start?").await.body, "[]");
}

#[tokio::test]
async fn a_head_that_is_no_head_is_refused_before_it_is_a_request() {
    let john = Node::start("john", &[]).await;
    let many = "x: y\r\n".repeat(20_000);
    let large = format!("x: {}\r\n", "y".repeat(200_000));
    let request = |fields: &str| format!("GET /start HTTP/1.1\r\nhost: john\r\n{fields}\r\n");
    for (what, bytes, status) in [
        ("20,000 headers", request(&many), "431"),
        ("a header of 200 kB", request(&large), "431"),
        ("a header without a name", request(": x\r\n"), "400"),
        (
            "a target of 100 kB",
            format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000)),
            "414",
        ),
        (
            "another protocol",
            "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "TLS",
            "\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "two lengths",
            request("content-length: 1\r\ncontent-length: 2\r\n"),
            "400",
        ),
    ] {
        let mut stream = TcpStream::connect(john.address).await.unwrap();
        // The node may answer and close while the rest is still being sent.
        let _ = stream.write_all(bytes.as_bytes()).await;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert_eq!(answer, format!("HTTP/1.1 {status}"), "{what}");
        assert_eq!(john.get("/start").await.status, 200, "after {what}");
    }
}

#[tokio::test]
async fn half_a_request_costs_nothing_but_its_connection() {
    let john = Node::start("john", &[]).await;
    for half in [
        "",
        "G",
        "GET /start HTTP/1.1\r\nhost:",
        "POST /meow HTTP/1.1\r\ncontent-length: 9\r\n\r\n[",
    ] {
        let mut stream = TcpStream::connect(john.address).await.unwrap();
        stream.write_all(half.as_bytes()).await.unwrap();
        drop(stream);
        assert_eq!(john.get("/start").await.status, 200, "after {half:?}");
    }
}

#[tokio::test]
async fn a_body_whose_framing_is_broken_is_its_senders_mistake() {
    let ringo = Node::start("ringo", &[]).await;
    let mut stream = TcpStream::connect(ringo.address).await.unwrap();
    let head = "POST /meow HTTP/1.1\r\nhost: ringo\r\ntransfer-encoding: chunked\r\n\r\n";
    for part in [head, "2\r\n[]\r\n", "not a length\r\n"] {
        stream.write_all(part.as_bytes()).await.unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}
