use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::{
    Cmd, FromRedisValue, Pipeline, RedisError, ScriptInvocation, aio::MultiplexedConnection,
};
use settings::RedisSettings;
use tokio::time::{Instant, timeout_at};

use crate::{
    InvalidUrl, Unavailable,
    connection::{Connection, is_broken},
    primary::Primary,
};

/// A handle on Redis. Cloning shares its connection.
///
/// All callers share one connection, which is made when it is first needed, so a process may start before Redis does.
/// What they ask at the same time travels together. Every call ends within the deadline of the settings. The first
/// failure of an outage is logged, and its end.
#[derive(Clone)]
pub struct Redis {
    shared: Arc<Shared>,
}

struct Shared {
    primary: Primary,
    connection: Connection,
    deadline: Duration,
    /// All handles of a process speak of the same outage.
    away: Arc<AtomicBool>,
}

impl Redis {
    /// A handle on the Redis of these settings. Does not wait for it.
    ///
    /// # Errors
    /// When the URL is not one.
    ///
    /// # Panics
    /// Outside of a tokio runtime, which drives the connection.
    pub fn connect(settings: &RedisSettings) -> Result<Self, InvalidUrl> {
        let primary = Primary::new(settings)?;
        let deadline = Duration::from_millis(settings.deadline_ms);
        Ok(Self::new(primary, deadline, Arc::default()))
    }

    /// A handle with a connection of its own, driven by the runtime of the calling thread: whoever asks from there
    /// wakes no other thread.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn on_this_thread(&self) -> Self {
        let shared = &self.shared;
        Self::new(shared.primary.clone(), shared.deadline, shared.away.clone())
    }

    fn new(primary: Primary, deadline: Duration, away: Arc<AtomicBool>) -> Self {
        Self {
            shared: Arc::new(Shared {
                connection: Connection::new(primary.clone(), deadline),
                primary,
                deadline,
                away,
            }),
        }
    }

    /// Does Redis answer?
    ///
    /// # Errors
    /// When it does not, within the deadline.
    pub async fn ping(&self) -> Result<(), Unavailable> {
        self.query::<String>(&redis::cmd("PING")).await.map(drop)
    }

    pub(crate) fn primary(&self) -> &Primary {
        &self.shared.primary
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.shared.deadline
    }

    pub(crate) async fn query<T: FromRedisValue + Send>(
        &self,
        command: &Cmd,
    ) -> Result<T, Unavailable> {
        self.with(|mut connection| async move { command.query_async(&mut connection).await })
            .await
    }

    pub(crate) async fn pipeline<T: FromRedisValue + Send>(
        &self,
        pipeline: &Pipeline,
    ) -> Result<T, Unavailable> {
        self.with(|mut connection| async move { pipeline.query_async(&mut connection).await })
            .await
    }

    pub(crate) async fn script<T: FromRedisValue + Send>(
        &self,
        invocation: &ScriptInvocation<'_>,
    ) -> Result<T, Unavailable> {
        self.with(|mut connection| async move { invocation.invoke_async(&mut connection).await })
            .await
    }

    async fn with<T, F: Future<Output = Result<T, RedisError>>>(
        &self,
        work: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Result<T, Unavailable> {
        let answer = self.ask(work).await;
        let away = &self.shared.away;
        match &answer {
            Ok(_) if away.load(Ordering::Relaxed) && away.swap(false, Ordering::Relaxed) => {
                tracing::info!("Redis answers again");
            }
            Err(error) if !away.swap(true, Ordering::Relaxed) => {
                tracing::warn!(reason = error.reason, "Redis does not answer");
            }
            _ => {}
        }
        answer
    }

    async fn ask<T, F: Future<Output = Result<T, RedisError>>>(
        &self,
        work: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Result<T, Unavailable> {
        let Shared {
            connection,
            deadline,
            ..
        } = &*self.shared;
        let late = || Unavailable::redis("no answer in time");
        let expires = Instant::now() + *deadline;
        let open = match connection.current() {
            Some(open) => open,
            None => timeout_at(expires, connection.open())
                .await
                .map_err(|_| late())?
                .map_err(Unavailable::redis)?,
        };
        let answers = open.answers();
        match timeout_at(expires, work(open.handle())).await {
            Ok(Ok(answer)) => {
                open.answered();
                Ok(answer)
            }
            Ok(Err(error)) => {
                if is_broken(&error) {
                    open.discard();
                } else {
                    open.answered();
                }
                Err(Unavailable::redis(error))
            }
            Err(_) => {
                // Nobody has had an answer all the while: not even the network says that this one is dead.
                if open.answers() == answers {
                    open.discard();
                }
                Err(late())
            }
        }
    }
}
