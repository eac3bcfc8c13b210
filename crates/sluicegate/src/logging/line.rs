//! Formatting one event as one line.

use std::cell::RefCell;
use std::fmt::{Debug, Write};

use app::node::clock::{Clock, SystemClock};
use oauth::json_writer::is_plain;
use tracing::Event;
use tracing::field::{Field, Visit};

/// The format of a line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Style {
    /// A JSON object.
    Json,
    /// Time, level, target, message, fields.
    Human,
}

thread_local! {
    /// Reused, so that an event does not allocate.
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
    /// The second that was formatted last, with its text: a busy thread writes many lines in each.
    static SECOND: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
}

/// Formats the event and passes the line, including its line feed, to `take`. An event that is raised while
/// another is being formatted on the same thread is dropped.
pub(super) fn with(style: Style, event: &Event<'_>, take: impl FnOnce(&[u8])) {
    LINE.with(|line| {
        let Ok(mut line) = line.try_borrow_mut() else { return };
        line.clear();
        match style {
            Style::Json => json(&mut line, event),
            Style::Human => human(&mut line, event),
        }
        line.push('\n');
        take(line.as_bytes());
    });
}

fn json(line: &mut String, event: &Event<'_>) {
    line.push_str("{\"time\":\"");
    push_time(line);
    line.push_str("\",\"level\":\"");
    line.push_str(event.metadata().level().as_str());
    line.push_str("\",\"target\":");
    push_json_text(line, event.metadata().target());
    event.record(&mut JsonFields(line));
    line.push('}');
}

fn human(line: &mut String, event: &Event<'_>) {
    push_time(line);
    let _ = write!(line, " {:5} {}", event.metadata().level().as_str(), event.metadata().target());
    event.record(&mut MessageOnly(line));
    event.record(&mut HumanFields(line));
}

/// Writes the time in RFC 3339 with microseconds, in UTC.
fn push_time(line: &mut String) {
    let micros = SystemClock.now().as_micros();
    let (second, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    SECOND.with_borrow_mut(|formatted| {
        if formatted.0 != second {
            formatted.0 = second;
            formatted.1.clear();
            if let Ok(time) = jiff::Timestamp::from_second(second) {
                let _ = write!(formatted.1, "{time:.0}");
            }
        }
        line.push_str(formatted.1.trim_end_matches('Z'));
    });
    line.push('.');
    let mut digits = itoa::Buffer::new();
    // The seventh digit keeps the zeros in front.
    line.push_str(&digits.format(1_000_000 + fraction)[1..]);
    line.push('Z');
}

struct JsonFields<'a>(&'a mut String);

impl JsonFields<'_> {
    fn key(&mut self, field: &Field) {
        // The name is one of the program's own words.
        self.0.push_str(",\"");
        self.0.push_str(field.name());
        self.0.push_str("\":");
    }
}

impl Visit for JsonFields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.key(field);
        self.0.push('"');
        let _ = write!(Escaped(self.0), "{value:?}");
        self.0.push('"');
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.key(field);
        push_json_text(self.0, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.key(field);
        self.0.push_str(itoa::Buffer::new().format(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.key(field);
        self.0.push_str(itoa::Buffer::new().format(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.key(field);
        self.0.push_str(if value { "true" } else { "false" });
    }
}

struct MessageOnly<'a>(&'a mut String);

impl Visit for MessageOnly<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0.push_str(": ");
            let _ = write!(WithoutControls(self.0), "{value:?}");
        }
    }
}

struct HumanFields<'a>(&'a mut String);

impl Visit for HumanFields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() != "message" {
            let _ = write!(self.0, " {}=", field.name());
            let _ = write!(WithoutControls(self.0), "{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

fn push_json_text(line: &mut String, text: &str) {
    line.push('"');
    let _ = Escaped(line).write_str(text);
    line.push('"');
}

/// Writes the content of a JSON string, and escapes everything that is not plain text.
struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let mut rest = text;
        while let Some(at) = special(rest.as_bytes()) {
            let (plain, from) = rest.split_at(at);
            self.0.push_str(plain);
            let Some(character) = from.chars().next() else { break };
            match character {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                character if acts(character) => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        write!(self.0, "\\u{unit:04x}")?;
                    }
                }
                character => self.0.push(character),
            }
            rest = &from[character.len_utf8()..];
        }
        self.0.push_str(rest);
        Ok(())
    }
}

/// The position of the first byte that is not printable ASCII or must be escaped in JSON.
fn special(text: &[u8]) -> Option<usize> {
    const fn is_special(byte: u8) -> bool {
        !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\')
    }
    if is_plain(text) {
        return None;
    }
    text.iter().position(|byte| is_special(*byte))
}

/// Whether a character has an effect instead of being shown: it controls a terminal (C0 and C1), ends a line,
/// changes the direction of writing, or is invisible.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// Replaces characters that have an effect, so that nobody outside can write into an operator's terminal or
/// forge a line.
struct WithoutControls<'a>(&'a mut String);

impl Write for WithoutControls<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend(text.chars().map(|c| if acts(c) { '?' } else { c }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_out_of_its_json_string() {
        let mut line = String::new();
        push_json_text(&mut line, "a\"b\\c\nd\u{1b}é");
        assert_eq!(line, "\"a\\\"b\\\\c\\nd\\u001bé\"");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), "a\"b\\c\nd\u{1b}é");
    }

    #[test]
    fn text_cannot_forge_a_line_of_the_human_log() {
        let mut line = String::new();
        let _ = write!(WithoutControls(&mut line), "a\n2026 ERROR \u{1b}[31m");
        assert_eq!(line, "a?2026 ERROR ?[31m");
    }

    #[test]
    fn no_control_character_reaches_the_log() {
        let acting = "\u{9b}31m\u{85}\u{7f}\u{202e}\u{2028}\u{200b}\u{feff}\u{e0041}";
        let mut line = String::new();
        push_json_text(&mut line, acting);
        assert!(line.is_ascii(), "{line}");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), acting, "and nothing is lost");
        let mut line = String::new();
        let _ = write!(WithoutControls(&mut line), "{acting} Ж é 漢");
        assert_eq!(line, "?31m??????? Ж é 漢");
    }

    #[test]
    fn the_time_has_a_constant_width() {
        let mut line = String::new();
        push_time(&mut line);
        assert_eq!(line.len(), "2026-01-01T00:00:00.000000Z".len(), "{line}");
        let written: jiff::Timestamp = line.parse().unwrap();
        let now = SystemClock.now().as_micros();
        assert!((now - 60_000_000..=now).contains(&written.as_microsecond()), "{line}");
    }
}
