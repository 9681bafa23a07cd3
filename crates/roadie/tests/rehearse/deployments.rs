//! Deployments under load, from a second terminal.

use serde_json::json;

use crate::load::Load;
use crate::support::{Layout, Roadie, eventually, get};

const NODES: &str = "microservice-ping-pong-node-service";

/// A rehearsal with three tasks of nodes.
async fn three_tasks(layout: &Layout) -> Roadie {
    let roadie = Roadie::start(layout).await;
    assert!(roadie.ask(&["scale", NODES, "3"]).await.0);
    eventually("three healthy tasks", async || {
        (roadie.service(NODES).await["healthy"] == 3).then_some(())
    })
    .await;
    roadie
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_deployment_loses_no_request() {
    let roadie = three_tasks(&Layout::own()).await;
    let load = Load::start(&roadie);
    let (completed, printed) = roadie.ask(&["deploy", "--tag", "2.0.0"]).await;
    assert!(completed, "{printed}");
    assert!(
        printed.contains("deployment of release 2.0.0 completed"),
        "{printed}"
    );
    eventually("the end of the old tasks", async || {
        let tasks = roadie.service(NODES).await["tasks"].clone();
        let tasks = tasks.as_array().unwrap();
        let new = tasks.iter().all(|task| task["release"] == "2.0.0");
        (tasks.len() == 3 && new).then_some(())
    })
    .await;
    eventually("some hundred rallies", async || {
        (load.answered() >= 300).then_some(())
    })
    .await;
    let (played, failures) = load.stop().await;
    assert_eq!(failures.first(), None, "{} of {played}", failures.len());
    let (_, answer) = get(&roadie.url("/start?detail=hops")).await;
    assert!(answer.contains("\"release\":\"2.0.0\""), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_never_gets_ready_is_rolled_back_and_nobody_notices() {
    // Ill from its first check on, and a setting that ends it at once.
    for (name, value) in [("FAULT_UNREADY", "true"), ("NODE_NAME", "John")] {
        let layout = Layout::copy(&format!("bad-{}", name.to_lowercase()));
        let roadie = Roadie::start_faster(&layout, 20).await;
        let load = Load::start(&roadie);
        layout.set_environment("node-john", name, value);
        let (completed, printed) = roadie
            .ask(&["deploy", "--tag", "bad", "--service", NODES])
            .await;
        assert!(!completed, "{name}: {printed}");
        assert!(
            printed.contains("deployment of release bad failed"),
            "{name}: {printed}"
        );
        assert!(
            printed.contains("rolling back to release"),
            "{name}: {printed}"
        );
        let (played, failures) = load.stop().await;
        assert_eq!(
            failures.first(),
            None,
            "{name}: {} of {played}",
            failures.len()
        );
        let service = roadie.service(NODES).await;
        assert_eq!(
            service["deployments"][0]["rollback"], true,
            "{name}: {service}"
        );
        assert_ne!(
            service["deployments"][0]["release"], "bad",
            "{name}: {service}"
        );
    }
}

#[tokio::test]
async fn a_second_terminal_sees_scales_and_kills() {
    let roadie = three_tasks(&Layout::own()).await;
    let (_, status) = roadie.ask(&["status"]).await;
    assert!(
        status.contains(&format!("{NODES}: 3 desired, 3 running, 3 healthy")),
        "{status}"
    );
    let before = roadie.service(NODES).await;
    let first = &before["tasks"][0]["id"];

    assert!(
        roadie
            .ask(&["kill", "task", NODES, &first.to_string()])
            .await
            .0
    );
    eventually("a new task", async || {
        let service = roadie.service(NODES).await;
        let tasks = service["tasks"].as_array().unwrap();
        let gone = tasks.iter().all(|task| task["id"] != *first);
        (gone && service["healthy"] == 3).then_some(())
    })
    .await;

    assert!(roadie.ask(&["scale", NODES, "1"]).await.0);
    eventually("one task", async || {
        (roadie.service(NODES).await["running"] == json!(1)).then_some(())
    })
    .await;
    let (_, events) = roadie.ask(&["events"]).await;
    assert!(events.contains("scaling to 1 tasks"), "{events}");

    let (done, why) = roadie.ask(&["kill", "task", NODES, "999"]).await;
    assert!(!done && why.contains("there is no task 999"), "{why}");
    let (done, why) = roadie.ask(&["scale", "nobody", "1"]).await;
    assert!(!done && why.contains("there is no service nobody"), "{why}");
}

#[tokio::test]
async fn status_tells_what_the_load_balancer_has_seen_and_where_tasks_are() {
    let layout = Layout::copy("figures");
    layout.set_environment("node-john", "NODE_NAME", "John");
    let roadie = Roadie::start_unready(&layout, "client on port").await;
    eventually("the page", async || {
        (get(&roadie.url("/")).await.0 == 200).then_some(())
    })
    .await;
    // Nobody is there to play a rally: the load balancer says so itself.
    assert_eq!(get(&roadie.url("/start")).await.0, 503);
    let status = roadie.status().await;
    let total = &status["load_balancer"]["total"];
    assert!(total["elb_5xx"].as_u64() >= Some(1), "{status}");
    assert_eq!(total["target_5xx"], 0, "{status}");
    let recent = &status["load_balancer"]["recent"];
    assert_eq!(recent["requests"], total["requests"], "{status}");
    assert!(recent["p99_us"].as_u64() <= recent["max_us"].as_u64());

    let client = roadie.service("client").await;
    let port = client["tasks"][0]["port"].as_u64().unwrap();
    let (found, page) = get(&format!("http://127.0.0.1:{port}/")).await;
    assert_eq!((found, page.contains("<button")), (200, true));
}
