use std::fmt;

use messaging::LogQueue;
use time::{Date, Month};

/// The name of a log file: `all-2026-01-31.log-worker-1.jsonl`, and `all-2026-01-31.log-worker-1.1.jsonl` where a
/// day's first file became too large.
///
/// The node is in it so that no two log-workers write to the same file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct FileName {
    pub(crate) queue: LogQueue,
    /// In UTC.
    pub(crate) day: Date,
    pub(crate) node: String,
    /// 0, 1, 2, …
    pub(crate) part: u32,
}

impl FileName {
    /// Reads a name; `None` for any file that is not ours.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let name = name.strip_suffix(".jsonl")?;
        let (queue, name) = [LogQueue::All, LogQueue::Errors]
            .into_iter()
            .find_map(|queue| Some((queue, name.strip_prefix(prefix(queue))?)))?;
        let (day, name) = name.split_once('.')?;
        let (node, part) = match name.split_once('.') {
            Some((node, part)) => (node, number(part).filter(|part| *part > 0)?),
            None => (name, 0),
        };
        is_node(node).then(|| {
            Some(Self {
                queue,
                day: date(day)?,
                node: node.to_owned(),
                part,
            })
        })?
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}.{}", prefix(self.queue), self.day, self.node)?;
        if self.part > 0 {
            write!(f, ".{}", self.part)?;
        }
        f.write_str(".jsonl")
    }
}

/// May this name of a node be part of a file's name?
pub(crate) fn is_node(node: &str) -> bool {
    !node.is_empty()
        && node.len() <= 100
        && node
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
}

fn prefix(queue: LogQueue) -> &'static str {
    match queue {
        LogQueue::All => "all-",
        LogQueue::Errors => "error-",
    }
}

/// `2026-01-31`, as [`Date`] prints itself.
fn date(text: &str) -> Option<Date> {
    let mut numbers = text.split('-').map(number);
    let (year, month, day) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date =
        Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    (date.to_string() == text).then_some(date)
}

/// Digits only: `parse` would take a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes()
        .all(|c| c.is_ascii_digit())
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for name in [
            "all-2026-01-31.log-worker-1.jsonl",
            "error-2026-12-01.log-worker-4711.12.jsonl",
        ] {
            assert_eq!(FileName::parse(name).unwrap().to_string(), name);
        }
        let name = FileName::parse("error-2026-01-31.a_b.7.jsonl").unwrap();
        assert_eq!(
            (name.queue, name.node.as_str(), name.part),
            (LogQueue::Errors, "a_b", 7)
        );
    }

    #[test]
    fn other_files_are_not_ours() {
        for name in [
            "all-2026-01-31.jsonl",
            "all-2026-01-31.node.jsonl.gz",
            "all-2026-01-31.node.0.jsonl",
            "all-2026-01-31.node.x.jsonl",
            "all-2026-01-31.node.+1.jsonl",
            "all-2026-01-31.node.1.2.jsonl",
            "all-2026-1-31.node.jsonl",
            "all-2026-02-30.node.jsonl",
            "all-yesterday.node.jsonl",
            "all-2026-01-31.no de.jsonl",
            "all-2026-01-31..jsonl",
            "warn-2026-01-31.node.jsonl",
            "notes.jsonl",
            "",
        ] {
            assert_eq!(FileName::parse(name), None, "{name:?}");
        }
    }
}
