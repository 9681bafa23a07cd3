//! Which variables the processes of a rehearsal can be given.

use serde_json::{Value, json};

use crate::support::{Layout, Roadie};

const CLIENT: &str = "microservice-ping-pong-client-service";

/// Variables by which the loader, the C library or an allocator would load or read something else,
/// and names that would become such a variable or none at all.
const HARMFUL: [&str; 10] = [
    "LD_PRELOAD",
    "LD_AUDIT",
    "DYLD_INSERT_LIBRARIES",
    "GLIBC_TUNABLES",
    "GCONV_PATH",
    "MALLOC_ARENA_MAX",
    "HOSTALIASES",
    "LD_PRELOAD=/tmp/foreign.so:",
    "",
    "A\nB",
];

#[tokio::test]
async fn what_the_loader_acts_on_is_refused_with_file_container_and_variable() {
    for name in HARMFUL {
        let layout = Layout::copy("harmful-variable");
        layout.set_environment("node-paul", name, "/tmp/foreign.so");
        refuses(&layout, &["node-paul", &format!("{name:?}")]).await;
    }
    let layout = Layout::copy("harmful-value");
    layout.set_environment("node-paul", "GREETING", "a\0b");
    refuses(&layout, &["node-paul", "GREETING", "NUL"]).await;
    let layout = Layout::copy("harmful-secret");
    layout.edit_container("node-paul", |paul| {
        paul["secrets"] = json!([{"name": "LD_PRELOAD", "valueFrom": "arn:x"}]);
    });
    refuses(&layout, &["node-paul", "LD_PRELOAD"]).await;
    let layout = Layout::copy("environment-files");
    layout.edit_container("node-paul", |paul| {
        paul["environmentFiles"] = json!([{"value": "arn:aws:s3:::b/a.env", "type": "s3"}]);
    });
    refuses(&layout, &["node-paul", "environmentFiles"]).await;
}

#[tokio::test]
async fn a_command_that_listens_elsewhere_is_refused() {
    for command in [&["--host", "0.0.0.0"][..], &["--host=0.0.0.0"]] {
        let layout = Layout::copy("host-in-command");
        layout.edit_container("node-paul", |paul| paul["command"] = json!(command));
        refuses(&layout, &["node-paul", "--host", "HOST"]).await;
    }
}

async fn refuses(layout: &Layout, words: &[&str]) {
    let arguments = ["rehearse", "--port", "0", "--control-port", "0"];
    let arguments = [&arguments[..], &["--dir", layout.path()]].concat();
    let (status, message) = Roadie::fails(&arguments).await;
    assert_eq!(status, 1, "{words:?}");
    for word in words.iter().chain(&["node-task-definition.json"]) {
        assert!(message.contains(word), "{word}: {message}");
    }
}

#[tokio::test]
async fn what_the_loader_acts_on_is_refused_by_the_api_and_nothing_is_deployed() {
    let roadie = Roadie::start(&Layout::own()).await;
    for name in HARMFUL {
        let order = json!({"tag": "2.0.0", "environment": {name: "/tmp/foreign.so"}});
        let (status, answer) = roadie.order("/deploy", &order).await;
        assert_eq!(status, 422, "{name:?}: {answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(&format!("{name:?}")), "{error}");
    }
    let (done, printed) = roadie
        .ask(&["deploy", "--tag", "2.0.0", "--env", "LD_PRELOAD=/tmp/x.so"])
        .await;
    assert!(!done && printed.contains("LD_PRELOAD"), "{printed}");
    let deployments = roadie.service(CLIENT).await["deployments"].clone();
    assert_eq!(deployments.as_array().unwrap().len(), 1, "{deployments}");
}

#[tokio::test]
async fn a_variable_of_the_api_changes_where_a_container_listens_no_more_than_one_of_the_files() {
    let roadie = Roadie::start_faster(&Layout::own(), 10).await;
    let deploy = ["deploy", "--tag", "2.0.0", "--service", CLIENT];
    let variables = ["--env", "HOST=0.0.0.0", "--env", "GREETING=hello"];
    let (done, printed) = roadie.ask(&[&deploy[..], &variables].concat()).await;
    assert!(done, "{printed}");
    let containers = roadie.containers();
    assert!(containers.iter().any(|c| c.has("GREETING=hello")));
    assert!(!containers.iter().any(|c| c.has("HOST=0.0.0.0")));
}
