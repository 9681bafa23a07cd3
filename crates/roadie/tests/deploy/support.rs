//! A moto server of its own for each test, the aws command kept warm, and `roadie` on top.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

pub(crate) const SECRET: &str = "correct-horse~battery.staple";

/// An AWS that only this test sees. Dropping it ends its processes.
pub(crate) struct Cloud {
    dir: PathBuf,
    servers: Vec<Child>,
    environment: BTreeMap<String, String>,
}

/// What a command did.
pub(crate) struct Run {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The calls of the aws command, each as service and operation.
    pub(crate) calls: Vec<String>,
}

impl Run {
    /// The calls that change something.
    pub(crate) fn changes(&self) -> Vec<&str> {
        let looks = ["describe-", "list-", "get-", "wait"];
        let calls = self.calls.iter().map(String::as_str);
        calls
            .filter(|call| {
                let (_, operation) = call.split_once(' ').unwrap();
                !looks.iter().any(|look| operation.starts_with(look))
            })
            .collect()
    }

    pub(crate) fn succeeded(self) -> Self {
        assert!(self.success, "{}\n{}", self.stdout, self.stderr);
        self
    }
}

impl Cloud {
    pub(crate) fn new(test: &str) -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let mut cloud = Self {
            dir,
            servers: Vec::new(),
            environment: BTreeMap::new(),
        };
        let moto = Command::new(python())
            .args(["-m", "moto.server", "--host", "127.0.0.1", "--port", "0"])
            .env("MOTO_ECS_SERVICE_RUNNING", "1")
            .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let line = cloud.keep(moto.unwrap(), "Running on http");
        let address = line.rsplit("http://").next().unwrap().trim();
        let url = format!("http://{address}");
        // A path to a socket is short.
        let socket = std::env::temp_dir().join(format!("aws-{}-{test}", std::process::id()));
        let warm = Command::new(python())
            .arg(root().join("ecs/test/warm_aws.py"))
            .arg(&socket)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn();
        cloud.keep(warm.unwrap(), "ready");
        let path = std::env::var("PATH").unwrap();
        let bin = root().join("ecs/test/bin");
        for (name, value) in [
            ("PATH", format!("{}:{path}", bin.display())),
            ("AWS_TEST_PYTHON", python()),
            ("AWS_TEST_SOCKET", socket.display().to_string()),
            ("AWS_TEST_LOG", cloud.log().display().to_string()),
            ("AWS_ENDPOINT_URL", url),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_ACCOUNT_ID", "123456789012".to_owned()),
            ("CHAIN_TOKEN", SECRET.to_owned()),
        ] {
            cloud.set(name, &value);
        }
        let vpc = cloud.ask("ec2 describe-vpcs --query Vpcs[0].VpcId");
        cloud.set("VPC_ID", vpc.as_str().unwrap());
        let subnets = cloud.ask("ec2 describe-subnets --query Subnets[].SubnetId");
        cloud.set("SUBNET_A", subnets[0].as_str().unwrap());
        cloud.set("SUBNET_B", subnets[1].as_str().unwrap());
        cloud
    }

    /// Sets an environment variable of everything that is run from here on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.environment.remove(name);
    }

    /// Runs `roadie` with these words.
    pub(crate) fn roadie(&self, words: &str) -> Run {
        let run = self.run(Command::new(env!("CARGO_BIN_EXE_roadie")).args(words.split(' ')));
        for text in [&run.stdout, &run.stderr] {
            assert!(!text.contains(SECRET), "the secret was shown:\n{text}");
        }
        run
    }

    /// Runs a shell script.
    pub(crate) fn sh(&self, script: &str) -> Run {
        let file = self.dir.join("script");
        fs::write(&file, script).unwrap();
        self.run(Command::new("sh").arg(file))
    }

    /// Runs a call of the aws command, and takes its answer.
    pub(crate) fn ask(&self, words: &str) -> Value {
        let mut command = Command::new(root().join("ecs/test/bin/aws"));
        command
            .args(words.split(' '))
            .args(["--region", "eu-west-1", "--output", "json"]);
        let run = self.run(&mut command).succeeded();
        serde_json::from_str(&run.stdout).unwrap_or_default()
    }

    fn run(&self, command: &mut Command) -> Run {
        let _ = fs::remove_file(self.log());
        let output: Output = command
            .current_dir(root())
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        Run {
            success: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            calls: log.lines().map(str::to_owned).collect(),
        }
    }

    fn log(&self) -> PathBuf {
        self.dir.join("calls")
    }

    /// Keeps a server until the end; the first line of it that contains `ready`.
    fn keep(&mut self, mut server: Child, ready: &str) -> String {
        let output: Box<dyn std::io::Read + Send> = match server.stdout.take() {
            Some(stdout) => Box::new(stdout),
            None => Box::new(server.stderr.take().unwrap()),
        };
        self.servers.push(server);
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let line = lines
            .find(|line| line.contains(ready))
            .expect("the server starts");
        // A full pipe would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        line
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
        if let Some(socket) = self.environment.get("AWS_TEST_SOCKET") {
            let _ = fs::remove_file(socket);
        }
    }
}

fn python() -> String {
    std::env::var("AWS_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
