use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use messaging::LogQueue;
use time::Date;

use crate::{disk_limits::DiskLimits, file_name::FileName};

/// A file of lines that is another one each day, and when it becomes too large.
///
/// A line that has been appended is with the operating system: it outlives this process, not a power failure. A line
/// that could be written only in part is taken back, so that a file holds whole lines alone.
pub(crate) struct RollingFile {
    queue: LogQueue,
    node: String,
    max_bytes: u64,
    limits: DiskLimits,
    open: Option<OpenFile>,
}

struct OpenFile {
    name: FileName,
    file: File,
    bytes: u64,
}

impl RollingFile {
    pub(crate) fn new(queue: LogQueue, node: &str, max_bytes: u64, limits: DiskLimits) -> Self {
        Self {
            queue,
            node: node.to_owned(),
            max_bytes,
            limits,
            open: None,
        }
    }

    /// Appends a line, which must end in a line feed, to the file of this day.
    pub(crate) fn append(&mut self, today: Date, line: &[u8]) -> io::Result<()> {
        let mut open = match self.open.take() {
            Some(open) if self.may_go_on(&open, today, line)? => open,
            finished => {
                drop(finished);
                let open = self.begin(today, line)?;
                self.enforce_limits(today);
                open
            }
        };
        match open.file.write_all(line) {
            Ok(()) => open.bytes += line.len() as u64,
            Err(e) => {
                // Where that does not work, the next attempt opens the file again, and takes the line back then.
                if open.file.set_len(open.bytes).is_ok() {
                    self.open = Some(open);
                }
                return Err(e);
            }
        }
        self.open = Some(open);
        Ok(())
    }

    /// Also looks whether somebody has removed the file, which writing to it does not tell.
    fn may_go_on(&self, open: &OpenFile, today: Date, line: &[u8]) -> io::Result<bool> {
        Ok(open.name.day == today
            && self.has_room(open.bytes, line)
            && open.file.metadata()?.nlink() > 0)
    }

    /// A file takes one line at least, however long.
    fn has_room(&self, bytes: u64, line: &[u8]) -> bool {
        bytes == 0 || bytes + line.len() as u64 <= self.max_bytes
    }

    /// Opens the day's last file, or a new one when that has no room.
    fn begin(&self, today: Date, line: &[u8]) -> io::Result<OpenFile> {
        let mut name = FileName {
            queue: self.queue,
            day: today,
            node: self.node.clone(),
            part: self.last_part(today)?,
        };
        loop {
            let open = open(&self.limits.dir, name.clone())?;
            if self.has_room(open.bytes, line) {
                return Ok(open);
            }
            name.part += 1;
        }
    }

    fn last_part(&self, today: Date) -> io::Result<u32> {
        let mut last = 0;
        for entry in fs::read_dir(&self.limits.dir)? {
            let name = entry?.file_name();
            if let Some(name) = name.to_str().and_then(FileName::parse)
                && (name.queue, name.day, &name.node) == (self.queue, today, &self.node)
            {
                last = last.max(name.part);
            }
        }
        Ok(last)
    }

    /// At most a few times a day, so it may be logged although the log ends here.
    fn enforce_limits(&self, today: Date) {
        match self.limits.enforce(today) {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "old log files removed"),
            Err(error) => tracing::warn!(%error, "old log files cannot be removed"),
        }
    }
}

/// Opens a file for this process alone.
fn open(dir: &Path, name: FileName) -> io::Result<OpenFile> {
    let path: PathBuf = dir.join(name.to_string());
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        // Logs tell who did what.
        .mode(0o640)
        .open(&path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                format!(
                    "{} is in use: no two log-workers may have the same PACKTCHAT__TELEMETRY__NODE",
                    path.display()
                ),
            ));
        }
        Err(TryLockError::Error(e)) => return Err(e),
    }
    if file.metadata()?.nlink() == 0 {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("{} was removed just now", path.display()),
        ));
    }
    let bytes = remove_broken_line(&mut file)?;
    Ok(OpenFile { name, file, bytes })
}

