//! Both layouts: links inside one task, and names that lead to the tasks of other services.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::Value;

use crate::load::Load;
use crate::support::{Layout, Roadie, eventually, get};

async fn hops(roadie: &Roadie) -> Value {
    let (_, answer) = get(&roadie.url("/start?detail=hops")).await;
    serde_json::from_str(&answer).unwrap()
}

/// The meow of the node that is called second.
async fn second(roadie: &Roadie) -> String {
    hops(roadie).await["meows"][0].to_string()
}

#[tokio::test]
async fn on_fargate_each_beatle_is_a_service_and_found_by_its_name() {
    let roadie = Roadie::start(&Layout::fargate()).await;
    let before = hops(&roadie).await;
    let nodes: Vec<_> = before["hops"].as_array().unwrap().iter().collect();
    let nodes: Vec<_> = nodes
        .iter()
        .map(|hop| hop["node"].as_str().unwrap())
        .collect();
    assert_eq!(
        nodes,
        ["node-paul", "node-george", "node-ringo"],
        "{before}"
    );
    assert_eq!(roadie.containers().len(), 5);

    // A name leads to all tasks of its service, in turn.
    assert!(
        roadie
            .ask(&["scale", "microservice-ping-pong-fargate-paul-service", "2"])
            .await
            .0
    );
    eventually("both pauls", async || {
        let both = BTreeSet::from([second(&roadie).await, second(&roadie).await]);
        (both.len() == 2).then_some(())
    })
    .await;

    // A name that leads nowhere is a broken hop at once, and comes back with the next task.
    assert!(
        roadie
            .ask(&["scale", "microservice-ping-pong-fargate-paul-service", "0"])
            .await
            .0
    );
    let broken = eventually("a broken hop", async || {
        let begun = Instant::now();
        let (status, answer) = get(&roadie.url("/start")).await;
        (status == 502).then_some((answer, begun.elapsed()))
    })
    .await;
    let answer: Value = serde_json::from_str(&broken.0).unwrap();
    assert_eq!(answer["message"]["hop"], "node-paul", "{answer}");
    assert_eq!(answer["message"]["code"], "bad_status", "{answer}");
    assert!(broken.1.as_secs() < 2, "{:?}", broken.1);
    assert!(
        roadie
            .ask(&["scale", "microservice-ping-pong-fargate-paul-service", "1"])
            .await
            .0
    );
    eventually("a rally", async || {
        (get(&roadie.url("/start")).await.0 == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_of_all_services_on_fargate_loses_no_request() {
    let roadie = Roadie::start_faster(&Layout::fargate(), 10).await;
    let load = Load::start(&roadie);
    let (completed, printed) = roadie.ask(&["deploy", "--tag", "2.0.0"]).await;
    assert!(completed, "{printed}");
    eventually("the end of the old tasks", async || {
        let nodes = roadie.containers().len();
        (nodes == 5).then_some(())
    })
    .await;
    let (played, failures) = load.stop().await;
    let failed = failures.len();
    assert_eq!(failures.first(), None, "{failed} of {played}");
    let answer = hops(&roadie).await;
    let hops = answer["hops"].as_array().unwrap();
    assert!(hops.iter().all(|hop| hop["release"] == "2.0.0"), "{answer}");
}

#[tokio::test]
async fn layout_and_folder_exclude_each_other() {
    let (status, message) = Roadie::fails(&["--layout", "fargate", "--dir", "ecs/ec2"]).await;
    assert_eq!(
        (status, message.contains("cannot be used with")),
        (2, true),
        "{message}"
    );
}
