//! docs/ec2-single-host.md, command by command, with an SSH server on loopback as the instance.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::docker::{self, root};
use crate::suite::{MEOWS, Suite};

/// Where the instance listens. A port of its own: there may be an SSH server already.
const PORT: u16 = 2222;

/// How often `docker/replace` calls docker: once for each of five services, and three times for all.
const COMMANDS_OF_REPLACE: usize = 8;

/// How soon sshd must listen.
const LISTENS: Duration = Duration::from_secs(10);

#[tokio::test]
#[ignore = "needs a Docker engine and sshd: docker/test/run"]
async fn the_page_about_one_ec2_host_does_what_it_says() {
    let suite = Suite::up().await;
    // The instance's engine is this machine's: its ports are taken as long as the suite is up.
    docker::compose(&["down"]).await;
    let instance = Instance::start();
    let own = configuration(&instance.folder).await;

    for block in commands() {
        println!("$ {}", block.trim().replace('\n', "\n  "));
        let logins = instance.logins();
        let mut shell = docker::command("sh");
        // DOCKER_HOST would win over the context that DOCKER_CONTEXT names.
        shell.env_remove("DOCKER_HOST").env("DOCKER_CONFIG", &own);
        shell.args(["-euc", &block]);
        instance.lend(&mut shell);
        let said = docker::output(shell).await;
        // Each command that is meant for the instance came through its SSH server.
        let replaced = block.matches("docker/replace").count();
        let meant = block.matches("--context").count() + COMMANDS_OF_REPLACE * replaced;
        let came = instance.logins() - logins;
        assert!(came >= meant, "{came} logins, {meant} commands: {block}");
        if block.contains("compose up") {
            assert_eq!(suite.get("/start").await.body, MEOWS);
        }
        if block.contains("compose ps") {
            assert!(said.contains("(healthy)"), "{said}");
            assert!(
                said.contains("listening"),
                "the logs come through, too: {said}"
            );
        }
    }
}

/// A configuration of the client without a context of anybody's, that starts from the engine in use.
async fn configuration(folder: &Path) -> PathBuf {
    let own = folder.join("docker");
    fs::create_dir(&own).unwrap();
    let home = || PathBuf::from(std::env::var("HOME").unwrap()).join(".docker");
    let theirs = std::env::var("DOCKER_CONFIG").map_or_else(|_| home(), PathBuf::from);
    // Where the plugins are: Compose is one.
    let _ = fs::copy(theirs.join("config.json"), own.join("config.json"));
    let _ = std::os::unix::fs::symlink(theirs.join("cli-plugins"), own.join("cli-plugins"));
    let engine = docker::docker(&["context", "inspect", "-f", "{{.Endpoints.docker.Host}}"]).await;
    let host = format!("host={engine}");
    for arguments in [
        &["context", "create", "here", "--docker", &host][..],
        &["context", "use", "here"],
    ] {
        let mut command = docker::command("docker");
        command.env("DOCKER_CONFIG", &own).args(arguments);
        docker::output(command).await;
    }
    own
}

/// The page's blocks of commands that are marked as shell: those that it calls tested.
fn commands() -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/ec2-single-host.md")).unwrap();
    let blocks = page.split("```sh\n").skip(1);
    let blocks: Vec<_> = blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect();
    assert_eq!(blocks.len(), page.matches("*Tested.*").count());
    assert!(!blocks.is_empty());
    blocks
}

/// An SSH server on loopback that lets in one key, which was made for it.
struct Instance {
    server: Child,
    folder: PathBuf,
}

impl Instance {
    fn start() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ec2");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let file = |name: &str| folder.join(name).display().to_string();
        for key in ["host", "user"] {
            let mut keygen = Command::new("ssh-keygen");
            let keygen = keygen.args(["-q", "-t", "ed25519", "-N", "", "-f", &file(key)]);
            assert!(keygen.status().unwrap().success());
        }
        let host_key = fs::read_to_string(file("host.pub")).unwrap();
        fs::write(
            file("known_hosts"),
            format!("[127.0.0.1]:{PORT} {host_key}"),
        )
        .unwrap();
        // What a login shell of the instance would set: where docker is, and its engine.
        let environment = ["PATH", "DOCKER_HOST"]
            .iter()
            .filter_map(|name| Some(format!(" {name}={}", std::env::var(name).ok()?)))
            .collect::<String>();
        let config = format!(
            "Port {PORT}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\n\
             PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             PermitRootLogin prohibit-password\nSetEnv{environment}\n",
            file("host"),
            file("user.pub"),
        );
        fs::write(file("sshd_config"), config).unwrap();
        // The client is told all this without touching the configuration of who runs the test.
        let ssh = format!(
            "#!/bin/sh\nexec /usr/bin/ssh -F none -i {} -o UserKnownHostsFile={} \"$@\"\n",
            file("user"),
            file("known_hosts"),
        );
        fs::create_dir(folder.join("bin")).unwrap();
        fs::write(file("bin/ssh"), ssh).unwrap();
        fs::set_permissions(file("bin/ssh"), fs::Permissions::from_mode(0o755)).unwrap();

        // sshd wants its absolute path; as root also this folder, as a place without privileges.
        let _ = fs::create_dir_all("/run/sshd");
        let log = fs::File::create(file("log")).unwrap();
        let server = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f", &file("sshd_config")])
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap_or_else(|error| panic!("sshd: {error}; docker/test/run installs it"));
        let instance = Self { server, folder };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", PORT)).is_err() {
            assert!(started.elapsed() < LISTENS, "{}", instance.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        instance
    }

    /// Lets a command reach the instance as if it were one's own.
    fn lend(&self, command: &mut tokio::process::Command) {
        let path = std::env::var("PATH").unwrap();
        let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
        command
            .env(
                "PATH",
                format!("{}:{path}", self.folder.join("bin").display()),
            )
            .env("EC2_HOST", format!("{user}@127.0.0.1:{PORT}"));
    }

    fn logins(&self) -> usize {
        self.log().matches("Accepted publickey").count()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
