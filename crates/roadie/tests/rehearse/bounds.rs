//! How many tasks there can be, and that the rehearsal answers whatever is going on.

use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, mknodat};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::load::Load;
use crate::support::{Layout, Roadie, eventually, get};

const CLIENT: &str = "microservice-ping-pong-client-service";

/// Within this, status answers and Ctrl-C shows whatever is going on.
const AT_ONCE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn more_tasks_than_a_service_can_have_on_aws_are_refused() {
    for (file, from, to) in [
        (
            "client-service.json",
            "\"desiredCount\": 1",
            "\"desiredCount\": 4294967295",
        ),
        (
            "client-service.json",
            "\"desiredCount\": 1",
            "\"desiredCount\": 5001",
        ),
        (
            "node-scaling-target.json",
            "\"MaxCapacity\": 4",
            "\"MaxCapacity\": 4294967295",
        ),
        (
            "node-scaling-target.json",
            "\"MinCapacity\": 1",
            "\"MinCapacity\": 5001",
        ),
    ] {
        let layout = Layout::copy("too-many");
        layout.replace(file, from, to);
        let arguments = ["rehearse", "--port", "0", "--control-port", "0"];
        let arguments = [&arguments[..], &["--dir", layout.path()]].concat();
        let (status, message) = Roadie::fails(&arguments).await;
        assert_eq!(status, 1, "{to}: {message}");
        for word in ["5000 tasks", to.rsplit(' ').next().unwrap(), file] {
            assert!(message.contains(word), "{word}: {message}");
        }
    }
    let roadie = Roadie::start(&Layout::own()).await;
    for desired in [5001, u32::MAX] {
        let order = json!({"service": CLIENT, "desired": desired});
        let (status, answer) = roadie.order("/scale", &order).await;
        assert_eq!(status, 422, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains("5000 tasks"), "{error}");
    }
    assert_eq!(roadie.service(CLIENT).await["desired"], 1);
}

/// A rehearsal that can open so many files.
fn with_files(files: u32) -> Command {
    let mut command = Command::new("sh");
    let limited = format!("ulimit -n {files} && exec \"$0\" \"$@\"");
    command.args(["-c", &limited, env!("CARGO_BIN_EXE_roadie")]);
    command
}

