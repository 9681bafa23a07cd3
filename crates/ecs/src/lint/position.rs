//! Where in the text each value of a JSON file stands, and which keys come twice.

use std::{borrow::Cow, collections::HashMap};

use super::node;

/// Line and column, from 1.
pub(super) type Place = (usize, usize);

/// Line and column of every value of `text`, by its path.
///
/// A JSON parser has taken `text`: there is nothing to check here, and the nesting is bounded by
/// that parser's limit.
pub(super) fn places(text: &str) -> HashMap<String, Place> {
    let mut walk = Walk::new(text);
    walk.places = Some(HashMap::new());
    walk.value();
    walk.places.unwrap_or_default()
}

/// Paths of keys that an object of `text` has already had, with the place of the second one.
pub(super) fn duplicates(text: &str) -> Vec<(String, Place)> {
    let mut walk = Walk::new(text);
    walk.value();
    walk.duplicates
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
    /// Of the value it is at.
    path: String,
    /// Nothing, when nobody wants them.
    places: Option<HashMap<String, Place>>,
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
            places: None,
            duplicates: Vec::new(),
        }
    }

    fn value(&mut self) {
        self.space();
        let place = self.place();
        match self.byte() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => {
                self.string();
            }
            _ => self.scalar(),
        }
        if let Some(places) = &mut self.places {
            places.entry(self.path.clone()).or_insert(place);
        }
    }

    fn object(&mut self) {
        self.at += 1;
        let length = self.path.len();
        let mut keys: Vec<Cow<'a, str>> = Vec::new();
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
            node::push_member(&mut self.path, &key);
            if keys.contains(&key) {
                self.duplicates.push((self.path.clone(), place));
            }
            keys.push(key);
            self.space();
            self.at += 1; // the colon
            self.value();
            self.path.truncate(length);
        }
    }

    fn array(&mut self) {
        self.at += 1;
        let length = self.path.len();
        let mut index = 0;
        loop {
            self.space();
            match self.byte() {
                Some(b']') | None => break self.at += 1,
                Some(b',') => self.at += 1,
                Some(_) => {
                    node::push_element(&mut self.path, index);
                    self.value();
                    self.path.truncate(length);
                    index += 1;
                }
            }
        }
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
        assert_eq!(places[""], (1, 1));
        assert_eq!(places["a[0]"], (2, 9));
        assert_eq!(places["a[1].b\""], (2, 20));
        assert_eq!(places["c"], (3, 8));
        assert!(duplicates(text).is_empty());
    }

    #[test]
    fn a_key_that_comes_twice_is_found_with_its_second_place() {
        let text = "{\"x\": {\"a\": 1,\n \"\\u0061\": 2}}";
        assert_eq!(duplicates(text), [("x.a".to_owned(), (2, 2))]);
    }
}
