//! Standard output and standard error. All that `roadie` prints goes through here: nothing in it steers a
//! terminal, and an output that takes no more is an error, not a panic.

use std::cell::RefCell;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use ecs::printable;
use serde::Serialize;

/// The exit status of a command that was cut short because nobody reads what it prints: that of a program
/// that SIGPIPE has ended, as a shell tells it (128 + 13).
const CLOSED: u8 = 141;

/// Standard output does not take what is printed.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
pub(crate) struct StdoutError(#[source] io::Error);

impl StdoutError {
    /// Whether it is closed: who read it has read enough, as `head` has.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.kind() == ErrorKind::BrokenPipe
    }
}

/// Prints `text`, which may have several lines.
///
/// # Errors
/// Standard output does not take it.
pub(crate) fn print(text: &str) -> Result<(), StdoutError> {
    write(&printable::lines(text))
}

/// That nobody reads what was printed is no failure of a command whose exit status says the same.
///
/// # Errors
/// Any other.
pub(crate) fn if_read(printed: Result<(), StdoutError>) -> Result<(), StdoutError> {
    match printed {
        Err(error) if error.is_closed() => Ok(()),
        printed => printed,
    }
}

/// Prints `text`, which steers the terminal where it is to: in what other people wrote, somebody else has
/// seen to that it does not.
///
/// # Errors
/// Standard output does not take it.
pub(crate) fn write(text: &str) -> Result<(), StdoutError> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(StdoutError)
}

/// Whether standard output is a terminal.
pub(crate) fn is_terminal() -> bool {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let out = io::stdout();
    out.is_terminal()
}

/// Prints `text` on standard error, as far as that takes it: there is nowhere to report that it does not.
pub(crate) fn tell(text: &str) {
    tell_styled(&printable::lines(text));
}

/// As [`tell`], for text that steers the terminal.
pub(crate) fn tell_styled(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// Whether standard error is a terminal.
pub(crate) fn tells_terminal() -> bool {
    io::stderr().is_terminal()
}

/// The end of a command that failed: its error, told on standard error, and `status`. Without a word where
/// nobody reads standard output any more.
pub(crate) fn failure(error: &anyhow::Error, status: u8) -> ExitCode {
    let mut causes = error.chain();
    let stdout = causes.find_map(|cause| cause.downcast_ref::<StdoutError>());
    if stdout.is_some_and(StdoutError::is_closed) {
        return ExitCode::from(CLOSED);
    }
    tell(&format!("error: {error:#}\n"));
    ExitCode::from(status)
}

/// The end of a command line that asks for help, or is wrong: that may have anything in it.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if error.use_stderr() {
        tell(&text);
        return ExitCode::from(2);
    }
    match if_read(print(&text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure(&error.into(), 1),
    }
}

/// `value` as JSON with its end of line. What would steer a terminal is escaped, as JSON has it.
///
/// # Errors
/// It has no form as JSON.
pub(crate) fn json(value: &impl Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(printable::json(&text).into_owned() + "\n")
}

/// What a command tells line by line while it changes something that must not be left half changed: a
/// line that cannot be printed is remembered, and the command asks where it may stop.
#[derive(Debug, Default)]
pub(crate) struct Log(RefCell<Option<StdoutError>>);

impl Log {
    /// Prints `text` as one line.
    pub(crate) fn say(&self, text: &str) {
        let mut failed = self.0.borrow_mut();
        if failed.is_none() {
            *failed = write(&format!("{}\n", printable::line(text))).err();
        }
    }

    /// Whether all has been printed: asked before something else is begun.
    ///
    /// # Errors
    /// It has not.
    pub(crate) fn check(&self) -> Result<(), StdoutError> {
        let failed = self.0.borrow();
        let Some(StdoutError(error)) = &*failed else {
            return Ok(());
        };
        let again = error.raw_os_error().map_or_else(
            || io::Error::from(error.kind()),
            io::Error::from_raw_os_error,
        );
        Err(StdoutError(again))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn json_is_the_same_value_without_what_steers_a_terminal() {
        let value = json!({"a\u{9b}": "\u{1b}[2J\n\u{202e}\u{7f}", "b": [1, "ü"]});
        let text = json(&value).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert!(
            !text.contains(|c| c != '\n' && printable::is_harmful(c)),
            "{text}"
        );
        assert!(text.contains("\\u009b") && text.contains('ü'), "{text}");
    }
}
