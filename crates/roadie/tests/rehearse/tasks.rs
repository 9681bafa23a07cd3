//! One task: its secrets, its memory, and the order in which its containers start.

use std::path::Path;

use serde_json::json;

use crate::support::{Layout, Roadie, eventually, get};

#[tokio::test]
async fn secrets_come_from_a_file_and_are_not_shown() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("secrets.env");
    std::fs::write(&file, "CHAIN_TOKEN=open-sesame\n").unwrap();
    let arguments = ["--secrets", file.to_str().unwrap()];
    let roadie = Roadie::launch(&Layout::own(), "ready in", &arguments).await;
    assert_eq!(get(&roadie.url("/start")).await.0, 200);
    let paul = format!("http://127.0.0.1:{}/meow", roadie.port_of("node-paul"));
    for (token, status) in [("open-sesame", 200), ("wrong", 401)] {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let asked = client.post(&paul).bearer_auth(token).body("[]");
        let asked = asked.header("content-type", "application/json");
        assert_eq!(asked.send().await.unwrap().status(), status, "{token}");
    }
    assert_eq!(roadie.said("open-sesame"), 0);

    // Without a file there is a token, too: what is deployed is what is rehearsed.
    let roadie = Roadie::start(&Layout::own()).await;
    assert_eq!(get(&roadie.url("/start")).await.0, 200);
    assert!(
        roadie
            .says("listening service=node-paul")
            .await
            .contains("chain_token=set")
    );
}

#[tokio::test]
async fn secrets_without_a_value_are_named_all_at_once() {
    let layout = Layout::copy("secrets");
    layout.edit_container("node-ringo", |ringo| {
        ringo["secrets"] = json!([
            {"name": "CHAIN_TOKEN", "valueFrom": "arn:token"},
            {"name": "ANOTHER", "valueFrom": "arn:another"},
        ]);
    });
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("secrets.json");
    std::fs::write(&file, r#"{"NOBODYS": "hunter2"}"#).unwrap();
    let file = file.to_str().unwrap();
    let (status, message) = Roadie::fails(&["--dir", layout.path(), "--secrets", file]).await;
    assert_eq!(status, 1);
    assert!(
        message.contains("secrets.json has no value for ANOTHER, CHAIN_TOKEN"),
        "{message}"
    );
    assert!(!message.contains("hunter2"), "{message}");
}

#[tokio::test]
async fn a_container_above_its_memory_is_killed_and_an_event_says_so() {
    let layout = Layout::copy("memory");
    layout.edit_container("node-george", |george| {
        // The least that ECS takes.
        george["memory"] = json!(6);
        george.as_object_mut().unwrap().remove("memoryReservation");
    });
    let arguments = ["--speed", "20"];
    let roadie = Roadie::launch(&layout, "out of memory, killed", &arguments).await;
    roadie.says("node-george ended: signal: 9").await;
    let (_, events) = roadie.ask(&["events"]).await;
    assert!(events.contains("node-george uses"), "{events}");
    assert!(
        events.contains("its limit is 6: out of memory, killed"),
        "{events}"
    );
    // And so on, with pauses in between.
    eventually("a second task", async || {
        (roadie.said("started task 2") == 1).then_some(())
    })
    .await;
}

/// A layout whose john waits for a container that runs `command` and ends.
fn with_first(test: &str, command: &str, condition: &str) -> Layout {
    let layout = Layout::copy(test);
    layout.edit_containers(|containers| {
        let mut first = containers[0].clone();
        first["name"] = json!("first");
        first["essential"] = json!(false);
        first["command"] = json!([command]);
        for key in ["links", "dependsOn", "healthCheck", "portMappings"] {
            first.as_object_mut().unwrap().remove(key);
        }
        let john = containers.iter_mut().find(|c| c["name"] == "node-john");
        let on = john.unwrap()["dependsOn"].as_array_mut().unwrap();
        on.push(json!({"containerName": "first", "condition": condition}));
        containers.push(first);
    });
    layout
}

#[tokio::test]
async fn a_container_starts_when_those_it_depends_on_have_ended_as_it_asks() {
    // `--version` ends well; a health check of nobody does not.
    for (test, command, condition) in [
        ("after-success", "--version", "SUCCESS"),
        ("after-complete", "healthcheck", "COMPLETE"),
    ] {
        let roadie = Roadie::start(&with_first(test, command, condition)).await;
        assert_eq!(get(&roadie.url("/start")).await.0, 200, "{test}");
        assert_eq!(roadie.containers().len(), 5, "{test}: it has ended");
    }
    let layout = with_first("after-failure", "healthcheck", "SUCCESS");
    let roadie = Roadie::start_unready(&layout, "did not start").await;
    let said = roadie.says("did not start").await;
    assert!(
        said.contains("node-john: first was to end well first: exit status: 1"),
        "{said}"
    );
}
