//! A long time of everything at once: players, peers that mean harm, deployments, kills. Afterwards all is
//! as it was.
//!
//! `cargo test --release -p roadie --test rehearse soak -- --ignored --nocapture`, ten minutes; `SOAK_MINUTES`
//! sets another time.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::load::{Load, PLAYERS};
use crate::support::{Layout, Roadie, within};

const NODES: &str = "microservice-ping-pong-node-service";
const CLIENT: &str = "microservice-ping-pong-client-service";

/// How long the rehearsal may take to settle after each act, and connections to be given up at the end.
const SETTLES: Duration = Duration::from_mins(3);

/// Peers of each kind in a round.
const PEERS: usize = 10;

/// What is begun and left, with the connection held for the rest of the round.
const BEGINNINGS: [&[u8]; 8] = [
    b"",
    b"G",
    b"GET /start HTTP/1.1\r\nhost: lo",
    b"PRI * HTTP/2.0\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x04\x08\0\0\0\0\0",
    b"POST /start HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhalf",
    b"POST /deploy HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
];

/// What the rehearsal holds.
#[derive(Clone, Copy, Debug)]
struct Holds {
    files: usize,
    memory: usize,
    containers: usize,
}

impl Holds {
    fn now(roadie: &Roadie) -> Self {
        let files = std::fs::read_dir(format!("/proc/{}/fd", roadie.pid())).unwrap();
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", roadie.pid())).unwrap();
        let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
        Self {
            files: files.count(),
            memory: pages * rustix::param::page_size(),
            containers: roadie.containers().len(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes ten minutes, or SOAK_MINUTES"]
async fn after_a_long_time_of_everything_all_is_as_it_was() {
    let minutes = std::env::var("SOAK_MINUTES").map_or(10.0, |minutes| minutes.parse().unwrap());
    let end = Instant::now() + Duration::from_secs_f64(60.0 * minutes);
    let layout = Layout::copy("soak");
    // What is asked for is what there is, whatever the load.
    for service in ["node", "client"] {
        for file in ["cpu", "requests", "target"] {
            layout.leave_out(&format!("{service}-scaling-{file}.json"));
        }
    }
    let mut roadie = Roadie::start_faster(&layout, 20).await;
    let load = Load::start(&roadie);
    assert!(roadie.ask(&["scale", NODES, "3"]).await.0);
    settled(&roadie).await;
    // Whatever is made once has been made after the first deployment.
    assert!(roadie.ask(&["deploy", "--tag", "first"]).await.0);
    settled(&roadie).await;
    let begun = Holds::now(&roadie);

    let (mut round, mut kills) = (0, 0);
    while Instant::now() < end || round == 0 {
        let held = besiege(&roadie).await;
        let tag = format!("r{round}");
        let (good, printed) = roadie.ask(&["deploy", "--tag", &tag]).await;
        assert!(good, "{printed}");

        layout.set_environment("node-john", "FAULT_UNREADY", "true");
        let bad = ["deploy", "--tag", "bad", "--service", NODES];
        let (completed, printed) = roadie.ask(&bad).await;
        assert!(!completed, "{printed}");
        layout.set_environment("node-john", "FAULT_UNREADY", "false");
        settled(&roadie).await;

        let task = roadie.service(NODES).await["tasks"][0]["id"]
            .as_u64()
            .unwrap();
        let order = json!({"service": NODES, "task": task});
        assert_eq!(roadie.order("/kill", &order).await.0, 202);
        kills += 1;
        settled(&roadie).await;

        let containers = roadie.containers();
        containers[round % containers.len()].signal(Signal::KILL);
        kills += 1;
        settled(&roadie).await;

        for desired in ["5", "3"] {
            assert!(roadie.ask(&["scale", NODES, desired]).await.0);
            settled(&roadie).await;
        }
        drop(held);
        round += 1;
        println!(
            "round {round}, {} rallies: {:?}",
            load.answered(),
            Holds::now(&roadie)
        );
    }

    let (played, failures) = load.stop().await;
    // A kill takes with it what was in flight, and nothing else takes anything.
    assert!(
        failures.len() <= kills * PLAYERS,
        "{} of {played} failed with {kills} kills: {:?}",
        failures.len(),
        failures.first()
    );
    let ended = within(
        SETTLES,
        "as few files and containers as at the beginning",
        async || {
            let now = Holds::now(&roadie);
            (now.files <= begun.files && now.containers == begun.containers).then_some(now)
        },
    )
    .await;
    // What an allocator keeps is not what leaks: it does not grow with the rounds.
    assert!(
        ended.memory < 2 * begun.memory,
        "{ended:?} after {round} rounds, {begun:?} before"
    );
    roadie.signal(Signal::INT);
    assert_eq!(roadie.ended().await, Some(0));
}

/// Waits until each service has the tasks that it shall have, all of them healthy.
async fn settled(roadie: &Roadie) {
    within(SETTLES, "rest", async || {
        for name in [NODES, CLIENT] {
            let service = roadie.service(name).await;
            let desired = service["desired"].as_u64().unwrap();
            let tasks = service["tasks"].as_array().unwrap().len() as u64;
            let deployments = service["deployments"].as_array().unwrap().len();
            if (tasks, service["healthy"].as_u64(), deployments) != (desired, Some(desired), 1) {
                return None;
            }
        }
        Some(())
    })
    .await;
}

/// Peers on every listener that begin something and leave it, or do not read what they asked for.
async fn besiege(roadie: &Roadie) -> Vec<TcpStream> {
    let edge = roadie.url("").replace("http://", "");
    let control = roadie.control("").replace("http://", "");
    let john = format!("127.0.0.1:{}", roadie.port_of("node-john"));
    let mut held = Vec::new();
    let mut peers = JoinSet::new();
    for address in [edge, control, john] {
        for beginning in BEGINNINGS {
            for number in 0..PEERS {
                let address = address.clone();
                peers.spawn(async move {
                    // The first node may have been replaced.
                    let mut stream = TcpStream::connect(&address).await.ok()?;
                    stream.write_all(beginning).await.ok()?;
                    match number % 3 {
                        0 => Some(stream),
                        1 => None,
                        _ => {
                            stream.set_zero_linger().ok()?;
                            None
                        }
                    }
                });
            }
        }
        for _ in 0..PEERS {
            let address = address.clone();
            peers.spawn(async move {
                let mut stream = TcpStream::connect(&address).await.ok()?;
                let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
                stream.write_all(&request.repeat(100)).await.ok()?;
                Some(stream)
            });
        }
    }
    while let Some(peer) = peers.join_next().await {
        held.extend(peer.unwrap());
    }
    held
}
