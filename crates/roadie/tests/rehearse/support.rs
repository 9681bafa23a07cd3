//! A running rehearsal, what it prints, and the processes it started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The layout of this repository, or a copy of it that may be spoilt.
pub(crate) struct Layout {
    dir: PathBuf,
    copied: bool,
}

impl Layout {
    pub(crate) fn own() -> Self {
        Self {
            dir: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ecs/ec2"),
            copied: false,
        }
    }

    pub(crate) fn fargate() -> Self {
        let mut layout = Self::own();
        layout.dir.set_file_name("fargate");
        layout
    }

    pub(crate) fn copy(test: &str) -> Self {
        Self::own().copied(test)
    }

    /// A copy of this one.
    pub(crate) fn copied(&self, test: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        let _ = fs::remove_dir_all(&root);
        let own = self;
        let name = own.dir.file_name().unwrap().to_str().unwrap();
        // The plan names files of the folders beside its own.
        for folder in ["common", "alb", name] {
            fs::create_dir_all(root.join(folder)).unwrap();
            for entry in fs::read_dir(own.dir.with_file_name(folder)).unwrap() {
                let entry = entry.unwrap();
                fs::copy(entry.path(), root.join(folder).join(entry.file_name())).unwrap();
            }
        }
        let dir = root.join(name);
        Self { dir, copied: true }
    }

    pub(crate) fn path(&self) -> &str {
        self.dir.to_str().unwrap()
    }

    pub(crate) fn replace(&self, file: &str, from: &str, to: &str) {
        let path = self.dir.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// Takes a file out of the plan.
    pub(crate) fn leave_out(&self, file: &str) {
        let path = self.dir.join("plan.json");
        let mut plan: Vec<Value> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        plan.retain(|step| step["file"] != file);
        fs::write(path, json!(plan).to_string()).unwrap();
    }

    /// Sets a variable of a container of the node's task definition.
    pub(crate) fn set_environment(&self, container: &str, name: &str, value: &str) {
        self.edit_container(container, |container| {
            let environment = container["environment"].as_array_mut().unwrap();
            environment.retain(|pair| pair["name"] != name);
            environment.push(json!({"name": name, "value": value}));
        });
    }

    /// Changes a container of the node's task definition.
    pub(crate) fn edit_container(&self, container: &str, edit: impl FnOnce(&mut Value)) {
        self.edit_containers(|containers| {
            let mut containers = containers.iter_mut();
            edit(containers.find(|c| c["name"] == container).unwrap());
        });
    }

    /// Changes the containers of the node's task definition.
    pub(crate) fn edit_containers(&self, edit: impl FnOnce(&mut Vec<Value>)) {
        let path = self.dir.join("node-task-definition.json");
        let mut json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        edit(json["containerDefinitions"].as_array_mut().unwrap());
        fs::write(path, json.to_string()).unwrap();
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        if self.copied {
            let _ = fs::remove_dir_all(self.dir.parent().unwrap());
        }
    }
}

/// A running `roadie`. Dropping it kills it.
pub(crate) struct Roadie {
    child: Child,
    pid: u32,
    printed: Arc<Mutex<Vec<String>>>,
    url: String,
    control: String,
}

impl Roadie {
    /// Starts it on a free port, and waits until it is ready.
    pub(crate) async fn start(layout: &Layout) -> Self {
        Self::start_unready(layout, "ready in").await
    }

    /// Starts it on a free port, and waits until it says `what`.
    pub(crate) async fn start_unready(layout: &Layout, what: &str) -> Self {
        Self::launch(layout, what, &[]).await
    }

    /// Starts it with waiting times divided by `speed`, and waits until it is ready.
    pub(crate) async fn start_faster(layout: &Layout, speed: u32) -> Self {
        Self::start_with(layout, &["--speed", &speed.to_string()]).await
    }

