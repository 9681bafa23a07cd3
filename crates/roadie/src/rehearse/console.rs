//! What the rehearsal prints: each line after the name of who says it, in a colour of its own.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::sync::Arc;

use ecs::printable;

use super::screen::{self, Screen};

/// Colours that can be read on light and on dark: cyan, yellow, green, magenta, blue, red.
const COLOURS: [u8; 6] = [36, 33, 32, 35, 34, 31];

/// Who says something.
#[derive(Clone, Debug)]
pub(crate) struct Voice {
    prefix: Arc<str>,
    screen: Screen,
}

/// Hands out voices.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    colour: bool,
    width: usize,
    screen: Screen,
}

impl Console {
    /// Makes room for names of `width` letters.
    pub(crate) fn new(width: usize, no_colour: bool) -> io::Result<Self> {
        Ok(Self {
            colour: screen::size().is_some() && !no_colour,
            width,
            screen: Screen::new()?,
        })
    }

    /// For a rehearsal that nobody watches: what is said goes to `log`, or nowhere.
    pub(crate) fn elsewhere(width: usize, log: Option<File>) -> io::Result<Self> {
        Ok(Self {
            colour: false,
            width,
            screen: Screen::elsewhere(log)?,
        })
    }

    /// The voice of `name`; `number` picks its colour.
    pub(crate) fn voice(&self, name: &str, number: usize) -> Voice {
        let width = self.width;
        let colour = COLOURS[number % COLOURS.len()];
        Voice {
            prefix: match self.colour {
                true => format!("\x1b[{colour}m{name:width$} |\x1b[0m ").into(),
                false => format!("{name:width$} | ").into(),
            },
            screen: self.screen.clone(),
        }
    }

    /// Whether there are colours.
    pub(crate) fn colour(&self) -> bool {
        self.colour
    }

    /// Where all voices are heard.
    pub(crate) fn screen(&self) -> &Screen {
        &self.screen
    }
}

impl Voice {
    /// Prints `text` as one line. Colors of a program are left out, as they would run on into other
    /// lines; all else that steers a terminal is escaped.
    pub(crate) fn say(&self, text: &str) {
        let text = without_colours(text.strip_suffix('\r').unwrap_or(text));
        let tabs = text.split('\t').map(printable::line);
        let text = tabs.collect::<Vec<_>>().join("\t");
        self.screen.say(&format!("{}{text}", self.prefix));
    }
}

/// The text without well-formed sequences that set colors: `ESC [`, digits, `;` and `:`, `m`.
fn without_colours(text: &str) -> Cow<'_, str> {
    let mut pieces = text.split("\x1b[");
    let first = pieces.next().unwrap_or_default();
    if first.len() == text.len() {
        return Cow::Borrowed(text);
    }
    let mut plain = first.to_owned();
    for piece in pieces {
        let numbers = piece.trim_start_matches(|c: char| c.is_ascii_digit() || ";:".contains(c));
        match numbers.strip_prefix('m') {
            Some(rest) => plain.push_str(rest),
            None => plain.extend(["\x1b[", piece]),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_left_out_and_nothing_else_is() {
        assert_eq!(without_colours("plain"), "plain");
        assert_eq!(without_colours("\x1b[1;31mred\x1b[0m\x1b[m!"), "red!");
        assert_eq!(without_colours("\x1b[2J\x1b[31"), "\x1b[2J\x1b[31");
        // What is left after one was taken out is no sequence either.
        assert_eq!(without_colours("\x1b\x1b[31m[2J"), "\x1b[2J");
    }
}
