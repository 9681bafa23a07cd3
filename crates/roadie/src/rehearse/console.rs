//! What the rehearsal prints: each line after the name of who says it, in a colour of its own.

use std::fs::File;
use std::io;
use std::sync::Arc;

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
    pub(crate) fn say(&self, line: &str) {
        self.screen.say(&format!("{}{line}", self.prefix));
    }
}
