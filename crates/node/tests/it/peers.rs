//! Peers that come and go without a word: the real program is afterwards what it was before.

use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Process, eventually};

/// How many come in each manner, and how many of them at once.
const PEERS: usize = 2_000;
const AT_ONCE: usize = 200;

/// What a peer does after it has connected.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// Closes at once.
    Fin,
    /// Resets at once.
    Reset,
    /// Resets after the first byte of a request.
    ResetAfterAByte,
    /// Says nothing until it is given up.
    Silence,
    /// Begins a request and says nothing more.
    HalfARequest,
    /// Begins a request by HTTP/2 and says nothing more.
    HalfAPreface,
}

async fn visit(node: &Process, manner: Manner) {
    let mut peer = TcpStream::connect(node.address).await.unwrap();
    let first = match manner {
        Manner::Fin | Manner::Reset | Manner::Silence => "",
        Manner::ResetAfterAByte => "G",
        Manner::HalfARequest => "POST /meow HTTP/1.1\r\nhost: jo",
        Manner::HalfAPreface => "PRI * HTTP/2.0\r\n",
    };
    peer.write_all(first.as_bytes()).await.unwrap();
    match manner {
        Manner::Fin => {}
        Manner::Reset | Manner::ResetAfterAByte => peer.set_zero_linger().unwrap(),
        Manner::Silence | Manner::HalfARequest | Manner::HalfAPreface => {
            let limit = Duration::from_secs(10);
            let mut answer = Vec::new();
            let end = tokio::time::timeout(limit, peer.read_to_end(&mut answer)).await;
            assert!(end.is_ok(), "{manner:?} is kept");
        }
    }
}

#[tokio::test]
async fn peers_that_never_ask_leave_no_descriptor_behind() {
    let john = Process::start(&[("KEEP_ALIVE_MS", "150")]).await;
    assert_eq!(john.get("/ping").await.status, 200);
    let begun = open_files(&john);
    for manner in [
        Manner::Fin,
        Manner::Reset,
        Manner::ResetAfterAByte,
        Manner::Silence,
        Manner::HalfARequest,
        Manner::HalfAPreface,
    ] {
        for _ in 0..PEERS / AT_ONCE {
            let visits = (0..AT_ONCE).map(|_| visit(&john, manner));
            futures_util::future::join_all(visits).await;
        }
        eventually(
            &format!("as few descriptors as before {manner:?}"),
            async || (open_files(&john) <= begun).then_some(()),
        )
        .await;
        assert_eq!(john.get("/ping").await.status, 200, "after {manner:?}");
    }
}

#[tokio::test]
async fn a_node_that_is_out_of_room_still_answers_its_health_check() {
    let john = Process::start(&[("MAX_CONNECTIONS", "100")]).await;
    let mut silent = Vec::new();
    for _ in 0..1_000 {
        silent.push(TcpStream::connect(john.address).await.unwrap());
    }
    assert_eq!(john.get("/ping").await.status, 200);
    assert!(open_files(&john) < 200, "{}", open_files(&john));
}

#[tokio::test]
async fn the_end_of_a_drain_is_told_as_it_was() {
    let mut john = Process::start(&[]).await;
    let mut half = TcpStream::connect(john.address).await.unwrap();
    half.write_all(b"GET /meow HT").await.unwrap();
    let stream = TcpStream::connect(john.address).await.unwrap();
    // A peer that never answers, because nobody drives its connection.
    let (_send, _connection) = h2::client::handshake(stream).await.unwrap();
    john.get("/meow").await;
    john.signal(Signal::TERM);
    john.says("drained").await;
    assert_eq!(john.ended().await, 0);
}

#[tokio::test]
async fn a_connection_whose_answers_are_not_read_holds_little_memory() {
    let ringo = Process::start(&[("NODE_NAME", "ringo"), ("ADMIN_PORT", "0")]).await;
    assert_eq!(ringo.get("/start").await.status, 200);
    let begun = memory(&ringo);
    let stream = TcpStream::connect(ringo.address).await.unwrap();
    let mut builder = h2::client::Builder::new();
    let (mut send, connection) = builder
        .initial_window_size(0)
        .handshake::<_, bytes::Bytes>(stream)
        .await
        .unwrap();
    tokio::spawn(connection);
    // As many as a node admits, and those beyond it.
    let mut answers = Vec::new();
    for _ in 0..1024 + 128 {
        send = send.ready().await.unwrap();
        let request = http::Request::get("http://ringo/start")
            .version(http::Version::HTTP_2)
            .header("x-large", "x".repeat(50_000))
            .body(())
            .unwrap();
        answers.push(send.send_request(request, true).unwrap().0);
    }
    let heads = futures_util::future::join_all(answers).await;
    assert!(
        heads
            .iter()
            .all(|head| head.as_ref().unwrap().status() == 200)
    );
    // The bound that docs/architecture.md states: 16 KiB for each request in flight.
    let grown = memory(&ringo).saturating_sub(begun);
    assert!(grown < 18 * 1024 * 1024, "{grown} bytes");
}

/// The resident memory of a process, in bytes.
fn memory(process: &Process) -> usize {
    let statm = std::fs::read_to_string(format!("/proc/{}/statm", process.id())).unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * rustix::param::page_size()
}

fn open_files(process: &Process) -> usize {
    let files = std::fs::read_dir(format!("/proc/{}/fd", process.id())).unwrap();
    files.count()
}
