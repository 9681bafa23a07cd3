//! A folder with layouts, and stand-ins for the programs that a deployment calls.

use std::fs::{self, File};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Notes each call, and answers as an AWS that has everything under the id `x`. `$GATE`, where it is
/// set, is a named pipe that holds up the first of two changes until somebody writes to it.
const AWS: &str = r#"#!/bin/sh
printf '%s %s\n' "$1" "$2" >>"$CALLS"
printf '%s\n' "$@" >>"$WORDS"
case "$1 $2" in
'sts get-caller-identity') echo '"123456789012"' ;;
'ecr describe-repositories')
    if [ -n "${GATE-}" ]; then
        echo '{"repositoryName": "repo", "repositoryArn": "arn", "imageTagMutability": "MUTABLE"}'
    else
        echo '"x"'
    fi
    ;;
'ecr put-image-tag-mutability') [ -z "${GATE-}" ] || read -r _ <"$GATE" ;;
'logs describe-log-groups') [ -n "${GATE-}" ] || echo '"x"' ;;
*' create-'* | *' put-'* | *' wait') ;;
*) [ -n "${ANSWER-}" ] && printf '%s\n' "$ANSWER" || echo '"x"' ;;
esac
"#;

/// Notes that it was called, which nobody has a reason for.
const CANARY: &str = "#!/bin/sh\necho \"$0 $*\" >>\"$SUNG\"\n";

const QUIET: &str = "#!/bin/sh\nexit 0\n";

/// Dropping it removes it.
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
}

impl Place {
    pub(crate) fn new(test: &str) -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hostile-{test}"));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("bin")).unwrap();
        let place = Self { dir };
        let programs = [
            ("aws", AWS),
            ("canary", CANARY),
            ("docker", QUIET),
            ("sleep", QUIET),
        ];
        for (name, text) in programs {
            let file = place.dir.join("bin").join(name);
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        place
    }

    /// Writes a file below the folder.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A layout of these steps, each a call and its body, in `layouts/ec2`.
    pub(crate) fn layout(&self, steps: &[(&str, Value)]) {
        let mut plan = Vec::new();
        for (index, (call, body)) in steps.iter().enumerate() {
            let file = format!("{index}.json");
            self.write(&format!("layouts/ec2/{file}"), &body.to_string());
            plan.push(serde_json::json!({"file": file, "call": call}));
        }
        self.write("layouts/ec2/plan.json", &Value::from(plan).to_string());
    }

    /// A copy of our own layout in `<into>/ec2`.
    pub(crate) fn own_layout(&self, into: &str) -> PathBuf {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ecs");
        let to = self.dir.join(into);
        let _ = fs::remove_dir_all(&to);
        for folder in ["common", "alb", "ec2"] {
            fs::create_dir_all(to.join(folder)).unwrap();
            for entry in fs::read_dir(from.join(folder)).unwrap() {
                let entry = entry.unwrap();
                fs::copy(entry.path(), to.join(folder).join(entry.file_name())).unwrap();
            }
        }
        to
    }

    /// `roadie` with these words, in the folder, with the stand-ins.
    pub(crate) fn roadie(&self, words: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_roadie"));
        command.args(words);
        command
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.dir)
            .env_clear()
            .env("PATH", self.dir.join("bin"))
            .env("CALLS", self.dir.join("calls"))
            .env("WORDS", self.dir.join("words"))
            .env("SUNG", self.dir.join("sung"))
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCOUNT_ID", "123456789012")
            .env("CHAIN_TOKEN", "secret")
            .env("VPC_ID", "vpc-1")
            .env("SUBNET_A", "subnet-a")
            .env("SUBNET_B", "subnet-b")
            .stdin(Stdio::null());
        command
    }

    /// The calls of `aws` so far, each as service and operation.
    pub(crate) fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.dir.join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Every word that `aws` was given, a line each.
    pub(crate) fn words(&self) -> String {
        fs::read_to_string(self.dir.join("words")).unwrap_or_default()
    }

    /// What was executed that must not be.
    pub(crate) fn sung(&self) -> String {
        fs::read_to_string(self.dir.join("sung")).unwrap_or_default()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A disk without room.
pub(crate) fn full() -> Stdio {
    File::options()
        .write(true)
        .open("/dev/full")
        .unwrap()
        .into()
}

/// A pipe whose reader is gone.
pub(crate) fn closed() -> Stdio {
    let (reader, writer) = UnixStream::pair().unwrap();
    close(&reader);
    OwnedFd::from(writer).into()
}

/// Closes this end for whoever writes into the other. A pipe's end would not do: for a moment, each process
/// that another test starts holds it, too.
pub(crate) fn close(reader: &UnixStream) {
    reader.shutdown(Shutdown::Both).unwrap();
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Numbers that look random and are the same every time (xorshift).
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}
