//! A browser with the page open, and what a test does with it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use chassis::metrics::Metrics;
use chassis::request::Observe;
use chassis::server::{self, Limits, Service};
use chassis::telemetry::Spans;
use clap::Parser as _;
use client::{Cli, SERVICE};
use serde_json::{Value, json};
use thirtyfour::TypingData;
use thirtyfour::prelude::*;
use thirtyfour::support::base64_decode;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::driver::{Driver, capabilities, chromedriver};

/// Browsers at the same time: more would slow each other down beyond what is tested.
static BROWSERS: Semaphore = Semaphore::const_new(2);

/// The longest that anything may take that is not a stated duration.
const LIMIT: Duration = Duration::from_secs(15);

/// The time in which the scripts of a page that was loaded must run.
const LOAD: Duration = Duration::from_secs(3);

/// The page, the browser that shows it, and the driver between.
pub(crate) struct Table {
    pub(crate) browser: WebDriver,
    pub(crate) page: String,
    /// Origins that the page may ask.
    origins: BTreeSet<String>,
    // After the browser, which is closed through it.
    _driver: Driver,
    _turn: SemaphorePermit<'static>,
}

/// How the browser is set up before the page opens.
pub(crate) struct Setting {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) dark: bool,
    pub(crate) still: bool,
    pub(crate) scripts: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 800,
            dark: false,
            still: false,
            scripts: true,
        }
    }
}

impl Table {
    /// Opens a page that plays against `base_url`.
    pub(crate) async fn open(base_url: &str, setting: Setting) -> Self {
        let page = serve(base_url, Router::new()).await;
        Self::show(&page, &[base_url], setting).await
    }

    /// Opens a page that comes from the same origin as `nodes`.
    pub(crate) async fn open_with(nodes: Router, setting: Setting) -> Self {
        let page = serve("", nodes).await;
        Self::show(&page, &[], setting).await
    }

