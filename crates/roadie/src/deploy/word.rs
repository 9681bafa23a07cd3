//! A word of a shell, made of typed parts: text that means itself, and variables of the script.
//!
//! No part is found by searching a text that already holds values. A file's text is taken apart at its
//! `${NAME}`, which is all that a layout lets stand for something else; what a name means is then put in as
//! a part of its own, and never searched again.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use serde_json::Value;

use crate::aws::command::{Piece, Query, in_json, in_query, quote, write_json};

/// The beginning of the variables that hold what a step gives: no layout has a name like it, and neither
/// has the shell.
const OUTPUT: &str = "out_";

/// A word.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Word(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    /// Means itself.
    Text(String),
    /// A variable of the script: letters, digits and `_`.
    Variable(String),
}

/// What the variables of a layout stand for.
#[derive(Debug)]
pub(super) struct Meanings<'a> {
    /// Known when the script is written; the names of all others are those of the script's own variables.
    pub(super) given: &'a BTreeMap<String, String>,
}

/// The script's variable for the output `name` of a step.
pub(super) fn output(name: &str) -> String {
    format!("{OUTPUT}{name}")
}

impl Word {
    /// `text`, whatever it is.
    pub(super) fn exact(text: &str) -> Self {
        Self(vec![Part::Text(text.to_owned())])
    }

    /// The text of a file.
    pub(super) fn template(text: &str, meanings: &Meanings<'_>) -> Self {
        let mut word = Self::default();
        word.fill(text, meanings, str::to_owned);
        word
    }

    /// A query, whose texts are a file's.
    pub(super) fn query(query: &Query, meanings: &Meanings<'_>) -> Self {
        let mut word = Self::default();
        for piece in query.pieces() {
            match piece {
                Piece::Code(code) => word.push(code),
                Piece::Text(text) => {
                    word.push("'");
                    word.fill(text, meanings, in_query);
                    word.push("'");
                }
            }
        }
        word
    }

    /// The body of a call, whose texts are a file's, as JSON.
    pub(super) fn json(body: &Value, meanings: &Meanings<'_>) -> Self {
        let mut word = Self::default();
        write_json(body, &mut word, &mut |text, word| {
            word.fill(text, meanings, in_json);
        });
        word
    }

    /// Puts a file's text behind it; `escape` makes text fit for the language that the word is in.
    fn fill(&mut self, text: &str, meanings: &Meanings<'_>, escape: impl Fn(&str) -> String) {
        let mut pieces = text.split("${");
        self.push(&escape(pieces.next().unwrap_or_default()));
        for piece in pieces {
            let Some((name, after)) = piece.split_once('}').filter(|(name, _)| is_name(name))
            else {
                // No layout is read that has such a text.
                self.push(&escape("${"));
                self.push(&escape(piece));
                continue;
            };
            match meanings.given.get(name) {
                Some(value) => self.push(&escape(value)),
                None if is_own(name) => self.0.push(Part::Variable(name.to_owned())),
                None => self.0.push(Part::Variable(output(name))),
            }
            self.push(&escape(after));
        }
    }

    fn push(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Part::Text(before)) => before.push_str(text),
            _ => self.0.push(Part::Text(text.to_owned())),
        }
    }
}

impl Extend<char> for Word {
    fn extend<T: IntoIterator<Item = char>>(&mut self, letters: T) {
        self.push(&letters.into_iter().collect::<String>());
    }
}

/// The one place where text becomes a part of the script.
impl Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_empty = |part: &Part| matches!(part, Part::Text(text) if text.is_empty());
        if self.0.iter().all(is_empty) {
            return f.write_str("''");
        }
        let mut parts = self.0.iter().filter(|part| !is_empty(part));
        parts.try_for_each(|part| match part {
            Part::Text(text) => f.write_str(&quote(text)),
            Part::Variable(name) => write!(f, "\"${{{name}}}\""),
        })
    }
}

/// Whether it is a layout's name or one of the script's.
fn is_name(name: &str) -> bool {
    let sign = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(sign)
}

/// Whether it is one of the script's: layouts have capital letters only.
fn is_own(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn meanings(given: &BTreeMap<String, String>) -> Meanings<'_> {
        Meanings { given }
    }

    /// What a shell makes of it, with `value` in the variable of the output `ARN`.
    fn in_shell(word: &Word, value: &str) -> String {
        let shell = std::process::Command::new("sh")
            .args(["-c", &format!("printf %s {word}")])
            .env("out_ARN", value)
            .output();
        String::from_utf8_lossy(&shell.unwrap().stdout).into_owned()
    }

    #[test]
    fn a_variable_in_a_body_is_a_variable_of_the_shell() {
        let given = BTreeMap::new();
        let word = Word::json(&json!({"LoadBalancerArn": "${ARN}"}), &meanings(&given));
        let expected = r#"'{"LoadBalancerArn":"'"${out_ARN}"'"}'"#;
        assert_eq!(word.to_string(), expected);
        assert_eq!(in_shell(&word, "a  $b"), r#"{"LoadBalancerArn":"a  $b"}"#);
    }

    #[test]
    fn what_a_variable_means_is_not_searched_for_variables_again() {
        let values = [
            "${ARN}",
            "$(id)",
            "$",
            "`id`",
            "'; id; '",
            "\u{e000}ARN\u{e001}",
        ];
        for value in values {
            let given = BTreeMap::from([("A".to_owned(), value.to_owned())]);
            let word = Word::template("${A}{ARN}-${A}", &meanings(&given));
            assert_eq!(in_shell(&word, "stray"), format!("{value}{{ARN}}-{value}"));
            let word = Word::json(&json!(["${A}"]), &meanings(&given));
            let body: Value = serde_json::from_str(&in_shell(&word, "stray")).unwrap();
            assert_eq!(body, json!([value]));
        }
    }

    #[test]
    fn a_value_stays_in_the_literal_of_a_query() {
        let given = BTreeMap::from([("A".to_owned(), "x' || 'y".to_owned())]);
        let query = Query::from("a[?b==").text("it's ${A} ${ARN}").code("]");
        let word = Word::query(&query, &meanings(&given));
        assert_eq!(in_shell(&word, "z"), r"a[?b=='it\'s x\' || \'y z']");
    }

    #[test]
    fn nothing_is_a_word_too() {
        let given = BTreeMap::new();
        assert_eq!(Word::template("", &meanings(&given)).to_string(), "''");
        assert_eq!(Word::exact("a b").to_string(), "'a b'");
    }
}
