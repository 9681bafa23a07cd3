//! The switch that keeps playing, and what is seen while it does.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::band::{Band, FOUR, Play};
use crate::table::{Setting, Table};

/// What the log would be saved as.
const SAVED: &str = "window.saved";

async fn keep_playing(table: &Table, rate: u32) {
    let set = format!(
        "(rate => {{ rate.value = {rate}; rate.dispatchEvent(new Event('input')); return true; }})(document.getElementById('rate'))"
    );
    table.value(&set).await;
    toggle(table).await;
}

async fn toggle(table: &Table) {
    let switch = table.browser.find(By::Id("rally-switch")).await.unwrap();
    switch.click().await.unwrap();
}

/// A figure of the page as a number.
async fn figure(table: &Table, name: &str) -> f64 {
    let text = table.text(&format!("[data-figure={name}]")).await;
    let number: String = text
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    number
        .parse()
        .unwrap_or_else(|_| panic!("{name} is {text}"))
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn a_node_replaced_during_a_rally_is_seen_and_costs_nothing() {
    let band = Band::start(Play::four()).await;
    let table = Table::open(&band.url, Setting::default()).await;
    keep_playing(&table, 20).await;
    let started = Instant::now();
    table
        .until_within(Duration::from_secs(20), &asked(&band, 100))
        .await;
    assert_eq!(table.text("#match").await, "one release");

    // The deployment: both revisions answer for a while, then only the new one.
    let shares = "document.querySelectorAll('#servers .server:nth-child(3) .share i').length";
    band.stage.set(Play::replaced(FOUR[1]));
    table.until(&format!("{shares} === 2")).await;
    assert_eq!(table.text("#match").await, "2 releases");
    let legend = table.text("#servers .server:nth-child(3) .legend").await;
    assert!(
        legend.contains("1.2.0") && legend.contains("1.3.0"),
        "{legend}"
    );
    table.picture("deployment").await;
    table
        .until_within(Duration::from_secs(20), &format!("{shares} === 1"))
        .await;

    let left = Duration::from_secs(30).saturating_sub(started.elapsed());
    table
        .until_within(
            left + Duration::from_secs(5),
            &format!("performance.now() > {}", 31_000),
        )
        .await;
    let rate = figure(&table, "rate").await;
    assert!((10.0..=21.0).contains(&rate), "{rate}");
    assert!((figure(&table, "success").await - 100.0).abs() < f64::EPSILON);
    for name in ["p50", "p95", "p99"] {
        assert!(figure(&table, name).await > 0.0, "{name}");
    }
    let chart = table
        .value("document.getElementById('chart').getAttribute('aria-label')")
        .await;
    assert!(chart.as_str().unwrap().ends_with(", 0 failed"), "{chart}");
    assert!(band.stage.asked() >= 250, "{}", band.stage.asked());
    assert!(
        band.stage.most_in_flight() <= 2,
        "{}",
        band.stage.most_in_flight()
    );

    toggle(&table).await;
    let asked = band.stage.asked();
    table
        .until("document.getElementById('rally-state').textContent === 'Off'")
        .await;
    table
        .until(&format!(
            "document.getElementById('log-count').textContent.startsWith('{asked}, ')"
        ))
        .await;
    assert_eq!(
        table
            .value("document.getElementById('rallies').rows.length")
            .await,
        200
    );
    assert_eq!(band.stage.asked(), asked, "off is off");
    table.close().await;
}

/// True once the log has counted so many; the fake's own count is not known to the page.
fn asked(_band: &Band, rallies: usize) -> String {
    format!("parseInt(document.getElementById('log-count').textContent) >= {rallies}")
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn a_rally_survives_a_server_that_goes_and_comes_back() {
    let band = Band::start(Play::four()).await;
    let table = Table::open(&band.url, Setting::default()).await;
    keep_playing(&table, 20).await;
    table
        .until("document.querySelectorAll('.says').length === 3")
        .await;
    band.leave();
    table
        .until("document.getElementById('verdict').textContent === 'No answer at all'")
        .await;
    table
        .until("document.getElementById('announcer').textContent === 'No answer at all'")
        .await;
    table
        .until("document.querySelector('[data-figure=success]').classList.contains('bad')")
        .await;

    band.come_back().await;
    table
        .until("document.getElementById('verdict').textContent.startsWith('3 meows')")
        .await;
    table.until("document.getElementById('announcer').textContent === 'The rally goes on without failures'").await;
    table
        .until("document.querySelectorAll('.says').length === 3")
        .await;
    table.close().await;
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn slow_answers_hold_the_rate_back_instead_of_piling_up() {
    let band = Band::start(Play::four().taking(Duration::from_millis(300))).await;
    let table = Table::open(&band.url, Setting::default()).await;
    keep_playing(&table, 50).await;
    table
        .until("document.getElementById('rally-note').textContent.includes('held back')")
        .await;
    table.until(&asked(&band, 20)).await;
    assert_eq!(band.stage.most_in_flight(), 2);
    assert!(figure(&table, "rate").await < 8.0);
    table.close().await;
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn a_rally_pauses_while_nobody_sees_the_page() {
    let band = Band::start(Play::four()).await;
    let table = Table::open(&band.url, Setting::default()).await;
    keep_playing(&table, 20).await;
    table.until(&asked(&band, 5)).await;
    hide(&table, true).await;
    table
        .until("document.getElementById('rally-state').textContent.startsWith('Paused')")
        .await;
    let before = band.stage.asked();
    // Ten beats in which nothing may happen.
    table
        .until(&format!("performance.now() > {}", after(&table, 500).await))
        .await;
    assert!(
        band.stage.asked() <= before + 2,
        "what was in flight may land"
    );
    hide(&table, false).await;
    table
        .until(&format!(
            "parseInt(document.getElementById('log-count').textContent) > {}",
            before + 5
        ))
        .await;
    table.close().await;
}

/// Headless Chromium never hides a page, so the page is told that it is hidden.
async fn hide(table: &Table, hidden: bool) {
    let script = format!(
        "(() => {{ Object.defineProperty(document, 'hidden', {{ value: {hidden}, configurable: true }}); return document.dispatchEvent(new Event('visibilitychange')); }})()"
    );
    table.value(&script).await;
}

async fn after(table: &Table, ms: u32) -> f64 {
    table.value("performance.now()").await.as_f64().unwrap() + f64::from(ms)
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn the_log_can_be_saved_and_its_trace_ids_copied() {
    let band = Band::start(Play::four()).await;
    let table = Table::open(&band.url, Setting::default()).await;
    // What is saved is a blob; the test reads it where the page hands it over.
    let watch = "(() => { const make = URL.createObjectURL; URL.createObjectURL = blob => { blob.text().then(text => window.saved = text); return make(blob); }; return true; })()";
    table.value(watch).await;
    table.press(0).await;
    table.until(&asked(&band, 1)).await;
    band.stage.set(Play::broken());
    table.press(1).await;
    table.until(&asked(&band, 2)).await;

    press(&table, "#save-json").await;
    table.until(&format!("{SAVED}?.startsWith('[')")).await;
    let saved = table.value(SAVED).await;
    let rallies: Vec<Value> = serde_json::from_str(saved.as_str().unwrap()).unwrap();
    assert_eq!(rallies.len(), 2);
    assert_eq!(rallies[0]["failure"]["code"], "refused");
    assert_eq!(rallies[1]["hops"].as_array().unwrap().len(), 3);

    press(&table, "#save-csv").await;
    table.until(&format!("{SAVED}?.startsWith('at,')")).await;
    let saved = table.value(SAVED).await;
    let lines: Vec<_> = saved.as_str().unwrap().trim_end().split("\r\n").collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[1].contains(",I,ping,refused at node-ringo,502,1600,"),
        "{}",
        lines[1]
    );

    let copy = "(() => { navigator.clipboard.writeText = async text => { window.copied = text; }; return true; })()";
    table.value(copy).await;
    press(&table, "#rallies button").await;
    table
        .until("document.querySelector('#rallies button').textContent.startsWith('copied')")
        .await;
    assert_eq!(
        table.value("window.copied").await,
        json!(crate::band::TRACE)
    );
    table.close().await;
}

async fn press(table: &Table, selector: &str) {
    let button = table.browser.find(By::Css(selector)).await.unwrap();
    button.click().await.unwrap();
}
