//! A letter is clicked in a real browser, and the logs show the ball pass from hop to hop.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use thirtyfour::prelude::*;
use tokio::io::{AsyncBufReadExt as _, BufReader as AsyncBufReader, Lines};
use tokio::process::ChildStdout;

use crate::docker::command;
use crate::suite::{MEOWS, Suite, get};

/// The longest that the page and the logs may take to show what happened.
const SHOWN: Duration = Duration::from_secs(10);

#[tokio::test]
#[ignore = "needs a Docker engine and Chromium: docker/test/run"]
async fn a_click_on_a_letter_shows_three_meows_and_the_logs_show_the_posts() {
    let suite = Suite::up().await;
    let mut logs = command("docker");
    logs.args(["compose", "logs", "-f", "--tail", "0"]);
    let mut logs = logs.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = AsyncBufReader::new(logs.stdout.take().unwrap()).lines();
    // Rallies of our own until the logs are followed on.
    let following = async {
        loop {
            get(&suite.http, "http://127.0.0.1:3006/meow").await;
            let next = tokio::time::timeout(Duration::from_millis(100), lines.next_line());
            if next.await.is_ok() {
                break;
            }
        }
    };
    tokio::time::timeout(SHOWN, following).await.unwrap();

    let (driver, at) = Driver::start();
    let browser = WebDriver::new(format!("http://127.0.0.1:{at}"), capabilities());
    let browser = browser.await.unwrap();
    browser.goto(&suite.url).await.unwrap();
    let letters = browser.find_all(By::Css(".tile")).await.unwrap();
    letters[0].click().await.unwrap();

    let meows: Vec<String> = serde_json::from_str(MEOWS).unwrap();
    let started = Instant::now();
    let shown = loop {
        let bubbles = browser.find_all(By::Css(".says .bubble")).await.unwrap();
        let mut said = Vec::new();
        for bubble in bubbles {
            said.push(bubble.text().await.unwrap().replace('\n', " "));
        }
        // A bubble is there before its text can be seen.
        if said == meows || started.elapsed() > SHOWN {
            break said;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    // Ended before anything can fail: a session that is dropped in a panic waits for this very thread.
    browser.quit().await.unwrap();
    drop(driver);
    assert_eq!((letters.len(), shown), (8, meows));

    let posts = tokio::time::timeout(SHOWN, three_posts(&mut lines)).await;
    let posts = posts.expect("the logs do not show three POSTs");
    println!("docker compose logs -f, while a letter is clicked:");
    for post in &posts {
        println!("    {post}");
    }
    for (caller, node) in [
        ("node-john", "node-paul"),
        ("node-paul", "node-george"),
        ("node-george", "node-ringo"),
    ] {
        let of_node = |line: &&String| line.starts_with(&format!("{node}-1 "));
        let post = posts.iter().find(of_node).expect(node);
        assert!(post.contains(" INFO POST /meow 200 "), "{post}");
        assert!(post.contains(&format!(" from={caller} ")), "{post}");
        assert!(post.len() < 250, "{post}");
    }
    let traces = posts
        .iter()
        .map(|post| post.split("trace_id=").nth(1).unwrap());
    let mut traces: Vec<_> = traces.collect();
    traces.dedup();
    assert_eq!(traces.len(), 1, "one rally: {posts:?}");
}

/// The next three lines about a POST, as a person sees them.
async fn three_posts(lines: &mut Lines<AsyncBufReader<ChildStdout>>) -> Vec<String> {
    let mut posts = Vec::new();
    while posts.len() < 3 {
        let line = lines.next_line().await.unwrap().unwrap();
        if line.contains("POST") {
            // Compose 2.26 erases the line first, also where there is none.
            posts.push(line.trim_start_matches("\u{1b}[2K").to_owned());
        }
    }
    posts
}

/// chromedriver, on a port that it chose itself.
struct Driver(Child);

impl Driver {
    fn start() -> (Self, u16) {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver: {error}; docker/test/run installs it"));
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        (Self(driver), port.unwrap())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The browser is the driver's child, and ends with it when asked; a kill would orphan it.
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}

fn capabilities() -> thirtyfour::ChromeCapabilities {
    let mut capabilities = DesiredCapabilities::chrome();
    for argument in [
        "--headless=new",
        // Containers have no user namespaces to build a sandbox from.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
    ] {
        capabilities.add_arg(argument).unwrap();
    }
    capabilities
}
