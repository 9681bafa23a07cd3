//! A next node that says what it is told to say, byte by byte, in HTTP/1.1: who calls it has to be told so,
//! because all tests are run with `NEXT_PROTOCOL=h2c`, too.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::eventually;

/// What the fake does with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    /// A proper answer with this body; the connection is kept.
    Json(&'static str),
    /// These bytes, and the end of the connection.
    Bytes(&'static str),
    /// These bytes, and then nothing more, but the connection stays.
    Hang(&'static str),
    /// The head of an answer, and a body that never ends.
    Endless,
    /// The end of the connection, by a reset.
    Reset,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// The number of the connection it came on, from 0.
    pub(crate) connection: usize,
    pub(crate) text: String,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.text.lines().skip(1);
        let mut fields = lines.filter_map(|line| line.split_once(": "));
        let found = fields.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }
}

/// A next node on a free port.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    tasks: Vec<tokio::task::AbortHandle>,
    heard: Vec<Heard>,
    connections: usize,
    gone: usize,
}

impl Fake {
    /// Answers the n-th request with the n-th reply, and all further ones with the last.
    pub(crate) async fn start(replies: &[Reply]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let replies: Arc<[Reply]> = replies.into();
        let fake = Self {
            address: listener.local_addr().unwrap(),
            log: Arc::default(),
        };
        let (log, address) = (Arc::clone(&fake.log), fake.address);
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let connection = {
                    let mut log = log.lock().unwrap();
                    log.connections += 1;
                    log.connections - 1
                };
                let connection = Connection {
                    number: connection,
                    replies: Arc::clone(&replies),
                    log: Arc::clone(&log),
                    address,
                };
                let tasks = Arc::clone(&log);
                let task = tokio::spawn(connection.serve(stream));
                tasks.lock().unwrap().tasks.push(task.abort_handle());
            }
        });
        fake.log.lock().unwrap().tasks.push(serving.abort_handle());
        fake
    }

    /// Stops listening, and ends all connections.
    pub(crate) fn stop(&self) {
        self.log
            .lock()
            .unwrap()
            .tasks
            .iter()
            .for_each(tokio::task::AbortHandle::abort);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.log.lock().unwrap().heard.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.log.lock().unwrap().connections
    }

    /// Waits until a request has come.
    pub(crate) async fn first_request(&self) -> Heard {
        eventually("a request", async || self.heard().into_iter().next()).await
    }

    /// Waits until the caller has closed a connection.
    pub(crate) async fn caller_gone(&self) {
        eventually("the caller's going away", async || {
            (self.log.lock().unwrap().gone > 0).then_some(())
        })
        .await;
    }
}

struct Connection {
    number: usize,
    replies: Arc<[Reply]>,
    log: Arc<Mutex<Log>>,
    address: SocketAddr,
}

impl Connection {
    async fn serve(self, mut stream: TcpStream) {
        while let Some(text) = read_request(&mut stream).await {
            let count = {
                let mut log = self.log.lock().unwrap();
                log.heard.push(Heard {
                    connection: self.number,
                    text,
                });
                log.heard.len()
            };
            let reply = self.replies.get(count - 1).or(self.replies.last()).unwrap();
            match reply {
                Reply::Json(body) => {
                    // `{port}` lets a fake speak of itself.
                    let body = body.replace("{port}", &self.address.port().to_string());
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                    let _ = stream.write_all((head + &body).as_bytes()).await;
                }
                Reply::Bytes(bytes) => {
                    let _ = stream.write_all(bytes.as_bytes()).await;
                    return;
                }
                Reply::Hang(bytes) => {
                    let _ = stream.write_all(bytes.as_bytes()).await;
                    let _ = stream.read(&mut [0]).await;
                    self.log.lock().unwrap().gone += 1;
                    return;
                }
                Reply::Endless => {
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[";
                    let mut sent = stream.write_all(head.as_bytes()).await;
                    while sent.is_ok() {
                        sent = stream.write_all(&[b' '; 4096]).await;
                    }
                    return;
                }
                Reply::Reset => {
                    stream.set_zero_linger().unwrap();
                    return;
                }
            }
        }
        self.log.lock().unwrap().gone += 1;
    }
}

/// A head, and as much body as it announces.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap_or("0");
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            if bytes.len() >= end + 4 + length {
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}
