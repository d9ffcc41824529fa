use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use time::Date;

use crate::file_name::FileName;

/// How much the files of a directory may take, and how old they may become.
#[derive(Clone, Debug)]
pub(crate) struct DiskLimits {
    pub(crate) dir: PathBuf,
    pub(crate) max_total_bytes: u64,
    pub(crate) keep_days: u16,
}

struct LogFile {
    name: FileName,
    path: PathBuf,
    bytes: u64,
}

impl DiskLimits {
    /// Removes files, of any log-worker, that are too old or, oldest first, too many. Never one that somebody is
    /// writing, and never one that is not a log file. How many they were.
    pub(crate) fn enforce(&self, today: Date) -> io::Result<u64> {
        let mut files = log_files(&self.dir)?;
        files.sort_by_key(|file| (file.name.day, file.name.part));
        let too_old = |day: Date| (today - day).whole_days() > i64::from(self.keep_days);
        let mut total: u64 = files.iter().map(|file| file.bytes).sum();
        let mut removed = 0;
        for file in &files {
            if (too_old(file.name.day) || total > self.max_total_bytes)
                && remove_unless_in_use(&file.path)?
            {
                total -= file.bytes;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

fn log_files(dir: &Path) -> io::Result<Vec<LogFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().and_then(FileName::parse) else {
            continue;
        };
        match entry.metadata() {
            Ok(metadata) if metadata.is_file() => files.push(LogFile {
                name,
                path: entry.path(),
                bytes: metadata.len(),
            }),
            Ok(_) => {}
            // Another log-worker has removed it just now.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    Ok(files)
}

/// Whoever writes to a file has locked it.
fn remove_unless_in_use(path: &Path) -> io::Result<bool> {
    let gone = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => Ok(true),
        _ => Err(e),
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) => return gone(e),
    };
    match file.try_lock() {
        // Locked until it is removed, so that nobody begins to write to it meanwhile.
        Ok(()) => fs::remove_file(path).map_or_else(gone, |()| Ok(true)),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tempfile::TempDir;
    use time::Month;

    use super::*;

    fn today() -> Date {
        Date::from_calendar_date(2026, Month::March, 1).unwrap()
    }

    fn directory(files: &[&str]) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            fs::write(dir.path().join(file), [b'x'; 10]).unwrap();
        }
        dir
    }

    fn left(dir: &TempDir) -> BTreeSet<String> {
        fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    fn enforce(dir: &TempDir, max_total_bytes: u64, keep_days: u16) -> u64 {
        DiskLimits {
            dir: dir.path().to_owned(),
            max_total_bytes,
            keep_days,
        }
        .enforce(today())
        .unwrap()
    }

    #[test]
    fn old_log_files_go_and_nothing_else() {
        let dir = directory(&[
            "all-2026-02-26.a.jsonl",
            "error-2026-02-26.gone.3.jsonl",
            "all-2026-02-27.a.jsonl",
            "all-2026-03-01.a.jsonl",
            "all-2020-01-01.jsonl",
            "accounts.db",
        ]);
        assert_eq!(enforce(&dir, 1_000, 2), 2);
        let kept = [
            "accounts.db",
            "all-2020-01-01.jsonl",
            "all-2026-02-27.a.jsonl",
            "all-2026-03-01.a.jsonl",
        ];
        assert_eq!(left(&dir), kept.map(str::to_owned).into());
    }

    #[test]
    fn the_oldest_go_until_the_rest_is_small_enough() {
        let dir = directory(&[
            "all-2026-02-28.a.jsonl",
            "all-2026-02-28.a.1.jsonl",
            "all-2026-02-28.a.10.jsonl",
            "all-2026-02-28.a.2.jsonl",
            "error-2026-03-01.a.jsonl",
        ]);
        assert_eq!(enforce(&dir, 25, 14), 3);
        let kept = ["all-2026-02-28.a.10.jsonl", "error-2026-03-01.a.jsonl"];
        assert_eq!(left(&dir), kept.map(str::to_owned).into());
    }

    #[test]
    fn a_file_in_use_stays() {
        let dir = directory(&["all-2026-01-01.a.jsonl", "all-2026-01-01.b.jsonl"]);
        let in_use = File::open(dir.path().join("all-2026-01-01.a.jsonl")).unwrap();
        in_use.try_lock().unwrap();
        assert_eq!(enforce(&dir, 0, 0), 1);
        assert_eq!(left(&dir), ["all-2026-01-01.a.jsonl".to_owned()].into());
        drop(in_use);
        assert_eq!(enforce(&dir, 0, 0), 1);
    }
}
