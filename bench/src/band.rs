//! The processes of one contender: a chain on loopback, ready to be asked.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::account;
use crate::contender::{Contender, Place};

/// The longest a process may take to answer.
const READY: Duration = Duration::from_secs(20);

/// How often a process that starts is asked whether it is ready.
const ASK: Duration = Duration::from_micros(200);

/// Below the range from which the system takes ports for connections: nobody gets one by chance.
const FIRST_PORT: u16 = 21_000;

/// The four, and who plays in longer chains.
const NAMES: [&str; 4] = ["john", "paul", "george", "ringo"];

/// A running chain. Dropping it kills it.
pub(crate) struct Band {
    children: Vec<Child>,
    ports: Vec<u16>,
    /// From the start of each process to its first good answer.
    pub(crate) ready: Vec<Duration>,
}

impl Band {
    /// Starts a chain of `length`, the last one first, and waits until each answers.
    pub(crate) fn start(contender: &Contender, length: u16) -> anyhow::Result<Self> {
        let mut band = Self {
            children: Vec::new(),
            ports: (FIRST_PORT..FIRST_PORT + length).collect(),
            ready: Vec::new(),
        };
        for (number, port) in (0..length).zip(band.ports.clone()).rev() {
            let place = Place {
                name: name(number),
                port,
                next: (number + 1 < length).then_some(port + 1),
            };
            let mut command = contender.command(&place)?;
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let begun = Instant::now();
            let child = command.spawn();
            band.children
                .push(child.with_context(|| format!("cannot start {}", contender.name))?);
            while get(port, "/ping").is_none_or(|answer| !answer.starts_with("HTTP/1.1 200 ")) {
                if begun.elapsed() > READY {
                    bail!("{} is not ready within {READY:?}", contender.name);
                }
                std::thread::sleep(ASK);
            }
            band.ready.push(begun.elapsed());
        }
        Ok(band)
    }

    /// Where its rallies begin.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/start", self.ports[0])
    }

    /// What a rally's answer has to be.
    pub(crate) fn expected(&self) -> String {
        let nodes = (0_u16..).zip(&self.ports).skip(1);
        let meows: Vec<String> = nodes
            .map(|(number, port)| format!("\"meow from node-{}:{port}\"", name(number)))
            .collect();
        format!("[{}]", meows.join(","))
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        self.children.iter().map(Child::id).collect()
    }

    /// User and system time of all its processes.
    pub(crate) fn cpu_us(&self) -> u64 {
        self.pids().into_iter().map(account::cpu_us).sum()
    }

    /// Resident memory of the process that has most of it.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let resident = self.pids().into_iter().map(account::resident_bytes);
        resident.max().unwrap_or_default()
    }
}

impl Drop for Band {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn name(number: u16) -> String {
    match NAMES.get(usize::from(number)) {
        Some(name) => (*name).to_owned(),
        None => format!("n{number}"),
    }
}

/// The answer to one request, when there is one.
fn get(port: u16, path: &str) -> Option<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(READY)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = [0; 1024];
    let count = stream.read(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer[..count]).into_owned())
}
