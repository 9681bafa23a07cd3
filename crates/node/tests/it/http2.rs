//! HTTP/2 between nodes: the same promises, on one connection for all calls to an address.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use h2::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;

use crate::support::{FakeHttp2, Fate, HostsFile, Node, client, eventually};

const H2C: [&str; 2] = ["--next-protocol", "h2c"];

async fn john(next: &str, flags: &[&str]) -> Node {
    Node::start("john", &[&["--next", next], &H2C, flags].concat()).await
}

#[tokio::test]
async fn a_chain_plays_as_over_http1() {
    let chain = Node::chain(&["john", "paul", "george", "ringo"], &H2C).await;
    let answer = chain[0].get("/start").await;
    let meow = |name: &str, node: &Node| format!("\"meow from node-{name}:{}\"", node.port());
    let meows = [
        meow("paul", &chain[1]),
        meow("george", &chain[2]),
        meow("ringo", &chain[3]),
    ];
    assert_eq!(answer.body, format!("[{}]", meows.join(",")));
    assert_eq!(answer.header("server-timing").split(", ").count(), 3);

    let detail = chain[0].get("/start?detail=hops").await.json();
    assert_eq!(detail["hops"].as_array().unwrap().len(), 3);
    assert_eq!(detail["hops"][2]["node"], "node-ringo");
}

#[tokio::test]
async fn the_hop_that_broke_is_named_with_the_meows_before_it() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = nobody.local_addr().unwrap();
    drop(nobody);
    let flags = ["--next", &format!("http://{gone}")];
    let paul = Node::start("paul", &[&flags[..], &H2C].concat()).await;
    let answer = john(&paul.url(), &[]).await.get("/start").await;
    let broke = (502, "refused".to_owned(), gone.to_string());
    assert_eq!(answer.broke(), broke);
    assert_eq!(answer.error()["meows"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn one_connection_carries_all_calls_at_once() {
    let together = Fate::Together(Arc::new(Barrier::new(20)));
    let paul = FakeHttp2::start(&[Fate::Meow, together]).await;
    let john = john(&paul.url(), &[]).await;
    assert_eq!(john.get("/start").await.status, 200);
    // None of them is answered before all are there.
    let answers = join_all((0..20).map(|_| john.get("/start"))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!((paul.calls().len(), paul.connections()), (21, 1));
}

#[tokio::test]
async fn calls_are_spread_evenly_with_one_connection_to_each_address() {
    let hosts = HostsFile::new("spread-http2");
    let replicas = [
        FakeHttp2::start(&[Fate::Meow]).await,
        FakeHttp2::start(&[Fate::Meow]).await,
    ];
    hosts.write(&replicas.each_ref().map(|fake| ("node-paul", fake.address)));
    let john = john("http://node-paul:3000", &["--hosts-file", hosts.path()]).await;
    for _ in 0..20 {
        assert_eq!(john.get("/start").await.status, 200);
    }
    for replica in replicas {
        assert_eq!((replica.calls().len(), replica.connections()), (10, 1));
    }
}

#[tokio::test]
async fn a_call_that_the_peer_has_not_touched_is_sent_once_more() {
    for fate in [Fate::Gone, Fate::Reset(Reason::REFUSED_STREAM)] {
        let paul = FakeHttp2::start(&[Fate::Meow, fate.clone(), Fate::Meow]).await;
        let john = john(&paul.url(), &[]).await;
        assert_eq!(john.get("/start").await.status, 200);
        assert_eq!(john.get("/start").await.status, 200, "{fate:?}");
        assert_eq!(paul.calls().len(), 3, "{fate:?}");
    }
}

#[tokio::test]
async fn a_call_that_is_refused_on_a_fresh_connection_is_sent_once_more_and_not_twice() {
    let refused = Fate::Reset(Reason::REFUSED_STREAM);
    let paul = FakeHttp2::start(&[refused.clone(), Fate::Meow]).await;
    assert_eq!(john(&paul.url(), &[]).await.get("/start").await.status, 200);
    assert_eq!(paul.calls().len(), 2);

    let paul = FakeHttp2::start(&[refused]).await;
    let broke = john(&paul.url(), &[]).await.get("/start").await.broke();
    assert_eq!((broke.0, &*broke.1), (502, "reset"));
    assert_eq!(paul.calls().len(), 2);
}

#[tokio::test]
async fn a_call_that_was_begun_is_not_sent_again() {
    let fate = Fate::Reset(Reason::INTERNAL_ERROR);
    let paul = FakeHttp2::start(&[Fate::Meow, fate, Fate::Meow]).await;
    let john = john(&paul.url(), &[]).await;
    assert_eq!(john.get("/start").await.status, 200);
    assert_eq!(john.get("/start").await.broke().1, "reset");
    assert_eq!(paul.calls(), [0, 0]);

    // On a fresh connection there is no second time either.
    let paul = FakeHttp2::start(&[Fate::Gone, Fate::Meow]).await;
    let john = self::john(&paul.url(), &[]).await;
    assert_eq!(john.get("/start").await.broke().1, "reset");
    assert_eq!(paul.calls(), [0]);
}

#[tokio::test]
async fn a_peer_that_speaks_something_else_gives_a_bad_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    });
    let broke = john(&url, &[]).await.get("/start").await.broke();
    assert_eq!((broke.0, &*broke.1), (502, "bad_answer"));
}

