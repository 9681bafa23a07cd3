//! The figures, on the admin listener only.

use crate::support::{Fake, Node, Process, Reply, get};

#[tokio::test]
async fn requests_are_counted_by_matched_route_and_status() {
    let john = Node::start("john", &[]).await;
    for path in ["/start", "/start?x=1", "/ping", "/nowhere/1", "/nowhere/2"] {
        john.get(path).await;
    }
    let count = async |route: &str, status: u16| {
        john.figure(&format!(
            "http_server_request_duration_seconds_count{{http_request_method=\"GET\",\
             http_route=\"{route}\",http_response_status_code=\"{status}\"}}"
        ))
        .await
    };
    assert_eq!(count("/start", 200).await, "2");
    assert_eq!(count("/ping", 200).await, "1");
    assert_eq!(count("", 404).await, "2");
    let figures = get(&format!("http://{}/metrics", john.admin)).await;
    assert!(
        !figures.body.contains("nowhere"),
        "a raw path is a label without end"
    );
}

#[tokio::test]
async fn hops_are_counted_by_outcome() {
    let fake = Fake::start(&[Reply::Json("[\"meow\"]"), Reply::Bytes("x\r\n\r\n")]).await;
    let john = Node::calling("john", &fake, &[]).await;
    john.get("/start").await;
    john.get("/start").await;
    for outcome in ["ok", "bad_answer"] {
        let name = format!(
            "ping_pong_hop_duration_seconds_count{{hop=\"{}\",outcome=\"{outcome}\"}}",
            fake.address
        );
        assert_eq!(john.figure(&name).await, "1", "{outcome}");
    }
}

#[tokio::test]
async fn the_program_tells_about_itself_in_a_form_that_prometheus_reads() {
    let john = Process::start(&[("ADMIN_PORT", "0"), ("RELEASE", "abc")]).await;
    john.get("/ping").await;
    let figures = get(&format!("http://{}/metrics", john.admin.unwrap())).await;
    let media_type = figures.header("content-type");
    assert!(
        media_type.starts_with("application/openmetrics-text"),
        "{media_type}"
    );
    assert!(figures.body.ends_with("# EOF\n"));
    for expected in [
        "ping_pong_build_info{service=\"node-john\"",
        "release=\"abc\"",
        "# UNIT http_server_request_duration_seconds seconds",
        "http_server_active_requests 1",
        "ping_pong_rallies_in_flight 0",
        "process_cpu_seconds_total ",
        "process_resident_memory_bytes ",
        "process_open_fds ",
        "process_start_time_seconds ",
    ] {
        assert!(
            figures.body.contains(expected),
            "{expected}\n{}",
            figures.body
        );
    }
}
