//! Runs the `aws` command, one call after the other, and shows what it runs.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{self, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use super::Command;
use super::look::Look;
use crate::stdio::Log;

/// What AWS says while a role that was just made is not known everywhere yet.
const NOT_YET: [&str; 4] = [
    "Invalid IAM Instance Profile",
    "unable to assume the role",
    "is not authorized to perform: sts:AssumeRole",
    "Role is not valid",
];

/// How often such a call is tried: IAM needs seconds, seldom more than half a minute.
const TRIES: u32 = 12;

/// Runs calls in one region.
pub(crate) struct Runner {
    region: String,
    secrets: BTreeMap<String, String>,
    /// Whether every call is printed, as a line to paste.
    show: bool,
    log: Log,
}

impl Runner {
    /// In `region`; `secrets` are the values of calls that take theirs from standard input.
    pub(crate) fn new(region: &str, secrets: BTreeMap<String, String>, show: bool) -> Self {
        Self {
            region: region.to_owned(),
            secrets,
            show,
            log: Log::default(),
        }
    }

    /// Where it is told what happens.
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// Where calls go.
    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// The answer of a call; `null` when it has none.
    pub(crate) fn run(&self, command: Command) -> anyhow::Result<Value> {
        let command = command.region(&self.region);
        for _ in 1..TRIES {
            match self.once(&command)? {
                Ok(answer) => return Ok(answer),
                Err(error) if NOT_YET.iter().any(|text| error.contains(text)) => {
                    self.log.say(&format!("# not yet: {error}"));
                    thread::sleep(Duration::from_secs(5));
                }
                Err(error) => bail!("{error}"),
            }
        }
        self.once(&command)?.map_err(anyhow::Error::msg)
    }

    /// What a look finds; `null` when there is nothing.
    pub(crate) fn look(&self, look: &Look) -> anyhow::Result<Value> {
        let command = look.command.clone().query(look.query.clone());
        let command = command.region(&self.region);
        match (self.once(&command)?, look.absent) {
            (Ok(found), _) => Ok(found),
            (Err(error), Some(absent)) if error.contains(absent) => Ok(Value::Null),
            (Err(error), _) => bail!("{error}"),
        }
    }

    /// Runs it once: the answer, or what the command says is wrong.
    fn once(&self, command: &Command) -> anyhow::Result<Result<Value, String>> {
        if self.show {
            self.log.say(&command.to_string());
        }
        let secret = command.secret_variable();
        let mut aws = process::Command::new("aws");
        aws.args(command.words()).args(["--output", "json"]);
        // Version 2 would open a pager. The secrets are not for its environment.
        aws.env("AWS_PAGER", "");
        for name in self.secrets.keys() {
            aws.env_remove(name);
        }
        aws.stdin(match secret {
            Some(_) => Stdio::piped(),
            None => Stdio::null(),
        });
        aws.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = aws.spawn().context("cannot run the aws command")?;
        if let (Some(name), Some(mut stdin)) = (secret, child.stdin.take()) {
            let value = self
                .secrets
                .get(name)
                .with_context(|| format!("no value for {name}"))?;
            stdin
                .write_all(value.as_bytes())
                .context("cannot hand the secret over")?;
        }
        let output = child
            .wait_with_output()
            .context("cannot wait for the aws command")?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            let error = match self.show {
                true => error,
                false => format!("{command}\n{error}"),
            };
            let error = if error.is_empty() {
                output.status.to_string()
            } else {
                error
            };
            return Ok(Err(error));
        }
        if output.stdout.iter().all(u8::is_ascii_whitespace) {
            return Ok(Ok(Value::Null));
        }
        serde_json::from_slice(&output.stdout)
            .map(Ok)
            .with_context(|| format!("the answer of {command} is not JSON"))
    }
}
