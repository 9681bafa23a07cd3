//! From a phone to a wall screen, by day and by night, with and without motion.

use serde_json::json;

use crate::band::{Band, Play};
use crate::table::{Setting, Table};

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn the_page_fits_from_a_phone_to_a_wall_screen_in_both_themes() {
    let band = Band::start(Play::four()).await;
    for (width, height) in [(320, 640), (768, 1024), (1280, 800), (1920, 1080)] {
        for dark in [false, true] {
            let setting = Setting {
                width,
                height,
                dark,
                ..Setting::default()
            };
            let table = Table::open(&band.url, setting).await;
            table.assert_fits().await;
            table.press(0).await;
            table.until_played(3).await;
            table.assert_fits().await;
            let paper = table
                .value("getComputedStyle(document.body).backgroundColor")
                .await;
            let expected = if dark {
                "rgb(18, 17, 26)"
            } else {
                "rgb(250, 248, 245)"
            };
            assert_eq!(paper, json!(expected));
            // Large enough to hit with a thumb.
            let tile = table
                .value("document.querySelector('.tile').getBoundingClientRect().width")
                .await;
            assert!(tile.as_f64().unwrap() > 60.0, "{tile}");
            let theme = if dark { "dark" } else { "light" };
            table.picture(&format!("{theme}-{width}")).await;
            table.close().await;
        }
    }
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver"]
async fn who_wants_less_motion_sees_the_outcome_at_once() {
    let band = Band::start(Play::four()).await;
    let setting = Setting {
        still: true,
        ..Setting::default()
    };
    let table = Table::open(&band.url, setting).await;
    // Notes how the stage looks in the very frame after the verdict appeared.
    let watch = "(() => { new MutationObserver((_, watch) => { watch.disconnect(); requestAnimationFrame(() => requestAnimationFrame(() => { \
        window.after = [document.querySelectorAll('.says').length, document.getAnimations().length]; })); \
        }).observe(document.getElementById('verdict'), { childList: true }); return true; })()";
    table.value(watch).await;
    table.press(0).await;
    table.until("window.after !== undefined").await;
    assert_eq!(table.value("window.after").await, json!([3, 0]));
    table.close().await;
}