#[tokio::test]
async fn more_tasks_than_this_machine_can_hold_are_refused_and_the_others_run_on() {
    let layout = Layout::own();
    let roadie = Roadie::launch_by(with_files(256), &layout, "ready in", &[]).await;
    let (done, printed) = roadie.ask(&["scale", CLIENT, "100"]).await;
    assert!(!done, "{printed}");
    assert!(printed.contains("256 open files"), "{printed}");
    let (done, printed) = roadie.ask(&["scale", CLIENT, "2"]).await;
    assert!(done, "{printed}");
    eventually("two tasks", async || {
        (roadie.service(CLIENT).await["healthy"] == 2).then_some(())
    })
    .await;
    assert_eq!(get(&roadie.url("/start")).await.0, 200);

    let layout = Layout::copy("too-many-here");
    let range =
        |least: u32, most: u32| format!("\"MinCapacity\": {least},\n  \"MaxCapacity\": {most}");
    let file = "client-scaling-target.json";
    layout.replace(file, &range(1, 4), &range(100, 100));
    let mut command = with_files(256);
    command.args(["rehearse", "--port", "0", "--control-port", "0"]);
    let output = command.args(["--dir", layout.path()]).output();
    let output = tokio::time::timeout(Duration::from_secs(20), output).await;
    let output = output.unwrap().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(message.contains("256 open files"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_scaling_goes_no_further_than_this_machine_and_says_so() {
    let layout = Layout::copy("scaling-too-far");
    layout.replace("node-scaling-requests.json", "30000", "1");
    layout.leave_out("node-scaling-cpu.json");
    let faster = ["--speed", "200"];
    let roadie = Roadie::launch_by(with_files(256), &layout, "ready in", &faster).await;
    let load = Load::start(&roadie);
    let said = roadie.says("not scaling").await;
    assert!(said.contains("auto scaling by requests"), "{said}");
    assert!(said.contains("256 open files"), "{said}");
    let (_, failures) = load.stop().await;
    assert_eq!(failures.first(), None, "{}", failures.len());
    assert_eq!(roadie.service("node").await["desired"], 1);
}

/// Asks for the status until `done`; each answer has to come at once.
async fn answers_at_once(roadie: &Roadie, done: impl Fn(&Value) -> bool) {
    let mut slowest = Duration::ZERO;
    eventually("the end", async || {
        let begun = Instant::now();
        let status = roadie.status().await;
        slowest = slowest.max(begun.elapsed());
        done(&status).then_some(())
    })
    .await;
    assert!(slowest < AT_ONCE, "{slowest:?}");
}

/// Ctrl-C, which has to show at once, and to end it soon.
async fn ends_at_once(mut roadie: Roadie) {
    let begun = Instant::now();
    roadie.signal(Signal::INT);
    roadie.says("stopping").await;
    let took = begun.elapsed();
    assert!(took < AT_ONCE, "{took:?}");
    assert_eq!(roadie.ended().await, Some(0));
    let took = begun.elapsed();
    assert!(took < 10 * AT_ONCE, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_ctrl_c_answer_while_hundreds_of_tasks_start() {
    let roadie = Roadie::start(&Layout::own()).await;
    let order = json!({"service": CLIENT, "desired": 200});
    assert_eq!(roadie.order("/scale", &order).await.0, 202);
    answers_at_once(&roadie, |status| {
        let services = status["services"].as_array().unwrap();
        let client = services.iter().find(|service| service["name"] == CLIENT);
        let tasks = client.unwrap()["tasks"].as_array().unwrap();
        let started = tasks.iter().filter(|task| task["port"].is_number());
        started.count() > 100
    })
    .await;
    // The others go on starting.
    ends_at_once(roadie).await;
}

#[tokio::test]
async fn status_and_ctrl_c_answer_while_deployments_read_files_that_do_not_end() {
    let layout = Layout::copy("endless-file");
    let roadie = Roadie::start(&layout).await;
    let file = std::path::Path::new(layout.path()).join("client-task-definition.json");
    std::fs::remove_file(&file).unwrap();
    mknodat(CWD, &file, FileType::Fifo, 0o600.into(), 0).unwrap();
    let order = json!({"tag": "2.0.0"}).to_string();
    let token = roadie.token();
    let mut under_way = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let request = crate::support::client().post(roadie.control("/deploy"));
        let request = request.header("content-type", "application/json");
        under_way.spawn(request.bearer_auth(&token).body(order.clone()).send());
    }
    let begun = Instant::now();
    answers_at_once(&roadie, |_| begun.elapsed() > AT_ONCE).await;
    ends_at_once(roadie).await;
    drop(under_way);
}

#[tokio::test]
async fn extremes_of_time_end_nothing() {
    let layout = Layout::copy("extremes");
    let longest = json!(u32::MAX);
    layout.edit_containers(|containers| {
        for container in containers {
            container["stopTimeout"] = longest.clone();
            if let Some(check) = container.get_mut("healthCheck") {
                for key in ["interval", "timeout", "startPeriod"] {
                    check[key] = longest.clone();
                }
            }
        }
    });
    let grace = |seconds: u32| format!("\"healthCheckGracePeriodSeconds\": {seconds}");
    layout.replace("client-service.json", &grace(30), &grace(u32::MAX));
    for speed in ["0.01", "1000"] {
        let mut roadie = Roadie::start_with(&layout, &["--speed", speed]).await;
        assert_eq!(get(&roadie.url("/start")).await.0, 200, "{speed}");
        let status = roadie.status().await;
        assert_eq!(status["services"].as_array().unwrap().len(), 2, "{speed}");
        roadie.signal(Signal::INT);
        assert_eq!(roadie.ended().await, Some(0), "{speed}");
    }
    for speed in ["0", "-1", "NaN", "inf", "1e308", "1001"] {
        let speed = format!("--speed={speed}");
        let (status, message) = Roadie::fails(&["rehearse", &speed]).await;
        assert_eq!(status, 2, "{speed}: {message}");
    }
}

#[tokio::test]
async fn status_and_ctrl_c_answer_while_nobody_reads_the_output() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let mut command = Command::new(env!("CARGO_BIN_EXE_roadie"));
    command.args(["rehearse", "--port", "0", "--control-port", "0"]);
    command.args(["--rust-log", "debug", "--dir", Layout::own().path()]);
    command
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut control, mut token, mut url) = (String::new(), String::new(), String::new());
    while url.is_empty() {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some((_, address)) = line.split_once("control on ") {
            address.clone_into(&mut control);
        } else if let Some((_, file)) = line.split_once("control token in ") {
            token = std::fs::read_to_string(file).unwrap();
        } else if let Some((_, rest)) = line.split_once("open ") {
            url = rest.split(' ').next().unwrap().to_owned();
        }
    }
    // Some hundred rallies are more than a pipe takes.
    for _ in 0..300 {
        assert_eq!(get(&format!("{url}/start")).await.0, 200);
    }
    let begun = Instant::now();
    let request = crate::support::client().get(format!("{control}/status"));
    let answer = request.bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    let pid = rustix::process::Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    let begun = Instant::now();
    rustix::process::kill_process(pid, Signal::INT).unwrap();
    // The load balancer takes no more requests, though nobody can read that.
    eventually("the end of the listener", async || {
        let refused = crate::support::client().get(&url).send().await.is_err();
        refused.then_some(())
    })
    .await;
    assert!(begun.elapsed() < 2 * AT_ONCE, "{:?}", begun.elapsed());
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
    assert!(begun.elapsed() < 5 * AT_ONCE, "{:?}", begun.elapsed());
}
