use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadpool_redis::{
    Connection, Manager, Pool, Runtime,
    redis::{
        self, AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisError,
        ScriptInvocation,
    },
};
use settings::RedisSettings;

use crate::{InvalidUrl, Unavailable};

/// A handle on Redis. Cloning shares the pool.
///
/// Connections are made when they are needed, so a process may start before Redis does. Every call ends within the
/// deadline of the settings. The first failure of an outage is logged, and its end.
#[derive(Clone)]
pub struct Redis {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Pool,
    client: Client,
    deadline: Duration,
    away: AtomicBool,
}

impl Redis {
    /// A handle on the Redis of these settings. Does not wait for it.
    ///
    /// # Errors
    /// When the URL is not one.
    pub fn connect(settings: &RedisSettings) -> Result<Self, InvalidUrl> {
        let url = settings.url.expose();
        let deadline = Duration::from_millis(settings.deadline_ms);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(deadline))
            .set_response_timeout(Some(deadline));
        let manager = Manager::new_with_config(url, config).map_err(|_| InvalidUrl::redis())?;
        let pool = Pool::builder(manager)
            .max_size(settings.pool_size)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| InvalidUrl::redis())?;
        let client = Client::open(url).map_err(|_| InvalidUrl::redis())?;
        let away = AtomicBool::new(false);
        Ok(Self {
            shared: Arc::new(Shared {
                pool,
                client,
                deadline,
                away,
            }),
        })
    }

    /// Does Redis answer?
    ///
    /// # Errors
    /// When it does not, within the deadline.
    pub async fn ping(&self) -> Result<(), Unavailable> {
        self.query::<String>(&redis::cmd("PING")).await.map(drop)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.shared.client
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
        work: impl FnOnce(Connection) -> F,
    ) -> Result<T, Unavailable> {
        let shared = &self.shared;
        let answer = tokio::time::timeout(shared.deadline, async {
            let connection = shared.pool.get().await.map_err(Unavailable::redis)?;
            work(connection).await.map_err(Unavailable::redis)
        })
        .await
        .unwrap_or_else(|_| Err(Unavailable::redis("no answer in time")));
        match &answer {
            Ok(_)
                if shared.away.load(Ordering::Relaxed)
                    && shared.away.swap(false, Ordering::Relaxed) =>
            {
                tracing::info!("Redis answers again");
            }
            Err(error) if !shared.away.swap(true, Ordering::Relaxed) => {
                tracing::warn!(reason = error.reason, "Redis does not answer");
            }
            _ => {}
        }
        answer
    }
}
