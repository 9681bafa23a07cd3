//! The real program, with its log read line by line.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::{Answer, get};

/// A running `node`. Dropping it ends it.
pub(crate) struct Process {
    child: Child,
    log: Lines<BufReader<ChildStdout>>,
    pub(crate) address: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    /// What it said before it listened, and the line in which it said where.
    pub(crate) said: Vec<Value>,
}

impl Process {
    /// The program with nothing but these variables in its environment.
    pub(crate) fn command(variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_node"));
        command
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Starts it on a free port, and waits until it says which.
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        let here = [("HOST", "127.0.0.1"), ("PORT", "0")];
        let mut child = Self::command(&[&here, variables].concat())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = Vec::new();
        loop {
            let line = log
                .next_line()
                .await
                .unwrap()
                .expect("it ended before it listened");
            said.push(serde_json::from_str::<Value>(&line).unwrap());
            let listening = said.last().unwrap();
            if listening["message"] == "listening" {
                let at =
                    |port: u64| SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).unwrap()));
                return Self {
                    child,
                    log,
                    address: at(listening["port"].as_u64().unwrap()),
                    admin: listening["admin_port"].as_u64().map(at),
                    said,
                };
            }
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        get(&format!("{}{path}", self.url())).await
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.id().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for the log line with this message.
    pub(crate) async fn says(&mut self, message: &str) -> Value {
        loop {
            let line = self.says_next().await;
            if line["message"] == message {
                return line;
            }
        }
    }

    /// The next log line.
    pub(crate) async fn says_next(&mut self) -> Value {
        let line = self.log.next_line().await.unwrap();
        serde_json::from_str(&line.expect("it ended without another word")).unwrap()
    }

    /// Waits for its end: the exit status, or minus the number of the signal that ended it.
    pub(crate) async fn ended(&mut self) -> i32 {
        let status = self.child.wait().await.unwrap();
        status.code().unwrap_or_else(|| -status.signal().unwrap())
    }
}
