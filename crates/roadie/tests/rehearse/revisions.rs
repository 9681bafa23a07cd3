//! Revisions and tasks that go wrong, each in its own way, while people play.

use rustix::process::Signal;
use serde_json::json;

use crate::load::Load;
use crate::support::{Layout, Roadie, eventually};

const NODES: &str = "microservice-ping-pong-node-service";

/// Three tasks of nodes, `speed` times as fast.
async fn three_tasks(layout: &Layout, speed: u32) -> Roadie {
    let roadie = Roadie::start_faster(layout, speed).await;
    assert!(roadie.ask(&["scale", NODES, "3"]).await.0);
    three_healthy(&roadie).await;
    roadie
}

async fn three_healthy(roadie: &Roadie) {
    eventually("three healthy tasks", async || {
        let service = roadie.service(NODES).await;
        let all = service["healthy"] == 3 && service["tasks"].as_array().unwrap().len() == 3;
        all.then_some(())
    })
    .await;
}

/// Stops the load: nobody may have noticed anything.
async fn nobody_noticed(load: Load, what: &str) {
    eventually("a load", async || (load.answered() > 100).then_some(())).await;
    let (played, failures) = load.stop().await;
    let failed = failures.len();
    assert_eq!(failures.first(), None, "{what}: {failed} of {played}");
}

/// Deploys what `layout` has become; it has to fail, and the old release has to stay.
async fn is_rolled_back(roadie: &Roadie, what: &str) {
    let (completed, printed) = roadie
        .ask(&["deploy", "--tag", "bad", "--service", NODES])
        .await;
    assert!(!completed, "{what}: {printed}");
    assert!(
        printed.contains("rolling back to release"),
        "{what}: {printed}"
    );
    let service = roadie.service(NODES).await;
    let newest = &service["deployments"][0];
    assert_eq!(newest["rollback"], true, "{what}: {service}");
    assert_ne!(newest["release"], "bad", "{what}: {service}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_crashes_is_rolled_back_and_nobody_notices() {
    let layout = Layout::copy("crashes");
    let roadie = three_tasks(&layout, 20).await;
    let load = Load::start(&roadie);
    // While it warms up: one that is ready first would get requests, here as on AWS.
    layout.set_environment("node-john", "FAULT_UNREADY", "true");
    layout.set_environment("node-john", "FAULT_CRASH_AFTER_MS", "50");
    is_rolled_back(&roadie, "a crash").await;
    assert!(roadie.said("node-john ended: exit status: 70") >= 3);
    nobody_noticed(load, "a crash").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_listens_on_another_port_is_rolled_back_and_nobody_notices() {
    let layout = Layout::copy("wrong-port");
    let roadie = three_tasks(&layout, 20).await;
    let load = Load::start(&roadie);
    // It runs, and its own check says that it is well. Only nobody reaches it.
    layout.set_environment("node-john", "PORT", "4000");
    is_rolled_back(&roadie, "another port").await;
    assert!(roadie.said("node-john on no port is unhealthy") >= 3);
    nobody_noticed(load, "another port").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_whose_health_check_answers_500_is_rolled_back_and_nobody_notices() {
    let layout = Layout::copy("answers-500");
    // The check plays a rally: an injected fault answers it with 500, and spares /ping.
    let path = "\"HealthCheckPath\": ";
    let (from, to) = (format!("{path}\"/ping\""), format!("{path}\"/start\""));
    layout.replace("node-target-group.json", &from, &to);
    let roadie = three_tasks(&layout, 20).await;
    let load = Load::start(&roadie);
    layout.set_environment("node-john", "FAULT_ERROR_RATE", "1");
    is_rolled_back(&roadie, "a check that answers 500").await;
    assert!(roadie.said("GET /start 500") >= 3);
    nobody_noticed(load, "a check that answers 500").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_turns_bad_after_its_deployment_is_replaced_and_nobody_notices() {
    let layout = Layout::copy("turns-bad");
    layout.set_environment("node-john", "ADMIN_PORT", "0");
    layout.set_environment("node-john", "DRAIN_DELAY_MS", "0");
    let roadie = three_tasks(&layout, 20).await;
    let load = Load::start(&roadie);
    // One, two of three, all: then the load balancer fails open until others are there.
    for ill in 1..=3 {
        let ports = roadie.admin_ports("node-john");
        let living = &ports[ports.len() - 3..];
        for port in &living[..ill] {
            let faults = format!("http://127.0.0.1:{port}/faults");
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let order = client
                .put(faults)
                .body(json!({"unready": true}).to_string());
            assert_eq!(order.send().await.unwrap().status(), 200);
        }
        eventually("the new tasks", async || {
            (roadie.admin_ports("node-john").len() == ports.len() + ill).then_some(())
        })
        .await;
        three_healthy(&roadie).await;
    }
    // Completed is completed: no rollback for that.
    let service = roadie.service(NODES).await;
    assert_eq!(service["deployments"][0]["rollback"], false, "{service}");
    nobody_noticed(load, "illness").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_takes_no_notice_of_sigterm_is_killed_and_nobody_notices() {
    let layout = Layout::copy("ignores");
    layout.set_environment("node-john", "DRAIN_DELAY_MS", "60000");
    layout.edit_container("node-john", |john| john["stopTimeout"] = json!(1));
    let roadie = three_tasks(&layout, 20).await;
    let load = Load::start(&roadie);
    let (completed, printed) = roadie
        .ask(&["deploy", "--tag", "2.0.0", "--service", NODES])
        .await;
    assert!(completed, "{printed}");
    let said = roadie.says("node-john did not end within").await;
    assert!(
        said.contains("within 1s of SIGTERM and was killed"),
        "{said}"
    );
    three_healthy(&roadie).await;
    nobody_noticed(load, "the killing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_killed_loses_what_was_in_flight_on_it_and_comes_back() {
    let layout = Layout::own();
    let roadie = three_tasks(&layout, 20).await;
    let load = Load::start(&roadie);
    eventually("a load", async || (load.answered() > 200).then_some(())).await;
    let containers = roadie.containers();
    let john = containers.iter().find(|c| c.has("NODE_NAME=john")).unwrap();
    john.signal(Signal::KILL);
    roadie.says("node-john ended: signal: 9").await;
    eventually("its replacement", async || {
        let service = roadie.service(NODES).await;
        let ids = service["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|task| task["id"].as_u64());
        let new = ids.max().flatten() > Some(3);
        (service["healthy"] == 3 && new).then_some(())
    })
    .await;
    let answered = load.answered();
    eventually("more load", async || {
        (load.answered() > answered + 200).then_some(())
    })
    .await;
    let (played, failures) = load.stop().await;
    // Eight play at a time.
    assert!(
        failures.len() <= 8,
        "{} of {played}: {:?}",
        failures.len(),
        failures.first()
    );
}
