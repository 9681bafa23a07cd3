//! nginx leads as the load balancer does.

use std::collections::BTreeSet;

use crate::nginx::{self, Directive};
use crate::{compose, layout, read};

fn http() -> Directive {
    let file = nginx::parse(&read("docker/nginx/nginx.conf"));
    file.into_iter().find(|one| one.name() == "http").unwrap()
}

/// The server that listens on that port inside the container.
fn server<'a>(http: &'a Directive, port: &str) -> &'a Directive {
    let listens = |server: &&Directive| server.all("listen").any(|listen| listen.value() == port);
    http.all("server").find(listens).unwrap()
}

/// Where nginx sends a path, as `host:port`. It knows exact locations and `/`.
fn hop(server: &Directive, path: &str) -> String {
    let exact = server
        .all("location")
        .find(|location| location.words[1..] == ["=", path]);
    let rest = || {
        server
            .all("location")
            .find(|location| location.words[1..] == ["/"])
    };
    let location = exact.or_else(rest).unwrap();
    let name = location.set("$hop").or(server.set("$hop")).unwrap();
    let to = location.only("proxy_pass").unwrap().value();
    to.strip_prefix("http://").unwrap().replace("$hop", name)
}

#[test]
fn the_edge_leads_every_path_where_the_load_balancer_leads_it() {
    let layout = layout();
    let listener = layout.listeners().next().unwrap();
    let router = layout.router(listener).unwrap();
    let http = http();
    let edge = server(&http, "8080");

    let locations = edge
        .all("location")
        .map(|location| location.words.last().unwrap());
    let mut paths: BTreeSet<&str> = locations
        .map(String::as_str)
        .filter(|path| path.starts_with('/'))
        .collect();
    assert_eq!(paths, BTreeSet::from(["/", "/ping", "/start"]));
    for rule in layout.rules() {
        for condition in &rule.body.conditions {
            let patterns = condition.path_pattern_config.as_ref().unwrap();
            paths.extend(patterns.values.iter().map(String::as_str));
        }
    }
    paths.extend([
        "/ping/",
        "/Ping",
        "/startx",
        "/start/x",
        "/assets/a.css",
        "/healthz",
        "/meow",
    ]);

    for path in paths {
        let group = router.route(path);
        let mut targets = layout
            .services()
            .flat_map(|service| &service.body.load_balancers)
            .filter(|target| target.target_group_arn.as_deref() == Some(group))
            .map(|target| {
                let name = target.container_name.as_ref().unwrap();
                format!("{name}:{}", target.container_port.unwrap())
            });
        assert_eq!(hop(edge, path), targets.next().unwrap(), "{path}");
    }
}

#[test]
fn the_published_ports_lead_to_whom_they_are_said_to() {
    let (layout, compose, http) = (layout(), compose(), http());
    let listener = layout.listeners().next().unwrap();
    let public = format!("${{PING_PONG_PORT:-{}}}:8080", listener.body.port.unwrap());
    let loopback = [3003, 3004, 3005, 3006, 3008].map(|port| format!("127.0.0.1:{port}:{port}"));
    let expected: Vec<String> = [public].into_iter().chain(loopback).collect();
    assert_eq!(compose.services["nginx"].ports, expected);
    for (name, service) in &compose.services {
        assert!(
            service.ports.is_empty() || name == "nginx",
            "{name} could not be scaled"
        );
    }

    let direct = server(&http, "3003");
    let names = http
        .all("map")
        .find(|map| map.words[1..] == ["$server_port", "$direct"]);
    let names: Vec<(&str, &str)> = names
        .unwrap()
        .block
        .iter()
        .map(|port| (port.name(), port.value()))
        .collect();
    let nodes = [
        ("3003", "node-john"),
        ("3004", "node-paul"),
        ("3005", "node-george"),
        ("3006", "node-ringo"),
    ];
    assert_eq!(names, nodes);
    let its_ports: Vec<&str> = direct.all("listen").map(Directive::value).collect();
    assert_eq!(its_ports, nodes.map(|(port, _)| port));
    assert_eq!(hop(direct, "/meow"), "$direct:3000");
    assert_eq!(hop(server(&http, "3008"), "/"), "client:3000");
}

#[test]
fn the_edge_waits_longer_than_a_rally_may_take() {
    let (http, compose) = (http(), compose());
    let seconds = |name: &str| -> u64 {
        let value = http.only(name).unwrap().value();
        value.trim_end_matches('s').parse().unwrap()
    };
    let ms = |name: &str| -> u64 {
        let value = compose.services["node-john"].environment[name].as_ref();
        value.unwrap().parse().unwrap()
    };
    assert!(seconds("proxy_read_timeout") * 1000 > ms("REQUEST_TIMEOUT_MS"));
    assert_eq!(
        seconds("proxy_connect_timeout") * 1000,
        ms("CONNECT_TIMEOUT_MS")
    );
    assert_eq!(seconds("keepalive_timeout") * 1000, ms("KEEP_ALIVE_MS"));
    for (name, service) in compose.services.iter().filter(|(name, _)| *name != "nginx") {
        let of = |variable: &str| -> u64 {
            service.environment[variable]
                .as_ref()
                .unwrap()
                .parse()
                .unwrap()
        };
        let grace: u64 = service
            .stop_grace_period
            .trim_end_matches('s')
            .parse()
            .unwrap();
        assert!(
            of("DRAIN_DELAY_MS") + of("SHUTDOWN_GRACE_MS") < grace * 1000,
            "{name}"
        );
    }
}
