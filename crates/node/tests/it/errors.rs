//! Every way in which a chain breaks, and that the answer says so.

use crate::support::{Fake, HostsFile, Node, Reply, client, eventually};
use serde_json::json;

/// What john answers when his next node does this.
async fn john_calling(replies: &[Reply]) -> (u16, String, String) {
    let fake = Fake::start(replies).await;
    let john = Node::calling("john", &fake, &["--request-timeout-ms", "400"]).await;
    let (status, code, hop) = john.get("/start").await.broke();
    assert_eq!(hop, fake.address.to_string());
    assert_eq!(john.get("/healthz").await.status, 200);
    (status, code, hop)
}

#[tokio::test]
async fn a_hop_that_answers_nonsense_is_named_with_the_class_of_its_error() {
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[\"half";
    for (reply, status, code) in [
        (&[Reply::Bytes("")] as &[_], 502, "reset"),
        (&[Reply::Reset], 502, "reset"),
        (&[Reply::Bytes("HTTP/1.1 200 OK\r\nconte")], 502, "reset"),
        (&[Reply::Bytes(ok)], 502, "reset"),
        (
            &[Reply::Bytes("SSH-2.0-OpenSSH_9.2\r\n\r\n")],
            502,
            "bad_answer",
        ),
        (&[Reply::Json("")], 502, "bad_answer"),
        (&[Reply::Json("[]")], 502, "bad_answer"),
        (&[Reply::Json("[1, 2]")], 502, "bad_answer"),
        (&[Reply::Json("{\"meow\":\"no\"}")], 502, "bad_answer"),
        (&[Reply::Json("[\"meow\"")], 502, "bad_answer"),
        (&[Reply::Endless], 502, "bad_answer"),
        (&[Reply::Hang("")], 504, "timeout"),
        (&[Reply::Hang("HTTP/1.1 200 OK\r\n")], 504, "timeout"),
        (&[Reply::Hang(ok)], 504, "timeout"),
        (
            &[Reply::Bytes("HTTP/1.1 204 No Content\r\n\r\n")],
            502,
            "bad_status",
        ),
        (
            &[Reply::Bytes(
                "HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n",
            )],
            502,
            "bad_status",
        ),
        (
            &[Reply::Bytes(
                "HTTP/1.1 500 Oops\r\ncontent-length: 2\r\n\r\nno",
            )],
            502,
            "bad_status",
        ),
        (
            &[Reply::Bytes(
                "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n",
            )],
            502,
            "bad_status",
        ),
    ] {
        let (got, got_code, _) = john_calling(reply).await;
        assert_eq!((got, &*got_code), (status, code), "{reply:?}");
    }
}

#[tokio::test]
async fn a_hop_where_nobody_listens_has_refused() {
    // Bound and never listening: the port stays taken, and connections to it are refused.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let john = Node::start("john", &["--next", &format!("http://{address}")]).await;
    let answer = john.get("/start").await;
    assert_eq!(answer.broke(), (502, "refused".to_owned(), address));
    assert_eq!(answer.error()["meows"], json!([]));
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_a_dns_error_of_that_hop() {
    // A label of 64 letters is too long for a name: no resolver needs to be asked to know.
    let name = "p".repeat(64);
    let john = Node::start("john", &["--next", &format!("http://{name}:3000")]).await;
    assert_eq!(
        john.get("/start").await.broke(),
        (502, "dns".to_owned(), name)
    );
}

#[tokio::test]
async fn the_root_cause_travels_up_unchanged_with_the_meows_before_it() {
    let fake = Fake::start(&[Reply::Bytes("")]).await;
    let george = Node::calling("george", &fake, &[]).await;
    let paul = Node::start("paul", &["--next", &george.url()]).await;
    let john = Node::start("john", &["--next", &paul.url()]).await;
    let answer = john.get("/start").await;
    assert_eq!(
        answer.broke(),
        (502, "reset".to_owned(), fake.address.to_string())
    );
    let expected = [("paul", paul.port()), ("george", george.port())]
        .map(|(name, port)| format!("meow from node-{name}:{port}"));
    assert_eq!(answer.error()["meows"], json!(expected));
}

#[tokio::test]
async fn what_a_hop_says_of_an_error_is_passed_on_with_care() {
    let envelope = |message: &str| {
        let body = format!("{{\"status\":\"error\",\"message\":{message}}}");
        let head = format!("HTTP/1.1 502 Bad\r\ncontent-length: {}\r\n\r\n", body.len());
        Reply::Bytes(Box::leak((head + &body).into_boxed_str()))
    };
    let broke = async |message: &str| {
        let fake = Fake::start(&[envelope(message)]).await;
        let john = Node::calling("john", &fake, &[]).await;
        john.get("/start").await
    };
    // The status follows from the class, whatever the hop says it is.
    let answer = broke(r#"{"status":599,"code":"loop","hop":"x","detail":"d"}"#).await;
    assert_eq!(answer.broke(), (508, "loop".into(), "x".into()));
    let answer = broke(r#"{"status":508,"code":"not_found","hop":"x","detail":"d"}"#).await;
    assert_eq!(answer.broke(), (502, "not_found".into(), "x".into()));
    // A sentence is one line, and a short one.
    let long = format!(
        r#"{{"status":502,"code":"dns","hop":"x","detail":"a\u001b[31m\n{}"}}"#,
        "b".repeat(9999)
    );
    let answer = broke(&long).await;
    let detail = answer.error()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.starts_with("a [31m b") && detail.len() == 200,
        "{detail}"
    );
    // What is not an error of a node is a bad status of that hop.
    for foreign in [
        r#"{"status":502,"code":"dns","hop":"","detail":"d"}"#,
        r#"{"status":502,"code":"dns","hop":"a b","detail":"d"}"#,
        r#"{"status":502,"code":"unheard_of","hop":"x","detail":"d"}"#,
        r#"{"status":502}"#,
        "[]",
    ] {
        assert_eq!(broke(foreign).await.broke().1, "bad_status", "{foreign}");
    }
}

#[tokio::test]
async fn a_broken_rally_has_its_hops_inside_the_error_when_asked_for() {
    let ringo = Node::start("ringo", &["--fault-error-rate", "1", "--release", "bad"]).await;
    let george = Node::start("george", &["--next", &ringo.url()]).await;
    let paul = Node::start("paul", &["--next", &george.url()]).await;
    let john = Node::start("john", &["--next", &paul.url()]).await;
    let answer = john.get("/start?detail=hops").await;
    let error = answer.error();
    assert_eq!(
        answer.broke(),
        (500, "injected".to_owned(), "node-ringo".to_owned())
    );
    assert!(error["total_us"].as_u64().unwrap() > 0);
    let hops = error["hops"].as_array().unwrap();
    let nodes: Vec<_> = hops
        .iter()
        .map(|hop| hop["node"].as_str().unwrap())
        .collect();
    assert_eq!(nodes, ["node-paul", "node-george", "node-ringo"]);
    let codes: Vec<_> = hops.iter().map(|hop| hop["code"].as_str()).collect();
    assert_eq!(codes, [None, None, Some("injected")]);
    let meows: Vec<_> = hops.iter().map(|hop| hop.get("meow")).collect();
    assert_eq!(meows, [error["meows"].get(0), error["meows"].get(1), None]);
    // Which revision breaks is what one wants to know during a deployment.
    assert_eq!(hops[2]["release"], "bad");
}

#[tokio::test]
async fn a_fan_out_names_the_first_broken_hop_and_keeps_the_meows_of_the_others() {
    let paul = Node::start("paul", &[]).await;
    let broken = Fake::start(&[Reply::Bytes("")]).await;
    let ringo = Node::start("ringo", &[]).await;
    let next = [paul.url(), broken.url(), ringo.url()].join(",");
    let john = Node::start("john", &["--next", &next]).await;
    let answer = john.get("/start").await;
    assert_eq!(
        answer.broke(),
        (502, "reset".to_owned(), broken.address.to_string())
    );
    let expected = [("paul", paul.port()), ("ringo", ringo.port())]
        .map(|(name, port)| format!("meow from node-{name}:{port}"));
    assert_eq!(answer.error()["meows"], json!(expected));
}

#[tokio::test]
async fn a_chain_that_comes_back_is_a_loop_named_after_the_node_that_found_it() {
    let hosts = HostsFile::new("loop");
    let flags = [
        "--next",
        "http://node-john:80",
        "--hosts-file",
        hosts.path(),
    ];
    let paul = Node::start("paul", &flags).await;
    let john = Node::start("john", &["--next", &paul.url()]).await;
    hosts.write(&[("node-john", john.address)]);
    let answer = john.get("/start").await;
    assert_eq!(
        answer.broke(),
        (508, "loop".to_owned(), "node-john".to_owned())
    );
}

#[tokio::test]
async fn a_path_of_32_nodes_is_served_and_a_longer_one_refused() {
    let ringo = Node::start("ringo", &[]).await;
    let path = |nodes| serde_json::to_string(&vec!["node-x"; nodes]).unwrap();
    assert_eq!(ringo.meow(path(31)).await.status, 200);
    let answer = ringo.meow(path(32)).await;
    assert_eq!(
        answer.broke(),
        (400, "bad_request".to_owned(), "node-ringo".to_owned())
    );
}

#[tokio::test]
async fn the_chain_token_is_wanted_and_sent_on() {
    let chain = Node::chain(&["john", "paul", "ringo"], &["--chain-token", "s3cret"]).await;
    assert_eq!(chain[0].get("/start").await.status, 200);
    // Anyone may start a rally and listen; passing a ball takes the token.
    assert_eq!(chain[2].get("/meow").await.status, 200);
    let answer = chain[2].meow("[]").await;
    assert_eq!(
        answer.broke(),
        (401, "unauthorized".to_owned(), "node-ringo".to_owned())
    );
    assert!(!answer.body.contains("s3cret"));
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with("Bearer "), "{challenge}");
    for (authorization, status) in [
        ("Bearer s3cret", 200),
        ("bearer s3cret", 200),
        ("BEARER  s3cret", 200),
        ("Bearer s3cre", 401),
        ("Bearer", 401),
        ("Basic s3cret", 401),
    ] {
        let request = client().post(format!("{}/meow", chain[2].url()));
        let request = request.header("authorization", authorization).body("[]");
        assert_eq!(
            request.send().await.unwrap().status(),
            status,
            "{authorization}"
        );
    }

    // A node with another token is its operator's mistake, not the browser's.
    let next = chain[1].url();
    let george = Node::start("george", &["--next", &next, "--chain-token", "other"]).await;
    let answer = george.get("/start").await;
    assert_eq!(
        (answer.status, &answer.broke().1[..]),
        (502, "unauthorized")
    );
    assert_eq!(answer.broke().2, "node-paul");
}

#[tokio::test]
async fn beyond_the_cap_a_rally_is_refused_at_once() {
    let fake = Fake::start(&[Reply::Hang("")]).await;
    let john = Node::calling("john", &fake, &["--max-rallies", "1"]).await;
    let first = tokio::spawn(client().get(format!("{}/start", john.url())).send());
    fake.first_request().await;
    let answer = john.get("/start").await;
    assert_eq!(
        answer.broke(),
        (503, "overloaded".to_owned(), "node-john".to_owned())
    );
    assert_eq!(john.get("/ping").await.status, 200);
    // The place is free again when the caller goes away.
    assert_eq!(john.figure("ping_pong_rallies_in_flight").await, "1");
    first.abort();
    fake.caller_gone().await;
    eventually("a free place", async || {
        (john.figure("ping_pong_rallies_in_flight").await == "0").then_some(())
    })
    .await;
}
