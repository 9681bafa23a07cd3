//! The terminal, or what stands in for it: lines that scroll, and below them a view that stays.
//!
//! The view is erased and drawn again behind each batch of lines, and the cursor waits on the empty line
//! below it. No mode of the terminal is changed: however the process ends, there is nothing to restore.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::stdio::{self, StdoutError};

/// Lines wait for the next drawing, but not more bytes than this.
const MOST_WAITING: usize = 16 * 1024;

/// Where nobody reads, lines are kept up to this many bytes; what comes then is left out.
const MOST_KEPT: usize = 1024 * 1024;

/// How long the last lines may take to be written.
const LAST: Duration = Duration::from_secs(2);

/// Standard output; handles to it are cheap. A thread of its own writes: a terminal that is held up, or a
/// pipe that nobody reads, holds nobody else up.
#[derive(Clone, Debug)]
pub(crate) struct Screen(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    paper: Mutex<Paper>,
    /// Rings when there is something to write.
    wanted: Condvar,
    /// Rings when it is written.
    written: Condvar,
    /// Rings when standard output takes no more.
    broken: Notify,
}

#[derive(Debug, Default)]
struct Paper {
    /// The view, where one is shown.
    view: Option<String>,
    /// Whether no view is to come any more.
    closed: bool,
    /// Columns of each line of the view that is on the terminal now.
    drawn: Vec<usize>,
    waiting: String,
    /// Lines for which there was no room.
    left_out: usize,
    wanted: bool,
    writing: bool,
    /// Why standard output takes no more.
    broken: Option<StdoutError>,
}

/// What is written to.
#[derive(Debug)]
enum To {
    Stdout,
    File(File),
    Nobody,
}

/// Columns and lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Screen {
    pub(crate) fn new() -> io::Result<Self> {
        Self::on(To::Stdout)
    }

    /// In its place: a file, or nothing.
    pub(crate) fn elsewhere(file: Option<File>) -> io::Result<Self> {
        Self::on(file.map_or(To::Nobody, To::File))
    }

    fn on(to: To) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let screen = Self(Arc::clone(&shared));
        std::thread::Builder::new()
            .name("screen".to_owned())
            .spawn(move || shared.write_to(to))?;
        Ok(screen)
    }

    /// Prints a line, above the view where there is one.
    pub(crate) fn say(&self, line: &str) {
        let mut paper = self.0.paper();
        if paper.waiting.len() > MOST_KEPT {
            paper.left_out += 1;
            return;
        }
        paper.waiting.push_str(line);
        paper.waiting.push('\n');
        if paper.view.is_none() || paper.waiting.len() > MOST_WAITING {
            self.0.want(&mut paper);
        }
    }

    /// Shows `view` below what was printed, in place of the last one.
    pub(crate) fn show(&self, view: String) {
        let mut paper = self.0.paper();
        if paper.closed {
            return;
        }
        let same = paper.view.as_deref() == Some(&*view);
        if same && paper.waiting.is_empty() {
            return;
        }
        paper.view = Some(view);
        self.0.want(&mut paper);
    }

    /// Takes the view away: from now on there are lines only.
    pub(crate) fn close(&self) {
        let mut paper = self.0.paper();
        paper.closed = true;
        if paper.view.take().is_some() {
            self.0.want(&mut paper);
        }
    }

    /// Resolves when standard output takes no more, as after `| head` or on a full disk: a rehearsal that
    /// nobody sees ends.
    pub(crate) async fn broken(&self) {
        self.0.broken.notified().await;
    }

    /// Waits until all is written, where somebody reads.
    ///
    /// # Errors
    /// Standard output had no room. That nobody reads it any more is no failure.
    pub(crate) fn finish(&self) -> Result<(), StdoutError> {
        self.close();
        let paper = self.0.paper();
        let open = |paper: &mut Paper| paper.wanted || paper.writing;
        // Whether it was in time does not matter: this is the end.
        let waited = self.0.written.wait_timeout_while(paper, LAST, open);
        let (mut paper, _) = waited.unwrap_or_else(PoisonError::into_inner);
        stdio::if_read(paper.broken.take().map_or(Ok(()), Err))
    }
}

