//! The floor: the same chain and the same bytes with nothing around them. One thread, one epoll
//! instance, no parser, no timer, no log; whatever is not expected ends the process.
//!
//! It is there to be measured against, not to be used: it understands its own kind and the load only.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use anyhow::{Context, bail};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::OwnedFd;

/// The number of the listener among the sockets.
const LISTENER: u64 = u64::MAX;

/// As many bytes of headers as a node sends with a ball.
const ASK: &str = "POST /meow HTTP/1.1\r\nhost: 127.0.0.1:21001\r\n\
    content-type: application/json\r\nx-request-timeout-ms: 4960\r\n\
    traceparent: 00-00000000000000000000000000000000-0000000000000000-00\r\n\
    x-amzn-trace-id: Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0\r\n\
    content-length: ";

/// As many as it answers with.
const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
    server-timing: node-paul;dur=0.100, node-george;dur=0.100\r\n\
    x-trace-id: 00000000000000000000000000000000\r\n\
    vary: origin, access-control-request-method, access-control-request-headers\r\n\
    access-control-allow-origin: *\r\n\
    access-control-expose-headers: x-trace-id,server-timing\r\n\
    date: Thu, 01 Jan 1970 00:00:00 GMT\r\ncontent-length: ";

fn main() -> anyhow::Result<()> {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let port: u16 = variable("PORT").parse().context("PORT")?;
    let name = format!("node-{}", variable("NODE_NAME"));
    let next = match variable("NEXT").strip_prefix("http://") {
        Some(next) => Some(next.parse().context("NEXT")?),
        None => None,
    };
    let mut node = Node {
        epoll: epoll::create(CreateFlags::CLOEXEC)?,
        meow: format!("\"meow from {name}:{port}\""),
        name: format!("\"{name}\""),
        next,
        sockets: Vec::new(),
        free: Vec::new(),
        idle: Vec::new(),
        message: Vec::new(),
    };
    node.run(port)
}

struct Node {
    epoll: OwnedFd,
    name: String,
    meow: String,
    next: Option<SocketAddr>,
    sockets: Vec<Option<Socket>>,
    /// Places among the sockets that nobody has.
    free: Vec<usize>,
    /// Connections to the next node that carry nothing.
    idle: Vec<usize>,
    message: Vec<u8>,
}

struct Socket {
    stream: TcpStream,
    received: Vec<u8>,
    role: Role,
}

#[derive(Clone, Copy)]
enum Role {
    Caller,
    /// To the next node, on behalf of a caller; whether that one wants our meow before the answer.
    Next {
        caller: usize,
        own: bool,
    },
}

