//! Every row of the contract's table, over HTTP.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use support::{Answer, Client};

/// What a browser sends.
const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

#[tokio::test]
async fn the_page_shows_eight_letters_in_the_colours_of_the_original() {
    let client = Client::start(&[]).await;
    let answer = client.get("/", &[BROWSER]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-cache");

    let page = answer.text();
    let letters: Vec<_> = page.split("<button class=\"tile ").skip(1).collect();
    let expected = [
        ('P', "green"),
        ('I', "blue"),
        ('N', "red"),
        ('G', "purple"),
        ('P', "blue"),
        ('O', "green"),
        ('N', "purple"),
        ('G', "red"),
    ];
    assert_eq!(letters.len(), expected.len());
    for (tile, (letter, colour)) in letters.iter().zip(expected) {
        assert!(tile.starts_with(colour), "{tile}");
        assert!(
            tile.contains(&format!("data-letter=\"{letter}\"")),
            "{tile}"
        );
    }
    let style = asset(&client, "css").await.text();
    for (name, colour) in [
        ("green", "#c8e6c9"),
        ("blue", "#bbdefb"),
        ("red", "#ffcdd2"),
        ("purple", "#e1bee7"),
    ] {
        assert!(style.contains(&format!("--{name}: {colour};")), "{name}");
    }
}

#[tokio::test]
async fn without_scripts_a_letter_opens_start() {
    for (base_url, action) in [
        ("", "/start"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/start"),
        ("https://play.example/api", "https://play.example/api/start"),
    ] {
        let client = Client::start(&["--base-url", base_url]).await;
        let page = client.get("/", &[]).await.text();
        assert!(
            page.contains(&format!("<form id=\"letters\" action=\"{action}\"")),
            "{base_url}"
        );
    }
}

#[tokio::test]
async fn the_page_names_its_release() {
    let client = Client::start(&["--release", "7.8.9<&\""]).await;
    let page = client.get("/", &[]).await.text();
    assert!(
        page.contains("data-release=\"7.8.9&#60;&#38;&#34;\""),
        "escaped"
    );
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let client = Client::start(&[]).await;
    let script = client.assets().await.pop().unwrap();
    for path in ["/", "/healthz", "/nowhere", "/assets/nothing.css", &script] {
        let answer = client.get(path, &[]).await;
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(
            answer.header("cross-origin-resource-policy"),
            "same-origin",
            "{path}"
        );
        assert!(
            answer.header("permissions-policy").contains("camera=()"),
            "{path}"
        );
        assert_eq!(answer.header("x-trace-id").len(), 32, "{path}");
    }
}

#[tokio::test]
async fn the_policy_allows_the_base_url_and_nothing_else() {
    let client = Client::start(&["--base-url", "https://play.example:8443/api"]).await;
    let answer = client.get("/", &[]).await;
    let policy = answer.header("content-security-policy").to_owned();
    assert!(
        policy.contains("connect-src 'self' https://play.example:8443;"),
        "{policy}"
    );
    assert!(
        policy.contains("form-action 'self' https://play.example:8443;"),
        "{policy}"
    );
    assert_eq!(policy.matches("https:").count(), 2, "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn the_page_has_nothing_inline_and_names_no_other_host() {
    let client = Client::start(&[]).await;
    let page = client.get("/", &[]).await.text();
    for inline in [
        "<style",
        " style=",
        " onclick=",
        "javascript:",
        "<script>",
        "http://",
        "https://",
    ] {
        assert!(!page.contains(inline), "{inline}");
    }
}

#[tokio::test]
async fn liveness_is_ok() {
    let client = Client::start(&[]).await;
    let answer = client.get("/healthz", &[]).await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (StatusCode::OK, "ok")
    );
}

#[tokio::test]
async fn an_unknown_path_is_a_page_or_json_as_asked() {
    let client = Client::start(&[]).await;
    for path in [
        "/nowhere",
        "/start",
        "/assets/",
        "/assets/a/b",
        "/assets/../Cargo.toml",
    ] {
        let page = client.get(path, &[BROWSER]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(
            page.header("content-type"),
            "text/html; charset=utf-8",
            "{path}"
        );
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert!(page.text().contains("<h1>"), "{path}");

        let json = client.get(path, &[("accept", "application/json")]).await;
        assert_eq!(json.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(json.header("content-type"), "application/json", "{path}");
        let body: Value = serde_json::from_slice(&json.body).unwrap();
        assert_eq!(body["status"], "error", "{path}");
        assert_eq!(body["message"]["code"], "not_found", "{path}");
        assert_eq!(
            body["message"]["trace_id"],
            json.header("x-trace-id"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn another_method_is_refused_with_what_is_allowed() {
    let client = Client::start(&[]).await;
    let script = client.assets().await.pop().unwrap();
    for path in ["/", "/healthz", &script] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let answer = client
                .request(method, path, &[("accept", "application/json")])
                .await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
            assert_eq!(answer.header("allow"), "GET,HEAD", "{path}");
            let body: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(body["message"]["code"], "method_not_allowed", "{path}");
        }
    }
    let page = client.request(Method::POST, "/", &[BROWSER]).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let client = Client::start(&[]).await;
    let (get, head) = (
        client.get("/", &[]).await,
        client.request(Method::HEAD, "/", &[]).await,
    );
    assert_eq!(head.status, StatusCode::OK);
    assert!(head.body.is_empty());
    assert_eq!(head.header("content-length"), get.header("content-length"));
}

async fn asset(client: &Client, extension: &str) -> Answer {
    let paths = client.assets().await;
    let path = paths.iter().find(|path| is(path, extension)).unwrap();
    client.get(path, &[]).await
}

fn is(path: &str, extension: &str) -> bool {
    path.rsplit('.').next() == Some(extension)
}
