//! A next node that speaks HTTP/2 and does with each call what it is told to do.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;

use super::eventually;

/// What becomes of a call.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// A proper answer.
    Meow,
    /// A proper answer when so many calls have come that the barrier breaks.
    Together(Arc<Barrier>),
    /// No answer, and the connection stays.
    Silence,
    /// Only this call ends.
    Reset(Reason),
    /// The connection ends, with all that is on it.
    Gone,
}

/// A next node on a free port.
#[derive(Clone)]
pub(crate) struct FakeHttp2 {
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    /// The connection of each call, by its number.
    calls: Vec<usize>,
    connections: usize,
    cancelled: usize,
}

impl FakeHttp2 {
    /// The n-th call has the n-th fate, and all further ones the last.
    pub(crate) async fn start(fates: &[Fate]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            address: listener.local_addr().unwrap(),
            log: Arc::default(),
        };
        let (fates, serving): (Arc<[Fate]>, _) = (fates.into(), fake.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = serving.log.lock().unwrap().connections;
                serving.log.lock().unwrap().connections += 1;
                tokio::spawn(serving.clone().serve(number, stream, Arc::clone(&fates)));
            }
        });
        fake
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The connection of each call.
    pub(crate) fn calls(&self) -> Vec<usize> {
        self.log.lock().unwrap().calls.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.log.lock().unwrap().connections
    }

    /// Waits until the caller has given up a call.
    pub(crate) async fn cancelled(&self) {
        eventually("the end of a call", async || {
            (self.log.lock().unwrap().cancelled > 0).then_some(())
        })
        .await;
    }

    async fn serve(self, number: usize, stream: TcpStream, fates: Arc<[Fate]>) {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_, respond))) = connection.accept().await {
            let fate = {
                let mut log = self.log.lock().unwrap();
                log.calls.push(number);
                let last = fates.last().unwrap();
                fates.get(log.calls.len() - 1).unwrap_or(last).clone()
            };
            if matches!(fate, Fate::Gone) {
                return;
            }
            tokio::spawn(self.clone().meet(fate, respond));
        }
    }

    async fn meet(self, fate: Fate, mut respond: SendResponse<Bytes>) {
        match fate {
            Fate::Together(barrier) => {
                barrier.wait().await;
            }
            Fate::Reset(reason) => return respond.send_reset(reason),
            Fate::Silence => {
                let reset = poll_fn(|context| respond.poll_reset(context)).await;
                if reset.is_ok() {
                    self.log.lock().unwrap().cancelled += 1;
                }
                return;
            }
            Fate::Meow | Fate::Gone => {}
        }
        let head = http::Response::new(());
        let meow = format!("[\"meow from {}\"]", self.address.port());
        let mut body = respond.send_response(head, false).unwrap();
        body.send_data(meow.into(), true).unwrap();
    }
}