/// Cuts a file after its last line feed, and tells its length. What is cut was never acknowledged, so it comes again.
fn remove_broken_line(file: &mut File) -> io::Result<u64> {
    const STEP: u64 = 8_192;
    let length = file.metadata()?.len();
    let mut end = length;
    let mut buffer = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        file.seek(SeekFrom::Start(start))?;
        buffer.clear();
        Read::by_ref(file)
            .take(end - start)
            .read_to_end(&mut buffer)?;
        if let Some(last) = buffer.iter().rposition(|byte| *byte == b'\n') {
            end = start + last as u64 + 1;
            break;
        }
        end = start;
    }
    if end < length {
        file.set_len(end)?;
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use time::{Duration, Month};

    use super::*;

    fn day(after: i64) -> Date {
        Date::from_calendar_date(2026, Month::January, 31).unwrap() + Duration::days(after)
    }

    fn rolling(dir: &TempDir, max_bytes: u64) -> RollingFile {
        let limits = DiskLimits {
            dir: dir.path().to_owned(),
            max_total_bytes: 1_000,
            keep_days: 2,
        };
        RollingFile::new(LogQueue::Errors, "n1", max_bytes, limits)
    }

    fn content(dir: &TempDir, name: &str) -> String {
        fs::read_to_string(dir.path().join(name)).unwrap_or_else(|e| format!("{name}: {e}"))
    }

    #[test]
    fn another_day_is_another_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = rolling(&dir, 100);
        file.append(day(0), b"one\n").unwrap();
        file.append(day(0), b"two\n").unwrap();
        file.append(day(1), b"three\n").unwrap();
        assert_eq!(content(&dir, "error-2026-01-31.n1.jsonl"), "one\ntwo\n");
        assert_eq!(content(&dir, "error-2026-02-01.n1.jsonl"), "three\n");
    }

    #[test]
    fn a_full_file_is_followed_by_another() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = rolling(&dir, 8);
        for line in ["1234567\n", "a\n", "b\n", "longer than a file\n", "c\n"] {
            file.append(day(0), line.as_bytes()).unwrap();
        }
        assert_eq!(content(&dir, "error-2026-01-31.n1.jsonl"), "1234567\n");
        assert_eq!(content(&dir, "error-2026-01-31.n1.1.jsonl"), "a\nb\n");
        assert_eq!(
            content(&dir, "error-2026-01-31.n1.2.jsonl"),
            "longer than a file\n"
        );
        assert_eq!(content(&dir, "error-2026-01-31.n1.3.jsonl"), "c\n");
    }

    #[test]
    fn a_restarted_worker_goes_on_where_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = rolling(&dir, 8);
        for line in ["12345\n", "abcd\n"] {
            file.append(day(0), line.as_bytes()).unwrap();
        }
        drop(file);
        rolling(&dir, 8).append(day(0), b"e\n").unwrap();
        assert_eq!(content(&dir, "error-2026-01-31.n1.1.jsonl"), "abcd\ne\n");
    }

    #[test]
    fn a_broken_line_is_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("error-2026-01-31.n1.jsonl");
        for (before, after) in [
            ("one\n{\"half".to_owned(), "one\n"),
            ("half".to_owned(), ""),
            (format!("one\n{}", "x".repeat(20_000)), "one\n"),
            ("one\n".to_owned(), "one\n"),
        ] {
            fs::write(&path, before).unwrap();
            rolling(&dir, 100_000).append(day(0), b"two\n").unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{after}two\n"));
        }
    }

    #[test]
    fn two_workers_of_one_name_do_not_share_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = rolling(&dir, 100);
        first.append(day(0), b"one\n").unwrap();
        let error = rolling(&dir, 100).append(day(0), b"two\n").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
        assert!(error.to_string().contains("PACKTCHAT__TELEMETRY__NODE"));
        drop(first);
        rolling(&dir, 100).append(day(0), b"two\n").unwrap();
        assert_eq!(content(&dir, "error-2026-01-31.n1.jsonl"), "one\ntwo\n");
    }

    #[test]
    fn old_files_go_when_a_file_is_begun() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = rolling(&dir, 100);
        for after in [0, 1, 3] {
            file.append(day(after), b"x\n").unwrap();
        }
        assert!(!dir.path().join("error-2026-01-31.n1.jsonl").exists());
        assert!(dir.path().join("error-2026-02-01.n1.jsonl").exists());
    }

    #[test]
    fn what_somebody_has_removed_is_begun_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = rolling(&dir, 100);
        file.append(day(0), b"one\n").unwrap();
        fs::remove_file(dir.path().join("error-2026-01-31.n1.jsonl")).unwrap();
        file.append(day(0), b"two\n").unwrap();
        assert_eq!(content(&dir, "error-2026-01-31.n1.jsonl"), "two\n");
        fs::remove_dir_all(dir.path()).unwrap();
        assert!(file.append(day(0), b"three\n").is_err());
        fs::create_dir(dir.path()).unwrap();
        file.append(day(0), b"three\n").unwrap();
        assert_eq!(content(&dir, "error-2026-01-31.n1.jsonl"), "three\n");
    }

    #[test]
    fn a_full_disk_is_an_error_until_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("error-2026-01-31.n1.jsonl");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let mut file = rolling(&dir, 100);
        for _ in 0..2 {
            let error = file.append(day(0), b"one\n").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        }
        fs::remove_file(&path).unwrap();
        file.append(day(0), b"one\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\n");
    }
}
