//! What goes wrong is said as it is: who, why, and what was gathered before.

use std::time::Duration;

use serde_json::json;

use crate::band::{Band, Play};
use crate::table::{Setting, Table};

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn a_broken_hop_drops_the_ball_and_keeps_the_meows_before_it() {
    let band = Band::start(Play::broken()).await;
    let table = Table::open(&band.url, Setting::default()).await;
    table.press(3).await;
    table
        .until("document.querySelector('.figure.broken') !== null")
        .await;
    table
        .until("document.querySelector('.figure .time').textContent !== ''")
        .await;
    assert_eq!(
        table.text("#verdict").await,
        "node-ringo refused the connection"
    );
    assert_eq!(
        table.text("#detail").await,
        "Nothing listens there. 502 refused: node-ringo refused the connection. Before that: 2 meows."
    );
    assert_eq!(table.text(".figure.broken .name").await, "node-ringo");
    assert!(
        table
            .text(".figure.broken .bubble")
            .await
            .contains("nothing listens there")
    );
    let said = "[...document.querySelectorAll('.says .name')].map(name => name.textContent)";
    assert_eq!(table.value(said).await, json!(["node-paul", "node-george"]));
    assert!(
        table
            .text("#rallies tr")
            .await
            .contains("refused at node-ringo")
    );
    assert!(
        table
            .text("#announcer")
            .await
            .contains("node-ringo refused the connection")
    );
    // The ball lies on the floor, at the feet of the one who dropped it.
    let ball = "document.querySelector('.ball').getBoundingClientRect()";
    let feet = "document.querySelector('.figure.broken .cat').getBoundingClientRect()";
    table
        .until(&format!("Math.abs({ball}.bottom - {feet}.bottom) < 12"))
        .await;
    table
        .until(&format!("Math.abs({ball}.right - {feet}.left) < 40"))
        .await;
    table.picture("broken").await;
    table.close().await;
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn a_page_from_the_edge_is_not_taken_for_a_node() {
    let band = Band::start(Play::edge()).await;
    let table = Table::open(&band.url, Setting::default()).await;
    table.press(0).await;
    table
        .until("document.getElementById('verdict').textContent.startsWith('503 ')")
        .await;
    assert_eq!(
        table.text("#verdict").await,
        "503 from the edge, not from a node"
    );
    assert!(table.text("#detail").await.contains("no healthy node"));
    assert_eq!(
        table
            .value("document.querySelectorAll('.figure:not(.asleep)').length")
            .await,
        0
    );
    table
        .until("document.querySelector('.ball') !== null")
        .await;
    table.picture("edge").await;

    // And once nodes answer again, they take the stage.
    band.stage.set(Play::four());
    table.press(0).await;
    table.until_played(3).await;
    table.close().await;
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn a_page_without_nodes_behind_it_says_so() {
    let table = Table::open("", Setting::default()).await;
    table.press(0).await;
    table
        .until("document.getElementById('verdict').textContent.startsWith('404 ')")
        .await;
    assert!(table.text("#detail").await.contains("BASE_URL"));
    table.close().await;
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn an_unreachable_server_is_no_answer_at_all() {
    let band = Band::start(Play::four()).await;
    let table = Table::open(&band.url, Setting::default()).await;
    band.leave();
    table.press(6).await;
    table
        .until("document.getElementById('verdict').textContent === 'No answer at all'")
        .await;
    assert!(table.text("#rallies tr").await.contains("no answer at all"));
    table.picture("unreachable").await;
    table.close().await;
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn while_an_answer_takes_its_time_the_page_says_so() {
    let band = Band::start(Play::four().taking(Duration::from_secs(2))).await;
    let table = Table::open(&band.url, Setting::default()).await;
    table.press(0).await;
    table
        .until("document.getElementById('verdict').textContent === 'Served …'")
        .await;
    table.until_played(3).await;
    table.close().await;
}
