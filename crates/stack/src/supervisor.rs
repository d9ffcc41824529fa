//! Keeps a process running.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::process::{Process, tail};
use crate::state::StateFile;

/// The wait before the first restart; each further one doubles it.
const FIRST_BACKOFF: Duration = Duration::from_millis(250);

/// The longest wait before a restart.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// A process that ran this long starts anew with the first backoff.
const STABLE: Duration = Duration::from_secs(30);

/// What happens to a process of a stack.
#[derive(Clone, Debug)]
pub enum Event {
    /// It ended without being asked and is started again after `pause`.
    Ended {
        /// Which.
        name: String,
        /// How, in words.
        how: String,
        /// The last lines of its output, and where all of it is.
        log: String,
        /// The wait before its restart.
        pause: Duration,
    },
    /// It is ready again after a restart.
    Recovered {
        /// Which.
        name: String,
    },
}

/// Told about every [`Event`]; must not block.
pub type Observer = Arc<dyn Fn(Event) + Send + Sync>;

/// A process under supervision. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Supervised {
    pub(crate) kind: &'static str,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Supervised {
    pub(crate) fn new(process: Process, state: Arc<StateFile>, observer: Observer) -> Supervised {
        let (stop, stopped) = oneshot::channel();
        Supervised {
            kind: process.spec().kind,
            stop: Some(stop),
            task: tokio::spawn(supervise(process, state, observer, stopped)),
        }
    }

    /// Asks the process to end and waits for it.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        // It ends by itself, within the process's patience.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn supervise(
    mut process: Process,
    state: Arc<StateFile>,
    observer: Observer,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut backoff = FIRST_BACKOFF;
    let mut started = Instant::now();
    let mut recovering = false;
    loop {
        let how = tokio::select! {
            _ = &mut stopped => return process.stop().await,
            ended = process.child().ended() => match ended {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            },
            // One that never becomes ready waits for something else: a restart would not help.
            Ok(()) = process.ready(), if recovering => {
                recovering = false;
                observer(Event::Recovered { name: process.spec().name.clone() });
                continue;
            }
        };
        if started.elapsed() > STABLE {
            backoff = FIRST_BACKOFF;
        }
        let spec = process.spec().clone();
        // A state file that cannot be written must not keep a service from its restart.
        let _ = state.note(&spec, None);
        observer(Event::Ended {
            name: spec.name.clone(),
            how,
            log: format!("{}\nAll of it: {}", tail(&spec.log), spec.log.display()),
            pause: backoff,
        });
        loop {
            tokio::select! {
                _ = &mut stopped => return,
                () = sleep(backoff) => {}
            }
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
            match process.respawn().await {
                Ok(()) => break,
                Err(error) => observer(Event::Ended {
                    name: spec.name.clone(),
                    how: format!("{error:#}"),
                    log: String::new(),
                    pause: backoff,
                }),
            }
        }
        let _ = state.note(&spec, Some(process.child().pid()));
        started = Instant::now();
        recovering = true;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;
    use crate::eventually;
    use crate::probe::Probe;
    use crate::process::ProcessSpec;
    use crate::state::State;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn what_dies_is_started_again_and_what_is_stopped_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let spec = ProcessSpec {
            name: "sleeper".into(),
            kind: "sleep",
            program: "sleep".into(),
            args: vec!["1000".into()],
            env: vec![],
            log: dir.path().join("sleeper.log"),
            port: None,
            admin_port: None,
            probe: Probe::Tcp {
                port: listener.local_addr().unwrap().port(),
            },
            start_patience: PATIENCE,
            stop_signal: Signal::TERM,
            stop_patience: PATIENCE,
        };
        let state = Arc::new(StateFile::create(dir.path(), State::default()).unwrap());
        let process = Process::start(spec).await.unwrap();
        let first = process.child().pid();
        state.note(process.spec(), Some(first)).unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let observer: Observer = {
            let events = events.clone();
            Arc::new(move |event| events.lock().unwrap().push(event))
        };
        let supervised = Supervised::new(process, state, observer);

        let kill = |pid: u32| {
            let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
        };
        let pid = || State::read(dir.path()).unwrap().unwrap().processes[0].pid;
        kill(first);
        eventually(PATIENCE, "the recovery is told", async || {
            matches!(
                events.lock().unwrap()[..],
                [Event::Ended { .. }, Event::Recovered { .. }]
            )
        })
        .await;
        let second = pid();
        assert_ne!(second, first);
        kill(second);
        eventually(PATIENCE, "a second restart", async || {
            ![0, first, second].contains(&pid())
        })
        .await;

        let third = format!("/proc/{}", pid());
        supervised.stop().await;
        assert!(!std::fs::exists(third).unwrap());
        assert_eq!(
            State::read(dir.path()).unwrap().map(|state| state.pid),
            None
        );
    }
}
