//! Zones: where tasks are, what is lost with one, and that tasks know theirs.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Layout, Roadie, eventually, get};

const NODES: &str = "microservice-ping-pong-node-service";

/// How many healthy tasks of nodes each zone has.
async fn spread(roadie: &Roadie) -> BTreeMap<String, usize> {
    let service = roadie.service(NODES).await;
    let mut spread = BTreeMap::new();
    for task in service["tasks"].as_array().unwrap() {
        if task["state"] == "healthy" {
            *spread
                .entry(task["zone"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
    }
    spread
}

async fn until(roadie: &Roadie, zones: &[(&str, usize)]) {
    let expected = zones
        .iter()
        .map(|(zone, tasks)| ((*zone).to_owned(), *tasks))
        .collect();
    eventually(&format!("{zones:?}"), async || {
        (spread(roadie).await == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_zone_that_is_lost_takes_its_tasks_and_the_others_fill_up() {
    let roadie = Roadie::start(&Layout::own()).await;
    assert!(roadie.ask(&["scale", NODES, "2"]).await.0);
    until(&roadie, &[("rehearsal-1a", 1), ("rehearsal-1b", 1)]).await;
    // Answers tell where they come from.
    let mut zones = BTreeMap::new();
    eventually("answers from both zones", async || {
        let (_, answer) = get(&roadie.url("/start?detail=hops")).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let instance = &answer["hops"][0]["instance"];
        let zone = instance["availability_zone"].as_str()?.to_owned();
        zones.insert(zone, instance["id"].as_str().unwrap().to_owned());
        (zones.len() == 2).then_some(())
    })
    .await;
    assert_eq!(zones["rehearsal-1a"], "task-1");

    assert!(roadie.ask(&["kill", "zone", "rehearsal-1a"]).await.0);
    until(&roadie, &[("rehearsal-1b", 2)]).await;
    let (_, status) = roadie.ask(&["status"]).await;
    assert!(
        status.contains("zones: rehearsal-1a (lost), rehearsal-1b"),
        "{status}"
    );
    let (_, events) = roadie.ask(&["events"]).await;
    assert!(
        events.contains("zone rehearsal-1a is lost, and 1 tasks with it"),
        "{events}"
    );
    eventually("the page", async || {
        (get(&roadie.url("/")).await.0 == 200).then_some(())
    })
    .await;

    assert!(roadie.ask(&["restore", "zone", "rehearsal-1a"]).await.0);
    // Uneven: one of the two moves.
    until(&roadie, &[("rehearsal-1a", 1), ("rehearsal-1b", 1)]).await;
    assert!(roadie.ask(&["scale", NODES, "4"]).await.0);
    until(&roadie, &[("rehearsal-1a", 2), ("rehearsal-1b", 2)]).await;

    let (done, why) = roadie.ask(&["kill", "zone", "nowhere"]).await;
    assert!(
        !done && why.contains("there is no zone nowhere; there are rehearsal-1a, rehearsal-1b"),
        "{why}"
    );
}
