//! Nobody is left out: axe-core finds nothing, and what it cannot check is checked here.

use serde_json::{Value, json};

use crate::band::{Band, Play};
use crate::table::{Setting, Table, root};

const RUN: &str = "(() => { axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }) \
    .then(found => window.found = found.violations.map(v => [v.id, v.help, v.nodes.map(n => n.target.join(' ') + ': ' + n.failureSummary)])); return true; })()";

/// The script that `fetch-axe` has fetched, or the one that `AXE_JS` names.
fn axe() -> String {
    let fetched = root().join("target/axe/node_modules/axe-core/axe.min.js");
    let path = std::env::var_os("AXE_JS").map_or(fetched, Into::into);
    std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "{error}: {} is missing; crates/client/tests/fetch-axe fetches it",
            path.display()
        )
    })
}

/// Violations of WCAG 2.2 AA and of good practice on the page as it is now.
async fn violations(table: &Table) -> Value {
    let inject = json!({ "expression": axe() });
    table.devtools("Runtime.evaluate", inject).await;
    table.value("(window.found = null) === null").await;
    table.value(RUN).await;
    table.until("window.found !== null").await;
    table.value("window.found").await
}

#[tokio::test]
#[ignore = "needs Chromium, chromedriver and axe-core"]
async fn axe_finds_no_violation_in_any_state() {
    let band = Band::start(Play::four()).await;
    for dark in [false, true] {
        for width in [320, 1280] {
            let setting = Setting {
                width,
                dark,
                ..Setting::default()
            };
            let table = Table::open(&band.url, setting).await;
            let state = |name: &str| format!("{name}, {width} px, dark: {dark}");
            band.stage.set(Play::four());
            assert_eq!(violations(&table).await, json!([]), "{}", state("before"));
            table.press(0).await;
            table.until_played(3).await;
            assert_eq!(violations(&table).await, json!([]), "{}", state("played"));
            band.stage.set(Play::broken());
            table.press(0).await;
            table
                .until("document.querySelector('.figure.broken') !== null")
                .await;
            assert_eq!(violations(&table).await, json!([]), "{}", state("broken"));
            table.close().await;
        }
    }
}

#[tokio::test]
#[ignore = "needs Chromium, chromedriver and axe-core"]
async fn axe_finds_no_violation_on_the_page_that_is_not_there() {
    let table = Table::open("", Setting::default()).await;
    table
        .browser
        .goto(format!("{}/nowhere", table.page))
        .await
        .unwrap();
    assert_eq!(violations(&table).await, json!([]));
    table.picture("not-found").await;
    table.close().await;
}
