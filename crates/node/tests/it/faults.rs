//! Faults on purpose.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Answer, Node, Process, client, eventually};

async fn put(node: &Node, order: &Value) -> Answer {
    let request = client().put(format!("http://{}/faults", node.admin));
    Answer::read(request.body(order.to_string()).send().await.unwrap()).await
}

#[tokio::test]
async fn the_error_rate_is_exact_and_spares_health_checks() {
    let ringo = Node::start("ringo", &["--fault-error-rate", "0.25"]).await;
    let mut failed = 0;
    for _ in 0..40 {
        let answer = ringo.meow("[]").await;
        if answer.status != 200 {
            let expected = (500, "injected".to_owned(), "node-ringo".to_owned());
            assert_eq!(answer.broke(), expected);
            failed += 1;
        }
        assert_eq!(ringo.get("/ping").await.status, 200);
        assert_eq!(ringo.get("/healthz").await.status, 200);
    }
    assert_eq!(failed, 10);
}

#[tokio::test]
async fn a_delay_holds_the_ball_and_spares_health_checks() {
    let ringo = Node::start("ringo", &["--fault-delay-ms", "200"]).await;
    let asked = Instant::now();
    assert_eq!(ringo.get("/ping").await.status, 200);
    assert!(asked.elapsed() < Duration::from_millis(200));
    assert_eq!(ringo.meow("[]").await.status, 200);
    assert!(asked.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn an_unready_node_is_alive_but_wants_no_traffic() {
    let ringo = Node::start("ringo", &["--fault-unready"]).await;
    assert_eq!(ringo.get("/ping").await.status, 503);
    assert_eq!(ringo.get("/healthz").await.status, 200);
    assert_eq!(ringo.meow("[]").await.status, 200);
}

#[tokio::test]
async fn faults_are_set_shown_and_cleared_at_run_time() {
    let ringo = Node::start("ringo", &[]).await;
    let faults = format!("http://{}/faults", ringo.admin);
    let none = crate::support::get(&faults).await.json();
    assert_eq!(none["error_rate"], 0.0);

    let set = put(&ringo, &json!({"error_rate": 1, "for_ms": 60_000}))
        .await
        .json();
    assert_eq!(set["error_rate"], 1.0);
    assert!(set["remaining_ms"].as_u64().unwrap() <= 60_000);
    assert_eq!(ringo.meow("[]").await.status, 500);
    assert_eq!(crate::support::get(&faults).await.json()["error_rate"], 1.0);

    let cleared = client().delete(&faults).send().await.unwrap();
    assert_eq!(Answer::read(cleared).await.json(), none);
    assert_eq!(ringo.meow("[]").await.status, 200);
}

#[tokio::test]
async fn faults_end_by_themselves() {
    let ringo = Node::start("ringo", &[]).await;
    put(&ringo, &json!({"unready": true, "for_ms": 100})).await;
    assert_eq!(ringo.get("/ping").await.status, 503);
    eventually("the end of the fault", async || {
        (ringo.get("/ping").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_fault_that_makes_no_sense_is_refused_and_changes_nothing() {
    let ringo = Node::start("ringo", &[]).await;
    for order in [
        json!({"error_rate": 1.5}),
        json!({"error_rate": -1}),
        json!({"error_rate": "all"}),
        json!({"delay_ms": -5}),
        json!({"delay_ms": 1_000_000_000_000_000_u64}),
        json!({"unready": 1}),
        json!({"unknown": true}),
        json!([]),
    ] {
        let answer = put(&ringo, &order).await;
        assert_eq!(
            (answer.status, &answer.error()["code"]),
            (400, &json!("bad_request")),
            "{order}"
        );
    }
    assert_eq!(ringo.meow("[]").await.status, 200);
}

#[tokio::test]
async fn a_crash_ends_the_process_and_can_be_called_off() {
    let mut ringo = Process::start(&[("FAULT_CRASH_AFTER_MS", "50")]).await;
    assert_eq!(ringo.ended().await, 70);

    let crashing = [("FAULT_CRASH_AFTER_MS", "300"), ("ADMIN_PORT", "0")];
    let ringo = Process::start(&crashing).await;
    let faults = format!("http://{}/faults", ringo.admin.unwrap());
    client().delete(faults).send().await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(ringo.get("/ping").await.status, 200);
}

#[tokio::test]
async fn whatever_is_sent_in_place_of_faults_is_refused_in_the_envelope() {
    let ringo = Node::start("ringo", &[]).await;
    for (body, status, code) in [
        ("x".repeat(3_000_000), 413, "too_large"),
        ("[1]".to_owned(), 400, "bad_request"),
        (String::new(), 400, "bad_request"),
    ] {
        let request = client().put(format!("http://{}/faults", ringo.admin));
        let answer = Answer::read(request.body(body).send().await.unwrap()).await;
        assert_eq!(
            (answer.status, answer.error()["code"].as_str()),
            (status, Some(code))
        );
    }
    let answer = client().post(format!("http://{}/faults", ringo.admin));
    let answer = Answer::read(answer.send().await.unwrap()).await;
    assert_eq!(
        (answer.broke().0, answer.broke().1),
        (405, "method_not_allowed".to_owned())
    );
}
