//! Where in the text each value of a JSON file stands, and which keys come twice.

use std::{borrow::Cow, collections::HashMap};

use super::path::{self, Part};

/// Line and column, from 1.
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
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn place(&self) -> Place {
        (self.line, self.at - self.line_start + 1)
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
}
