//! Log lines on their way to standard output: written by a thread of its own, many at a time.
//!
//! A line that comes alone is written at once. The thread then leaves a moment between two writes: where
//! requests are many, their lines share one system call and one change of threads.

use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// What may wait for a reader that has stopped reading. Beyond that lines are lost: a service that
/// waits for its log would stop with it.
const MAX_WAITING_BYTES: usize = 8 * 1024 * 1024;

/// What is kept of a buffer that was larger once.
const KEPT_BYTES: usize = 64 * 1024;

/// How long the last lines may take when the process ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Takes lines, and never waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Arc<Shared>);

/// Writes what is still waiting when it is dropped.
#[derive(Debug)]
pub(super) struct Flush {
    shared: Arc<Shared>,
    ended: Receiver<()>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    over: bool,
}

impl Lines {
    /// Starts the thread that writes them to `output`, with a `pause` between two writes: the longest that a
    /// line waits for others.
    ///
    /// # Errors
    /// The system starts no more threads.
    pub(super) fn start(
        output: impl Write + Send + 'static,
        pause: Duration,
    ) -> io::Result<(Self, Flush)> {
        let lines = Self::default();
        let shared = Arc::clone(&lines.0);
        let (end, ended) = mpsc::channel();
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                shared.write_to(output, pause);
                // Nobody listens when the time for it was over.
                let _ = end.send(());
            })?;
        let shared = Arc::clone(&lines.0);
        Ok((lines, Flush { shared, ended }))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, mut output: impl Write, pause: Duration) {
        let mut taken = Vec::new();
        let mut written: Option<Instant> = None;
        loop {
            let idle = |waiting: &mut Waiting| waiting.bytes.is_empty() && !waiting.over;
            let waiting = self.changed.wait_while(self.lock(), idle);
            let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
            let gather = |waiting: &mut Waiting| !waiting.over;
            let left = written.map_or(Duration::ZERO, |at| pause.saturating_sub(at.elapsed()));
            let waited = self.changed.wait_timeout_while(waiting, left, gather);
            let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let last = waiting.over;
            std::mem::swap(&mut waiting.bytes, &mut taken);
            drop(waiting);

            // Where standard output is closed there is nobody to tell.
            let _ = output.write_all(&taken).and_then(|()| output.flush());
            written = Some(Instant::now());
            taken.clear();
            taken.shrink_to(KEPT_BYTES);
            if last {
                return;
            }
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Write for &Lines {
    /// Takes one line, whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.lock();
        let first = waiting.bytes.is_empty();
        if waiting.bytes.len() + line.len() <= MAX_WAITING_BYTES {
            waiting.bytes.extend_from_slice(line);
        }
        drop(waiting);
        if first {
            self.0.changed.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.changed.notify_one();
        // A reader that has stopped reading does not keep the process.
        let _ = self.ended.recv_timeout(FLUSH_TIMEOUT);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Sender;

    use super::*;

    const PAUSE: Duration = Duration::from_millis(5);

    /// An output that tells of each write, and waits for leave before it returns.
    struct Slow(Sender<Vec<u8>>, Receiver<()>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).unwrap();
            self.1.recv().unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_come_while_one_is_written_are_written_together_and_the_last_before_the_end() {
        let (tell, told) = mpsc::channel();
        let (leave, left) = mpsc::channel();
        let (lines, flush) = Lines::start(Slow(tell, left), PAUSE).unwrap();
        (&lines).write_all(b"1\n").unwrap();
        assert_eq!(told.recv().unwrap(), b"1\n");
        (&lines).write_all(b"2\n").unwrap();
        (&lines).write_all(b"3\n").unwrap();
        leave.send(()).unwrap();
        assert_eq!(told.recv().unwrap(), b"2\n3\n");
        (&lines).write_all(b"4\n").unwrap();
        leave.send(()).unwrap();
        leave.send(()).unwrap();
        drop(flush);
        assert_eq!(told.recv().unwrap(), b"4\n");
    }

    #[test]
    fn a_line_that_comes_alone_is_written_at_once_and_the_next_ones_after_a_pause() {
        let (tell, told) = mpsc::channel();
        let (leave, left) = mpsc::channel();
        let (lines, flush) = Lines::start(Slow(tell, left), Duration::from_hours(1)).unwrap();
        (&lines).write_all(b"1\n").unwrap();
        let first = told.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(first, b"1\n");
        leave.send(()).unwrap();
        (&lines).write_all(b"2\n").unwrap();
        (&lines).write_all(b"3\n").unwrap();
        leave.send(()).unwrap();
        drop(flush);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [b"2\n3\n"]);
    }

    #[test]
    fn lines_beyond_what_may_wait_are_lost_and_nobody_waits() {
        let (tell, told) = mpsc::channel();
        let (leave, left) = mpsc::channel();
        let (lines, flush) = Lines::start(Slow(tell, left), PAUSE).unwrap();
        (&lines).write_all(b"1\n").unwrap();
        told.recv().unwrap();
        let line = vec![b'x'; MAX_WAITING_BYTES / 4];
        for _ in 0..6 {
            (&lines).write_all(&line).unwrap();
        }
        leave.send(()).unwrap();
        assert_eq!(told.recv().unwrap().len(), 4 * line.len());
        leave.send(()).unwrap();
        drop(flush);
    }
}
