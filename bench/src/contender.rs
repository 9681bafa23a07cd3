//! Who is measured, and how one of its processes is started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::{peers, sink};

/// Where peers are built.
pub(crate) const DIR: &str = "target/bench";

/// One way to play the chain.
#[derive(Clone, Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    program: Program,
    /// On top of name, port and next node.
    environment: Vec<(&'static str, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Ours,
    Floor,
    Go,
    Nginx,
    Node { folder: &'static str },
}

/// One node of a chain.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) next: Option<u16>,
}

/// The suite as it ships.
pub(crate) const OURS: &str = "ping-pong";
/// The same with HTTP/2 between nodes.
pub(crate) const H2C: &str = "ping-pong, h2c";
/// As it ships, with everything off that can be turned off.
pub(crate) const QUIET: &str = "ping-pong, no logs";
/// As it ships, and every span of every rally sent to a collector.
pub(crate) const TRACED: &str = "ping-pong, every span exported";
/// The same bytes with nothing around them.
pub(crate) const FLOOR: &str = "floor: epoll";

impl Contender {
    /// All there are, the suite first.
    pub(crate) fn all() -> Vec<Self> {
        let with = |name, program, environment: &[(&'static str, &str)]| Self {
            name,
            program,
            environment: environment
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
        };
        let collector = format!("http://127.0.0.1:{}", sink::PORT);
        let everything = ("ADMIN_PORT", "0");
        let node = |folder| Program::Node { folder };
        vec![
            with(OURS, Program::Ours, &[everything]),
            with(H2C, Program::Ours, &[everything, ("NEXT_PROTOCOL", "h2c")]),
            with(QUIET, Program::Ours, &[("RUST_LOG", "off")]),
            with(
                TRACED,
                Program::Ours,
                &[everything, ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector)],
            ),
            with(FLOOR, Program::Floor, &[]),
            with("nginx + Lua", Program::Nginx, &[]),
            with("Go net/http", Program::Go, &[]),
            with("Fastify + undici", node("fastify"), &[]),
            with("Express + axios", node("express"), &[]),
        ]
    }

    /// Builds what is not built yet.
    ///
    /// # Errors
    /// Its runtime is missing, or refuses.
    pub(crate) fn prepare(&self) -> anyhow::Result<()> {
        match self.program {
            Program::Ours | Program::Floor => Ok(()),
            Program::Go => peers::build_go(),
            Program::Nginx => peers::check_nginx(),
            Program::Node { folder } => peers::install_node(folder),
        }
    }

    /// The command of one of its processes.
    pub(crate) fn command(&self, place: &Place) -> anyhow::Result<Command> {
        let mut command = match self.program {
            Program::Ours => Command::new("target/programs/node"),
            Program::Floor => Command::new("target/release/floor"),
            Program::Go => Command::new(peers::go_program()),
            Program::Node { folder } => {
                let mut command = Command::new("node");
                command.arg(peers::node_program(folder));
                command
            }
            Program::Nginx => {
                let mut command = Command::new("nginx");
                command.arg("-c").arg(nginx_configuration(place)?);
                command
            }
        };
        let next = place.next.map(|port| format!("http://127.0.0.1:{port}"));
        command
            .env("NODE_ENV", "production")
            .env("HOST", "127.0.0.1")
            .env("LOG_FORMAT", "json")
            .env("PORT", place.port.to_string())
            .env("NODE_NAME", &place.name)
            .env("NEXT", next.unwrap_or_default())
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }
}

/// Writes the configuration of one node, and says where.
fn nginx_configuration(place: &Place) -> anyhow::Result<PathBuf> {
    let dir = Path::new(DIR).join(format!("nginx-{}", place.port));
    fs::create_dir_all(&dir)?;
    let dir = dir.canonicalize()?;
    let template = fs::read_to_string("bench/peers/nginx/nginx.conf");
    let next = place.next.map(|port| format!("127.0.0.1:{port}"));
    let text = template
        .context("the configuration of nginx")?
        .replace("@DIR@", &dir.to_string_lossy())
        .replace("@NAME@", &place.name)
        .replace("@PORT@", &place.port.to_string())
        .replace("@NEXT@", next.as_deref().unwrap_or_default())
        // The end of the chain asks nobody; an upstream still wants an address.
        .replace("@NEXT_ADDRESS@", next.as_deref().unwrap_or("127.0.0.1:9"));
    let path = dir.join("nginx.conf");
    fs::write(&path, text)?;
    Ok(path)
}
