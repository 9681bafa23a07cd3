//! What the rehearsal prints: each line after the name of who says it, in a colour of its own.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

/// Colours that can be read on light and on dark: cyan, yellow, green, magenta, blue, red.
const COLOURS: [u8; 6] = [36, 33, 32, 35, 34, 31];

/// Who says something.
#[derive(Clone, Debug)]
pub(crate) struct Voice {
    prefix: Arc<str>,
}

/// Hands out voices.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    colour: bool,
    width: usize,
}

impl Console {
    /// Makes room for names of `width` letters.
    pub(crate) fn new(width: usize, no_colour: bool) -> Self {
        Self {
            colour: std::io::stdout().is_terminal() && !no_colour,
            width,
        }
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
        }
    }
}

impl Voice {
    pub(crate) fn say(&self, line: &str) {
        let said = writeln!(std::io::stdout().lock(), "{}{line}", self.prefix);
        if let Err(error) = said {
            // Nobody listens any more, as after `| head`. The leashes end the containers.
            let closed = error.kind() == std::io::ErrorKind::BrokenPipe;
            std::process::exit(i32::from(!closed));
        }
    }
}
