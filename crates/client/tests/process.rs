//! The real program: its help, its refusals, its health check, its end.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// No run of a few lines may take longer.
const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn help_says_what_can_be_set() {
    let output = client(&["--help"], &[]).await;
    assert!(output.status.success());
    let help = text(&output.stdout).replace(chassis::settings::VERSION, "<version>");
    let expected = include_str!("help.txt");
    assert_eq!(
        lines(&help),
        lines(expected),
        "tests/help.txt holds the help:\n{help}"
    );
}

#[tokio::test]
async fn a_bad_setting_is_named_before_anything_is_bound() {
    for (variable, value) in [
        ("BASE_URL", "play.example"),
        ("BASE_URL", "https://play.example/?q"),
        ("PORT", "http"),
        ("HOST", "localhost"),
        ("KEEP_ALIVE_MS", "0"),
        ("RUST_LOG", "client=loud"),
    ] {
        let output = client(&[], &[(variable, value)]).await;
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{variable}: {error}");
        assert!(error.contains(variable) && error.contains(value), "{error}");
    }
}

#[tokio::test]
async fn it_says_where_it_listens_and_ends_when_asked() {
    let mut running = Running::start(&[("BASE_URL", "http://127.0.0.1:1/"), ("RELEASE", "9")]);
    assert_eq!(running.announced["release"], "9");
    assert_eq!(running.announced["base_url"], "http://127.0.0.1:1");

    // An idle connection that stays open does not hold the end up.
    let mut idle = TcpStream::connect(("127.0.0.1", running.port)).unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    let mut status = [0; 15];
    idle.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200 OK");

    running.terminate();
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    let mut log = String::new();
    running.log.read_to_string(&mut log).unwrap();
    assert!(log.contains("\"drained\""), "{log}");
}

#[tokio::test]
async fn healthcheck_asks_the_running_client() {
    let mut running = Running::start(&[]);
    let port = running.port.to_string();
    assert_eq!(
        client(&["healthcheck"], &[("PORT", &port)])
            .await
            .status
            .code(),
        Some(0)
    );
    let host = [("PORT", port.as_str()), ("HOST", "127.0.0.1")];
    assert_eq!(client(&["healthcheck"], &host).await.status.code(), Some(0));

    running.terminate();
    running.child.wait().unwrap();
    let output = client(&["healthcheck"], &[("PORT", &port)]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("unhealthy: "));
}

/// Runs to its end with nothing of our own environment.
async fn client(flags: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = tokio::process::Command::from(command(environment));
    let output = command.args(flags).kill_on_drop(true).output();
    let ended = tokio::time::timeout(LIMIT, output).await;
    ended.unwrap().unwrap()
}

fn command(environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_client"));
    command.env_clear().envs(environment.iter().copied());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Without the spaces at their ends, which an editor would remove from the file.
fn lines(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

/// A client that serves on a free port; it is killed when this is dropped.
struct Running {
    child: Child,
    log: BufReader<ChildStdout>,
    announced: Value,
    port: u16,
}

impl Running {
    fn start(environment: &[(&str, &str)]) -> Self {
        let defaults = [("HOST", "127.0.0.1"), ("PORT", "0"), ("LOG_FORMAT", "json")];
        let mut command = command(&[&defaults, environment].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let announced: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(announced["message"], "listening", "{line}");
        let port = announced["port"].as_u64().unwrap().try_into().unwrap();
        Self {
            child,
            log,
            announced,
            port,
        }
    }

    fn terminate(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
