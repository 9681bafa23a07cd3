//! One log line for people: time of day, level, message, and the fields that the message lacks.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

#[derive(Debug)]
pub(super) struct Pretty {
    pub(super) colour: bool,
}

impl<S, N> FormatEvent<S, N> for Pretty
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line {
            // A container's log is read behind its name.
            unsaid: match event.metadata().target() {
                "request" => &["http.", "url.", "span_id", "service"],
                _ => &[],
            },
            ..Line::default()
        };
        event.record(&mut line);

        let (dim, colour, reset) = match (self.colour, *event.metadata().level()) {
            (false, _) => ("", "", ""),
            (true, Level::ERROR) => ("\x1b[2m", "\x1b[31m", "\x1b[0m"),
            (true, Level::WARN) => ("\x1b[2m", "\x1b[33m", "\x1b[0m"),
            (true, Level::INFO) => ("\x1b[2m", "\x1b[32m", "\x1b[0m"),
            (true, _) => ("\x1b[2m", "\x1b[34m", "\x1b[0m"),
        };
        let level = event.metadata().level();
        write!(writer, "{dim}{}{reset} ", time_of_day(SystemTime::now()))?;
        write!(writer, "{colour}{level:>5}{reset} {}", plain(&line.message))?;
        writeln!(writer, "{dim}{}{reset}", plain(&line.fields))
    }
}

/// The text without what a terminal would obey, or would show in another order than it is written: it
/// may come from a caller.
fn plain(text: &str) -> Cow<'_, str> {
    let turns = [
        '\u{61c}'..='\u{61c}',
        '\u{feff}'..='\u{feff}',
        '\u{200b}'..='\u{200f}',
        '\u{2028}'..='\u{202e}',
        '\u{2060}'..='\u{206f}',
    ];
    let harmful = |c: char| c.is_control() || turns.iter().any(|turn| turn.contains(&c));
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::new();
    for c in text.chars() {
        match harmful(c) {
            true => plain.extend(c.escape_unicode()),
            false => plain.push(c),
        }
    }
    Cow::Owned(plain)
}

/// `12:34:56.789`, UTC. The day is on the reader's wall.
fn time_of_day(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, ms) = (since.as_secs() % 86_400, since.subsec_millis());
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{ms:03}", seconds % 60)
}

#[derive(Default)]
struct Line {
    /// Beginnings of the names of fields that are left out.
    unsaid: &'static [&'static str],
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        // A value that could be taken for the next field, or that spans lines, is quoted.
        let plain = !value.is_empty()
            && !value.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"');
        if plain {
            self.record_debug(field, &format_args!("{value}"));
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let unsaid = self
            .unsaid
            .iter()
            .any(|name| field.name().starts_with(name));
        // Writing into a String does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            _ if unsaid => Ok(()),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left_of_a_callers_text() {
        assert_eq!(plain("GET /ping 200"), "GET /ping 200");
        assert_eq!(plain("a\u{9b}31mred\nb"), "a\\u{9b}31mred\\u{a}b");
        assert_eq!(plain("\u{202e}gnip\u{61c}"), "\\u{202e}gnip\\u{61c}");
    }
}
