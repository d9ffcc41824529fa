//! Child processes that never outlive this process.
//!
//! Every child asks the kernel for a SIGTERM at its parent's death, so it ends even when the
//! parent was killed with SIGKILL. Linux binds that wish to the *thread* that spawned the child,
//! so all children are spawned by one thread that never ends. Each child leads a process group
//! of its own: Ctrl-C in a terminal reaches the parent alone, and what the child spawned ends
//! with it.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, anyhow};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::sync::watch;

use crate::programs;

/// A running or ended child process. Dropping it kills its process group with SIGKILL.
///
/// It belongs to no async runtime: it may be kept in a static and used from several.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    exit: watch::Receiver<Option<ExitStatus>>,
    waiter: Option<JoinHandle<()>>,
}

impl Child {
    /// Spawns a command made by [`command`].
    ///
    /// # Errors
    /// When the process cannot be spawned. A program that does not exist is no error here: the
    /// child ends with status 127.
    pub fn spawn(command: Command) -> anyhow::Result<Child> {
        let mut child = on_spawner_thread(command).context("cannot start a process")?;
        let pid = i32::try_from(child.id())
            .ok()
            .and_then(Pid::from_raw)
            .context("a new process has no id")?;
        let (ended, exit) = watch::channel(None);
        let waiter = std::thread::spawn(move || {
            if let Ok(status) = child.wait() {
                ended.send_replace(Some(status));
            }
        });
        Ok(Child {
            pid,
            exit,
            waiter: Some(waiter),
        })
    }

    /// The process id, which is also the id of its process group.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// How the process ended; `None` while it runs.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// Waits for the process's end.
    ///
    /// # Errors
    /// When the system does not tell how it ended.
    pub async fn ended(&self) -> anyhow::Result<ExitStatus> {
        let mut exit = self.exit.clone();
        let status = *exit
            .wait_for(Option::is_some)
            .await
            .map_err(|_| anyhow!("the end of process {} was not observed", self.pid))?;
        status.context("the process still runs")
    }

    /// Sends `signal` to the process unless it has ended.
    pub fn signal(&self, signal: Signal) {
        if self.exit_status().is_none() {
            // The only failure is that it ended in this moment.
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Sends `signal`, waits `patience` for the end, then kills what is left of the group.
    pub async fn stop(&self, signal: Signal, patience: Duration) {
        self.signal(signal);
        let _ = tokio::time::timeout(patience, self.ended()).await;
        self.kill().await;
    }

    /// Kills the process and its group with SIGKILL, and waits until it is gone.
    pub async fn kill(&self) {
        self.kill_group();
        let _ = self.ended().await;
    }

    fn kill_group(&self) {
        // Fails when nothing of the group is left, which is what is wanted.
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill_group();
        if let Some(waiter) = self.waiter.take() {
            let _ = waiter.join();
        }
    }
}

/// A command for `program` that ends with this process; arguments, environment and output are
/// added by the caller.
///
/// It runs through `setpriv`, which asks for the parent-death signal, and a shell that gives up
/// when the parent died before that. The program is looked up in [`programs::search_path`].
#[must_use]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "TERM", "--", "/bin/sh", "-c"])
        .arg(r#"[ "$PPID" = "$1" ] || exit 1; shift; exec "$@""#)
        .arg("sh")
        .arg(std::process::id().to_string())
        .arg(program)
        .env("PATH", programs::search_path())
        .stdin(Stdio::null())
        .process_group(0);
    command
}

type Order = (Command, mpsc::Sender<io::Result<std::process::Child>>);

fn on_spawner_thread(command: Command) -> io::Result<std::process::Child> {
    static SPAWNER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, received) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, reply) in received {
                // Cannot fail: who ordered blocks until the reply.
                let _ = reply.send(command.spawn());
            }
        });
        orders
    });
    let (reply, child) = mpsc::channel();
    let gone = || io::Error::other("the thread that spawns children is gone");
    spawner.send((command, reply)).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}
