//! The trace of a rally, from the load balancer to the last hop.

use crate::support::{Answer, Fake, Node, Process, Reply, client};

const MEOW: &[Reply] = &[Reply::Json("[\"meow\"]")];
const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn start(john: &Node, headers: &[(&str, &str)]) -> Answer {
    let mut request = client().get(format!("{}/start", john.url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn traceparent_is_continued_and_both_formats_are_sent_on() {
    let fake = Fake::start(MEOW).await;
    let john = Node::calling("john", &fake, &[]).await;
    let traceparent = format!("00-{ID}-00f067aa0ba902b7-01");
    let headers = [
        ("traceparent", &*traceparent),
        ("tracestate", "vendor=1"),
        ("baggage", "tenant=a%20b;p=1,canary=true"),
    ];
    let answer = start(&john, &headers).await;
    assert_eq!(answer.header("x-trace-id"), ID);

    let sent = fake.first_request().await;
    let parts: Vec<_> = sent.header("traceparent").unwrap().split('-').collect();
    assert_eq!((parts[0], parts[1], parts[3]), ("00", ID, "01"));
    assert_ne!(
        parts[2], "00f067aa0ba902b7",
        "the call is a span of its own"
    );
    assert_eq!(sent.header("tracestate"), Some("vendor=1"));
    assert_eq!(sent.header("baggage"), Some("tenant=a%20b;p=1,canary=true"));
    let amzn = format!(
        "Root=1-{}-{};Parent={};Sampled=1",
        &ID[..8],
        &ID[8..],
        parts[2]
    );
    assert_eq!(sent.header("x-amzn-trace-id"), Some(&*amzn));
}

#[tokio::test]
async fn the_root_that_an_alb_adds_is_continued() {
    let fake = Fake::start(MEOW).await;
    let john = Node::calling("john", &fake, &[]).await;
    let root = format!("Root=1-{}-{}", &ID[..8], &ID[8..]);
    let answer = start(&john, &[("x-amzn-trace-id", &root)]).await;
    assert_eq!(answer.header("x-trace-id"), ID);
    let sent = fake.first_request().await;
    assert!(sent.header("traceparent").unwrap().contains(ID));
    assert!(sent.header("x-amzn-trace-id").unwrap().starts_with(&root));
}

#[tokio::test]
async fn without_either_a_trace_begins_and_every_answer_carries_it() {
    let john = Node::start("john", &[]).await;
    let mut seen = Vec::new();
    for path in ["/start", "/ping", "/healthz", "/meow", "/nowhere"] {
        let id = john.get(path).await.header("x-trace-id").to_owned();
        assert_eq!(id.len(), 32, "{path}");
        assert!(!seen.contains(&id), "{path}");
        seen.push(id);
    }
}

#[tokio::test]
async fn the_trace_id_is_in_the_log_of_every_hop() {
    let mut ringo = Process::start(&[("NODE_NAME", "ringo")]).await;
    let mut john = Process::start(&[("NODE_NAME", "john"), ("NEXT", &ringo.url())]).await;
    let answer = john.get("/start").await;
    let id = answer.header("x-trace-id");
    let logged = john.says("GET /start 200").await;
    assert_eq!(logged["trace_id"], id);
    assert_eq!(logged["http.response.status_code"], 200);
    assert!(logged["duration_ms"].as_f64().unwrap() > 0.0);
    let logged = ringo.says("POST /meow 200").await;
    assert_eq!(
        (&logged["trace_id"], &logged["from"]),
        (&id.into(), &"node-john".into())
    );
}

#[tokio::test]
async fn a_failure_is_logged_once_by_each_node_it_passes_with_class_hop_and_trace() {
    let fake = Fake::start(&[Reply::Bytes("")]).await;
    let mut john = Process::start(&[("NODE_NAME", "john"), ("NEXT", &fake.url())]).await;
    let answer = john.get("/start").await;
    let logged = john.says("GET /start 502").await;
    assert_eq!(logged["level"], "WARN");
    assert_eq!(logged["error.code"], "reset");
    assert_eq!(logged["error.hop"], fake.address.to_string());
    assert_eq!(logged["trace_id"], answer.header("x-trace-id"));
}

#[tokio::test]
async fn health_checks_are_logged_at_debug_only() {
    let mut john = Process::start(&[]).await;
    let alb = client().get(format!("{}/meow", john.url()));
    alb.header("user-agent", "ELB-HealthChecker/2.0")
        .send()
        .await
        .unwrap();
    john.get("/ping").await;
    john.get("/healthz").await;
    john.get("/start").await;
    let next = john.says_next().await;
    assert_eq!(next["message"], "GET /start 200");

    let mut john = Process::start(&[("RUST_LOG", "debug")]).await;
    john.get("/ping").await;
    assert_eq!(john.says("GET /ping 200").await["level"], "DEBUG");
}
