//! Every way to serve: a click, a key, Enter and Space, and a form without scripts.

use axum::Router;
use serde_json::json;
use thirtyfour::prelude::*;

use crate::band::{Band, FOUR, Play, Stage};
use crate::table::{Setting, Table};

const LETTERS: [&str; 8] = [
    "P of ping",
    "I of ping",
    "N of ping",
    "G of ping",
    "P of pong",
    "O of pong",
    "N of pong",
    "G of pong",
];
const NEWEST: &str = "document.querySelector('#rallies tr td:nth-child(2)')?.textContent";

/// A page that plays with the four: those of `SUITE_URL` if it is set, else ours.
async fn suite() -> (Table, Option<Band>) {
    if let Ok(url) = std::env::var("SUITE_URL") {
        let page = url.trim_end_matches('/');
        return (Table::show(page, &[], Setting::default()).await, None);
    }
    let band = Band::start(Play::four()).await;
    (Table::open(&band.url, Setting::default()).await, Some(band))
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn each_of_the_eight_letters_plays_a_rally() {
    let (table, _band) = suite().await;
    for (tile, letter) in LETTERS.iter().enumerate() {
        table.press(tile).await;
        table.until(&format!("{NEWEST} === '{letter}'")).await;
        table.until_played(3).await;
        let said = table
            .value("[...document.querySelectorAll('.says .bubble')].map(b => b.textContent)")
            .await;
        for (bubble, name) in said.as_array().unwrap().iter().zip(&FOUR[1..]) {
            assert!(
                bubble
                    .as_str()
                    .unwrap()
                    .starts_with(&format!("meow from\n{name}:")),
                "{letter}: {bubble}"
            );
        }
        assert!(
            table.text("#verdict").await.starts_with("3 meows in "),
            "{letter}"
        );
        assert!(
            table
                .text("#announcer")
                .await
                .contains("meow from node-paul:"),
            "{letter}"
        );
    }
    assert_eq!(table.text("#log-count").await, "8");
    table.close().await;
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn the_keys_serve_and_two_equal_letters_take_turns() {
    let (table, _band) = suite().await;
    for (key, letter) in ["p", "i", "n", "g", "P", "o", "n", "g"].iter().zip(LETTERS) {
        table.key(*key).await;
        table.until(&format!("{NEWEST} === '{letter}'")).await;
    }
    table.key("x").await;
    let chord = table
        .browser
        .action_chain()
        .key_down(Key::Control)
        .key_down('g');
    chord
        .key_up('g')
        .key_up(Key::Control)
        .perform()
        .await
        .unwrap();
    table
        .browser
        .find(By::Id("keys"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    table.key("p").await;
    table
        .browser
        .find(By::Id("keys"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    table.key("o").await;
    table.until(&format!("{NEWEST} === 'O of pong'")).await;
    assert_eq!(
        table.text("#log-count").await,
        "9",
        "x, Ctrl-G and keys that are off do nothing"
    );
    table.close().await;
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn enter_and_space_serve_the_letter_that_has_the_focus() {
    let (table, _band) = suite().await;
    let tiles = table.browser.find_all(By::Css(".tile")).await.unwrap();
    tiles[1].focus().await.unwrap();
    table.key(Key::Enter).await;
    table.until(&format!("{NEWEST} === 'I of ping'")).await;
    table.key(Key::Tab).await;
    table.key(Key::Space).await;
    table.until(&format!("{NEWEST} === 'N of ping'")).await;
    let outlined = table
        .value("getComputedStyle(document.activeElement).outlineStyle")
        .await;
    assert_eq!(outlined, json!("solid"), "the focus is seen");
    table.close().await;
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn without_scripts_a_letter_opens_the_plain_answer() {
    let band = Band::start(Play::four()).await;
    let setting = Setting {
        scripts: false,
        ..Setting::default()
    };
    let table = Table::open(&band.url, setting).await;
    table.picture("no-script").await;
    assert!(
        !table
            .browser
            .find(By::Id("rally"))
            .await
            .unwrap()
            .is_displayed()
            .await
            .unwrap()
    );
    table.press(5).await;
    table
        .until("location.pathname === '/start' && document.readyState === 'complete'")
        .await;
    let source = table.browser.source().await.unwrap();
    assert!(
        source.contains("[\"meow from node-paul:3000\",\"meow from node-george:3000\""),
        "{source}"
    );
    table.close().await;
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn the_page_plays_with_its_own_origin_by_default() {
    let stage = Stage::new(Play::four());
    let table = Table::open_with(Router::new().merge(stage.routes()), Setting::default()).await;
    table.press(0).await;
    table.until_played(3).await;
    assert_eq!(stage.asked(), 1);
    table.close().await;
}
