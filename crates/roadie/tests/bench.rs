//! `roadie bench`: the real program against nodes of this process.
#![expect(
    clippy::unwrap_used,
    reason = "the functions around the tests may panic as the tests do"
)]

use std::net::SocketAddr;
use std::process::Output;

use chassis::process::Started;
use chassis::telemetry::Spans;
use clap::Parser;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;

/// Starts `node-<name>` with more flags, for as long as the test's runtime lives.
async fn start(name: &str, next: Option<SocketAddr>, flags: &[&str]) -> SocketAddr {
    let next = next
        .map(|next| format!("http://{next}"))
        .unwrap_or_default();
    let flags = [&["node", "--node-name", name, "--next", &next], flags].concat();
    let config = node::Cli::try_parse_from(flags).unwrap().config;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let started = Started {
        listener,
        admin: None,
        spans: Spans::off(),
        shutdown: Box::pin(std::future::pending()),
    };
    tokio::spawn(node::run(config, started));
    address
}

async fn bench(url: &str, flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_roadie"))
        .args(["bench", url])
        .args(flags)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

async fn json(url: &str, flags: &[&str]) -> (Value, Option<i32>) {
    let output = bench(url, &[&["--format", "json"], flags].concat()).await;
    let json = serde_json::from_slice(&output.stdout);
    let json = json.unwrap_or_else(|_| panic!("{}", stderr(&output)));
    (json, output.status.code())
}

#[tokio::test]
async fn it_says_how_fast_answers_come_which_hop_is_slowest_and_who_answered() {
    let ringo = start("ringo", None, &[]).await;
    let flags = ["--fault-delay-ms", "20", "--release", "2.0.0"];
    let george = start("george", Some(ringo), &flags).await;
    let john = start("john", Some(george), &["--release", "1.0.0"]).await;
    let flags = ["--connections", "2", "--requests", "40"];
    let (report, status) = json(&format!("http://{john}"), &flags).await;
    assert_eq!(status, Some(0), "{report}");
    assert_eq!(
        [&report["requests"], &report["good"], &report["failed"]],
        [40, 40, 0]
    );
    let latency = |name: &str| report["latency_us"][name].as_f64().unwrap();
    assert!(latency("p50") >= 20_000.0, "{report}");
    assert!(latency("p50") <= latency("p99") && latency("p99") <= latency("max"));
    assert!(report["per_second"].as_u64().unwrap() <= 100, "{report}");
    assert_eq!(report["slowest_hop"], "node-george");
    let nodes = report["hops"].as_array().unwrap();
    let nodes: Vec<_> = nodes.iter().map(|hop| &hop["node"]).collect();
    assert_eq!(nodes, ["node-john", "node-george", "node-ringo"]);
    let john = &report["answered_by"][1];
    assert_eq!(
        (&john["node"], &john["release"]),
        (&json!("node-john"), &json!("1.0.0"))
    );
    assert_eq!(john["availability_zone"], Value::Null);
}

#[tokio::test]
async fn errors_are_told_by_status_code_and_hop_and_the_program_fails() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = nobody.local_addr().unwrap();
    drop(nobody);
    let john = start("john", Some(gone), &[]).await;
    let (report, status) = json(&format!("http://{john}/start"), &["--requests", "5"]).await;
    assert_eq!(status, Some(1));
    let errors = json!({format!("502 refused at {gone}"): 5});
    assert_eq!((&report["good"], &report["errors"]), (&json!(0), &errors));

    let (report, status) = json(&format!("http://{gone}"), &["--requests", "3"]).await;
    assert_eq!(status, Some(1));
    assert_eq!(report["errors"], json!({"connection refused": 3}));
}

#[tokio::test]
async fn only_the_expected_body_is_a_good_answer() {
    let ringo = start("ringo", None, &[]).await;
    let meow = format!("\"meow from node-ringo:{}\"", ringo.port());
    let url = format!("http://{ringo}/meow");
    let flags = ["--requests", "5", "--expect"];
    let (_, status) = json(&url, &[&flags[..], &[&*meow]].concat()).await;
    assert_eq!(status, Some(0));
    let (report, status) = json(&url, &[&flags[..], &["\"moo\""]].concat()).await;
    assert_eq!(status, Some(1));
    assert_eq!(report["errors"], json!({"200 with another body": 5}));
}

#[tokio::test]
async fn requests_that_a_slow_server_holds_up_count_from_when_they_were_due() {
    // One connection carries 50 a second: of 100 that are due, the last is half a second late.
    let ringo = start("ringo", None, &["--fault-delay-ms", "20"]).await;
    let url = format!("http://{ringo}/start");
    let flags = ["--connections", "1", "--requests", "50", "--no-hops"];
    let (closed, _) = json(&url, &flags).await;
    let (steady, status) = json(&url, &[&flags[..], &["--rate", "100"]].concat()).await;
    assert_eq!(status, Some(0));
    let p90 = |report: &Value| report["latency_us"]["p90"].as_f64().unwrap();
    assert!(p90(&steady) > 400_000.0, "{steady}");
    assert!(p90(&closed) < p90(&steady) / 2.0, "{closed}");
}

#[tokio::test]
async fn people_get_a_line_of_progress_each_second_and_a_distribution() {
    let ringo = start("ringo", None, &[]).await;
    let flags = ["--rate", "50", "--seconds", "2"];
    let output = bench(&ringo.to_string(), &flags).await;
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stderr(&output).starts_with("1 of 2 s  50 in the last second"),
        "{output:?}"
    );
    let report = stdout(&output);
    for part in [
        "16 connections, 50 requests a second\n",
        "100 good, 0 not",
        "p50 ",
        "p999 ",
        "█",
        "node-ringo is the slowest",
        "node-ringo 0.1.0 (no zone)",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
}

#[tokio::test]
async fn another_host_than_this_one_is_asked_only_when_it_is_owned_and_never_fast() {
    // An address that is set apart for documentation: nobody has it.
    let elsewhere = "http://192.0.2.1/start";
    let refused = bench(elsewhere, &[]).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("--i-own-this-host"),
        "{refused:?}"
    );
    let fast = bench(elsewhere, &["--i-own-this-host", "--rate", "1001"]).await;
    assert_eq!(fast.status.code(), Some(2));
    assert!(stderr(&fast).contains("at most 1000 requests a second"));
    for bad in ["https://127.0.0.1/", "http://", "ftp://127.0.0.1"] {
        assert_eq!(bench(bad, &[]).await.status.code(), Some(2), "{bad}");
    }
}

#[tokio::test]
async fn no_load_lasts_longer_than_five_minutes() {
    let output = bench("127.0.0.1:1", &["--seconds", "301"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("1..=300"), "{output:?}");
}
