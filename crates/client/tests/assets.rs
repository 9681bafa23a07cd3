//! Style sheet, scripts and icon, over HTTP: names, caching, compression, size.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::Read as _;

use reqwest::StatusCode;
use support::{Answer, Client};

#[tokio::test]
async fn assets_are_kept_for_ever_and_named_after_their_content() {
    let client = Client::start(&[]).await;
    let assets = client.assets().await;
    for extension in ["css", "js", "svg"] {
        assert!(assets.iter().any(|path| is(path, extension)), "{extension}");
    }
    for path in assets {
        let answer = client.get(&path, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(
            answer.header("cache-control"),
            "public, max-age=31536000, immutable",
            "{path}"
        );
        assert_eq!(answer.header("vary"), "Accept-Encoding", "{path}");
        let expected = match path.rsplit_once('.').unwrap().1 {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(answer.header("content-type"), expected, "{path}");

        let hash = path.rsplit('.').nth(1).unwrap();
        let wrong = path.replace(hash, "0123456789abcdef");
        assert_eq!(
            client.get(&wrong, &[]).await.status,
            StatusCode::NOT_FOUND,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn modules_import_each_other_by_hashed_names() {
    let client = Client::start(&[]).await;
    let assets = client.assets().await;
    for path in assets.iter().filter(|path| is(path, "js")) {
        let text = client.get(path, &[]).await.text();
        for import in text.split("from \"./").skip(1) {
            let name = import.split('"').next().unwrap();
            let preloaded = assets.contains(&format!("/assets/{name}"));
            assert!(
                preloaded,
                "{path} imports {name}, which the page does not name"
            );
        }
    }
}

#[tokio::test]
async fn the_variant_follows_accept_encoding() {
    let client = Client::start(&[]).await;
    let style = client
        .assets()
        .await
        .into_iter()
        .find(|path| is(path, "css"))
        .unwrap();
    let plain = client.get(&style, &[]).await;
    assert_eq!(plain.header("content-encoding"), "");
    for (accepted, coding) in [
        ("gzip, deflate, br", "br"),
        ("gzip, br;q=0.9", "gzip"),
        ("br;q=0, *", "gzip"),
        ("identity", ""),
        ("gzip;q=0, br;q=0", ""),
    ] {
        let answer = client.get(&style, &[("accept-encoding", accepted)]).await;
        assert_eq!(answer.header("content-encoding"), coding, "{accepted}");
        assert_eq!(decoded(&answer), plain.text(), "{accepted}");
    }
    let page = client.get("/", &[("accept-encoding", "br, gzip")]).await;
    assert_eq!(page.header("content-encoding"), "gzip");
    assert_eq!(page.header("vary"), "Accept-Encoding");
    assert!(decoded(&page).starts_with("<!doctype html>"));
}

#[tokio::test]
async fn the_whole_page_is_small() {
    let client = Client::start(&[]).await;
    let mut paths = client.assets().await;
    paths.push("/".into());
    let mut bytes = 0;
    for path in &paths {
        bytes += client
            .get(path, &[("accept-encoding", "br, gzip")])
            .await
            .body
            .len();
    }
    println!("{bytes} bytes in {} answers", paths.len());
    assert!(bytes < 60 * 1024, "{bytes} bytes");
}

fn is(path: &str, extension: &str) -> bool {
    path.rsplit('.').next() == Some(extension)
}

fn decoded(answer: &Answer) -> String {
    let mut text = String::new();
    match answer.header("content-encoding") {
        "br" => brotli::Decompressor::new(&*answer.body, 4096).read_to_string(&mut text),
        "gzip" => flate2::read::GzDecoder::new(&*answer.body).read_to_string(&mut text),
        _ => return answer.text(),
    }
    .unwrap();
    text
}
