//! One line of the view, with colours where they are wanted, cut where the terminal ends.

use ecs::printable;

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    Strong,
    Faint,
    Good,
    Waiting,
    Bad,
}

/// A line that grows to the right.
#[derive(Debug)]
pub(super) struct Line {
    text: String,
    left: usize,
    colour: bool,
}

impl Look {
    /// The number that sets it on a terminal.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Faint => Some("2"),
            Self::Good => Some("32"),
            Self::Waiting => Some("33"),
            Self::Bad => Some("31"),
        }
    }
}

impl Line {
    /// An empty line with room for `width` letters.
    pub(super) fn new(width: usize, colour: bool) -> Self {
        Self {
            text: String::new(),
            left: width,
            colour,
        }
    }

    /// Puts `text` behind, as much of it as there is room for.
    pub(super) fn put(mut self, look: Look, text: &str) -> Self {
        // A release is anyone's text: nothing in it may move the cursor.
        let text = printable::line(text);
        let letters = text.chars();
        let text: String = letters.take(self.left).collect();
        self.left -= text.chars().count();
        match look.code().filter(|_| self.colour && !text.is_empty()) {
            Some(code) => self.text.extend(["\x1b[", code, "m", &text, "\x1b[0m"]),
            None => self.text.push_str(&text),
        }
        self
    }

    /// Fills what is left with `letter`.
    pub(super) fn fill(self, look: Look, letter: char) -> Self {
        let text = letter.to_string().repeat(self.left);
        self.put(look, &text)
    }

    /// The line with its end.
    pub(super) fn end(mut self) -> String {
        self.text.push('\n');
        self.text
    }
}
