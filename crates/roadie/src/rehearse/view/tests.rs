//! The view as text.

use serde_json::json;

use super::*;

fn snapshot(tasks: u64, rollout: &str) -> Snapshot {
    let tasks: Vec<_> = (1..=tasks)
        .map(|id| {
            let state = if id == 2 { "draining" } else { "healthy" };
            json!({
                "id": id, "release": "2.0.0", "state": state, "port": 40_000 + id, "age_ms": 61_000,
                "zone": "1a", "cpu_percent": 0.5, "memory_mib": 9,
            })
        })
        .collect();
    let deployment = json!({
        "release": "2.0.0", "rollout": rollout, "rollback": false, "failed_tasks": 1, "healthy": 2
    });
    let service = json!({
        "name": "node-service", "desired": 3, "running": 3, "healthy": 2, "tasks": tasks,
        "deployments": [deployment],
        "events": [{"at_ms": 1500, "message": "deploying release 2.0.0"}],
    });
    let counts = json!({"requests": 1000, "elb_5xx": 0, "target_5xx": 0});
    let recent = json!({
        "requests": 1000, "elb_5xx": 0, "target_5xx": 0, "requests_per_second": 99.7,
        "p50_us": 800, "p99_us": 12_345, "max_us": 20_000
    });
    let status = json!({
        "load_balancer": {"total": counts, "recent": recent}, "services": [service], "zones": []
    });
    Snapshot {
        url: "http://127.0.0.1:8080".to_owned(),
        status: serde_json::from_value(status).unwrap(),
    }
}

fn draw(snapshot: &Snapshot, width: usize, height: usize) -> String {
    render(snapshot, Size { width, height }, false)
}

#[test]
fn it_shows_the_address_the_load_the_deployment_and_each_task() {
    let view = draw(&snapshot(3, "IN_PROGRESS"), 80, 24);
    let expected = "\
-- http://127.0.0.1:8080 -- 100 requests/s, p99 12.3 ms, no errors -------------
2/3 healthy node-service
  [########....] release 2.0.0: IN_PROGRESS, 2 of 3, 1 failed tasks
  task 1   healthy   2.0.0      :40001 1a  1 min 1 s
  task 2   draining  2.0.0      :40002 1a  1 min 1 s
  task 3   healthy   2.0.0      :40003 1a  1 min 1 s
      1.5 s  node-service: deploying release 2.0.0
";
    assert_eq!(view, expected);
}

#[test]
fn a_completed_deployment_is_only_a_release() {
    let view = draw(&snapshot(1, "COMPLETED"), 80, 24);
    assert!(
        view.contains("2/3 healthy node-service, release 2.0.0\n"),
        "{view}"
    );
    assert!(!view.contains('#'), "{view}");
}

#[test]
fn errors_are_told_now_and_in_all() {
    let mut snapshot = snapshot(1, "COMPLETED");
    snapshot.status.load_balancer.total.elb_5xx = 7;
    let view = draw(&snapshot, 80, 24);
    assert!(view.contains(", 7 errors in all --"), "{view}");
    snapshot.status.load_balancer.recent.counts.target_5xx = 2;
    let view = draw(&snapshot, 80, 24);
    assert!(view.contains(", 2 errors, 7 in all --"), "{view}");
}

#[test]
fn no_size_is_exceeded_and_colours_take_no_room() {
    let snapshot = snapshot(40, "IN_PROGRESS");
    for (width, height) in [(80, 24), (20, 10), (5, 100), (1, 8), (0, 0), (300, 3)] {
        let plain = draw(&snapshot, width, height);
        assert!(plain.lines().count() <= height / 2, "{width} x {height}");
        for line in plain.lines() {
            assert!(line.chars().count() <= width, "{width} x {height}: {line}");
        }
        let coloured = render(&snapshot, Size { width, height }, true);
        let parts = coloured.split('\x1b').enumerate();
        let stripped: String = parts
            .map(|(n, part)| {
                if n == 0 {
                    part
                } else {
                    part.split_once('m').unwrap().1
                }
            })
            .collect();
        assert_eq!(stripped, plain);
    }
}

#[test]
fn where_tasks_do_not_fit_those_that_serve_are_left_out_first() {
    let view = draw(&snapshot(40, "IN_PROGRESS"), 80, 12);
    let expected = "\
-- http://127.0.0.1:8080 -- 100 requests/s, p99 12.3 ms, no errors -------------
2/3 healthy node-service
  [########....] release 2.0.0: IN_PROGRESS, 2 of 3, 1 failed tasks
  task 1   healthy   2.0.0      :40001 1a  1 min 1 s
  task 2   draining  2.0.0      :40002 1a  1 min 1 s
  and 38 tasks more
";
    assert_eq!(view, expected);
}

#[test]
fn a_release_cannot_move_the_cursor() {
    let mut snapshot = snapshot(1, "COMPLETED");
    snapshot.status.services[0].tasks[0].release = "1\x1b[2J\r\n\u{202e}".to_owned();
    let view = draw(&snapshot, 80, 24);
    assert!(view.contains("1\\u{1b}[2J\\u{d}\\u{a}\\u{202e} "), "{view}");
}

#[test]
fn a_zone_that_is_lost_is_told() {
    let mut snapshot = snapshot(1, "COMPLETED");
    let zones = json!([{"name": "1a", "lost": true}, {"name": "1b", "lost": false}]);
    snapshot.status.zones = serde_json::from_value(zones).unwrap();
    let view = draw(&snapshot, 80, 24);
    assert!(view.contains(", no errors, 1a lost --"), "{view}");
}
