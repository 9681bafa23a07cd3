//! Auto scaling, from the scaling files, under a load that comes and goes.

use crate::load::Load;
use crate::support::{Layout, Roadie, eventually};

const NODES: &str = "microservice-ping-pong-node-service";

#[tokio::test(flavor = "multi_thread")]
async fn a_load_brings_tasks_and_its_end_takes_them_away_again() {
    let layout = Layout::copy("scaling");
    layout.replace("node-scaling-requests.json", "30000", "300");
    layout.replace(
        "node-scaling-target.json",
        "\"MaxCapacity\": 4",
        "\"MaxCapacity\": 2",
    );
    // At this speed, health checks alone keep the processors busy.
    layout.leave_out("node-scaling-cpu.json");
    // Three minutes are 0.9 s, fifteen are 4.5 s.
    let roadie = Roadie::start_faster(&layout, 200).await;
    let load = Load::start(&roadie);
    let said = roadie.says("auto scaling by requests").await;
    assert!(said.contains("scaling to 2 tasks"), "{said}");
    eventually("two tasks", async || {
        (roadie.service(NODES).await["healthy"] == 2).then_some(())
    })
    .await;
    let (played, failures) = load.stop().await;
    assert_eq!(failures.first(), None, "{} of {played}", failures.len());
    roadie.says("scaling to 1 tasks").await;
    eventually("one task", async || {
        (roadie.service(NODES).await["running"] == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processors_that_are_busier_than_the_target_bring_a_task() {
    let layout = Layout::copy("scaling-cpu");
    layout.replace("node-scaling-cpu.json", "60", "1");
    layout.leave_out("node-scaling-requests.json");
    let roadie = Roadie::start_faster(&layout, 200).await;
    let load = Load::start(&roadie);
    let said = roadie.says("auto scaling by cpu").await;
    assert!(said.contains("where the target is 1: scaling to"), "{said}");
    let (_, failures) = load.stop().await;
    assert_eq!(failures.first(), None, "{}", failures.len());
    let task = roadie.service(NODES).await["tasks"][0].clone();
    assert!(task["cpu_percent"].as_f64() > Some(0.0), "{task}");
    assert!(task["memory_mib"].as_u64() > Some(0), "{task}");
}
