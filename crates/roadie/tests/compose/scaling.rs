//! `docker compose up --scale`: calls go to all replicas, over connections that are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::docker::{compose, docker, inspect};
use crate::suite::{FOUND, Suite, container, containers};

const RALLIES: usize = 300;

/// How many calls went to each container of node-paul, by the id of the container.
async fn shares(suite: &Suite) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..RALLIES {
        *shares.entry(paul(suite).await).or_default() += 1;
    }
    shares
}

/// The container that answered for paul: an instance's id begins with its host's name.
async fn paul(suite: &Suite) -> String {
    let hops = suite.instances().await;
    let (_, id) = hops.iter().find(|(name, _)| name == "node-paul").unwrap();
    id.split('-').next().unwrap().to_owned()
}

/// Waits until paul answers from all of `wanted`, and from nowhere else.
#[expect(clippy::print_stdout, reason = "how long it took is worth knowing")]
async fn until_found(suite: &Suite, wanted: &BTreeSet<String>, what: &str) {
    let started = Instant::now();
    let mut missing = wanted.clone();
    while !missing.is_empty() {
        missing.remove(&paul(suite).await);
        let took = started.elapsed();
        assert!(took < FOUND, "after {took:?} no call went to {missing:?}");
    }
    println!("{what}: found after {:?}", started.elapsed());
}

/// The containers of paul, as they call themselves, once there are `count`.
async fn pauls(count: usize) -> BTreeSet<String> {
    let ids = containers("node-paul").await;
    assert_eq!(ids.len(), count, "{ids:?}");
    ids.iter().map(|id| id[..12].to_owned()).collect()
}

/// The established connections of john to any node-paul: local port and peer, as the kernel lists
/// them.
async fn connections() -> BTreeSet<(String, String)> {
    let pid = inspect(&container("node-john").await).await["State"]["Pid"].take();
    let table = std::fs::read_to_string(format!("/proc/{pid}/net/tcp"))
        .unwrap_or_else(|error| panic!("the engine must run on this machine: {error}"));
    let rows = table.lines().skip(1).map(|row| {
        let mut fields = row.split_whitespace().skip(1).map(ToOwned::to_owned);
        (
            fields.next().unwrap(),
            fields.next().unwrap(),
            fields.next().unwrap(),
        )
    });
    let to_port_3000 = |peer: &str| peer.ends_with(":0BB8");
    rows.filter(|(_, peer, state)| to_port_3000(peer) && state == "01")
        .map(|(local, peer, _)| (local, peer))
        .collect()
}

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn three_pauls_share_the_calls_and_their_connections_are_kept() {
    let suite = Suite::up().await;
    // To the letter as it is documented.
    compose(&["up", "--scale", "node-paul=3", "-d"]).await;
    let three = pauls(3).await;
    until_found(&suite, &three, "two replicas added").await;

    let shares = shares(&suite).await;
    println!("{RALLIES} rallies over three pauls: {:?}", shares.values());
    assert_eq!(
        shares.keys().collect::<Vec<_>>(),
        three.iter().collect::<Vec<_>>()
    );
    for (id, share) in &shares {
        assert!(*share >= RALLIES / 3 / 2, "{id} got {share} of {RALLIES}");
    }

    let kept = connections().await;
    let peers: BTreeSet<_> = kept.iter().map(|(_, peer)| peer).collect();
    assert_eq!(peers.len(), 3, "{kept:?}");
    for _ in 0..30 {
        suite.instances().await;
    }
    assert_eq!(connections().await, kept, "30 rallies later");

    // One is replaced: killed, gone, and another one in its place.
    let gone = containers("node-paul").await.remove(0);
    docker(&["rm", "--force", &gone]).await;
    compose(&["up", "--scale", "node-paul=3", "-d"]).await;
    let three_again = pauls(3).await;
    assert_ne!(three_again, three);
    until_found(&suite, &three_again, "one replica replaced").await;
    assert_eq!(shares_of(&suite, 30).await, three_again);

    compose(&["up", "--scale", "node-paul=1", "-d"]).await;
    suite.until_whole(FOUND).await;
    let one = pauls(1).await;
    until_alone(&suite, &one).await;
}

/// Who answered for paul in so many rallies.
async fn shares_of(suite: &Suite, rallies: usize) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for _ in 0..rallies {
        seen.insert(paul(suite).await);
    }
    seen
}

/// After a scale-in, only the one that stayed answers.
async fn until_alone(suite: &Suite, one: &BTreeSet<String>) {
    let limit = Instant::now() + FOUND;
    while shares_of(suite, 10).await != *one {
        assert!(Instant::now() < limit);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
