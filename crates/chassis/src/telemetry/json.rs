//! One log line for machines: a JSON object, written straight into the line.
//!
//! tracing-subscriber's own JSON gathers the fields in a map first, which costs as much as the rest of
//! a hop.

use std::fmt::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Number;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// `{"timestamp":…,"level":…,` the fields of the event, its message among them, `"target":…}`.
#[derive(Debug)]
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
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
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        writer.write_str("{\"timestamp\":\"")?;
        let timestamp = timestamp(since.unwrap_or_default());
        writer.write_str(std::str::from_utf8(&timestamp).unwrap_or_default())?;
        writer.write_str("\",\"level\":\"")?;
        writer.write_str(event.metadata().level().as_str())?;
        writer.write_char('"')?;
        let mut members = Members {
            writer: &mut writer,
            outcome: Ok(()),
        };
        event.record(&mut members);
        members.outcome?;
        writer.write_str(",\"target\":\"")?;
        Escaped(&mut writer).write_str(event.metadata().target())?;
        writer.write_str("\"}\n")
    }
}

/// Writes each field as a member of the object.
struct Members<'a, 'w> {
    writer: &'a mut Writer<'w>,
    outcome: fmt::Result,
}

impl Members<'_, '_> {
    fn member(&mut self, field: &Field, write: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let name = |writer: &mut Writer<'_>| {
            writer.write_str(",\"")?;
            writer.write_str(field.name())?;
            writer.write_str("\":")
        };
        self.outcome = self
            .outcome
            .and_then(|()| name(self.writer))
            .and_then(|()| write(self.writer));
    }
}

impl Visit for Members<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, |writer| string(writer, |text| text.write_str(value)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // Twice as fast as the standard library, and JSON in any case.
        self.member(field, |writer| match Number::from_f64(value) {
            Some(number) => write!(writer, "{number}"),
            None => writer.write_str("null"),
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field, |writer| {
            string(writer, |text| write!(text, "{value:?}"))
        });
    }
}

fn string(
    writer: &mut Writer<'_>,
    write: impl FnOnce(&mut Escaped<'_, '_>) -> fmt::Result,
) -> fmt::Result {
    writer.write_char('"')?;
    write(&mut Escaped(writer))?;
    writer.write_char('"')
}

/// Writes text as it stands inside a JSON string.
struct Escaped<'a, 'w>(&'a mut Writer<'w>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, mut text: &str) -> fmt::Result {
        let special = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'\\');
        while let Some(at) = text.as_bytes().iter().position(&special) {
            // Below 128, so a character of its own.
            self.0.write_str(&text[..at])?;
            match text.as_bytes()[at] {
                b'"' => self.0.write_str("\\\"")?,
                b'\\' => self.0.write_str("\\\\")?,
                b'\n' => self.0.write_str("\\n")?,
                control => write!(self.0, "\\u{control:04x}")?,
            }
            text = &text[at + 1..];
        }
        self.0.write_str(text)
    }
}

/// `2026-01-31T12:34:56.123456Z`, for a time since the Unix epoch.
fn timestamp(since: Duration) -> [u8; 27] {
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    for (place, mut number) in [
        (0..4, year),
        (5..7, month),
        (8..10, day),
        (11..13, second / 3600),
        (14..16, second / 60 % 60),
        (17..19, second % 60),
        (20..26, since.subsec_micros().into()),
    ] {
        for digit in text[place].iter_mut().rev() {
            *digit = b"0123456789"[(number % 10) as usize];
            number /= 10;
        }
    }
    text
}

/// Year, month and day of a number of days since 1970-01-01.
///
/// Years are counted from March, so that the day that comes and goes is the last one.
fn date(days: u64) -> (u64, u64, u64) {
    /// Days from 1 March of the year 0 to 1970-01-01.
    const TO_EPOCH: u64 = 719_468;
    /// Days of 400 years, after which the calendar repeats itself.
    const ERA: u64 = 146_097;
    let (era, day) = ((days + TO_EPOCH) / ERA, (days + TO_EPOCH) % ERA);
    let year = (day - day / 1460 + day / 36_524 - day / (ERA - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // From March on, five months have 153 days, again and again.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (january, month) = match month {
        0..=9 => (0, month + 3),
        _ => (1, month - 9),
    };
    (era * 400 + year + january, month, day)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn the_calendar_is_right() {
        let at = |seconds: u64| {
            let text = timestamp(Duration::from_micros(seconds * 1_000_000 + 7));
            String::from_utf8(text.into()).unwrap()
        };
        assert_eq!(at(0), "1970-01-01T00:00:00.000007Z");
        assert_eq!(at(951_782_399), "2000-02-28T23:59:59.000007Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00.000007Z");
        assert_eq!(at(951_868_800), "2000-03-01T00:00:00.000007Z");
        assert_eq!(at(1_735_689_599), "2024-12-31T23:59:59.000007Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00.000007Z");
    }

    #[test]
    fn every_kind_of_field_becomes_json_whatever_is_in_it() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let layer = tracing_subscriber::fmt::layer()
            .event_format(Json)
            .with_writer(move || Sink(Arc::clone(&sink)));
        let nothing: Option<&str> = None;
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::warn!(
                target: "request",
                text = "\"\\\n\u{1}é\u{1f415}",
                shown = %"a\"b",
                list = ?["x"],
                flag = true,
                small = -7,
                large = u64::MAX,
                duration_ms = 0.125,
                endless = f64::INFINITY,
                nothing,
                "GET /{} 200",
                "a\"b"
            );
        });
        let line = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
        assert!(line.ends_with("}\n"));
        let mut line: Value = serde_json::from_str(&line).unwrap();
        let timestamp = line.as_object_mut().unwrap().remove("timestamp").unwrap();
        assert_eq!(timestamp.as_str().unwrap().len(), 27);
        let expected = json!({
            "level": "WARN", "target": "request", "message": "GET /a\"b 200",
            "text": "\"\\\n\u{1}é\u{1f415}", "shown": "a\"b", "list": "[\"x\"]", "flag": true,
            "small": -7, "large": u64::MAX, "duration_ms": 0.125, "endless": null,
        });
        assert_eq!(line, expected);
    }

    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
