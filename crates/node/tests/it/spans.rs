//! Export of spans to an OpenTelemetry collector.

use rustix::process::Signal;

use crate::support::{Fake, Node, Process, Reply};

#[tokio::test]
async fn spans_are_exported_and_the_last_ones_flushed_at_the_end() {
    let collector = Fake::start(&[Reply::Json("")]).await;
    let ringo = Node::start("ringo", &[]).await;
    let mut john = Process::start(&[
        ("NODE_NAME", "john"),
        ("NEXT", &ringo.url()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test"),
        // Nothing is sent before the end, unless the batch is full.
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
    ])
    .await;
    assert_eq!(john.get("/start").await.status, 200);
    assert!(collector.heard().is_empty());
    john.signal(Signal::TERM);
    assert_eq!(john.ended().await, 0);

    let sent = collector.first_request().await;
    assert!(
        sent.text.starts_with("POST /v1/traces HTTP/1.1"),
        "{}",
        sent.text
    );
    for expected in [
        "node-john",
        "GET /start",
        "POST 127.0.0.1",
        "deployment.environment",
    ] {
        assert!(sent.text.contains(expected), "{expected}: {}", sent.text);
    }
}

#[tokio::test]
async fn a_collector_that_is_away_costs_no_request_and_no_clean_end() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let away = format!("http://{}", socket.local_addr().unwrap());
    let mut john = Process::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &away)]).await;
    assert_eq!(john.get("/start").await.status, 200);
    john.signal(Signal::TERM);
    assert_eq!(john.ended().await, 0);
}
