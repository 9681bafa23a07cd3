//! Where in the text each value of a JSON file stands, and which keys come twice.
//!
//! A column counts characters (Unicode code points), as editors do, not bytes.

use std::{borrow::Cow, collections::HashMap};

use super::path::{self, Part};

/// Line and column, from 1; a column is a number of characters.
pub(super) type Place = (usize, usize);

/// Where a value stands, and everything in it.
pub(super) struct Places {
    place: Place,
    inside: Inside,
}

enum Inside {
    Nothing,
    Members(HashMap<String, Places>),
    Elements(Vec<Places>),
}

impl Places {
    /// The place of what the parts of a path lead to.
    pub(super) fn find(&self, parts: &[Part<'_>]) -> Option<Place> {
        let Some((part, rest)) = parts.split_first() else {
            return Some(self.place);
        };
        let next = match (part, &self.inside) {
            (Part::Member(key), Inside::Members(members)) => members.get(*key),
            (Part::Element(index), Inside::Elements(elements)) => elements.get(*index),
            _ => None,
        };
        next?.find(rest)
    }
}

/// Line and column of every value of `text`.
///
/// A JSON parser has taken `text`: there is nothing to check here, and the nesting is bounded by
/// that parser's limit.
pub(super) fn places(text: &str) -> Places {
    Walk::new(text).value()
}

/// Paths of keys that an object of `text` has already had, with the place of the second one.
pub(super) fn duplicates(text: &str) -> Vec<(String, Place)> {
    let mut walk = Walk::new(text);
    let _ = walk.value();
    walk.duplicates
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
    /// How many bytes of this line so far begin no character.
    continued: usize,
    /// Of the value it is at.
    path: String,
    duplicates: Vec<(String, Place)>,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            line_start: 0,
            continued: 0,
            path: String::new(),
            duplicates: Vec::new(),
        }
    }

    fn value(&mut self) -> Places {
        self.space();
        let place = self.place();
        let inside = match self.byte() {
            Some(b'{') => Inside::Members(self.object()),
            Some(b'[') => Inside::Elements(self.array()),
            Some(b'"') => {
                self.string();
                Inside::Nothing
            }
            _ => {
                self.scalar();
                Inside::Nothing
            }
        };
        Places { place, inside }
    }

    fn object(&mut self) -> HashMap<String, Places> {
        self.at += 1;
        let length = self.path.len();
        let mut members: HashMap<String, Places> = HashMap::new();
        loop {
            self.space();
            match self.byte() {
                Some(b'"') => {}
                Some(b',') => {
                    self.at += 1;
                    continue;
                }
                _ => break self.at += 1,
            }
            let place = self.place();
            let key = unescaped(self.string());
            path::push(&mut self.path, Part::Member(&key));
            if members.contains_key(&*key) {
                self.duplicates.push((path::cut(&self.path), place));
            }
            self.space();
            self.at += 1; // the colon
            let places = self.value();
            self.path.truncate(length);
            members.entry(key.into_owned()).or_insert(places);
        }
        members
    }

    fn array(&mut self) -> Vec<Places> {
        self.at += 1;
        let length = self.path.len();
        let mut elements = Vec::new();
        loop {
            self.space();
            match self.byte() {
                Some(b']') | None => break self.at += 1,
                Some(b',') => self.at += 1,
                Some(_) => {
                    path::push(&mut self.path, Part::Element(elements.len()));
                    elements.push(self.value());
                    self.path.truncate(length);
                }
            }
        }
        elements
    }

    /// Passes over a string and gives it as it is written, quotes included.
    fn string(&mut self) -> &'a str {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.byte() {
            self.at += match byte {
                b'\\' => 2,
                _ => 1,
            };
            if byte == b'"' {
                break;
            }
        }
        let string = self.text.get(start..self.at).unwrap_or_default();
        // JSON has no other characters of several bytes but those in strings.
        self.continued += string.len() - string.chars().count();
        string
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn place(&self) -> Place {
        (self.line, self.at - self.line_start - self.continued + 1)
    }

    fn scalar(&mut self) {
        self.at += 1;
        while self.byte().is_some_and(|b| !b",]} \t\r\n".contains(&b)) {
            self.at += 1;
        }
    }

    fn space(&mut self) {
        while let Some(byte) = self.byte().filter(|b| b" \t\r\n".contains(b)) {
            self.at += 1;
            if byte == b'\n' {
                self.line += 1;
                self.line_start = self.at;
                self.continued = 0;
            }
        }
    }
}

