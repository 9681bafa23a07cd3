//! Containers are replaced under load: by Compose alone with a gap, by `docker/replace` without one.

use crate::docker::compose;
use crate::load::Load;
use crate::suite::{FOUND, NODES, Suite, container, script};

/// The load, in requests a second, under which nothing may be lost.
const STEADY: f64 = 100.0;

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn all_are_replaced_one_after_the_other_under_load_and_no_request_fails() {
    let suite = Suite::up().await;
    let mut services = NODES.to_vec();
    services.reverse();
    services.push("client");
    let mut before = Vec::new();
    for service in &services {
        before.push(container(service).await);
    }

    let load = Load::start(&suite.url);
    for service in &services {
        script("docker/replace", &[service]).await;
    }
    let report = load.end().await;

    for (service, old) in services.iter().zip(&before) {
        assert_ne!(container(service).await, *old, "{service} was not replaced");
    }
    println!(
        "replaced one after the other: {} requests at {:.0} a second, {} failed; slowest {:?}",
        report.requests,
        report.rate,
        report.failures.len(),
        report.slowest
    );
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    assert!(report.rate >= STEADY, "only {:.0} a second", report.rate);
}

#[tokio::test]
#[ignore = "needs a Docker engine: docker/test/run"]
async fn compose_alone_leaves_a_gap_in_which_no_answer_lies() {
    let suite = Suite::up().await;
    for service in NODES {
        let load = Load::start(&suite.url);
        compose(&["up", "--detach", "--no-deps", "--force-recreate", service]).await;
        suite.until_whole(FOUND).await;
        let report = load.end().await;
        println!(
            "{service} recreated by compose alone: {} of {} requests failed: {:?}",
            report.failures.len(),
            report.requests,
            report.kinds()
        );
        for failure in &report.failures {
            assert!(
                matches!(failure.status, 421 | 502 | 503 | 504),
                "{failure:?}"
            );
            if failure.status != 421 {
                assert_eq!(failure.error()["hop"], service, "{failure:?}");
            }
        }
    }
}
