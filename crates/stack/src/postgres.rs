//! A private PostgreSQL server on a loopback port, for tests.

use std::ffi::OsString;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::{Signal, geteuid};
use tempfile::TempDir;
use tokio::process::Command;

use crate::ports::free_port;
use crate::probe::Probe;
use crate::process::{Process, ProcessSpec};
use crate::programs;

/// Where Debian keeps the programs of each version of PostgreSQL.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The user who owns the databases, and needs no password.
const USER: &str = "packtchat";

/// The unprivileged user and group `nobody`: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;

/// A running PostgreSQL server, its data in a temporary directory. Dropping it kills the server.
///
/// It does not wait for the disk: what it was told survives the end of the server, but not of the machine.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    port: u16,
    /// Dropped after the server that works in it.
    dir: TempDir,
}

impl Postgres {
    /// Starts a server on a free port. Takes a second and a half.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start.
    pub async fn start() -> anyhow::Result<Postgres> {
        let dir = tempfile::tempdir().context("no temporary directory")?;
        if geteuid().is_root() {
            chown(dir.path(), Some(NOBODY), Some(NOBODY))?;
        }
        let data = dir.path().join("data");
        run(&[
            "initdb".as_ref(),
            "--pgdata".as_ref(),
            data.as_os_str(),
            "--username".as_ref(),
            USER.as_ref(),
            "--auth=trust".as_ref(),
            "--encoding=UTF8".as_ref(),
            "--locale=C.UTF-8".as_ref(),
            "--no-sync".as_ref(),
        ])
        .await?;
        let port = free_port()?;
        let process = Process::start(spec(dir.path(), &data, port)).await?;
        Ok(Postgres { process, port, dir })
    }

    /// Makes an empty database and returns its URL. `name` is made of letters, digits, `_` and `-`.
    ///
    /// # Errors
    /// When there is one of this name, or the server does not answer.
    pub async fn create_database(&self, name: &str) -> anyhow::Result<String> {
        let port = self.port.to_string();
        run(&[
            "createdb".as_ref(),
            "--host=127.0.0.1".as_ref(),
            "--port".as_ref(),
            port.as_ref(),
            "--username".as_ref(),
            USER.as_ref(),
            "--no-password".as_ref(),
            name.as_ref(),
        ])
        .await?;
        Ok(format!("postgres://{USER}@127.0.0.1:{port}/{name}"))
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.child().pid()
    }

    /// Asks the server to end at once, whoever is connected, and waits for it.
    pub async fn stop(&self) {
        self.process.stop().await;
    }

    /// Starts the server again on the same port, with the same data.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.process.restart().await
    }

    /// Where its files are. They stay when it is forgotten instead of dropped.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}

fn spec(dir: &Path, data: &Path, port: u16) -> ProcessSpec {
    let mut args = unprivileged(&program("postgres"));
    let program = args.remove(0);
    args.extend([
        "-D".into(),
        data.into(),
        "-p".into(),
        port.to_string().into(),
    ]);
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "fsync=off",
    ] {
        args.extend(["-c".into(), setting.into()]);
    }
    ProcessSpec {
        name: "postgres".into(),
        kind: "postgres",
        program,
        args,
        env: vec![],
        log: dir.join("postgres.log"),
        port: Some(port),
        admin_port: None,
        probe: Probe::Postgres { port, user: USER },
        start_patience: Duration::from_secs(30),
        stop_signal: Signal::INT,
        stop_patience: Duration::from_secs(10),
    }
}

/// Runs one of PostgreSQL's programs to its end.
async fn run(words: &[&std::ffi::OsStr]) -> anyhow::Result<()> {
    let (name, arguments) = words.split_first().context("no program")?;
    let name = name.to_string_lossy();
    let command = unprivileged(&program(&name));
    let output = Command::new(&command[0])
        .args(&command[1..])
        .args(arguments)
        .env_clear()
        .env("PATH", programs::search_path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("cannot start {name}"))?;
    ensure!(
        output.status.success(),
        "{name} of PostgreSQL failed; is the package postgresql installed? {}",
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(())
}

/// A program of the newest version installed, or whatever the PATH finds.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    versions
        .filter_map(|version| {
            let number: u32 = version.file_name().to_str()?.parse().ok()?;
            let program = version.path().join("bin").join(name);
            program.is_file().then_some((number, program))
        })
        .max()
        .map_or_else(|| name.into(), |(_, program)| program)
}

/// The words that start a program as somebody who is not root.
///
/// A change of user loses the wish to end with the parent, so it is made again.
fn unprivileged(program: &Path) -> Vec<OsString> {
    if !geteuid().is_root() {
        return vec![program.into()];
    }
    let nobody = NOBODY.to_string();
    let words = [
        "setpriv",
        "--reuid",
        &nobody,
        "--regid",
        &nobody,
        "--clear-groups",
        "--pdeathsig",
        "TERM",
        "--",
    ];
    let mut words: Vec<OsString> = words.map(Into::into).into();
    words.push(program.into());
    words
}
