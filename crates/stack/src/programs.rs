//! Where the programs of other projects are found.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Directories Debian installs servers to, which the PATH of an ordinary user does not name.
const SERVER_DIRECTORIES: &str = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";

/// RabbitMQ's own scripts. Those in /usr/sbin switch to another user and leave an epmd behind
/// that listens on all interfaces.
pub const RABBITMQ_SCRIPTS: &str = "/usr/lib/rabbitmq/bin";

/// The PATH given to child processes: this process's own and the directories of servers.
#[must_use]
pub fn search_path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    if !path.is_empty() {
        path.push(":");
    }
    path.push(SERVER_DIRECTORIES);
    path
}

/// The file that `program` names, or `None` where it is not installed.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| path.is_file());
    }
    std::env::split_paths(&search_path())
        .map(|directory: PathBuf| directory.join(program))
        .find(|path: &PathBuf| Path::is_file(path))
}