    /// Opens a page that is served elsewhere.
    pub(crate) async fn show(page: &str, others: &[&str], setting: Setting) -> Self {
        let turn = BROWSERS.acquire().await.unwrap();
        let (driver, port) = chromedriver();
        let browser = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities())
            .await
            .unwrap();
        let origins = others.iter().chain([&page]).map(|url| (*url).to_owned());
        let table = Self {
            browser,
            page: page.to_owned(),
            origins: origins.collect(),
            _driver: driver,
            _turn: turn,
        };
        table.set(&setting).await;
        table.load(setting.scripts).await;
        table
    }

    /// Loads the page until its scripts run: Chromium drops what it is loading whenever a network
    /// interface comes or goes on the machine, as it does with every container.
    async fn load(&self, scripts: bool) {
        let ready = "document.querySelector('#path .lane') !== null";
        for _ in 0..5 {
            self.browser.goto(&self.page).await.unwrap();
            let started = Instant::now();
            while scripts && started.elapsed() < LOAD && self.value(ready).await != json!(true) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            if !scripts || started.elapsed() < LOAD {
                return;
            }
        }
    }

    async fn set(&self, setting: &Setting) {
        let size = json!({ "width": setting.width, "height": setting.height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size)
            .await;
        let scheme = if setting.dark { "dark" } else { "light" };
        let motion = if setting.still {
            "reduce"
        } else {
            "no-preference"
        };
        let media = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": motion },
        ] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
        if !setting.scripts {
            let disabled = json!({ "value": true });
            self.devtools("Emulation.setScriptExecutionDisabled", disabled)
                .await;
        }
    }

    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.browser
            .cdp()
            .send_raw(command, parameters)
            .await
            .unwrap()
    }

    /// Presses a letter as a person does: by a real click on it.
    pub(crate) async fn press(&self, tile: usize) {
        let tiles = self.browser.find_all(By::Css(".tile")).await.unwrap();
        tiles[tile].click().await.unwrap();
    }

    /// Presses a key, wherever the focus is.
    pub(crate) async fn key(&self, key: impl Into<TypingData>) {
        let keys = self.browser.action_chain().send_keys(key);
        keys.perform().await.unwrap();
    }

    /// What a JavaScript expression is.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        let returned = self.browser.execute(script, vec![]).await.unwrap();
        returned.json().clone()
    }

    /// The text that a selector's first element shows, read at once: the page replaces elements.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let text = format!("document.querySelector('{selector}').innerText.trim()");
        let text = self.value(&text).await;
        text.as_str().unwrap().to_owned()
    }

    /// Waits until an expression is true.
    pub(crate) async fn until(&self, expression: &str) {
        self.until_within(LIMIT, expression).await;
    }

    pub(crate) async fn until_within(&self, limit: Duration, expression: &str) {
        let started = Instant::now();
        while self.value(expression).await != json!(true) {
            if started.elapsed() > limit {
                let stage = self.value("document.body.innerText").await;
                let log = self.browser.browser_log().await;
                panic!("never: {expression}; the page says {stage}, its log {log:?}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the ball rests and everybody who was called has said meow.
    pub(crate) async fn until_played(&self, meows: usize) {
        self.until(&format!(
            "document.querySelectorAll('.says').length === {meows}"
        ))
        .await;
        self.until("document.querySelector('.figure .time').textContent !== ''")
            .await;
    }

    /// Writes what the whole page looks like to `screenshots/<name>.png`.
    pub(crate) async fn picture(&self, name: &str) {
        let folder = root().join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let height = self.value("document.documentElement.scrollHeight").await;
        let width = self.value("innerWidth").await;
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let parameters = json!({ "captureBeyondViewport": true, "clip": clip });
        let shot = self.devtools("Page.captureScreenshot", parameters).await;
        let file = folder.join(format!("{name}.png"));
        let png = base64_decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(file, png).unwrap();
    }

    /// Nothing on the page may be wider than the window.
    pub(crate) async fn assert_fits(&self) {
        let overflow = self
            .value("document.documentElement.scrollWidth - innerWidth")
            .await;
        assert!(overflow.as_i64().unwrap() <= 0, "{overflow} px too wide");
    }

    /// Closes the browser. No script may have failed, no policy been violated, no other host asked;
    /// what the network did (a refused connection is logged as an error) is a test's own affair.
    pub(crate) async fn close(self) {
        let log = self.browser.browser_log().await.unwrap();
        let errors: Vec<_> = log
            .iter()
            .filter(|entry| entry.source.as_deref() != Some("network"))
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
        for url in self.requested().await {
            let known = self
                .origins
                .iter()
                .any(|origin| url.starts_with(&format!("{origin}/")));
            assert!(known || url.starts_with("blob:"), "{url} was asked");
        }
        self.browser.quit().await.unwrap();
    }

    /// The URLs of all requests so far.
    async fn requested(&self) -> Vec<String> {
        let log = self.browser.get_log("performance").await.unwrap();
        let messages = log
            .iter()
            .map(|entry| serde_json::from_str::<Value>(&entry.message).unwrap());
        messages
            .filter(|message| message["message"]["method"] == "Network.requestWillBeSent")
            .map(|message| {
                message["message"]["params"]["request"]["url"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The real client on a free port, with further routes beside its own.
async fn serve(base_url: &str, nodes: Router) -> String {
    let cli = Cli::parse_from(["client", "--base-url", base_url, "--release", "1.2.0"]);
    let observe = Observe::new(
        SERVICE.into(),
        Arc::new(Metrics::new(SERVICE, "test")),
        Spans::off(),
    );
    let app = nodes.fallback_service(client::app(&cli.config, observe));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let limits = Limits::from(&cli.config.settings);
    let forever = std::future::pending::<()>();
    tokio::spawn(server::serve(listener, Service::new(app), limits, forever));
    url
}
