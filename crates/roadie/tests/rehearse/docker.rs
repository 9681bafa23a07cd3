//! The real images on a real engine; `docker/test/run` brings both.

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::proof::{deploy_under_load, three_of_each};
use crate::support::{Layout, Roadie, eventually, get};

const LABEL: &str = "label=microservice-ping-pong.rehearsal";

static BUILT: OnceCell<()> = OnceCell::const_new();

/// A rehearsal whose containers are the engine's.
async fn start() -> Roadie {
    BUILT.get_or_init(build).await;
    // What another test left is being swept.
    nothing_left().await;
    Roadie::start_with(&Layout::own(), &["--engine", "docker"]).await
}

/// Builds the images as the tests of Compose do, so that nothing is compiled twice.
async fn build() {
    docker(&["compose", "build", "--quiet", "node-john", "client"]).await;
}

async fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker")
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .env("SOURCE", "https://example.org/microservice-ping-pong")
        .env("REVISION", "test")
        .env_remove("VERSION")
        .output()
        .await
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// The ids of all containers of rehearsals, also of those that do not run.
async fn containers() -> Vec<String> {
    let ids = docker(&["ps", "--all", "--quiet", "--filter", LABEL]).await;
    ids.lines().map(str::to_owned).collect()
}

async fn nothing_left() {
    eventually("the end of all containers", async || {
        containers().await.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn the_real_images_play_on_their_own_ports_as_confined_as_on_ecs() {
    let roadie = start().await;
    let meows =
        r#"["meow from node-paul:3000","meow from node-george:3000","meow from node-ringo:3000"]"#;
    assert_eq!(get(&roadie.url("/start")).await, (200, meows.to_owned()));
    assert!(get(&roadie.url("/")).await.1.contains("<button"));

    let ids = containers().await;
    assert_eq!(ids.len(), 5);
    for id in ids {
        let inspected: Value = serde_json::from_str(&docker(&["inspect", &id]).await).unwrap();
        let (config, host) = (&inspected[0]["Config"], &inspected[0]["HostConfig"]);
        assert_eq!(config["User"], "65532:65532");
        assert_eq!(config["Healthcheck"]["Test"], json!(["NONE"]));
        assert_eq!(host["Memory"], 512 << 20);
        assert_eq!(host["MemoryReservation"], 300 << 20);
        assert_eq!(host["ReadonlyRootfs"], true);
        assert_eq!(host["CapDrop"], json!(["ALL"]));
        assert_eq!(host["SecurityOpt"], json!(["no-new-privileges"]));
    }
}

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn deployments_of_real_containers_lose_no_request() {
    let roadie = start().await;
    three_of_each(&roadie).await;
    let (deployed, bench) = deploy_under_load(&roadie, "120", "25").await;
    assert_eq!(bench["failed"], 0, "{deployed} deployments: {bench}");
    assert!(bench["requests"].as_u64() >= Some(2500), "{bench}");
    assert!(bench["per_second"].as_f64() >= Some(100.0), "{bench}");
    assert!(deployed >= 2, "{deployed} deployments");
}

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn a_container_that_is_killed_is_replaced_with_its_task() {
    let roadie = start().await;
    let ringo = docker(&["ps", "--quiet", "--filter", LABEL, "--filter", "name=ringo"]).await;
    docker(&["kill", ringo.trim()]).await;
    roadie.says("node-ringo ended: exit status: 137").await;
    eventually("a rally with the new task", async || {
        (get(&roadie.url("/start")).await.0 == 200).then_some(())
    })
    .await;
    eventually("five containers", async || {
        let ids = containers().await;
        (ids.len() == 5 && !ids.contains(&ringo)).then_some(())
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn no_container_is_left_behind_however_roadie_ends() {
    let mut roadie = start().await;
    roadie.signal(Signal::INT);
    assert_eq!(roadie.ended().await, Some(0));
    assert_eq!(containers().await, [""; 0]);

    let mut roadie = start().await;
    assert_eq!(containers().await.len(), 5);
    roadie.signal(Signal::KILL);
    assert_eq!(roadie.ended().await, None);
    nothing_left().await;
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_an_error_that_says_so() {
    let (status, message) = Roadie::fails(&[
        "rehearse",
        "--port",
        "0",
        "--control-port",
        "0",
        "--engine",
        "docker",
        "--docker-host",
        "unix:///nowhere/docker.sock",
    ])
    .await;
    assert_eq!(status, 1);
    assert!(
        message.contains("no Docker engine at unix:///nowhere/docker.sock"),
        "{message}"
    );
}
