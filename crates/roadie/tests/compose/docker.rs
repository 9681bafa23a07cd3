//! The `docker` command, and what it says.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

/// The project of Compose that the tests use: one that runs by its own name is left alone.
pub(crate) const PROJECT: &str = "ping-pong-test";

/// The longest that one command may take. A first build takes most of it.
const LIMIT: Duration = Duration::from_mins(20);

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A command in the root of the repository, with the tests' project.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(root())
        .env("COMPOSE_PROJECT_NAME", PROJECT)
        // Built in, and shown by --version and by the labels.
        .env("SOURCE", SOURCE)
        .env("REVISION", REVISION)
        .env_remove("VERSION")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// What the tests' images are told about themselves. A fixed revision keeps the second run of the
/// tests from compiling again.
pub(crate) const SOURCE: &str = "https://example.org/microservice-ping-pong";
pub(crate) const REVISION: &str = "test";

/// Runs a command to its end; what it printed.
pub(crate) async fn output(mut command: Command) -> String {
    let shown = format!("{:?}", command.as_std());
    let output = tokio::time::timeout(LIMIT, command.output()).await;
    let output = output
        .unwrap_or_else(|_| panic!("{shown} did not end within {LIMIT:?}"))
        .unwrap_or_else(|error| panic!("{shown}: {error}; docker/test/run brings what is needed"));
    assert!(
        output.status.success(),
        "{shown}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// `docker …`
pub(crate) async fn docker(arguments: &[&str]) -> String {
    let mut command = command("docker");
    command.args(arguments);
    output(command).await
}

/// `docker compose …`
pub(crate) async fn compose(arguments: &[&str]) -> String {
    docker(&[&["compose"], arguments].concat()).await
}

/// What `docker inspect` says of a container, by name or id.
pub(crate) async fn inspect(container: &str) -> Value {
    let json = docker(&["container", "inspect", container]).await;
    serde_json::from_str::<Value>(&json).unwrap()[0].take()
}

/// What `docker image inspect` says.
pub(crate) async fn image(name: &str) -> Value {
    let json = docker(&["image", "inspect", name]).await;
    serde_json::from_str::<Value>(&json).unwrap()[0].take()
}
