//! chromedriver and the Chromium that it starts.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use thirtyfour::prelude::*;
use thirtyfour::{ChromeCapabilities, LoggingPrefsLogLevel};

/// The process of chromedriver.
pub(crate) struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        // Asked, it ends its browsers; killed, it would leave them behind.
        let pid = Pid::from_child(&self.0);
        let _ = kill_process(pid, Signal::TERM);
        let _ = self.0.wait();
    }
}

/// A driver on a port that it chose itself; it can lose that port to another and give up, so it is
/// asked a few times.
pub(crate) fn chromedriver() -> (Driver, u16) {
    let mut tries = (0..5).map(|_| start());
    let started = tries.find_map(|(driver, port)| Some((driver, port?)));
    started.unwrap_or_else(|| panic!("chromedriver finds no port"))
}

fn start() -> (Driver, Option<u16>) {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("chromedriver: {error}"));
    let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    (Driver(driver), port)
}

/// Headless, with the logs that tests read.
pub(crate) fn capabilities() -> ChromeCapabilities {
    let mut capabilities = DesiredCapabilities::chrome();
    for argument in [
        "--headless=new",
        // Containers have no user namespaces to build a sandbox from.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--hide-scrollbars",
    ] {
        capabilities.add_arg(argument).unwrap();
    }
    for component in ["browser", "performance"] {
        capabilities
            .set_logging_prefs(component, LoggingPrefsLogLevel::All)
            .unwrap();
    }
    capabilities
}
