//! One PacktChat per directory.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

/// The name of the file in the stack's directory. It holds the pid of who has the lock, and stays
/// when the lock is given back.
const FILE: &str = "lock";

/// The right to run a stack in a directory: two at a time would ruin each other's data. The
/// kernel takes it back when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    dir: PathBuf,
    /// Keeps the lock as long as it is open.
    _file: File,
}

impl Lock {
    /// Takes the directory for this process, and makes it where it is missing: for its owner alone,
    /// since it holds people's messages. `None` means that another process has it, see
    /// [`Lock::holder`].
    ///
    /// # Errors
    /// When the directory cannot be made or written to.
    pub fn take(dir: &Path) -> anyhow::Result<Option<Lock>> {
        let inside = || format!("cannot write in {}", dir.display());
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .with_context(|| format!("cannot make {}", dir.display()))?;
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(dir.join(FILE))
            .with_context(inside)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error).with_context(inside),
        }
        file.set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id()))
            .with_context(inside)?;
        let dir = std::path::absolute(dir).with_context(inside)?;
        Ok(Some(Lock { dir, _file: file }))
    }

    /// The process that runs a stack in `dir`; `None` where none does.
    ///
    /// # Errors
    /// When the lock cannot be looked at.
    pub fn holder(dir: &Path) -> anyhow::Result<Option<u32>> {
        let path = dir.join(FILE);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => {
                let pid = std::fs::read_to_string(&path)?;
                pid.parse()
                    .map(Some)
                    .map_err(|_| anyhow!("{} holds no process id", path.display()))
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot look at {}", path.display()))
            }
        }
    }

    /// The directory, as an absolute path.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_at_a_time_and_it_says_who() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Lock::holder(dir.path()).unwrap(), None);
        let lock = Lock::take(dir.path()).unwrap();
        assert!(lock.is_some());
        assert!(Lock::take(dir.path()).unwrap().is_none());
        assert_eq!(Lock::holder(dir.path()).unwrap(), Some(std::process::id()));
        drop(lock);
        assert_eq!(Lock::holder(dir.path()).unwrap(), None);
        assert!(Lock::take(dir.path()).unwrap().is_some());
    }

    #[test]
    fn others_on_the_machine_do_not_look_into_it() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("chat");
        let _lock = Lock::take(&dir).unwrap().unwrap();
        let mode = dir.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
