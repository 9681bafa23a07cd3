//! What the edge answers, on which ports, and what it tells those behind it.

use serde_json::json;

use crate::docker::{PROJECT, compose, docker, inspect};
use crate::suite::{MEOWS, NODES, Suite, container, get};

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn the_three_paths_lead_where_the_load_balancer_leads_them() {
    let suite = Suite::up().await;

    let ping = suite.get("/ping").await;
    assert_eq!((ping.status, &*ping.body), (200, "pong"));
    assert_eq!(ping.header("content-type"), "text/html; charset=utf-8");

    let start = suite.get("/start").await;
    assert_eq!((start.status, &*start.body), (200, MEOWS));
    assert_eq!(start.header("cache-control"), "no-store");
    assert_eq!(start.header("server-timing").matches("dur=").count(), 3);

    let page = suite.get("/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.body.matches("data-letter=").count(), 8);

    // As the load balancer compares paths: whole, and as they come.
    for path in ["/ping/", "//ping", "/START", "/meow", "/metrics"] {
        let answer = suite.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        // A page: the client says so, not a node.
        assert_eq!(
            answer.header("content-type"),
            "text/html; charset=utf-8",
            "{path}"
        );
    }
}

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn the_originals_ports_answer_on_loopback_only() {
    let suite = Suite::up().await;
    for (port, name) in (3003..).zip(NODES) {
        let meow = get(&suite.http, &format!("http://127.0.0.1:{port}/meow")).await;
        assert_eq!(meow.body, format!("\"meow from {name}:3000\""), "{port}");
    }
    let page = get(&suite.http, "http://127.0.0.1:3008/").await;
    assert_eq!(page.body.matches("data-letter=").count(), 8);
    let start = get(&suite.http, "http://127.0.0.1:3008/start").await;
    assert_eq!(start.body, MEOWS, "the letters of that page play, too");

    let published = inspect(&container("nginx").await).await["HostConfig"]["PortBindings"].take();
    for port in [3003, 3004, 3005, 3006, 3008] {
        let expected = json!([{ "HostIp": "127.0.0.1", "HostPort": port.to_string() }]);
        assert_eq!(published[format!("{port}/tcp")], expected);
    }
    for service in [&NODES[..], &["client"]].concat() {
        let bindings =
            inspect(&container(service).await).await["HostConfig"]["PortBindings"].take();
        assert!(
            bindings.as_object().unwrap().is_empty(),
            "{service}: {bindings}"
        );
    }
}

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn the_edge_tells_who_asked_and_how() {
    let suite = Suite::up().await;
    // Somebody in the client's place, who says what it hears.
    let echo = "daemon off; pid /tmp/echo.pid; events {} http { \
        client_body_temp_path /tmp/echo; proxy_temp_path /tmp/echo; fastcgi_temp_path /tmp/echo; \
        uwsgi_temp_path /tmp/echo; scgi_temp_path /tmp/echo; access_log off; \
        server { listen 3000; default_type text/plain; return 200 \
        '$http_host|$http_x_forwarded_for|$http_x_forwarded_proto|$http_x_forwarded_port|$http_x_amzn_trace_id'; } }";
    compose(&["kill", "client"]).await;
    let network = format!("{PROJECT}_default");
    let run = [
        &["run", "--detach", "--rm", "--network", &network][..],
        &[
            "--network-alias",
            "client",
            "--env",
            &format!("ECHO={echo}"),
        ],
        &["--entrypoint", "sh", "microservice-ping-pong/edge", "-c"],
        &["printf %s \"$ECHO\" >/tmp/echo.conf && exec nginx -c /tmp/echo.conf"],
    ];
    let stand_in = docker(&run.concat()).await;

    let request = suite
        .http
        .get(&suite.url)
        .header("host", "ping.example.org:8443");
    let request = request.header("x-forwarded-for", "203.0.113.7");
    let heard = loop {
        let heard = request.try_clone().unwrap().send().await.unwrap();
        if heard.status() == 200 {
            break heard.text().await.unwrap();
        }
    };
    docker(&["kill", &stand_in]).await;

    let heard: Vec<&str> = heard.split('|').collect();
    let [host, forwarded_for, proto, port, trace] = heard[..] else {
        panic!("{heard:?}");
    };
    assert_eq!(
        (host, proto, port),
        ("ping.example.org:8443", "http", "8443")
    );
    assert!(
        forwarded_for.starts_with("203.0.113.7, "),
        "{forwarded_for}"
    );
    let root: Vec<usize> = trace.split('-').map(str::len).collect();
    assert_eq!((root, &trace[..7]), (vec![6, 8, 24], "Root=1-"), "{trace}");
}

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn a_trace_that_begins_before_the_edge_goes_on_behind_it() {
    let suite = Suite::up().await;
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let header = format!("00-{id}-00f067aa0ba902b7-01");
    let request = suite.http.get(format!("{}/start", suite.url));
    let answer = request.header("traceparent", header).send().await.unwrap();
    assert_eq!(answer.headers()["x-trace-id"], id);

    let own = suite.get("/start").await;
    let own = own.header("x-trace-id");
    let log = compose(&["logs", "--no-color", "--tail", "20"]).await;
    for service in [&NODES[..], &["nginx"]].concat() {
        let said = |id: &str| {
            log.lines()
                .any(|line| line.contains(service) && line.contains(id))
        };
        assert!(
            said(id) && said(own),
            "{service} does not know {id} or {own}: {log}"
        );
    }
}
