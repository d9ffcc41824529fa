//! One connection to Redis that is held open, shared by all callers, and made again when it breaks.

use std::{
    convert::Infallible,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, ErrorKind, PushInfo, PushKind, RedisError, ServerErrorKind,
    aio::MultiplexedConnection,
};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep_until},
};

use crate::{backoff::pauses_up_to, primary::Primary};

/// Commands that may be under way at once. More wait in line for their turn; one whose deadline passes there was
/// certainly not carried out.
const IN_FLIGHT: usize = 512;
/// Longest pause between two attempts to connect, but for jitter: well below the deadline of a command, so that one
/// that is asked in an outage still sees its end.
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// The place of the connection. Its commands and answers travel in tasks of the runtime it was made on, whichever
/// thread asks.
pub(crate) struct Connection {
    primary: Primary,
    config: AsyncConnectionConfig,
    runtime: Handle,
    current: Mutex<Option<Arc<Open>>>,
    attempts: tokio::sync::Mutex<Attempts>,
}

/// A connection that was made.
pub(crate) struct Open {
    connection: MultiplexedConnection,
    answers: AtomicU64,
    /// Of no more use. Set at the moment when the connection closes, so that the next command does not have to find
    /// out.
    broken: Arc<AtomicBool>,
}

impl Open {
    pub(crate) fn handle(&self) -> MultiplexedConnection {
        self.connection.clone()
    }

    /// How many answers have come so far.
    pub(crate) fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    pub(crate) fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes no more use of it; whoever still waits for an answer may get it.
    pub(crate) fn discard(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }
}

/// Attempts since the last one that succeeded.
struct Attempts {
    pauses: Box<dyn Iterator<Item = Duration> + Send>,
    not_before: Instant,
}

impl Attempts {
    fn new() -> Self {
        Self {
            pauses: Box::new(pauses_up_to(LONGEST_PAUSE)),
            not_before: Instant::now(),
        }
    }
}

impl Connection {
    /// Connects when it is first needed. An attempt takes no longer than a command may.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(crate) fn new(primary: Primary, deadline: Duration) -> Self {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(deadline))
            // The caller has a deadline of its own, which counts the wait for a connection too.
            .set_response_timeout(None)
            .set_concurrency_limit(IN_FLIGHT);
        Self {
            primary,
            config,
            runtime: Handle::current(),
            current: Mutex::default(),
            attempts: tokio::sync::Mutex::new(Attempts::new()),
        }
    }

    /// The connection, if there is one that works as far as anybody knows.
    pub(crate) fn current(&self) -> Option<Arc<Open>> {
        let current = self.lock().clone();
        current.filter(|open| !open.broken.load(Ordering::Relaxed))
    }

    /// The connection, which is made if there is none. Callers who wait for the same attempt share it; after one that
    /// failed, the next waits for a pause to pass.
    ///
    /// # Errors
    /// When the attempt fails.
    pub(crate) async fn open(&self) -> Result<Arc<Open>, RedisError> {
        let mut attempts = self.attempts.lock().await;
        if let Some(open) = self.current() {
            return Ok(open);
        }
        sleep_until(attempts.not_before).await;
        match self.connect().await {
            Ok(open) => {
                *attempts = Attempts::new();
                let open = Arc::new(open);
                *self.lock() = Some(open.clone());
                Ok(open)
            }
            Err(error) => {
                let pause = attempts.pauses.next().unwrap_or(LONGEST_PAUSE);
                attempts.not_before = Instant::now() + pause;
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<Open, RedisError> {
        let broken = Arc::new(AtomicBool::new(false));
        let primary = self.primary.clone();
        let config = self.config.clone().set_push_sender({
            let broken = broken.clone();
            move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    broken.store(true, Ordering::Relaxed);
                }
                Ok::<_, Infallible>(())
            }
        });
        let connecting = async move {
            primary
                .client()
                .await?
                .get_multiplexed_async_connection_with_config(&config)
                .await
        };
        let connected = self.runtime.spawn(connecting).await;
        Ok(Open {
            // Only a runtime that shuts down gives the task up.
            connection: connected.unwrap_or_else(|_| Err(io::Error::other("stopping").into()))?,
            answers: AtomicU64::new(0),
            broken,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Open>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Will another connection do better than the one this error came from?
pub(crate) fn is_broken(error: &RedisError) -> bool {
    // A primary that became a replica keeps its connections.
    error.is_unrecoverable_error() || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}