    /// Starts it with more arguments, and waits until it is ready.
    pub(crate) async fn start_with(layout: &Layout, more: &[&str]) -> Self {
        Self::launch(layout, "ready in", more).await
    }

    /// Starts it with more arguments, and waits until it says `what`.
    pub(crate) async fn launch(layout: &Layout, what: &str, more: &[&str]) -> Self {
        let command = Command::new(env!("CARGO_BIN_EXE_roadie"));
        Self::launch_by(command, layout, what, more).await
    }

    /// Starts it with `folder` for temporary files, and waits until it is ready.
    pub(crate) async fn start_in(folder: &Path, layout: &Layout) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roadie"));
        command.env("TMPDIR", folder);
        Self::launch_by(command, layout, "ready in", &[]).await
    }

    /// Starts it by `command`, and waits until it says `what`.
    pub(crate) async fn launch_by(
        mut command: Command,
        layout: &Layout,
        what: &str,
        more: &[&str],
    ) -> Self {
        let mut child = command
            .args([
                "rehearse",
                "--port",
                "0",
                "--control-port",
                "0",
                "--rust-log",
                "debug",
                "--dir",
                layout.path(),
            ])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let printed = Arc::<Mutex<Vec<String>>>::default();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let log = Arc::clone(&printed);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                log.lock().unwrap().push(line);
            }
        });
        let roadie = Self {
            pid: child.id().unwrap(),
            child,
            printed,
            url: String::new(),
            control: String::new(),
        };
        roadie.says(what).await;
        let address = roadie.says("load balancer on http://").await;
        let control = roadie.says("control on http://").await;
        let url = |line: &str| line.split_once("on ").unwrap().1.to_owned();
        Self {
            url: url(&address),
            control: url(&control),
            ..roadie
        }
    }

    /// Runs it to its end, which has to come by itself: the status, and what it complained about.
    pub(crate) async fn fails(arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roadie"));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let output = command
            .args(arguments)
            .current_dir(root)
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(Duration::from_secs(20), output).await;
        let output = output.unwrap().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), message)
    }

    /// Asks it from a second terminal: whether that ended well, and what it printed.
    pub(crate) async fn ask(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_roadie"))
            .arg("rehearse")
            .args(arguments)
            .args(["--control", &self.control])
            .output()
            .await
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    }

    /// The state of the service whose name holds `name`.
    pub(crate) async fn service(&self, name: &str) -> Value {
        let status = self.status().await;
        let services = status["services"].as_array().unwrap();
        let named = |service: &&Value| service["name"].as_str().unwrap().contains(name);
        services.iter().find(named).unwrap().clone()
    }

    /// What it tells about itself.
    pub(crate) async fn status(&self) -> Value {
        let request = client().get(self.control("/status"));
        let answer = request.bearer_auth(self.token()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// Status and body of its API's answer to an order.
    pub(crate) async fn order(&self, path: &str, body: &Value) -> (u16, String) {
        let request = client().post(self.control(path));
        let request = request.header("content-type", "application/json");
        let request = request.bearer_auth(self.token()).body(body.to_string());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The file with its API's token.
    pub(crate) fn token_file(&self) -> PathBuf {
        let printed = self.printed.lock().unwrap();
        let mut found = printed
            .iter()
            .filter_map(|line| line.split_once("control token in "));
        PathBuf::from(found.next().unwrap().1)
    }

    /// What its API wants to be shown.
    pub(crate) fn token(&self) -> String {
        fs::read_to_string(self.token_file()).unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// How many lines with `what` in them it has said.
    pub(crate) fn said(&self, what: &str) -> usize {
        let printed = self.printed.lock().unwrap();
        printed.iter().filter(|line| line.contains(what)).count()
    }

    /// The admin ports of all `container`s that it has started, the oldest first.
    pub(crate) fn admin_ports(&self, container: &str) -> Vec<u16> {
        let printed = self.printed.lock().unwrap();
        let listens = format!("listening service={container} ");
        let lines = printed.iter().filter(|line| line.contains(&listens));
        let ports = lines.map(|line| line.split(" admin_port=").nth(1).unwrap());
        ports
            .map(|port| port.split(' ').next().unwrap().parse().unwrap())
            .collect()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Where its own API answers for `path`.
    pub(crate) fn control(&self, path: &str) -> String {
        format!("{}{path}", self.control)
    }

    /// Waits for a line with `what` in it.
    pub(crate) async fn says(&self, what: &str) -> String {
        eventually(what, async || {
            let printed = self.printed.lock().unwrap();
            printed.iter().find(|line| line.contains(what)).cloned()
        })
        .await
    }

    /// The port on which a container said that it listens.
    pub(crate) fn port_of(&self, container: &str) -> u16 {
        let printed = self.printed.lock().unwrap();
        let listens = format!("listening service={container} ");
        let line = printed.iter().find(|line| line.contains(&listens)).unwrap();
        let port = line.split(" port=").nth(1).unwrap();
        port.split(' ').next().unwrap().parse().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(pid(self.pid), signal).unwrap();
    }

    /// Waits for its end; no status when a signal ended it.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        self.child.wait().await.unwrap().code()
    }

    /// Its folder for temporary files, as long as there is one.
    pub(crate) fn scratch(&self) -> Option<PathBuf> {
        let entries = fs::read_dir(std::env::temp_dir()).unwrap().flatten();
        let own = format!("roadie-{}-", self.pid);
        let mut own =
            entries.filter(|entry| entry.file_name().to_str().unwrap_or("").starts_with(&own));
        own.next().map(|entry| entry.path())
    }

    /// The containers it has started and that run now, without the health checks beside them.
    pub(crate) fn containers(&self) -> Vec<Container> {
        let all = fs::read_dir("/proc").unwrap().flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let children = pids.filter(|pid| stat(*pid).is_some_and(|stat| stat.parent == self.pid));
        let read = |pid, file| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        children
            .filter(|pid| !String::from_utf8_lossy(&read(*pid, "cmdline")).contains("healthcheck"))
            .map(|pid| Container {
                environment: read(pid, "environ"),
                pid,
            })
            .collect()
    }
}

/// A process that the rehearsal has started.
#[derive(Debug)]
pub(crate) struct Container {
    pid: u32,
    environment: Vec<u8>,
}

impl Container {
    /// Whether its environment holds `text`.
    pub(crate) fn has(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.environment).contains(text)
    }

    /// The value of a variable.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.environment).into_owned();
        let mut pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.to_owned())
    }

    /// The name under which the system lists it.
    pub(crate) fn command(&self) -> String {
        let name = fs::read_to_string(format!("/proc/{}/comm", self.pid)).unwrap();
        name.trim_end().to_owned()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(pid(self.pid), signal).unwrap();
    }

    pub(crate) fn is_running(&self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.state != 'Z')
    }
}

struct Stat {
    state: char,
    parent: u32,
}

fn stat(process: u32) -> Option<Stat> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some(Stat {
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
    })
}

fn pid(process: u32) -> Pid {
    Pid::from_raw(process.cast_signed()).unwrap()
}

/// A client that knows nothing of the environment.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// An empty folder for one test, gone with what is returned.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(test: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The names of what is in it.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap().flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Status and body.
pub(crate) async fn get(url: &str) -> (u16, String) {
    let answer = client().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Waits until `probe` gives something, for half a minute at most.
pub(crate) async fn eventually<T>(what: &str, probe: impl AsyncFnMut() -> Option<T>) -> T {
    within(Duration::from_secs(30), what, probe).await
}

/// Waits until `probe` gives something.
pub(crate) async fn within<T>(
    limit: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let poll = async {
        loop {
            if let Some(found) = probe().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let found = tokio::time::timeout(limit, poll).await;
    found.unwrap_or_else(|_| panic!("{what:?} did not come"))
}
