//! The promise of the whole project, at a rate that leaves no gap unseen.
//!
//! It wants an optimised build and the machine for itself:
//! `cargo test --release -p roadie --test rehearse proof -- --ignored`

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::support::{Layout, Roadie, eventually};

const SERVICES: [&str; 2] = [
    "microservice-ping-pong-node-service",
    "microservice-ping-pong-client-service",
];

#[tokio::test]
#[ignore = "wants an optimised build and the machine for itself"]
async fn of_20000_requests_at_500_a_second_deployments_lose_none() {
    let roadie = Roadie::start(&Layout::own()).await;
    for service in SERVICES {
        assert!(roadie.ask(&["scale", service, "3"]).await.0);
    }
    eventually("three healthy tasks of each service", async || {
        let [nodes, clients] = SERVICES.map(|service| roadie.service(service));
        (nodes.await["healthy"] == 3 && clients.await["healthy"] == 3).then_some(())
    })
    .await;

    let mut load = Command::new(env!("CARGO_BIN_EXE_roadie"))
        .args([
            "bench",
            &roadie.url("/start"),
            "--no-hops",
            "--format",
            "json",
        ])
        .args(["--rate", "520", "--seconds", "41", "--connections", "32"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    // One release after the other, as long as anybody asks.
    let mut deployed = 0;
    while load.try_wait().unwrap().is_none() {
        deployed += 1;
        let (completed, printed) = roadie
            .ask(&["deploy", "--tag", &format!("r{deployed}")])
            .await;
        assert!(completed, "{printed}");
    }
    let output = load.wait_with_output().await.unwrap();
    let bench: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(bench["failed"], 0, "{deployed} deployments: {bench}");
    assert!(bench["requests"].as_u64() >= Some(20_000), "{bench}");
    assert!(bench["per_second"].as_f64() >= Some(500.0), "{bench}");
    assert!(deployed >= 3, "{deployed} deployments");
    println!("{deployed} deployments: {bench}");
}
