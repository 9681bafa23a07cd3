//! What is rendered, once at start: the page, and the pages that say what is wrong.

use askama::Template;
use http::StatusCode;

use crate::config::Config;
use crate::document::Document;

/// A browser asks before it shows a page again: the page names the assets of this release.
const REVALIDATE: &str = "no-cache";

/// All pages of one process.
#[derive(Debug)]
pub(crate) struct Pages {
    pub(crate) stage: Document,
    pub(crate) not_found: Document,
    pub(crate) method_not_allowed: Document,
}

impl Pages {
    pub(crate) fn new(config: &Config) -> Self {
        let stage = Stage {
            base_url: config.base_url.as_str(),
            release: &config.settings.release,
            rows: ROWS,
            band: BAND,
        };
        let error = |status: StatusCode, says| {
            Document::html(
                Error {
                    status: status.as_u16(),
                    says,
                }
                .to_string(),
                "no-store",
            )
        };
        Self {
            stage: Document::html(stage.to_string(), REVALIDATE),
            not_found: error(
                StatusCode::NOT_FOUND,
                "Out! There is nothing at this address.",
            ),
            method_not_allowed: error(
                StatusCode::METHOD_NOT_ALLOWED,
                "Let! This address takes another kind of request.",
            ),
        }
    }
}

/// A letter and the place of its colour in the style sheet.
struct Letter {
    letter: char,
    colour: &'static str,
}

const fn letter(letter: char, colour: &'static str) -> Letter {
    Letter { letter, colour }
}

/// The original's letters in the original's colours.
const ROWS: [(&str, [Letter; 4]); 2] = [
    (
        "ping",
        [
            letter('P', "green"),
            letter('I', "blue"),
            letter('N', "red"),
            letter('G', "purple"),
        ],
    ),
    (
        "pong",
        [
            letter('P', "blue"),
            letter('O', "green"),
            letter('N', "purple"),
            letter('G', "red"),
        ],
    ),
];

/// The suite's usual line-up, drawn asleep until a node answers under whatever name it has.
const BAND: [&str; 4] = ["john", "paul", "george", "ringo"];

#[derive(Template)]
#[template(path = "stage.html")]
struct Stage<'a> {
    base_url: &'a str,
    release: &'a str,
    rows: [(&'static str, [Letter; 4]); 2],
    band: [&'static str; 4],
}

#[derive(Template)]
#[template(path = "error.html")]
struct Error {
    status: u16,
    says: &'static str,
}
