//! What is drawn is what was played: any names, any length, any tree.

use serde_json::json;

use crate::band::{Band, FOUR, Play, chain};
use crate::table::{Setting, Table};

const NAMES: &str = "[...document.querySelectorAll('.figure .name')].map(name => name.textContent)";

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn before_the_first_rally_nobody_is_claimed_to_have_answered() {
    let band = Band::start(Play::four()).await;
    let table = Table::open(&band.url, Setting::default()).await;
    table
        .until("document.querySelectorAll('#path .lane').length > 0")
        .await;
    assert_eq!(
        table
            .value("document.querySelectorAll('.figure:not(.asleep)').length")
            .await,
        0
    );
    assert_eq!(table.text("#match").await, "not seen yet");
    assert_eq!(band.stage.asked(), 0);
    table.picture("before").await;
    table.close().await;
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn the_times_and_bars_are_those_of_the_answer() {
    let band = Band::start(Play::four()).await;
    let table = Table::open(&band.url, Setting::default()).await;
    table.press(0).await;
    table.until_played(3).await;
    let times = table
        .value("[...document.querySelectorAll('.figure .time')].map(t => t.textContent)")
        .await;
    assert_eq!(times, json!(["1.6 ms", "1.15 ms", "750 µs", "350 µs"]));
    let widths = "[...document.querySelectorAll('.track .behind')].map(i => Math.round(parseFloat(i.style.width)))";
    assert_eq!(table.value(widths).await, json!([100, 72, 47, 22]));
    let row = table.text("#rallies tr").await;
    assert!(
        row.contains("1.6 ms") && row.contains("node-john +450 µs"),
        "{row}"
    );
    table.picture("light").await;
    table.close().await;
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn a_chain_of_eight_under_other_names_is_drawn_as_it_is() {
    let names = [
        "edge",
        "cart",
        "stock",
        "price",
        "tax",
        "bank",
        "mail",
        "audit-log-of-everything",
    ];
    let band = Band::start(Play::well(names[0], &chain(&names), "2.0.0-rc.1")).await;
    for (width, picture) in [(1920, "eight-1920"), (320, "eight-320")] {
        let setting = Setting {
            width,
            ..Setting::default()
        };
        let table = Table::open(&band.url, setting).await;
        table.press(0).await;
        table.until_played(7).await;
        assert_eq!(table.value(NAMES).await, json!(names));
        table.assert_fits().await;
        table.picture(picture).await;
        table.close().await;
    }
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn a_fan_out_is_drawn_as_one() {
    let calls = [
        ("orders", "gateway", 1),
        ("stock", "orders", 2),
        ("prices", "orders", 2),
        ("mail", "gateway", 1),
        ("audit", "gateway", 1),
    ];
    let band = Band::start(Play::well("gateway", &calls, "1.2.0")).await;
    for (width, picture) in [(1280, "fan-out"), (320, "fan-out-320")] {
        let setting = Setting {
            width,
            ..Setting::default()
        };
        let table = Table::open(&band.url, setting).await;
        table.press(0).await;
        table.until_played(5).await;
        let drawn = ["gateway", "orders", "stock", "prices", "mail", "audit"];
        assert_eq!(table.value(NAMES).await, json!(drawn));
        if width > 320 {
            let columns = "[...document.querySelectorAll('.figure')].map(f => Number(f.style.gridColumn.split(' ')[0]))";
            assert_eq!(table.value(columns).await, json!([1, 2, 3, 3, 2, 2]));
        }
        table.assert_fits().await;
        table.picture(picture).await;
        table.close().await;
    }
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn names_and_meows_are_text_whatever_they_contain() {
    let name = "<img src=x onerror=alert(1)>";
    let band = Band::start(Play::well(FOUR[0], &chain(&[FOUR[0], name]), "<b>1</b>")).await;
    let table = Table::open(&band.url, Setting::default()).await;
    table.press(0).await;
    table.until_played(1).await;
    assert_eq!(table.value(NAMES).await, json!([FOUR[0], name]));
    assert_eq!(
        table
            .value("document.querySelectorAll('img, #stage b').length")
            .await,
        0
    );
    table.close().await;
}
