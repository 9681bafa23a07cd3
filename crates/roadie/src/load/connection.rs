//! One connection that asks and reads the whole answer, again and again.

use std::fmt;
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The largest answer: what is larger is no answer of ours.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// More headers than servers send: hyper and nginx take about 100.
const MAX_HEADERS: usize = 256;

/// A connection, opened when it is needed.
#[derive(Debug)]
pub(super) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    /// What was received of the answer.
    received: Vec<u8>,
    /// The body of an answer in chunks, put together.
    joined: Vec<u8>,
}

/// A whole answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

/// Why there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Refused,
    Unreachable,
    Closed,
    NotHttp,
    TooLarge,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "connection refused",
            Self::Unreachable => "no connection",
            Self::Closed => "closed before the answer was complete",
            Self::NotHttp => "not HTTP",
            Self::TooLarge => "the answer does not end",
        })
    }
}

impl Connection {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
            received: Vec::with_capacity(4096),
            joined: Vec::new(),
        }
    }

    /// Gives the connection up, with whatever may still arrive on it.
    pub(super) fn close(&mut self) {
        self.stream = None;
    }

    /// Sends `request` and reads the answer to its end.
    pub(super) async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>, Trouble> {
        self.received.clear();
        let mut stream = match self.stream.take().filter(is_open) {
            Some(stream) => stream,
            None => connect(self.address).await?,
        };
        stream
            .write_all(request)
            .await
            .map_err(|_| Trouble::Closed)?;
        let head = loop {
            self.read(&mut stream).await?.ok_or(Trouble::Closed)?;
            if let Some(head) = Head::parse(&self.received)? {
                // 100 Continue and its kind announce the answer.
                match head.status {
                    100..200 => drop(self.received.drain(..head.bytes)),
                    _ => break head,
                }
            }
        };
        let body = match head.body {
            Body::Bytes(length) => {
                let end = head.bytes.saturating_add(length);
                while self.received.len() < end {
                    self.read(&mut stream).await?.ok_or(Trouble::Closed)?;
                }
                &self.received[head.bytes..end]
            }
            Body::ToTheEnd => {
                while self.read(&mut stream).await?.is_some() {}
                &self.received[head.bytes..]
            }
            Body::Chunks => {
                loop {
                    self.joined.clear();
                    if join(&self.received[head.bytes..], &mut self.joined)? {
                        break;
                    }
                    self.read(&mut stream).await?.ok_or(Trouble::Closed)?;
                }
                &self.joined[..]
            }
        };
        if head.keep {
            self.stream = Some(stream);
        }
        Ok(Answer {
            status: head.status,
            body,
        })
    }

    /// Reads more; None at the end of the connection.
    async fn read(&mut self, stream: &mut TcpStream) -> Result<Option<()>, Trouble> {
        if self.received.len() > MAX_BYTES {
            return Err(Trouble::TooLarge);
        }
        self.received.reserve(1024);
        match stream.read_buf(&mut self.received).await {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(())),
            Err(_) => Err(Trouble::Closed),
        }
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream, Trouble> {
    let connected = TcpStream::connect(address).await;
    let stream = connected.map_err(|error| match error.kind() {
        ErrorKind::ConnectionRefused => Trouble::Refused,
        _ => Trouble::Unreachable,
    })?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Whether a kept connection is still there. A server may close it between two requests, and says
/// so before the next one is sent.
fn is_open(stream: &TcpStream) -> bool {
    let seen = stream.try_read(&mut [0]);
    matches!(seen, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

struct Head {
    status: u16,
    bytes: usize,
    body: Body,
    keep: bool,
}

enum Body {
    Bytes(usize),
    Chunks,
    ToTheEnd,
}

impl Head {
    /// None as long as it is not complete.
    fn parse(received: &[u8]) -> Result<Option<Self>, Trouble> {
        let mut headers = [MaybeUninit::uninit(); MAX_HEADERS];
        let mut response = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
            &mut response,
            received,
            &mut headers,
        );
        let parsed = parsed.map_err(|_| Trouble::NotHttp)?;
        let httparse::Status::Complete(bytes) = parsed else {
            return Ok(None);
        };
        let status = response.code.unwrap_or_default();
        let mut head = Self {
            status,
            bytes,
            body: match status {
                ..200 | 204 | 304 => Body::Bytes(0),
                _ => Body::ToTheEnd,
            },
            keep: response.version == Some(1),
        };
        for header in &*response.headers {
            let value = header.value.trim_ascii();
            if header.name.eq_ignore_ascii_case("connection") {
                let mut options = value.split(|byte| *byte == b',');
                head.keep &=
                    !options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"));
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                head.body = Body::Chunks;
            } else if header.name.eq_ignore_ascii_case("content-length")
                && matches!(head.body, Body::ToTheEnd)
            {
                let length = std::str::from_utf8(value).ok();
                let length = length.and_then(|length| length.parse().ok());
                head.body = Body::Bytes(length.ok_or(Trouble::NotHttp)?);
            }
        }
        head.keep &= !matches!(head.body, Body::ToTheEnd);
        Ok(Some(head))
    }
}

/// Puts the chunks of a body together; false as long as the last one is missing.
fn join(mut chunks: &[u8], body: &mut Vec<u8>) -> Result<bool, Trouble> {
    loop {
        let size = httparse::parse_chunk_size(chunks).map_err(|_| Trouble::NotHttp)?;
        let httparse::Status::Complete((start, size)) = size else {
            return Ok(false);
        };
        let size = usize::try_from(size).map_err(|_| Trouble::TooLarge)?;
        let rest = &chunks[start..];
        if size == 0 {
            // Trailers end like a head does.
            return Ok(rest.starts_with(b"\r\n") || rest.windows(4).any(|end| end == b"\r\n\r\n"));
        }
        // The chunk and its line end.
        let Some(chunk) = size.checked_add(2).and_then(|end| rest.get(..end)) else {
            return Ok(false);
        };
        body.extend_from_slice(&chunk[..size]);
        chunks = &rest[size + 2..];
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Asks a server that says `answers`, one after the other, each on a connection that it closes
    /// when the text ends in `|`.
    async fn asked(answers: &'static [&'static str]) -> Vec<Result<(u16, String), Trouble>> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut connection = Connection::new(listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let mut answers = answers.iter();
            while let (stream, Some(first)) = (listener.accept().await.unwrap().0, answers.next()) {
                let mut stream = stream;
                let mut answer = *first;
                loop {
                    let _ = stream.read(&mut [0; 100]).await.unwrap();
                    for part in answer.trim_end_matches('|').split('~') {
                        stream.write_all(part.as_bytes()).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                    match answers.as_slice() {
                        [next, ..] if !answer.ends_with('|') => answer = next,
                        _ => break,
                    }
                    answers.next();
                }
            }
        });
        let mut outcomes = Vec::new();
        for _ in answers {
            let outcome = connection.ask(b"GET / HTTP/1.1\r\n\r\n").await;
            outcomes.push(outcome.map(|a| (a.status, String::from_utf8_lossy(a.body).into())));
        }
        server.abort();
        outcomes
    }

    #[tokio::test]
    async fn answers_of_every_framing_are_read_to_their_end() {
        let answers = asked(&[
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npo~ng",
            "HTTP/1.1 100 Continue\r\n\r\n~HTTP/1.1 502 Bad\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\npo\r~\n2\r\nng\r\n0\r\n~\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\n1|",
            "HTTP/1.1 200 OK\r\nconnection: keep-alive, Close\r\ncontent-length: 1\r\n\r\n1|",
            "HTTP/1.0 200 OK\r\n\r\nto the ~end|",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n2|",
        ]);
        let expected = [
            (200, "pong"),
            (502, ""),
            (200, "pong"),
            (204, ""),
            (200, "1"),
            (200, "1"),
            (200, "to the end"),
            (200, "2"),
        ];
        let expected = expected.map(|(status, body)| Ok((status, body.to_owned())));
        assert_eq!(answers.await, expected);
    }

    #[tokio::test]
    async fn an_answer_may_have_many_headers() {
        let headers = "x: 1\r\n".repeat(200);
        let answer = format!("HTTP/1.1 200 OK\r\n{headers}content-length: 2\r\n\r\nok");
        let answers = Box::leak(Box::new([&*Box::leak(answer.into_boxed_str())]));
        assert_eq!(asked(answers).await, [Ok((200, "ok".to_owned()))]);
    }

    #[tokio::test]
    async fn what_is_no_answer_is_told_apart() {
        let half = asked(&["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf|"]);
        assert_eq!(half.await, [Err(Trouble::Closed)]);
        assert_eq!(asked(&["|"]).await, [Err(Trouble::Closed)]);
        assert_eq!(asked(&["SSH-2.0-x\r\n|"]).await, [Err(Trouble::NotHttp)]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut nobody = Connection::new(listener.local_addr().unwrap());
        drop(listener);
        assert_eq!(nobody.ask(b"").await.unwrap_err(), Trouble::Refused);
    }
}
