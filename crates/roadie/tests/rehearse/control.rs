//! Who may ask a rehearsal, and what it answers those who may not.

use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, Response};
use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::support::{Folder, Layout, Roadie, client};

const CLIENT: &str = "microservice-ping-pong-client-service";

/// The sentence of an error, which is JSON.
async fn error(answer: Response, what: &str) -> String {
    let kind = answer.headers().get("content-type").cloned();
    let text = answer.text().await.unwrap();
    assert_eq!(kind.unwrap(), "application/json", "{what}: {text}");
    let json: Value = serde_json::from_str(&text).unwrap();
    json["error"].as_str().unwrap().to_owned()
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// The answer to `head` and nothing else, as it came.
async fn raw(roadie: &Roadie, head: &str) -> String {
    let address = roadie.control("").replace("http://", "");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn orders_want_the_token_and_the_status_does_not() {
    let roadie = Roadie::start(&Layout::own()).await;
    let order = || {
        let request = client().post(roadie.control("/scale"));
        let request = request.header("content-type", "application/json");
        request.body(format!(r#"{{"service":"{CLIENT}","desired":1}}"#))
    };
    for sent in [
        None,
        Some("Bearer wrong"),
        Some("Bearer "),
        Some("Basic abc"),
    ] {
        let request = match sent {
            Some(sent) => order().header("authorization", sent),
            None => order(),
        };
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401, "{sent:?}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{sent:?}");
        error(answer, "401").await;
    }
    for path in ["/deploy", "/kill", "/restore"] {
        let request = client().post(roadie.control(path)).body("{}");
        assert_eq!(status(request).await, 401, "{path}");
    }
    let token = roadie.token();
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let request = order().header("authorization", format!("{scheme} {token}"));
        assert_eq!(status(request).await, 202, "{scheme}");
    }
    assert_eq!(status(client().get(roadie.control("/status"))).await, 200);
    let file = roadie.token_file();
    let mode = |path| std::fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(&file.parent().unwrap().to_owned()), 0o700);
    assert!(token.len() >= 32, "{token}");
    assert_eq!(roadie.said(&token), 0);
}

#[tokio::test]
async fn a_page_of_another_host_or_origin_is_refused_whatever_it_knows() {
    let roadie = Roadie::start(&Layout::own()).await;
    let token = roadie.token();
    let ask = |headers: &str| {
        let head = format!(
            "GET /status HTTP/1.1\r\nauthorization: Bearer {token}\r\n\
             connection: close\r\n{headers}\r\n"
        );
        let roadie = &roadie;
        async move { raw(roadie, &head).await }
    };
    for host in [
        "127.0.0.1",
        "localhost:8081",
        "LOCALHOST",
        "[::1]:1",
        "127.0.0.1:9",
    ] {
        let answer = ask(&format!("host: {host}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{host}: {answer}");
    }
    for host in [
        "evil.example",
        "evil.example:8081",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "10.0.0.1",
        "",
    ] {
        let answer = ask(&format!("host: {host}\r\n")).await;
        let refused = ["HTTP/1.1 421 ", "HTTP/1.1 400 "];
        let refused = refused.iter().any(|status| answer.starts_with(status));
        assert!(refused, "{host}: {answer}");
        assert!(!answer.contains("load_balancer"), "{host}: {answer}");
    }
    for headers in ["", "host: localhost\r\nhost: evil.example\r\n"] {
        let answer = ask(headers).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{headers}: {answer}");
    }
    for headers in [
        "origin: http://evil.example",
        "origin: null",
        "origin: http://127.0.0.1:8080",
        "sec-fetch-site: cross-site",
        "sec-fetch-site: same-site",
    ] {
        let answer = ask(&format!("host: localhost\r\n{headers}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{headers}: {answer}");
        assert!(answer.contains(r#"{"error":""#), "{headers}: {answer}");
    }
    // A target that names its host, as for a proxy, is held to the same.
    for (target, status) in [
        ("http://evil.example/status", "421"),
        ("http://evil.example@127.0.0.1/status", "4"),
        ("http://127.0.0.1/status", "200"),
    ] {
        let head = format!(
            "GET {target} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             connection: close\r\n\r\n"
        );
        let answer = raw(&roadie, &head).await;
        let expected = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&expected), "{target}: {answer}");
    }
    let http2 = reqwest::Client::builder().no_proxy();
    let http2 = http2.http2_prior_knowledge().build().unwrap();
    let url = roadie.control("/status");
    let request = http2.get(&url).bearer_auth(&token);
    assert_eq!(status(request).await, 200);
    // Two names for one host are no request at all.
    let request = http2.get(&url).bearer_auth(&token);
    assert_eq!(status(request.header("host", "evil.example")).await, 400);
    // One that is typed into the address bar has no token, but is no attack.
    let answer = ask("host: localhost\r\nsec-fetch-site: none\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn tasks_ask_about_themselves_without_a_token_and_only_from_this_machine() {
    let roadie = Roadie::start(&Layout::own()).await;
    let containers = roadie.containers();
    let uri = containers[0]
        .variable("ECS_CONTAINER_METADATA_URI_V4")
        .unwrap();
    let request = client().get(format!("{uri}/task"));
    let answer = request.try_clone().unwrap().send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(status(request.header("host", "evil.example")).await, 421);
    let unknown = roadie.control("/v4/0123456789abcdef/task");
    let answer = client().get(unknown).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    error(answer, "unknown task").await;
}

#[tokio::test]
async fn every_error_is_json_with_a_sentence() {
    let roadie = Roadie::start(&Layout::own()).await;
    let token = roadie.token();
    let ask = |method: Method, path: &str, kind: Option<&str>, body: String| {
        let request = client().request(method, roadie.control(path));
        let request = match kind {
            Some(kind) => request.header("content-type", kind),
            None => request,
        };
        request.bearer_auth(&token).body(body).send()
    };
    let json = Some("application/json");
    let (get, post) = (Method::GET, Method::POST);
    let task = r#"{"service":"x","desired":1}"#;
    let huge = format!(r#"{{"tag":"{}"}}"#, "x".repeat(1 << 20));
    for (method, path, kind, body, expected) in [
        (get.clone(), "/nowhere", None, "", 404),
        (get.clone(), "/scale", None, "", 405),
        (post.clone(), "/status", json, "{}", 405),
        (post.clone(), "/scale", None, task, 415),
        (post.clone(), "/scale", Some("text/plain"), task, 415),
        (post.clone(), "/scale", json, "{", 400),
        (post.clone(), "/scale", json, "\u{0}", 400),
        (post.clone(), "/scale", json, "{}", 422),
        (
            post.clone(),
            "/scale",
            json,
            r#"{"service":"x","desired":-1}"#,
            422,
        ),
        (post.clone(), "/scale", json, task, 404),
        (post.clone(), "/kill", json, r#"{"zone":"nowhere"}"#, 404),
        (post.clone(), "/deploy", json, &huge, 413),
    ] {
        let what = format!("{method} {path} {}", body.len());
        let answer = ask(method, path, kind, body.to_owned()).await.unwrap();
        assert_eq!(answer.status(), expected, "{what}");
        assert_eq!(answer.headers().contains_key("allow"), expected == 405);
        assert!(!error(answer, &what).await.is_empty(), "{what}");
    }
}

#[tokio::test]
async fn half_requests_and_silence_hold_up_neither_others_nor_the_end() {
    let mut roadie = Roadie::start(&Layout::own()).await;
    let address = roadie.control("").replace("http://", "");
    let token = roadie.token();
    let mut open = Vec::new();
    for part in [
        String::new(),
        "GET /sta".to_owned(),
        "GET /status HTTP/1.1\r\nhost: loc".to_owned(),
        format!(
            "POST /deploy HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: 1000\r\n\r\n{{\"tag\":"
        ),
    ] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            stream.write_all(part.as_bytes()).await.unwrap();
            open.push(stream);
        }
    }
    assert!(roadie.status().await["services"].is_array());
    roadie.signal(Signal::INT);
    let begun = Instant::now();
    assert_eq!(roadie.ended().await, Some(0));
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// Asks the rehearsal with another folder for temporary files, where it has to fail.
async fn asked_in(folder: &Folder, roadie: &Roadie) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_roadie"))
        .args(["rehearse", "scale", CLIENT, "1"])
        .args(["--control", &roadie.control("")])
        .env("TMPDIR", folder.path())
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_token_that_cannot_be_used_is_an_error_that_says_why() {
    let folder = Folder::new("no-token");
    let roadie = Roadie::start(&Layout::own()).await;
    let message = asked_in(&folder, &roadie).await;
    assert!(message.contains("no token"), "{message}");
    assert!(
        message.contains(folder.path().to_str().unwrap()),
        "{message}"
    );

    let own = roadie.token_file();
    let copy = folder
        .path()
        .join(own.parent().unwrap().file_name().unwrap());
    std::fs::create_dir(&copy).unwrap();
    let file = copy.join(own.file_name().unwrap());
    std::fs::write(&file, roadie.token()).unwrap();
    let set_mode = |mode| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set_mode(0o644);
    let message = asked_in(&folder, &roadie).await;
    assert!(message.contains("others can read"), "{message}");

    set_mode(0o600);
    let other = rustix::fs::Uid::from_raw(12345);
    // Only root can give a file away.
    if rustix::process::geteuid().is_root() {
        rustix::fs::chown(&file, Some(other), None).unwrap();
        let message = asked_in(&folder, &roadie).await;
        assert!(message.contains("another user"), "{message}");
        assert!(message.contains("12345"), "{message}");
    }

    // Not even a pipe is waited for.
    std::fs::remove_file(&file).unwrap();
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &file, fifo, 0o600.into(), 0).unwrap();
    let message = asked_in(&folder, &roadie).await;
    assert!(message.contains("no regular file"), "{message}");
}
