//! The rehearsal as a person runs it: the real program, real processes, real signals.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bounds;
mod check;
mod control;
mod deployments;
mod docker;
mod environment;
mod layouts;
mod load;
mod proof;
mod rebuild;
mod revisions;
mod scaling;
mod scratch;
mod soak;
mod support;
mod tasks;
mod terminal;
mod zones;

use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use support::{Layout, Roadie, eventually, get};

#[tokio::test]
async fn the_suite_plays_behind_its_load_balancer() {
    let roadie = Roadie::start(&Layout::own()).await;
    let ports = ["paul", "george", "ringo"].map(|name| roadie.port_of(&format!("node-{name}")));
    let [paul, george, ringo] = ports;
    let start = get(&roadie.url("/start")).await;
    assert_eq!(start.0, 200);
    assert_eq!(
        start.1,
        format!(
            r#"["meow from node-paul:{paul}","meow from node-george:{george}","meow from node-ringo:{ringo}"]"#
        )
    );
    assert_eq!(get(&roadie.url("/ping")).await, (200, "pong".to_owned()));
    let (status, page) = get(&roadie.url("/")).await;
    assert_eq!(
        (status, page.matches("<button").count() >= 8),
        (200, true),
        "{page}"
    );
    // What no rule names goes to the client, as does what only looks like a rule's path.
    for path in ["/nowhere", "/start/", "/PING", "/meow"] {
        let (status, page) = get(&roadie.url(path)).await;
        assert_eq!((status, page.contains("<html")), (404, true), "{path}");
    }
}

#[tokio::test]
async fn ctrl_c_ends_everything_with_status_0() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut roadie = Roadie::start(&Layout::own()).await;
        let containers = roadie.containers();
        assert_eq!(containers.len(), 5);
        roadie.signal(signal);
        assert_eq!(roadie.ended().await, Some(0));
        for container in containers {
            assert!(!container.is_running(), "{container:?}");
        }
        assert_eq!(roadie.scratch(), None);
    }
}

#[tokio::test]
async fn a_request_in_flight_at_ctrl_c_is_answered() {
    let layout = Layout::copy("in-flight");
    layout.set_environment("node-ringo", "FAULT_DELAY_MS", "700");
    let mut roadie = Roadie::start(&layout).await;
    let address = roadie.url("").replace("http://", "");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /start HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    roadie.signal(Signal::INT);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(roadie.ended().await, Some(0));
}

#[tokio::test]
async fn no_process_is_left_behind_when_roadie_is_killed() {
    let mut roadie = Roadie::start(&Layout::own()).await;
    let containers = roadie.containers();
    assert_eq!(containers.len(), 5);
    // Not even one that cannot act at that moment.
    containers[0].signal(Signal::STOP);
    roadie.signal(Signal::KILL);
    assert_eq!(roadie.ended().await, None);
    for container in &containers {
        eventually("the container's end", async || {
            (!container.is_running()).then_some(())
        })
        .await;
    }
    // Nor a file: the next rehearsal tidies up.
    drop(Roadie::start(&Layout::own()).await);
    assert_eq!(roadie.scratch(), None);
}

#[tokio::test]
async fn a_task_that_dies_is_replaced_as_a_whole() {
    let roadie = Roadie::start(&Layout::own()).await;
    let before = roadie.containers();
    let ringo = before
        .iter()
        .find(|container| container.has("NODE_NAME=ringo"))
        .unwrap();
    ringo.signal(Signal::KILL);
    let said = roadie.says("node-ringo ended").await;
    assert!(said.contains("signal: 9"), "{said}");
    eventually("a rally with the new task", async || {
        (get(&roadie.url("/start")).await.0 == 200).then_some(())
    })
    .await;
    let is_node = |container: &&support::Container| container.has("NODE_NAME=");
    eventually("the end of the old task", async || {
        let left = before
            .iter()
            .filter(is_node)
            .filter(|node| node.is_running())
            .count();
        (left == 0).then_some(())
    })
    .await;
    assert_eq!(roadie.containers().iter().filter(is_node).count(), 4);
    // The other service is left alone.
    let is_client = |container: &&support::Container| !container.has("NODE_NAME=");
    assert!(before.iter().find(is_client).unwrap().is_running());
}

#[tokio::test]
async fn when_no_target_is_healthy_all_get_requests() {
    let layout = Layout::copy("unready");
    layout.set_environment("node-john", "FAULT_UNREADY", "true");
    let roadie = Roadie::start_unready(&layout, "client on port").await;
    // An ALB fails open: better a target that seems ill than none.
    eventually("a rally", async || {
        (get(&roadie.url("/start")).await.0 == 200).then_some(())
    })
    .await;
    assert_eq!(get(&roadie.url("/ping")).await.0, 503);
}

#[tokio::test]
async fn a_group_without_targets_is_503() {
    let layout = Layout::copy("nobody");
    layout.set_environment("node-john", "NODE_NAME", "John");
    let roadie = Roadie::start_unready(&layout, "did not start").await;
    let (status, page) = get(&roadie.url("/start")).await;
    assert_eq!(
        (status, page.contains("503 Service Unavailable")),
        (503, true)
    );
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_that_says_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let (status, message) = Roadie::fails(&["--port", &port.to_string()]).await;
    assert_eq!(status, 1);
    assert!(
        message.contains(&format!("cannot listen on 127.0.0.1:{port} (--port")),
        "{message}"
    );
}

#[tokio::test]
async fn a_layout_that_cannot_be_read_is_an_error_that_names_file_and_field() {
    let (status, message) = Roadie::fails(&["rehearse", "--dir", "no/such/folder"]).await;
    assert_eq!(status, 1);
    assert!(message.contains("no/such/folder/plan.json"), "{message}");

    let layout = Layout::copy("spoilt");
    layout.replace(
        "node-task-definition.json",
        "\"memory\": 512",
        "\"memory\": \"lots\"",
    );
    let (status, message) = Roadie::fails(&["--dir", layout.path()]).await;
    assert_eq!(status, 1);
    assert!(message.contains("node-task-definition.json"), "{message}");
    assert!(
        message.contains("containerDefinitions[0].memory"),
        "{message}"
    );

    let layout = Layout::copy("foreign");
    layout.replace(
        "client-task-definition.json",
        "microservice-ping-pong/client:",
        "nginx:",
    );
    let (status, message) = Roadie::fails(&["--dir", layout.path()]).await;
    assert_eq!(status, 1);
    assert!(
        message.contains("is not an image of this suite"),
        "{message}"
    );
}
