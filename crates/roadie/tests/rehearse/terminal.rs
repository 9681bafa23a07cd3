//! What a person at a terminal sees.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::{Layout, eventually};

/// A rehearsal on a terminal of its own, with 80 columns and 40 lines.
struct Terminal {
    roadie: Child,
    printed: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    fn start(environment: &[(&str, &str)]) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let size = Winsize {
            ws_row: 40,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&ours, size).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let theirs = File::options().write(true).open(name.to_str().unwrap());
        let roadie = Command::new(env!("CARGO_BIN_EXE_roadie"))
            .args(["rehearse", "--port", "0", "--control-port", "0"])
            .args(["--dir", Layout::own().path()])
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(OwnedFd::from(theirs.unwrap()))
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let printed = Arc::<Mutex<Vec<u8>>>::default();
        let log = Arc::clone(&printed);
        std::thread::spawn(move || {
            let mut terminal = File::from(ours);
            let mut some = [0; 4096];
            // It ends with an error when nobody holds the other side any more.
            while let Ok(read @ 1..) = terminal.read(&mut some) {
                log.lock().unwrap().extend(&some[..read]);
            }
        });
        Self { roadie, printed }
    }

    fn printed(&self) -> String {
        String::from_utf8_lossy(&self.printed.lock().unwrap()).into_owned()
    }

    async fn shows(&self, what: &str) {
        eventually(what, async || self.printed().contains(what).then_some(())).await;
    }

    /// Ctrl-C, and what was printed by then and after it.
    async fn end(mut self) -> (String, String) {
        let pid = Pid::from_raw(self.roadie.id().unwrap().cast_signed()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
        assert_eq!(self.roadie.wait().await.unwrap().code(), Some(0));
        self.shows("stopping").await;
        let (before, after) = self
            .printed()
            .split_once("stopping")
            .map_or_else(Default::default, |(before, after)| {
                (before.to_owned(), after.to_owned())
            });
        (before, after)
    }
}

#[tokio::test]
async fn a_terminal_shows_a_view_below_the_lines_until_ctrl_c() {
    let terminal = Terminal::start(&[]);
    terminal.shows("click a letter").await;
    terminal
        .shows("1/1 healthy\x1b[0m microservice-ping-pong-node-service")
        .await;
    let (before, after) = terminal.end().await;
    // Up, and everything below gone: then only lines.
    let (_, last) = before.rsplit_once("A\x1b[J").unwrap();
    assert!(!last.contains("requests/s"), "{last}");
    assert!(!after.contains("A\x1b[J"), "{after}");
    assert!(
        before.contains("|\x1b[0m load balancer on http://127.0.0.1:"),
        "{before}"
    );
}

#[tokio::test]
async fn no_color_leaves_the_view_and_takes_the_colours() {
    let terminal = Terminal::start(&[("NO_COLOR", "1")]);
    terminal
        .shows("1/1 healthy microservice-ping-pong-node-service")
        .await;
    let (before, after) = terminal.end().await;
    assert!(!(before + &after).contains("\x1b[0m"));
}

#[tokio::test]
async fn a_terminal_that_can_do_nothing_gets_lines_only() {
    let terminal = Terminal::start(&[("TERM", "dumb"), ("NO_COLOR", "1")]);
    terminal.shows("click a letter").await;
    let (before, after) = terminal.end().await;
    assert!(!(before + &after).contains('\x1b'));
}

#[tokio::test]
async fn what_nobody_reads_does_not_hold_the_rehearsal_up() {
    let mut roadie = Command::new(env!("CARGO_BIN_EXE_roadie"))
        .args(["rehearse", "--port", "0", "--control-port", "0"])
        .args(["--rust-log", "debug", "--dir", Layout::own().path()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(roadie.stdout.take().unwrap()).lines();
    let ready = loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if line.contains("ready in") {
            break line;
        }
    };
    let url = ready
        .split_whitespace()
        .find(|word| word.starts_with("http://"))
        .unwrap();
    // Nobody reads on: some dozens of rallies fill the pipe, and more have to be played.
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(10));
    let client = client.build().unwrap();
    for rally in 0..500 {
        let answer = client.get(format!("{url}/start")).send().await;
        assert_eq!(answer.unwrap().status(), 200, "rally {rally}");
    }
    let pid = Pid::from_raw(roadie.id().unwrap().cast_signed()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), roadie.wait()).await;
    assert_eq!(ended.unwrap().unwrap().code(), Some(0));
}