/// What a key means: `"\u0061"` is `a`.
fn unescaped(written: &str) -> Cow<'_, str> {
    let inside = written.trim_matches('"');
    if !written.contains('\\') {
        return Cow::Borrowed(inside);
    }
    let meant: Result<String, _> = serde_json::from_str(written);
    meant.map_or(Cow::Borrowed(inside), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_column_counts_characters() {
        let text = "{\"größe\": \"🦀\", \"b\": [\"é\", 1],\n\"c\": 2}";
        let value: Value = serde_json::from_str(text).unwrap();
        all_found(text, &value, &places(text));
        let one = text.chars().position(|c| c == '1').unwrap() + 1;
        let places = places(text);
        let parts = [Part::Member("b"), Part::Element(1)];
        assert_eq!(places.find(&parts), Some((1, one)));
        assert_eq!(places.find(&[Part::Member("c")]), Some((2, 6)));
    }

    #[test]
    fn every_value_has_its_line_and_column() {
        let text = "{\n  \"a\": [1, {\"b\\\"\": null}],\n  \"c\": \"}\"\n}";
        let places = places(text);
        let at = |parts: &[Part<'_>]| places.find(parts);
        let (a, b, c) = (Part::Member("a"), Part::Member("b\""), Part::Member("c"));
        assert_eq!(at(&[]), Some((1, 1)));
        assert_eq!(at(&[a, Part::Element(0)]), Some((2, 9)));
        assert_eq!(at(&[a, Part::Element(1), b]), Some((2, 20)));
        assert_eq!(at(&[c]), Some((3, 8)));
        assert_eq!(at(&[c, b]), None);
        assert!(duplicates(text).is_empty());
    }

    #[test]
    fn a_key_that_comes_twice_is_found_with_its_second_place() {
        let text = "{\"x\": {\"a\": 1,\n \"\\u0061\": 2}}";
        assert_eq!(duplicates(text), [("x.a".to_owned(), (2, 2))]);
    }

    /// Numbers that look random and are the same every time (xorshift).
    struct Draw(u64);

    impl Draw {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % limit as u64).unwrap()
        }

        fn text(&mut self) -> String {
            const SIGNS: [&str; 12] = [
                "a",
                "\"",
                "\\",
                "\n",
                "{",
                "}",
                "[",
                ",",
                ":",
                "ä",
                "\u{1f600}",
                "\u{0}",
            ];
            let length = self.below(6);
            (0..length)
                .map(|_| SIGNS[self.below(SIGNS.len())])
                .collect()
        }

        fn value(&mut self, depth: usize) -> Value {
            match self.below(if depth == 0 { 4 } else { 6 }) {
                0 => Value::Null,
                1 => Value::from(self.below(1_000)),
                2 => Value::from(self.below(2) == 0),
                3 => Value::from(self.text()),
                4 => (0..self.below(5)).map(|_| self.value(depth - 1)).collect(),
                _ => (0..self.below(5))
                    .map(|_| (self.text(), self.value(depth - 1)))
                    .collect(),
            }
        }

        /// The value as JSON, with white space wherever it may be.
        fn written(&mut self, value: &Value) -> String {
            let space = |draw: &mut Self| [" ", "", "\n", "\t\r\n  "][draw.below(4)];
            let inside = match value {
                Value::Array(items) => {
                    let items: Vec<String> = items.iter().map(|item| self.written(item)).collect();
                    format!("[{}]", items.join(","))
                }
                Value::Object(members) => {
                    let members = members.iter().map(|(key, member)| {
                        let key = Value::from(&**key);
                        format!(
                            "{}{key}{}:{}",
                            space(self),
                            space(self),
                            self.written(member)
                        )
                    });
                    let members: Vec<String> = members.collect();
                    format!("{{{}{}}}", members.join(","), space(self))
                }
                other => other.to_string(),
            };
            format!("{}{inside}{}", space(self), space(self))
        }
    }

    /// Whether each value of `value` is read at the place that is known of it.
    fn all_found(text: &str, value: &Value, places: &Places) {
        let (line, column) = places.place;
        let before: usize = text
            .split_inclusive('\n')
            .take(line - 1)
            .map(str::len)
            .sum();
        let mut characters = text[before..].char_indices();
        let rest = &text[before + characters.nth(column - 1).unwrap().0..];
        let mut read = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        assert_eq!(
            read.next().unwrap().unwrap(),
            *value,
            "{line}:{column} of {text}"
        );
        assert!(!rest.starts_with(char::is_whitespace));
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            let Inside::Elements(elements) = &places.inside else {
                panic!("no elements in {text}")
            };
            all_found(text, item, &elements[index]);
        }
        for (key, member) in value.as_object().into_iter().flatten() {
            let Inside::Members(members) = &places.inside else {
                panic!("no members in {text}")
            };
            all_found(text, member, &members[key]);
        }
    }

    #[test]
    fn whatever_is_in_a_file_every_value_is_where_it_is_said_to_be() {
        let mut draw = Draw(0x1234_5678_9abc_def1);
        for _ in 0..3_000 {
            let value = draw.value(4);
            let text = draw.written(&value);
            all_found(&text, &value, &places(&text));
            assert!(duplicates(&text).is_empty(), "{text}");
        }
    }
}