impl Node {
    fn run(&mut self, port: u16) -> anyhow::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let number = EventData::new_u64(LISTENER);
        epoll::add(&self.epoll, &listener, number, EventFlags::IN)?;
        let mut events = Vec::with_capacity(256);
        loop {
            epoll::wait(&self.epoll, spare_capacity(&mut events), None)?;
            for event in events.drain(..) {
                let epoll::Event { data, .. } = event;
                match usize::try_from(data.u64()) {
                    _ if data.u64() == LISTENER => self.accept(&listener)?,
                    Ok(place) => self.receive(place)?,
                    Err(_) => bail!("no such socket"),
                }
            }
        }
    }

    fn accept(&mut self, listener: &TcpListener) -> anyhow::Result<()> {
        while let Ok((stream, _)) = listener.accept() {
            self.add(stream, Role::Caller)?;
        }
        Ok(())
    }

    fn add(&mut self, stream: TcpStream, role: Role) -> anyhow::Result<usize> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let place = self.free.pop().unwrap_or_else(|| {
            self.sockets.push(None);
            self.sockets.len() - 1
        });
        let number = EventData::new_u64(place as u64);
        epoll::add(&self.epoll, &stream, number, EventFlags::IN)?;
        self.sockets[place] = Some(Socket {
            stream,
            received: Vec::with_capacity(2048),
            role,
        });
        Ok(place)
    }

    fn receive(&mut self, place: usize) -> anyhow::Result<()> {
        let Some(socket) = &mut self.sockets[place] else {
            return Ok(());
        };
        let mut bytes = [0; 2048];
        match socket.stream.read(&mut bytes) {
            Ok(0) => return self.remove(place),
            Ok(count) => socket.received.extend_from_slice(&bytes[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(_) => return self.remove(place),
        }
        let Some(body) = body_of(&socket.received) else {
            return Ok(());
        };
        let received = std::mem::take(&mut socket.received);
        let body = &received[body..];
        match socket.role {
            Role::Next { caller, own } => {
                self.idle.push(place);
                self.answer(caller, own, body)?;
            }
            Role::Caller if received.starts_with(b"GET /ping ") => {
                let pong = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npong";
                self.send(place, pong)?;
            }
            Role::Caller => {
                let own = received.starts_with(b"POST ");
                match self.next {
                    None => self.answer(place, own, b"[]")?,
                    Some(next) => self.pass(place, own, body, next)?,
                }
            }
        }
        if let Some(socket) = &mut self.sockets[place] {
            socket.received = received;
            socket.received.clear();
        }
        Ok(())
    }

    /// Sends the ball on, with our name behind those in `path`.
    fn pass(
        &mut self,
        caller: usize,
        own: bool,
        path: &[u8],
        next: SocketAddr,
    ) -> anyhow::Result<()> {
        let role = Role::Next { caller, own };
        let place = match self.idle.pop() {
            Some(place) => place,
            None => self.add(TcpStream::connect(next)?, role)?,
        };
        if let Some(socket) = &mut self.sockets[place] {
            socket.role = role;
        }
        let mut message = std::mem::take(&mut self.message);
        let begin = path.strip_suffix(b"]").unwrap_or(b"[");
        let comma: &[u8] = if begin.len() > 1 { b"," } else { b"" };
        write_message(
            &mut message,
            ASK,
            &[begin, comma, self.name.as_bytes(), b"]"],
        )?;
        self.send(place, &message)?;
        self.message = message;
        Ok(())
    }

    fn answer(&mut self, caller: usize, own: bool, behind: &[u8]) -> anyhow::Result<()> {
        let mut message = std::mem::take(&mut self.message);
        let rest = behind.strip_prefix(b"[").unwrap_or(b"]");
        let comma: &[u8] = if rest.len() > 1 { b"," } else { b"" };
        match own {
            true => write_message(
                &mut message,
                ANSWER,
                &[b"[", self.meow.as_bytes(), comma, rest],
            )?,
            false => write_message(&mut message, ANSWER, &[behind])?,
        }
        self.send(caller, &message)?;
        self.message = message;
        Ok(())
    }

    fn send(&mut self, place: usize, message: &[u8]) -> anyhow::Result<()> {
        let Some(socket) = &mut self.sockets[place] else {
            return Ok(());
        };
        // Smaller than any socket's buffer: it goes out whole or not at all.
        match socket.stream.write_all(message) {
            Ok(()) => Ok(()),
            Err(_) => self.remove(place),
        }
    }

    fn remove(&mut self, place: usize) -> anyhow::Result<()> {
        if let Some(socket) = self.sockets[place].take() {
            epoll::delete(&self.epoll, &socket.stream)?;
            self.idle.retain(|idle| *idle != place);
            self.free.push(place);
        }
        Ok(())
    }
}

/// Where the body of a complete message begins.
fn body_of(message: &[u8]) -> Option<usize> {
    let end = message.windows(4).rposition(|four| four == b"\r\n\r\n")? + 4;
    let name = b"content-length: ";
    let head = &message[..end];
    let length = match head.windows(name.len()).rposition(|text| text == name) {
        None => 0,
        Some(start) => head[start + name.len()..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .fold(0, |length, digit| length * 10 + usize::from(digit - b'0')),
    };
    (message.len() >= end + length).then_some(end)
}

fn write_message(message: &mut Vec<u8>, head: &str, body: &[&[u8]]) -> anyhow::Result<()> {
    message.clear();
    let length: usize = body.iter().map(|part| part.len()).sum();
    write!(message, "{head}{length}\r\n\r\n")?;
    for part in body {
        message.extend_from_slice(part);
    }
    Ok(())
}
