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
