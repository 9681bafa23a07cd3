//! A JSON array of strings that is mostly passed on: kept as the text it came as, so that what a long
//! chain says is checked and copied at each node, but not taken apart and printed again.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};

/// Strings, as the inside of a JSON array.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Strings {
    inside: String,
    count: usize,
}

impl Strings {
    /// Reads an array of strings; `look` sees each of them.
    pub(crate) fn parse(json: &[u8], look: impl FnMut(&str)) -> serde_json::Result<Self> {
        let mut reader = serde_json::Deserializer::from_slice(json);
        let shape = Look(look).deserialize(&mut reader)?;
        reader.end()?;
        let inside = match shape.bytes == json.len() {
            // As we would print it.
            true => str::from_utf8(&json[1..json.len() - 1])
                .map_err(serde_json::Error::custom)?
                .to_owned(),
            false => inside(&serde_json::from_slice::<Vec<String>>(json)?),
        };
        Ok(Self {
            inside,
            count: shape.count,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Puts a string, as JSON, before all others.
    pub(crate) fn put_first(&mut self, json: &str) {
        let comma = if self.count == 0 { "" } else { "," };
        self.inside.insert_str(0, comma);
        self.inside.insert_str(0, json);
        self.count += 1;
    }

    /// Adds those of another array.
    pub(crate) fn extend(&mut self, more: &Self) {
        if self.count > 0 && more.count > 0 {
            self.inside.push(',');
        }
        self.inside.push_str(&more.inside);
        self.count += more.count;
    }

    /// The array, with one more string, as JSON, at its end.
    pub(crate) fn to_json_with(&self, last: &str) -> String {
        let comma = if self.count == 0 { "" } else { "," };
        ["[", &self.inside, comma, last, "]"].concat()
    }

    /// The array.
    pub(crate) fn to_json(&self) -> String {
        ["[", &self.inside, "]"].concat()
    }

    /// The strings themselves.
    pub(crate) fn to_vec(&self) -> Vec<String> {
        // Was read as one, or printed as one.
        serde_json::from_str(&self.to_json()).unwrap_or_default()
    }
}

impl From<&[String]> for Strings {
    fn from(strings: &[String]) -> Self {
        Self {
            inside: inside(strings),
            count: strings.len(),
        }
    }
}

fn inside(strings: &[String]) -> String {
    // An array of strings can always be printed.
    let json = serde_json::to_string(strings).unwrap_or_default();
    let inside = json
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    inside.unwrap_or_default().to_owned()
}

/// How many strings there are, and how long their array is as we would print it; longer than any
/// where we would print one of them in another way than it came.
struct Shape {
    count: usize,
    bytes: usize,
}

struct Look<F>(F);

impl<'de, F: FnMut(&str)> DeserializeSeed<'de> for Look<F> {
    type Value = Shape;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&str)> Visitor<'de> for Look<F> {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of strings")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut array: A) -> Result<Shape, A::Error> {
        /// A string that came without escapes is borrowed.
        #[derive(serde::Deserialize)]
        struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

        let mut shape = Shape {
            count: 0,
            bytes: "[]".len(),
        };
        while let Some(Text(text)) = array.next_element()? {
            (self.0)(&text);
            let comma = usize::from(shape.count > 0);
            shape.count += 1;
            shape.bytes = match text {
                Cow::Borrowed(text) => shape.bytes.saturating_add(comma + 2 + text.len()),
                Cow::Owned(_) => usize::MAX,
            };
        }
        Ok(shape)
    }
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Option<Strings> {
        Strings::parse(json.as_bytes(), |_| ()).ok()
    }

    #[test]
    fn whatever_is_no_array_of_strings_is_refused() {
        for bad in [
            "",
            "[",
            "[\"a\"",
            "[\"a\",]",
            "[\"a\" \"b\"]",
            "[1]",
            "[null]",
            "{}",
            "\"a\"",
            "[\"a\"]x",
            "[[\"a\"]]",
            "[\"\u{1}\"]",
            "[\"\\x\"]",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert!(Strings::parse(b"[\"\xff\"]", |_| ()).is_err());
    }

    #[test]
    fn it_is_printed_as_we_print_it_however_it_came() {
        for (came, printed) in [
            ("[]", "[]"),
            (" [ ] ", "[]"),
            ("[\"meow\",\"b\"]", "[\"meow\",\"b\"]"),
            ("[ \"meow\" , \"]\" ]\n", "[\"meow\",\"]\"]"),
            ("[\"\\u0061\\\"[\"]", "[\"a\\\"[\"]"),
            ("[\"é\",\"\\u00e9\"]", "[\"é\",\"é\"]"),
            // As long as it would be without its blank, but for the escape.
            ("[\"\\n\" ]", "[\"\\n\"]"),
        ] {
            let strings = parse(came).unwrap();
            assert_eq!(strings.to_json(), printed);
            let same: Vec<String> = serde_json::from_str(came).unwrap();
            assert_eq!(strings.to_vec(), same);
            assert_eq!(
                (strings.len(), Strings::from(&same[..])),
                (same.len(), strings)
            );
        }
    }

    #[test]
    fn strings_are_put_before_after_and_together() {
        let mut strings = Strings::default();
        assert_eq!(strings.to_json_with("\"x\""), "[\"x\"]");
        strings.put_first("\"b\"");
        strings.put_first("\"a\"");
        strings.extend(&Strings::default());
        strings.extend(&parse("[\"c\",\"d\"]").unwrap());
        assert_eq!(strings.to_json(), "[\"a\",\"b\",\"c\",\"d\"]");
        assert_eq!(
            strings.to_json_with("\"e\""),
            "[\"a\",\"b\",\"c\",\"d\",\"e\"]"
        );
        assert_eq!(strings.len(), 4);
        let mut none = Strings::default();
        none.extend(&strings);
        assert_eq!(none, strings);
    }

    #[test]
    fn each_string_is_seen() {
        let mut seen = Vec::new();
        let json = b"[\"a\",\"\\u0062\"]";
        Strings::parse(json, |text| seen.push(text.to_owned())).unwrap();
        assert_eq!(seen, ["a", "b"]);
    }
}
