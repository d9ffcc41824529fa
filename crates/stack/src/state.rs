//! `state.json`: what runs, for `packtchat down`, tests and people.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::private_file;
use crate::process::ProcessSpec;
use crate::wait::wait_until;

/// The name of the file in the stack's directory.
const FILE: &str = "state.json";

/// How long the system may take to end processes that were killed.
const AFTER_A_KILL: Duration = Duration::from_secs(10);

/// A running stack.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// Where browsers find the chat.
    pub url: String,
    /// The process that holds it all.
    pub pid: u32,
    /// Redis, password included.
    pub redis_url: String,
    /// RabbitMQ, password included.
    pub amqp_url: String,
    /// In the order of their start.
    pub processes: Vec<RunningProcess>,
}

/// A process of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningProcess {
    /// Unique, such as `gateway-1`.
    pub name: String,
    /// `redis`, `rabbitmq`, `epmd`, `haproxy` or a service's name.
    pub kind: String,
    /// Changes at a restart; 0 while it does not run.
    pub pid: u32,
    /// When it started, in the kernel's clock ticks since boot: tells it from a later process
    /// with the same pid.
    pub started: u64,
    /// The port it serves on, if it serves.
    pub port: Option<u16>,
    /// The port of its admin listener, if it has one.
    pub admin_port: Option<u16>,
    /// The file with its output.
    pub log: PathBuf,
}

impl State {
    /// Reads the state of the stack in `dir`; `None` where none was left.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn read(dir: &Path) -> anyhow::Result<Option<State>> {
        let file = dir.join(FILE);
        match std::fs::read(&file) {
            Ok(json) => serde_json::from_slice(&json)
                .with_context(|| format!("{} is not understood", file.display()))
                .map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }

    /// Ends what still runs of a stack whose holder was killed, and removes its state. Its
    /// processes end by themselves; those that take longer than `patience` are killed.
    ///
    /// # Errors
    /// When the state cannot be read or a process cannot be ended.
    pub async fn clean_up(dir: &Path, patience: Duration) -> anyhow::Result<()> {
        let Some(state) = State::read(dir)? else {
            return Ok(());
        };
        let ended = async || match state.left() {
            left if left.is_empty() => Ok(()),
            left => Err(format!("still there: {}", left.join(", "))),
        };
        let what = "the processes of the last start end";
        if wait_until(patience, what, ended).await.is_err() {
            state.signal(Signal::KILL);
            wait_until(AFTER_A_KILL, what, ended).await?;
        }
        std::fs::remove_file(dir.join(FILE)).context("cannot remove the last state")
    }

    fn running(&self) -> impl Iterator<Item = &RunningProcess> {
        self.processes
            .iter()
            .filter(|process| start_of(process.pid) == Some(process.started))
    }

    fn left(&self) -> Vec<&str> {
        self.running()
            .map(|process| process.name.as_str())
            .collect()
    }

    fn signal(&self, signal: Signal) {
        for process in self.running() {
            if let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) {
                // The only failure is that it ended in this moment.
                let _ = kill_process(pid, signal);
            }
        }
    }
}

/// When the process started, in clock ticks since boot; `None` where it does not run or has
/// ended and only waits for its parent.
fn start_of(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold spaces and parentheses itself.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    // Field 22 of the line, 19 after the state, which is the third.
    let started = fields.nth(18)?.parse().ok()?;
    (state != "Z").then_some(started)
}

/// Keeps `state.json` up to date while a stack runs, and removes it at the end.
#[derive(Debug)]
pub(crate) struct StateFile {
    file: PathBuf,
    state: Mutex<State>,
}

impl StateFile {
    pub(crate) fn create(dir: &Path, state: State) -> anyhow::Result<StateFile> {
        let created = StateFile {
            file: dir.join(FILE),
            state: Mutex::new(state),
        };
        created.change(|_| ())?;
        Ok(created)
    }

    /// Notes that the process of `spec` runs now as `pid`, or that it does not run.
    pub(crate) fn note(&self, spec: &ProcessSpec, pid: Option<u32>) -> anyhow::Result<()> {
        let now = RunningProcess {
            name: spec.name.clone(),
            kind: spec.kind.to_owned(),
            pid: pid.unwrap_or_default(),
            started: pid.and_then(start_of).unwrap_or_default(),
            port: spec.port,
            admin_port: spec.admin_port,
            log: spec.log.clone(),
        };
        self.change(
            |state| match state.processes.iter_mut().find(|one| one.name == now.name) {
                Some(known) => *known = now,
                None => state.processes.push(now),
            },
        )
    }

    pub(crate) fn state(&self) -> State {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn change(&self, change: impl FnOnce(&mut State)) -> anyhow::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        private_file::write(&self.file, &serde_json::to_string_pretty(&*state)?)
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::{Child, command};

    fn sleeper() -> Child {
        let mut sleep = command("sleep");
        sleep.arg("1000");
        Child::spawn(sleep).unwrap()
    }

    fn running(child: &Child, started: u64) -> RunningProcess {
        RunningProcess {
            name: "sleeper".into(),
            kind: "sleep".into(),
            pid: child.pid(),
            started,
            port: None,
            admin_port: None,
            log: PathBuf::new(),
        }
    }

    #[tokio::test]
    async fn what_a_killed_stack_left_is_ended_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (left, stranger) = (sleeper(), sleeper());
        let state = State {
            processes: vec![
                running(&left, start_of(left.pid()).unwrap()),
                // The pid of an ended process, taken by another one since.
                running(&stranger, start_of(stranger.pid()).unwrap() - 1),
            ],
            ..State::default()
        };
        let json = serde_json::to_string(&state).unwrap();
        std::fs::write(dir.path().join(FILE), json).unwrap();

        State::clean_up(dir.path(), Duration::from_millis(50))
            .await
            .unwrap();
        assert!(left.ended().await.is_ok());
        assert_eq!(stranger.exit_status(), None);
        assert!(State::read(dir.path()).unwrap().is_none());
    }
}
