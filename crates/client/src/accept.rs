//! What the caller prefers, read from `Accept-Encoding` and `Accept` with their weights.

use http::header::{self, HeaderMap, HeaderName};

/// The compressions that contents are kept in, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Brotli,
    Gzip,
}

impl Coding {
    /// The name in `Accept-Encoding` and `Content-Encoding`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }
}

/// The one of `offered` that the caller likes best, the first of equals; none: send it plain.
///
/// Plain is always an answer: a caller that refuses even that gets it rather than nothing.
pub(crate) fn coding(headers: &HeaderMap, offered: &[Coding]) -> Option<Coding> {
    let weights = weights(headers, &header::ACCEPT_ENCODING);
    let weight = |name: &str| find(&weights, &[name, "*"]);
    let plain = find(&weights, &["identity"]).unwrap_or(0.0);
    let mut best = None;
    let mut highest = 0.0;
    for coding in offered {
        let weight = weight(coding.name()).unwrap_or(0.0);
        if weight > highest && weight >= plain {
            (best, highest) = (Some(*coding), weight);
        }
    }
    best
}

/// Whether the caller would rather have JSON than a page.
pub(crate) fn prefers_json(headers: &HeaderMap) -> bool {
    let weights = weights(headers, &header::ACCEPT);
    let json = find(&weights, &["application/json", "application/*", "*/*"]);
    let html = find(&weights, &["text/html", "text/*", "*/*"]);
    json.unwrap_or(0.0) > html.unwrap_or(0.0)
}

/// The weight of the first of `names` that is listed: the most specific comes first.
fn find(weights: &[(String, f32)], names: &[&str]) -> Option<f32> {
    names.iter().find_map(|name| {
        let listed = weights.iter().find(|(listed, _)| listed == name);
        listed.map(|(_, weight)| *weight)
    })
}

/// The entries of a list such as `br;q=1.0, gzip;q=0.8`; without a weight it is 1, and what cannot
/// be read counts as refused.
fn weights(headers: &HeaderMap, name: &HeaderName) -> Vec<(String, f32)> {
    let values = headers.get_all(name).into_iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let entries = texts.flat_map(|text| text.split(','));
    let entry = |text: &str| {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        (
            name,
            weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)),
        )
    };
    entries.map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn the_heaviest_coding_wins_and_brotli_wins_a_tie() {
        use Coding::{Brotli, Gzip};
        for (accepted, expected) in [
            ("gzip, deflate, br, zstd", Some(Brotli)),
            ("br;q=0.5, gzip", Some(Gzip)),
            ("br;q=0, gzip;q=0.2", Some(Gzip)),
            ("BR", Some(Brotli)),
            ("*", Some(Brotli)),
            ("*;q=0.1, br;q=0", Some(Gzip)),
            ("gzip;q=0.5, identity", None),
            ("gzip;q=0", None),
            ("br;q=nonsense", None),
            ("deflate", None),
            ("", None),
        ] {
            let headers = headers(header::ACCEPT_ENCODING, accepted);
            assert_eq!(coding(&headers, &[Brotli, Gzip]), expected, "{accepted}");
        }
        assert_eq!(coding(&HeaderMap::new(), &[Brotli, Gzip]), None);
        assert_eq!(
            coding(&headers(header::ACCEPT_ENCODING, "br"), &[Gzip]),
            None
        );
    }

    #[test]
    fn json_is_for_those_who_prefer_it() {
        for (accepted, expected) in [
            ("application/json", true),
            ("application/json, text/html;q=0.9", true),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                false,
            ),
            ("*/*", false),
            ("application/*, */*;q=0.1", true),
            ("application/json;q=0", false),
        ] {
            assert_eq!(
                prefers_json(&headers(header::ACCEPT, accepted)),
                expected,
                "{accepted}"
            );
        }
        assert!(!prefers_json(&HeaderMap::new()));
    }
}
