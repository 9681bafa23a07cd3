//! What a node answers when all is well.

use serde_json::json;

use crate::support::{Answer, Node, client};

const FOUR: [&str; 4] = ["john", "paul", "george", "ringo"];

#[tokio::test]
async fn start_plays_the_chain_and_answers_exactly_the_meows() {
    let chain = Node::chain(&FOUR, &[]).await;
    let answer = chain[0].get("/start").await;
    let [_, paul, george, ringo] = [0, 1, 2, 3].map(|node: usize| chain[node].port());
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body,
        format!(
            r#"["meow from node-paul:{paul}","meow from node-george:{george}","meow from node-ringo:{ringo}"]"#
        )
    );
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-trace-id").len(), 32);
}

#[tokio::test]
async fn server_timing_has_one_entry_a_hop_and_outer_hops_take_longer() {
    let chain = Node::chain(&FOUR, &[]).await;
    let answer = chain[0].get("/start").await;
    let entries = answer.header("server-timing").split(", ");
    let durations: Vec<f64> = entries
        .map(|entry| entry.split_once(";dur=").unwrap().1.parse().unwrap())
        .collect();
    assert_eq!(durations.len(), 3, "{durations:?}");
    assert!(
        durations.is_sorted_by(|outer, inner| outer > inner),
        "{durations:?}"
    );
}

#[tokio::test]
async fn detail_describes_each_hop_in_order() {
    let chain = Node::chain(&FOUR, &["--release", "1.2.3"]).await;
    let answer = chain[0].get("/start?detail=hops").await;
    assert_eq!(answer.status, 200);
    let json = answer.json();
    assert_eq!(json["node"], "node-john");
    assert_eq!(json["trace_id"], answer.header("x-trace-id"));
    assert_eq!(json["meows"].as_array().unwrap().len(), 3);

    let hops = json["hops"].as_array().unwrap();
    assert_eq!(hops.len(), 3);
    let mut longer = json["total_us"].as_u64().unwrap();
    for (index, hop) in hops.iter().enumerate() {
        assert_eq!(hop["node"], format!("node-{}", FOUR[index + 1]));
        assert_eq!(hop["from"], format!("node-{}", FOUR[index]));
        assert_eq!(hop["meow"], json["meows"][index]);
        assert_eq!(hop["depth"], index + 1);
        assert_eq!(hop["status"], 200);
        assert_eq!(hop["release"], "1.2.3");
        assert!(!hop["instance"]["id"].as_str().unwrap().is_empty());
        assert_eq!(hop["instance"].get("availability_zone"), None);
        let duration = hop["duration_us"].as_u64().unwrap();
        assert!(duration < longer, "{json}");
        assert!(hop["own_us"].as_u64().unwrap() <= duration, "{json}");
        longer = duration;
    }
}

#[tokio::test]
async fn several_next_nodes_are_called_at_once_and_answer_in_the_order_listed() {
    let slow = Node::start("paul", &["--fault-delay-ms", "300"]).await;
    let also_slow = Node::start("george", &["--fault-delay-ms", "300"]).await;
    let fast = Node::start("ringo", &[]).await;
    let next = [slow.url(), also_slow.url(), fast.url()].join(",");
    let john = Node::start("john", &["--next", &next]).await;

    let answer = john.get("/start?detail=hops").await;
    let json = answer.json();
    let expected = [("paul", &slow), ("george", &also_slow), ("ringo", &fast)]
        .map(|(name, node)| format!("meow from node-{name}:{}", node.port()));
    assert_eq!(json["meows"], json!(expected));
    let depths: Vec<_> = json["hops"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hop| &hop["depth"])
        .collect();
    assert_eq!(depths, [1, 1, 1]);
    // One after the other they would take 600 ms.
    assert!(json["total_us"].as_u64().unwrap() < 550_000, "{json}");
    assert_eq!(answer.header("server-timing").split(", ").count(), 3);
}

#[tokio::test]
async fn a_node_without_next_is_the_end_of_the_chain() {
    let ringo = Node::start("ringo", &[]).await;
    assert_eq!(ringo.get("/start").await.body, "[]");
    let meow = format!(r#""meow from node-ringo:{}""#, ringo.port());
    let answer = ringo.get("/meow").await;
    assert_eq!((answer.status, &answer.body), (200, &meow));
    let answer = ringo.meow(r#"["node-john","node-paul"]"#).await;
    assert_eq!((answer.status, answer.body), (200, format!("[{meow}]")));
}

#[tokio::test]
async fn the_meow_is_configuration_and_never_the_host_header() {
    let ringo = Node::start("ringo", &[]).await;
    let request = client()
        .get(format!("{}/meow", ringo.url()))
        .header("host", "evil:1");
    let answer = Answer::read(request.send().await.unwrap()).await;
    assert_eq!(
        answer.json(),
        format!("meow from node-ringo:{}", ringo.port())
    );
}

#[tokio::test]
async fn ping_and_healthz_answer_as_the_contract_says() {
    let john = Node::start("john", &[]).await;
    let ping = john.get("/ping").await;
    assert_eq!((ping.status, &*ping.body), (200, "pong"));
    assert_eq!(ping.header("content-type"), "text/html; charset=utf-8");
    let health = john.get("/healthz").await;
    assert_eq!(health.status, 200);
}

#[tokio::test]
async fn an_unknown_path_is_404_and_a_wrong_method_405_with_allow() {
    let john = Node::start("john", &[]).await;
    for path in [
        "/", "/start/", "/ping/x", "/metrics", "/faults", "/%00", "//start",
    ] {
        let answer = john.get(path).await;
        assert_eq!(answer.error()["code"], "not_found", "{path}");
        assert_eq!(answer.status, 404, "{path}");
    }
    for (path, allowed) in [
        ("/start", "GET,HEAD"),
        ("/ping", "GET,HEAD"),
        ("/healthz", "GET,HEAD"),
        ("/meow", "GET,HEAD,POST"),
    ] {
        let request = client().delete(format!("{}{path}", john.url()));
        let answer = Answer::read(request.send().await.unwrap()).await;
        assert_eq!(answer.error()["code"], "method_not_allowed", "{path}");
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, allowed),
            "{path}"
        );
    }
}

#[tokio::test]
async fn cors_allows_what_is_configured() {
    let allowed = async |flag: &str, origin: &str| {
        let john = Node::start("john", &["--cors-allow-origin", flag]).await;
        let request = client()
            .get(format!("{}/start", john.url()))
            .header("origin", origin);
        let answer = Answer::read(request.send().await.unwrap()).await;
        answer.header("access-control-allow-origin").to_owned()
    };
    assert_eq!(allowed("*", "http://a.example").await, "*");
    let two = "http://a.example, https://b.example:8443";
    assert_eq!(
        allowed(two, "https://b.example:8443").await,
        "https://b.example:8443"
    );
    assert_eq!(allowed(two, "https://c.example").await, "");
    assert_eq!(allowed("", "http://a.example").await, "");
}

#[tokio::test]
async fn a_page_of_another_origin_can_read_why_its_request_was_refused() {
    let john = Node::start("john", &[]).await;
    for (method, path, status) in [("GET", "/nothing", 404), ("PUT", "/start", 405)] {
        let request = client()
            .request(method.parse().unwrap(), format!("{}{path}", john.url()))
            .header("origin", "http://a.example");
        let answer = Answer::read(request.send().await.unwrap()).await;
        let readable = (answer.status, answer.header("access-control-allow-origin"));
        assert_eq!(readable, (status, "*"));
    }
}
