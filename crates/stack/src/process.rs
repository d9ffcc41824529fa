//! A server process as data: how to start it, how to see that it is ready, how to stop it.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, anyhow};
use rustix::process::Signal;

use crate::child::{Child, command};
use crate::probe::Probe;
use crate::wait::wait_until;

/// How many lines of its log a failed start shows.
const TAIL_LINES: usize = 20;

/// What is needed to start a server, again and again, always on the same ports.
#[derive(Clone, Debug)]
pub struct ProcessSpec {
    /// Unique in a stack, such as `gateway-1`.
    pub name: String,
    /// What it is: `gateway`, `redis`, …
    pub kind: &'static str,
    /// The program's name or path.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment, but for `PATH`.
    pub env: Vec<(String, OsString)>,
    /// Where both outputs are appended.
    pub log: PathBuf,
    /// The port it serves on, if it serves.
    pub port: Option<u16>,
    /// The port of its admin listener, if it has one.
    pub admin_port: Option<u16>,
    /// How one sees that it is ready.
    pub probe: Probe,
    /// How long it may take to become ready.
    pub start_patience: Duration,
    /// The signal that asks it to end.
    pub stop_signal: Signal,
    /// How long it may take to end; then it is killed.
    pub stop_patience: Duration,
}

/// A process started from a [`ProcessSpec`]. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    spec: ProcessSpec,
    child: Child,
}

impl Process {
    /// Starts the process without waiting until it is ready.
    ///
    /// # Errors
    /// When it cannot be spawned or its log file cannot be opened.
    pub fn spawn(spec: ProcessSpec) -> anyhow::Result<Process> {
        let child = spawn(&spec)?;
        Ok(Process { spec, child })
    }

    /// Starts the process and waits until it is ready.
    ///
    /// # Errors
    /// When it cannot be spawned, ends before it is ready, or is not ready in time; tells the
    /// last lines of its log.
    pub async fn start(spec: ProcessSpec) -> anyhow::Result<Process> {
        let process = Process::spawn(spec)?;
        process.ready().await?;
        Ok(process)
    }

    /// Waits until the process is ready.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub async fn ready(&self) -> anyhow::Result<()> {
        let name = &self.spec.name;
        let what = format!("{name} is not ready");
        let failure = tokio::select! {
            ready = wait_until(
                self.spec.start_patience,
                &what,
                || self.spec.probe.ask(),
            ) => match ready {
                Ok(()) => return Ok(()),
                Err(error) => error,
            },
            ended = self.child.ended() => anyhow!("{name} ended before it was ready: {}", ended?),
        };
        let log = &self.spec.log;
        Err(failure.context(format!(
            "{name} did not start; the end of {}:\n{}",
            log.display(),
            tail(log)
        )))
    }

    /// Asks the process to end, and kills it when it takes too long.
    pub async fn stop(&self) {
        self.child
            .stop(self.spec.stop_signal, self.spec.stop_patience)
            .await;
    }

    /// Ends the process with SIGKILL.
    pub async fn kill(&self) {
        self.child.kill().await;
    }

    /// Starts the process again, on the same ports, after it was stopped or killed or died; one
    /// that still runs is killed. Waits until it is ready.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.respawn().await?;
        self.ready().await
    }

    /// As [`Process::restart`], but does not wait until it is ready.
    ///
    /// # Errors
    /// As [`Process::spawn`].
    pub async fn respawn(&mut self) -> anyhow::Result<()> {
        self.child.kill().await;
        self.child = spawn(&self.spec)?;
        Ok(())
    }

    /// What it was started from.
    #[must_use]
    pub fn spec(&self) -> &ProcessSpec {
        &self.spec
    }

    /// The operating system's process.
    #[must_use]
    pub fn child(&self) -> &Child {
        &self.child
    }
}

fn spawn(spec: &ProcessSpec) -> anyhow::Result<Child> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&spec.log)
        .with_context(|| format!("cannot open the log file {}", spec.log.display()))?;
    let mut command = command(&spec.program);
    let path = crate::programs::search_path();
    command
        .args(&spec.args)
        .env_clear()
        .env("PATH", path)
        .envs(spec.env.iter().map(|(key, value)| (key, value)))
        .stdout(log.try_clone()?)
        .stderr(Stdio::from(log));
    Child::spawn(command).with_context(|| format!("{} did not start", spec.name))
}

/// The last lines of a log file.
#[must_use]
pub fn tail(log: &Path) -> String {
    let content = std::fs::read(log).unwrap_or_default();
    let content = String::from_utf8_lossy(&content);
    let lines: Vec<&str> = content.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