#[tokio::test]
async fn a_caller_that_goes_away_cancels_the_chain_behind_it_and_the_connections_stay() {
    let ringo = FakeHttp2::start(&[Fate::Silence, Fate::Meow]).await;
    let flags = ["--next", &ringo.url()];
    let george = Node::start("george", &[&flags[..], &H2C].concat()).await;
    let john = john(&george.url(), &[]).await;
    let asked = tokio::spawn(client().get(format!("{}/start", john.url())).send());
    eventually("the call", async || ringo.calls().first().copied()).await;
    asked.abort();
    ringo.cancelled().await;
    assert_eq!(john.get("/start").await.status, 200);
    assert_eq!(ringo.calls(), [0, 0]);
}

#[tokio::test]
async fn a_hop_that_does_not_answer_is_given_up_in_time() {
    let paul = FakeHttp2::start(&[Fate::Silence]).await;
    let john = john(&paul.url(), &["--request-timeout-ms", "200"]).await;
    let asked = Instant::now();
    let broke = john.get("/start").await.broke();
    assert_eq!((broke.0, &*broke.1), (504, "timeout"));
    assert!(asked.elapsed() < Duration::from_secs(2));
    paul.cancelled().await;
}

#[tokio::test]
async fn no_rally_is_lost_when_one_of_two_replicas_leaves() {
    let hosts = HostsFile::new("leave-http2");
    let mut leaving = Node::start("paul", &["--drain-delay-ms", "100"]).await;
    let staying = Node::start("paul", &[]).await;
    let both = [leaving.address, staying.address].map(|address| ("node-paul", address));
    hosts.write(&both);
    let flags = ["--hosts-file", hosts.path()];
    let john = john("http://node-paul:3000", &flags).await;
    let url = format!("{}/start", john.url());
    let players = (0..8).map(|_| {
        let url = url.clone();
        tokio::spawn(async move {
            let client = client();
            let mut answers = Vec::new();
            for _ in 0..100 {
                let answer = client.get(&url).send().await.unwrap();
                answers.push(answer.status().as_u16());
            }
            answers
        })
    });
    let players: Vec<_> = players.collect();
    eventually("rallies through both", async || {
        let through = leaving
            .figure("http_server_request_duration_seconds_count")
            .await;
        (through != "0").then_some(())
    })
    .await;
    leaving.ask_to_end();
    leaving.ended().await.unwrap();
    for answers in join_all(players).await {
        assert_eq!(answers.unwrap(), [200; 100]);
    }
}

#[tokio::test]
async fn a_connection_without_calls_is_closed_after_keep_alive_and_not_before() {
    let paul = Node::start("paul", &["--keep-alive-ms", "500"]).await;
    let stream = TcpStream::connect(paul.address).await.unwrap();
    let (mut send, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::get(format!("{}/meow", paul.url()));
    let (answer, _) = send.send_request(request.body(()).unwrap(), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    let answered = Instant::now();
    let _ = connection.await;
    let lived = answered.elapsed();
    assert!(lived >= Duration::from_millis(450), "{lived:?}");
    assert!(lived < Duration::from_secs(5), "{lived:?}");
}

#[tokio::test]
async fn what_is_in_flight_when_the_grace_period_ends_is_cut_and_counted() {
    let ringo = FakeHttp2::start(&[Fate::Silence]).await;
    let flags = ["--next", &ringo.url(), "--shutdown-grace-ms", "600"];
    let mut paul = Node::start("paul", &[&flags[..], &H2C].concat()).await;
    let john = john(&paul.url(), &[]).await;
    let url = format!("{}/start", john.url());
    let asked = (0..3).map(|_| tokio::spawn(client().get(&url).send()));
    let asked: Vec<_> = asked.collect();
    eventually("three calls", async || {
        (ringo.calls().len() == 3).then_some(())
    })
    .await;
    paul.ask_to_end();
    let error = paul.ended().await.unwrap_err().to_string();
    assert!(
        error.starts_with("3 requests in flight were cut off"),
        "{error}"
    );
    drop(asked);
}
