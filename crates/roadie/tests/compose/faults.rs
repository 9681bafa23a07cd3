//! What breaks is named, in time, and heals by itself when it comes back.

use std::time::Duration;

use crate::docker::{PROJECT, compose, docker, inspect};
use crate::suite::{FOUND, MEOWS, NODES, Suite, container, get};

/// What a broken rally may be called while containers go: it depends on the moment.
const BREAKS: [&str; 4] = ["dns", "refused", "reset", "timeout"];

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn a_node_that_is_killed_is_named_and_missed_no_longer_than_it_is_away() {
    let suite = Suite::up().await;
    let meows: Vec<String> = serde_json::from_str(MEOWS).unwrap();
    for (before, name) in NODES[1..].iter().enumerate() {
        let killed = container(name).await;
        docker(&["kill", "--signal", "KILL", &killed]).await;
        let broken = suite.get("/start").await;
        let error = broken.error();
        assert!(matches!(broken.status, 502 | 504), "{name}: {broken:?}");
        assert!(BREAKS.contains(&error["code"].as_str().unwrap()), "{error}");
        assert_eq!(error["hop"], *name, "{error}");
        assert_eq!(
            error["meows"],
            serde_json::json!(meows[..before]),
            "{error}"
        );
        assert!(broken.took < Duration::from_secs(6), "{:?}", broken.took);

        docker(&["start", &killed]).await;
        let healed = suite.until_whole(FOUND).await;
        println!(
            "{name} killed: {} after {:?}; healed {healed:?} after it was back",
            error["code"], broken.took
        );
    }
}

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn a_node_that_comes_back_with_another_address_is_found() {
    let suite = Suite::up().await;
    let network = format!("{PROJECT}_default");
    let address = async |container: &str| {
        let networks = inspect(container).await["NetworkSettings"]["Networks"].take();
        networks[&network]["IPAddress"].as_str().unwrap().to_owned()
    };
    for name in NODES {
        let old = container(name).await;
        let left = address(&old).await;
        docker(&["rm", "--force", &old]).await;
        // Somebody else takes the address that became free.
        let mut others = Vec::new();
        loop {
            let run = ["run", "--detach", "--rm", "--network", &network];
            let yoko = ["--env", "NODE_NAME=yoko", "microservice-ping-pong/node"];
            others.push(docker(&[&run[..], &yoko].concat()).await);
            if address(others.last().unwrap()).await == left {
                break;
            }
            assert!(others.len() < 16, "nobody is given {left}");
        }
        compose(&["up", "--detach", "--no-deps", name]).await;
        let found = suite.until_whole(FOUND).await;
        let taken = address(&container(name).await).await;
        assert_ne!(taken, left, "{name} was given its old address");
        println!("{name} moved from {left} to {taken}: found after {found:?}");
        for other in others {
            docker(&["kill", &other]).await;
        }
    }
}

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn a_node_that_hangs_costs_a_504_in_time() {
    let suite = Suite::up().await;
    for name in NODES {
        let paused = container(name).await;
        docker(&["pause", &paused]).await;
        let broken = suite.get("/start").await;
        docker(&["unpause", &paused]).await;
        let error = broken.error();
        assert_eq!(
            (broken.status, &error["code"]),
            (504, &"timeout".into()),
            "{error}"
        );
        assert_eq!(error["hop"], name, "{error}");
        // A rally has 5 s; the edge waits for 6 s, when john himself hangs.
        assert!(
            broken.took < Duration::from_millis(6500),
            "{:?}",
            broken.took
        );
        suite.until_whole(FOUND).await;
        println!("{name} paused: 504 after {:?}", broken.took);
    }
}

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn when_john_is_away_the_edge_answers_as_the_nodes_do() {
    let suite = Suite::up().await;
    compose(&["kill", "node-john"]).await;
    let mut statuses = Vec::new();
    // At first the edge still knows an address, then it does not.
    for _ in 0..3 {
        for url in [
            format!("{}/start", suite.url),
            "http://127.0.0.1:3003/meow".to_owned(),
        ] {
            let answer = get(&suite.http, &url).await;
            let error = answer.error();
            assert!(matches!(answer.status, 502 | 504), "{url}: {answer:?}");
            assert!(BREAKS.contains(&error["code"].as_str().unwrap()), "{error}");
            assert_eq!(error["hop"], "node-john", "{error}");
            assert_eq!(answer.header("cache-control"), "no-store");
            statuses.push((answer.status, error["code"].clone()));
        }
    }
    assert_eq!(statuses.last(), Some(&(502, "dns".into())), "{statuses:?}");
    assert_eq!(
        suite.get("/").await.status,
        200,
        "the page does not need john"
    );
    println!("john away: {statuses:?}");
    compose(&["up", "--detach", "--no-deps", "node-john"]).await;
    suite.until_whole(FOUND).await;
}
