//! Connections are kept, spread over all addresses behind a name, and given up when the peer is gone.

use std::time::{Duration, Instant};

use tokio::net::TcpListener;

use crate::support::{Answer, Fake, HostsFile, Node, Process, Reply, client, eventually};

const MEOW: &[Reply] = &[Reply::Json("[\"meow from {port}\"]")];

#[tokio::test]
async fn a_connection_is_kept_for_the_next_rally() {
    let fake = Fake::start(MEOW).await;
    let john = Node::calling("john", &fake, &[]).await;
    for _ in 0..5 {
        assert_eq!(john.get("/start").await.status, 200);
    }
    assert_eq!((fake.heard().len(), fake.connections()), (5, 1));
}

#[tokio::test]
async fn a_kept_connection_that_ends_without_an_answer_is_tried_once_more_on_a_fresh_one() {
    for ending in [Reply::Bytes(""), Reply::Reset] {
        let fake = Fake::start(&[MEOW[0], ending, MEOW[0]]).await;
        let john = Node::calling("john", &fake, &[]).await;
        assert_eq!(john.get("/start").await.status, 200);
        assert_eq!(john.get("/start").await.status, 200, "{ending:?}");
        let connections: Vec<_> = fake.heard().iter().map(|heard| heard.connection).collect();
        assert_eq!(connections, [0, 0, 1], "{ending:?}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_ends_because_the_peer_moved_finds_it_at_its_new_address() {
    let hosts = HostsFile::new("kept-moved");
    let old = Fake::start(&[MEOW[0], Reply::Hang("")]).await;
    let new = Fake::start(MEOW).await;
    hosts.write(&[("paul", old.address)]);
    let flags = [
        "--next",
        "http://paul:3000",
        "--hosts-file",
        hosts.path(),
        "--next-protocol",
        "http1",
    ];
    let john = Node::start("john", &flags).await;
    assert_eq!(john.get("/start").await.status, 200);
    let asked = {
        let url = format!("{}/start", john.url());
        tokio::spawn(async move { crate::support::get(&url).await })
    };
    eventually("the second request", async || {
        (old.heard().len() == 2).then_some(())
    })
    .await;
    hosts.write(&[("paul", new.address)]);
    old.stop();
    let expected = format!("[\"meow from {}\"]", new.address.port());
    assert_eq!(asked.await.unwrap().body, expected);
}

#[tokio::test]
async fn a_fresh_connection_that_ends_without_an_answer_is_not_tried_again() {
    let fake = Fake::start(&[Reply::Bytes(""), MEOW[0]]).await;
    let john = Node::calling("john", &fake, &[]).await;
    assert_eq!(john.get("/start").await.status, 502);
    assert_eq!(fake.heard().len(), 1);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_tried_again() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[\"half";
    let fake = Fake::start(&[MEOW[0], Reply::Bytes(half), MEOW[0]]).await;
    let john = Node::calling("john", &fake, &[]).await;
    assert_eq!(john.get("/start").await.status, 200);
    assert_eq!(john.get("/start").await.status, 502);
    assert_eq!(fake.heard().len(), 2);
}

#[tokio::test]
async fn calls_are_spread_evenly_over_all_addresses_and_their_connections_kept() {
    let hosts = HostsFile::new("spread");
    let replicas = [
        Fake::start(MEOW).await,
        Fake::start(MEOW).await,
        Fake::start(MEOW).await,
    ];
    let lines = replicas.each_ref().map(|fake| ("node-paul", fake.address));
    hosts.write(&lines);
    let flags = [
        "--next",
        "http://node-paul:3000",
        "--hosts-file",
        hosts.path(),
        "--next-protocol",
        "http1",
    ];
    let john = Node::start("john", &flags).await;
    for _ in 0..30 {
        assert_eq!(john.get("/start").await.status, 200);
    }
    for replica in &replicas {
        assert_eq!((replica.heard().len(), replica.connections()), (10, 1));
        assert_eq!(replica.heard()[0].header("host"), Some("node-paul:3000"));
    }
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_passed_over() {
    let hosts = HostsFile::new("dead");
    let alive = Fake::start(MEOW).await;
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap();
    hosts.write(&[
        ("node-paul", dead.local_addr().unwrap()),
        ("node-paul", alive.address),
    ]);
    drop(dead);
    let flags = [
        "--next",
        "http://node-paul:3000",
        "--hosts-file",
        hosts.path(),
        "--next-protocol",
        "http1",
    ];
    let john = Node::start("john", &flags).await;
    for _ in 0..10 {
        assert_eq!(john.get("/start").await.status, 200);
    }
    assert_eq!(alive.heard().len(), 10);
}

#[tokio::test]
async fn an_address_that_another_node_has_taken_over_is_passed_over() {
    let hosts = HostsFile::new("taken");
    let ringo = Node::start("ringo", &[]).await;
    let paul = Node::start("paul", &["--next", &ringo.url()]).await;
    let flags = [
        "--next",
        "http://node-paul:3000",
        "--hosts-file",
        hosts.path(),
    ];
    // The name still has the address of a paul that is gone; ringo was started there.
    hosts.write(&[("node-paul", ringo.address), ("node-paul", paul.address)]);
    let john = Node::start("john", &flags).await;
    let both = format!(
        "[\"meow from node-paul:{}\",\"meow from node-ringo:{}\"]",
        paul.port(),
        ringo.port()
    );
    for _ in 0..10 {
        assert_eq!(john.get("/start").await.body, both);
    }

    hosts.write(&[("node-paul", ringo.address)]);
    let lost = Node::start("john", &flags).await;
    let broke = lost.get("/start").await.broke();
    assert_eq!(broke, (502, "refused".into(), "node-paul".into()));
}

#[tokio::test]
async fn a_request_that_is_meant_for_another_is_not_answered() {
    let paul = Node::start("paul", &[]).await;
    let ask = async |path: &str, name: &'static str| {
        let request = client().get(format!("{}{path}", paul.url()));
        let request = request.header("x-meant-for", name);
        Answer::read(request.send().await.unwrap()).await
    };
    for path in ["/start", "/meow", "/ping"] {
        assert_eq!(ask(path, "node-paul").await.status, 200, "{path}");
        let (status, code, _) = ask(path, "node-john").await.broke();
        assert_eq!((status, &*code), (421, "bad_request"), "{path}");
    }
}

#[tokio::test]
async fn the_program_follows_a_name_whose_addresses_change_within_five_seconds() {
    let hosts = HostsFile::new("change");
    let old = Fake::start(MEOW).await;
    let new = Fake::start(MEOW).await;
    hosts.write(&[("node-paul", old.address)]);
    let john = Process::start(&[
        ("NEXT", "http://node-paul:3000"),
        ("HOSTS_FILE", hosts.path()),
    ])
    .await;
    let port = |fake: &Fake| format!("[\"meow from {}\"]", fake.address.port());
    assert_eq!(john.get("/start").await.body, port(&old));

    // The old one still listens, and its connection is kept: only the name says that it is gone.
    hosts.write(&[("node-paul", new.address)]);
    let changed = Instant::now();
    eventually("a call to the new address", async || {
        (john.get("/start").await.body == port(&new)).then_some(())
    })
    .await;
    assert!(
        changed.elapsed() < Duration::from_secs(5),
        "{:?}",
        changed.elapsed()
    );
    assert_eq!(old.connections(), 1);
}

#[tokio::test]
async fn a_name_that_moved_is_looked_up_again_when_nobody_listens_there() {
    let hosts = HostsFile::new("moved");
    let old = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = old.local_addr().unwrap();
    let new = Fake::start(MEOW).await;
    hosts.write(&[("node-paul", gone)]);
    let flags = [
        "--next",
        "http://node-paul:3000",
        "--hosts-file",
        hosts.path(),
        "--next-protocol",
        "http1",
    ];
    let john = Node::start("john", &flags).await;
    drop(old);
    assert_eq!(john.get("/start").await.broke().1, "refused");
    // No waiting for the next look-up: the very next rally finds it.
    hosts.write(&[("node-paul", new.address)]);
    assert_eq!(john.get("/start").await.status, 200);
}
