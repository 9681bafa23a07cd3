//! The promise of the whole project, at a rate that leaves no gap unseen.
//!
//! It wants an optimised build and the machine for itself:
//! `cargo test --release -p roadie --test rehearse proof -- --ignored`

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use crate::support::{Layout, Roadie, within};

/// An engine, or a busy machine, takes its time.
const LIMIT: Duration = Duration::from_mins(1);

const SERVICES: [&str; 2] = [
    "microservice-ping-pong-node-service",
    "microservice-ping-pong-client-service",
];

#[tokio::test]
#[ignore = "wants an optimised build and the machine for itself"]
async fn of_20000_requests_at_500_a_second_deployments_lose_none() {
    let roadie = Roadie::start(&Layout::own()).await;
    three_of_each(&roadie).await;
    let (deployed, bench) = deploy_under_load(&roadie, "520", "41").await;
    assert_eq!(bench["failed"], 0, "{deployed} deployments: {bench}");
    assert!(bench["requests"].as_u64() >= Some(20_000), "{bench}");
    assert!(bench["per_second"].as_f64() >= Some(500.0), "{bench}");
    assert!(deployed >= 3, "{deployed} deployments");
    println!("{deployed} deployments: {bench}");
}

/// Rolls one release out after the other while so many rallies a second are played for so long: how many
/// releases, and what `roadie bench` says.
pub(crate) async fn deploy_under_load(roadie: &Roadie, rate: &str, seconds: &str) -> (u32, Value) {
    let mut load = Command::new(env!("CARGO_BIN_EXE_roadie"))
        .args([
            "bench",
            &roadie.url("/start"),
            "--no-hops",
            "--format",
            "json",
        ])
        .args(["--rate", rate, "--seconds", seconds, "--connections", "32"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut deployed = 0;
    while load.try_wait().unwrap().is_none() {
        deployed += 1;
        let release = format!("r{deployed}");
        let (completed, printed) = roadie.ask(&["deploy", "--tag", &release]).await;
        assert!(completed, "{printed}");
        // Until the last of the old tasks has left: no machine has room for all of them.
        for service in SERVICES {
            within(LIMIT, "the end of the old tasks", async || {
                let service = roadie.service(service).await;
                let mut tasks = service["tasks"].as_array().unwrap().iter();
                tasks.all(|task| task["release"] == release).then_some(())
            })
            .await;
        }
    }
    let output = load.wait_with_output().await.unwrap();
    (deployed, serde_json::from_slice(&output.stdout).unwrap())
}

/// Scales to three tasks of each service.
pub(crate) async fn three_of_each(roadie: &Roadie) {
    for service in SERVICES {
        assert!(roadie.ask(&["scale", service, "3"]).await.0);
    }
    within(LIMIT, "three healthy tasks of each service", async || {
        let [nodes, clients] = SERVICES.map(|service| roadie.service(service));
        (nodes.await["healthy"] == 3 && clients.await["healthy"] == 3).then_some(())
    })
    .await;
}
