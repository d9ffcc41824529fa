use std::{
    fmt::Write as _,
    io::{self, Write},
};

use models::log_record::{LogLevel, LogRecord};
use time::OffsetDateTime;

/// Prints records on standard output.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    /// As JSON, not for people.
    pub(crate) json: bool,
    /// This process, whose own records are on standard output already.
    pub(crate) own_node: String,
}

impl Console {
    /// Prints a record: `line`, its JSON, or a line for people.
    pub(crate) fn print(&self, record: &LogRecord, line: &[u8]) -> io::Result<()> {
        if record.service == crate::SERVICE && record.node == self.own_node {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        if self.json {
            stdout.write_all(line)?;
        } else {
            stdout.write_all(readable(record).as_bytes())?;
        }
        stdout.flush()
    }
}

/// `2026-01-31T12:00:00.123Z ERROR auth/auth-1 request failed request="verify"`, with a line feed at the end only.
fn readable(record: &LogRecord) -> String {
    let level = match record.level {
        LogLevel::Debug => "DEBUG",
        LogLevel::Info => " INFO",
        LogLevel::Warn => " WARN",
        LogLevel::Error => "ERROR",
    };
    let mut line = format!("{} {level} ", timestamp(record.ts));
    for (text, end) in [
        (&record.service, '/'),
        (&record.node, ' '),
        (&record.message, ' '),
    ] {
        push_printable(&mut line, text);
        line.push(end);
    }
    for (name, value) in &record.fields {
        push_printable(&mut line, name);
        // Writing to a String cannot fail. JSON has no control characters in it.
        let _ = write!(line, "={value} ");
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

/// What came from a stranger's request must not act on the terminal of whoever reads the log.
fn push_printable(line: &mut String, text: &str) {
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
}

fn timestamp(ms: u64) -> String {
    let Ok(time) = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000) else {
        return ms.to_string();
    };
    let (hour, minute, second) = time.to_hms();
    let ms = time.millisecond();
    format!("{}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z", time.date())
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn record(message: &str, fields: &serde_json::Value) -> LogRecord {
        LogRecord {
            ts: 1_769_860_800_123,
            level: LogLevel::Error,
            service: "auth".to_owned(),
            node: "auth-1".to_owned(),
            target: "auth::requests".to_owned(),
            message: message.to_owned(),
            fields: fields.as_object().cloned().unwrap_or_else(Map::new),
        }
    }

    #[test]
    fn a_record_is_one_line() {
        let record = record("request failed", &json!({"request": "verify", "tries": 3}));
        assert_eq!(
            readable(&record),
            "2026-01-31T12:00:00.123Z ERROR auth/auth-1 request failed request=\"verify\" tries=3\n"
        );
    }

    #[test]
    fn control_characters_do_not_act() {
        let record = record("a\n\u{1b}[2Jb", &json!({"agent": "x\n\u{1b}y"}));
        let line = readable(&record);
        assert_eq!(line.matches('\n').count(), 1);
        assert!(!line.contains('\u{1b}'), "{line:?}");
        assert!(line.contains("a\\n\\u{1b}[2Jb"), "{line:?}");
    }

    #[test]
    fn a_time_beyond_the_calendar_stays_a_number() {
        assert_eq!(timestamp(u64::MAX), u64::MAX.to_string());
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000Z");
    }
}
