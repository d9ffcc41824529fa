use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use messaging::{LogSink, SinkError};
use models::{log_record::LogRecord, now_ms};
use time::{Date, OffsetDateTime};
use tokio::task::block_in_place;

use crate::{console::Console, rolling_file::RollingFile};

/// Where the records of one queue end up: in a file first, then on standard output.
///
/// A record is safe once it is in the file. Standard output is a convenience: when nobody reads it any more, the files
/// go on alone.
pub(crate) struct Sink {
    file: RollingFile,
    console: Option<Console>,
    health: Health,
}

/// Could the last record be written? Cloning shares the answer.
#[derive(Clone, Default)]
pub(crate) struct Health {
    failure: Arc<Mutex<Option<String>>>,
}

impl Sink {
    pub(crate) fn new(file: RollingFile, console: Option<Console>) -> Self {
        Self {
            file,
            console,
            health: Health::default(),
        }
    }

    pub(crate) fn health(&self) -> Health {
        self.health.clone()
    }

    fn store(&mut self, record: &LogRecord, line: &[u8]) -> io::Result<()> {
        let written = self.file.append(today(), line);
        self.health.tell(written.as_ref().err());
        written?;
        if let Some(console) = &self.console
            && let Err(error) = console.print(record, line)
        {
            self.console = None;
            tracing::warn!(%error, "standard output cannot be written; records go to the files alone");
        }
        Ok(())
    }
}

impl LogSink for Sink {
    async fn write(&mut self, record: &[u8]) -> Result<(), SinkError> {
        let parsed: LogRecord = serde_json::from_slice(record)
            .map_err(|error| SinkError::Unreadable(error.to_string()))?;
        let line = one_line(record);
        // A slow disk or a reader that does not read stops this consumer, and nothing else of the process.
        block_in_place(|| self.store(&parsed, &line))?;
        Ok(())
    }
}

impl Health {
    pub(crate) fn check(&self) -> Result<(), String> {
        self.lock().clone().map_or(Ok(()), Err)
    }

    fn tell(&self, failure: Option<&io::Error>) {
        *self.lock() = failure.map(|error| format!("the log files cannot be written: {error}"));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The record as it came, fields this version does not know included, on one line: within JSON, a line break can only
/// be white space.
fn one_line(record: &[u8]) -> Vec<u8> {
    let mut line: Vec<u8> = record
        .trim_ascii()
        .iter()
        .map(|byte| {
            if matches!(byte, b'\n' | b'\r') {
                b' '
            } else {
                *byte
            }
        })
        .collect();
    line.push(b'\n');
    line
}

/// The day of the files, in UTC: that on which a record arrives here.
fn today() -> Date {
    let seconds = i64::try_from(now_ms() / 1_000).unwrap_or_default();
    OffsetDateTime::from_unix_timestamp(seconds).map_or(Date::MIN, OffsetDateTime::date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_keeps_what_it_says_on_one_line() {
        assert_eq!(
            one_line(b" {\"a\":\r\n  \"b\\nc\", \"new\": 1}\n"),
            b"{\"a\":    \"b\\nc\", \"new\": 1}\n"
        );
    }
}
