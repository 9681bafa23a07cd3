//! Text of other people, made fit for a terminal and a log.

use std::{
    borrow::Cow,
    fmt::{self, Display, Write},
    path::Path,
};

/// Whether a terminal obeys `c`, or shows what stands around it in another order or place than it is
/// written: controls (C0, DEL, C1), marks and overrides of direction, separators of lines, and what
/// has no width.
#[must_use]
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

/// `text` as one line: each harmful character, a line feed included, as its escape, such as `\u{1b}`.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_harmful)
}

/// `text` as it is, with its lines and tabs, and every other harmful character as its escape. What is
/// put into such a text went through [`line()`] before: nobody can tell its line feeds apart later.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_harmful(c) && c != '\n' && c != '\t')
}

/// `json`, a JSON text, with the same value: each harmful character in its strings as JSON's own escape,
/// such as `\u009b`. Line feeds between its parts stay.
#[must_use]
pub fn json(json: &str) -> Cow<'_, str> {
    let harmful = |c| is_harmful(c) && c != '\n';
    replaced(json, harmful, |c, plain| {
        write!(plain, "\\u{:04x}", u32::from(c))
    })
}

/// A text, as one line.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a>(pub &'a str);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&line(self.0))
    }
}

/// A path, as one line.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a Path);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&line(&self.0.to_string_lossy()))
    }
}

fn escaped(text: &str, harmful: impl Fn(char) -> bool) -> Cow<'_, str> {
    replaced(text, harmful, |c, plain| {
        write!(plain, "{}", c.escape_unicode())
    })
}

fn replaced(
    text: &str,
    harmful: impl Fn(char) -> bool,
    escape: impl Fn(char, &mut String) -> fmt::Result,
) -> Cow<'_, str> {
    if !text.contains(&harmful) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match harmful(c) {
            // Writing to a text cannot fail.
            true => drop(escape(c, &mut plain)),
            false => plain.push(c),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(
            line("a\u{1b}[2Jb\n\u{9b}\u{7f}"),
            "a\\u{1b}[2Jb\\u{a}\\u{9b}\\u{7f}"
        );
        assert_eq!(
            line("\u{202e}gnp\u{61c}\u{2028}"),
            "\\u{202e}gnp\\u{61c}\\u{2028}"
        );
        assert_eq!(line("ümläut → 日本"), "ümläut → 日本");
        assert_eq!(lines("a\n\tb\r\u{1b}"), "a\n\tb\\u{d}\\u{1b}");
        assert_eq!(Shown(Path::new("a\nb")).to_string(), "a\\u{a}b");
    }
}