impl Shared {
    fn paper(&self) -> MutexGuard<'_, Paper> {
        self.paper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn want(&self, paper: &mut Paper) {
        paper.wanted = true;
        self.wanted.notify_one();
    }

    /// Writes as long as the process runs.
    fn write_to(&self, mut to: To) {
        loop {
            let paper = self.wanted.wait_while(self.paper(), |paper| !paper.wanted);
            let mut paper = paper.unwrap_or_else(PoisonError::into_inner);
            paper.wanted = false;
            paper.writing = true;
            let text = paper.draw_for(&to);
            drop(paper);
            let written = to.write(&text);
            let mut paper = self.paper();
            paper.writing = false;
            if let Err(error) = written {
                paper.broken = Some(error);
                to = To::Nobody;
                self.broken.notify_one();
            }
            drop(paper);
            self.written.notify_all();
        }
    }
}

/// The size of the terminal; none where output goes elsewhere.
pub(crate) fn size() -> Option<Size> {
    #[expect(clippy::disallowed_methods, reason = "it is asked, not written to")]
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(out).ok()?;
    Some(Size {
        width: size.ws_col.into(),
        height: size.ws_row.into(),
    })
}

impl Paper {
    fn draw_for(&mut self, to: &To) -> String {
        // Asked only where it matters: most output has no view.
        let width = match to {
            To::Stdout if !self.drawn.is_empty() => size().map(|size| size.width),
            _ => None,
        };
        self.draw(width)
    }

    /// What takes the terminal from what it shows to what it is to show.
    fn draw(&mut self, width: Option<usize>) -> String {
        let mut out = String::new();
        if !self.drawn.is_empty() {
            // A terminal that got narrower may have broken the view's lines.
            let width = width.unwrap_or(usize::MAX).max(1);
            let lines: usize = self.drawn.iter().map(|w| w.div_ceil(width).max(1)).sum();
            out = format!("\r\x1b[{lines}A\x1b[J");
        }
        out.push_str(&self.waiting);
        if self.left_out > 0 {
            out.extend(["(lines left out: ", &self.left_out.to_string(), ")\n"]);
            self.left_out = 0;
        }
        self.waiting.clear();
        self.drawn.clear();
        if let Some(view) = &self.view {
            self.drawn.extend(view.lines().map(columns));
            for line in view.lines() {
                out.push_str(line);
                out.push('\n');
            }
        }
        out
    }
}

/// Columns of a line of a view: its letters, without what sets colours.
fn columns(line: &str) -> usize {
    let mut coloured = false;
    line.chars()
        .filter(|letter| match (coloured, letter) {
            (false, '\x1b') => {
                coloured = true;
                false
            }
            (false, _) => true,
            (true, 'm') => {
                coloured = false;
                false
            }
            (true, _) => false,
        })
        .count()
}

impl To {
    fn write(&mut self, text: &str) -> Result<(), StdoutError> {
        match self {
            Self::Stdout => stdio::write(text)?,
            // A full disk ends the log, not the rehearsal.
            Self::File(file) => drop(file.write_all(text.as_bytes())),
            Self::Nobody => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_printed_above_the_view_and_the_view_behind_them() {
        let mut paper = Paper {
            waiting: "one\n".to_owned(),
            ..Paper::default()
        };
        assert_eq!(paper.draw(Some(80)), "one\n");
        paper.view = Some("top\n\x1b[32mbottom\x1b[0m\n".to_owned());
        assert_eq!(paper.draw(Some(80)), "top\n\x1b[32mbottom\x1b[0m\n");
        paper.waiting = "two\n".to_owned();
        let again = "\r\x1b[2A\x1b[Jtwo\ntop\n\x1b[32mbottom\x1b[0m\n";
        assert_eq!(paper.draw(Some(80)), again);
        // Half as wide, and the longer line takes two.
        assert_eq!(
            paper.draw(Some(3)).split('J').next(),
            Some("\r\x1b[3A\x1b[")
        );
        paper.view = None;
        assert_eq!(paper.draw(Some(80)), "\r\x1b[2A\x1b[J");
        assert_eq!(paper.draw(Some(80)), "");
        paper.left_out = 3;
        assert_eq!(paper.draw(Some(80)), "(lines left out: 3)\n");
        assert_eq!(paper.draw(Some(80)), "");
    }
}
