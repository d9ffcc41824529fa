//! Redis, RabbitMQ and PostgreSQL for integration tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::postgres::Postgres;
use crate::rabbitmq::{RabbitMq, RabbitMqConfig};
use crate::redis::{Durability, Redis};

/// The environment variable that names a RabbitMQ to share between test processes: a
/// [`RabbitMqConfig`] as JSON. `scripts/test` sets it; without it every test process starts a
/// server of its own.
pub const SHARED_RABBITMQ: &str = "PACKTCHAT_TEST_RABBITMQ";

/// Servers of one test: nobody else sees its data.
#[derive(Debug)]
pub struct TestServers {
    /// A Redis of its own, without persistence.
    pub redis: Redis,
    /// The RabbitMQ that the tests share.
    pub rabbitmq: &'static RabbitMqConfig,
    /// The virtual host that is the test's alone.
    pub vhost: String,
    /// Dropped after the server that works in it.
    dir: TempDir,
}

/// The messages of a queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct QueueDepth {
    /// Waiting in RabbitMQ.
    pub ready: u32,
    /// With a consumer that has not acknowledged them.
    pub unacknowledged: u32,
}

impl TestServers {
    /// Starts a Redis and makes a virtual host. The first call in a test process takes the ten
    /// seconds of RabbitMQ's start, unless [`SHARED_RABBITMQ`] is set.
    ///
    /// # Errors
    /// When a server does not start.
    pub async fn start() -> anyhow::Result<TestServers> {
        let dir = tempfile::tempdir().context("no temporary directory")?;
        let (redis, rabbitmq) = tokio::try_join!(
            Redis::start(dir.path(), Durability::None),
            shared_rabbitmq()
        )?;
        let vhost = unique_name();
        rabbitmq.create_vhost(&vhost).await?;
        Ok(TestServers {
            redis,
            rabbitmq,
            vhost,
            dir,
        })
    }

    /// Where the test's Redis is.
    #[must_use]
    pub fn redis_url(&self) -> String {
        self.redis.url()
    }

    /// Where the test's virtual host is.
    #[must_use]
    pub fn amqp_url(&self) -> String {
        self.rabbitmq.url(&self.vhost)
    }

    /// How many messages a queue of the test's virtual host holds.
    ///
    /// # Errors
    /// When there is no such queue, or RabbitMQ cannot be asked.
    pub async fn queue_depth(&self, queue: &str) -> anyhow::Result<QueueDepth> {
        let vhost = &self.vhost;
        let program = format!(
            "rabbit_amqqueue:with(rabbit_misc:r(<<\"{vhost}\">>, queue, <<\"{queue}\">>), fun(Queue) -> \
             [{{_, R}}, {{_, U}}] = rabbit_amqqueue:info(Queue, [messages_ready, messages_unacknowledged]), \
             {{R, U}} end)."
        );
        let answer = self.rabbitmq.eval(&program).await?;
        let depth = answer
            .strip_prefix("{ok, {")
            .and_then(|rest| rest.strip_suffix("}}")?.split_once(", "))
            .and_then(|(ready, unacknowledged)| {
                Some(QueueDepth {
                    ready: ready.parse().ok()?,
                    unacknowledged: unacknowledged.parse().ok()?,
                })
            });
        depth.with_context(|| format!("RabbitMQ tells no depth of {queue}: {answer}"))
    }

    /// A directory for the test's files, removed with these servers.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.dir.path().to_owned()
    }
}

/// The URL of an empty database of a PostgreSQL that the tests of this process share; the first call takes the second
/// and a half of its start.
///
/// # Errors
/// When PostgreSQL is not installed or does not start.
pub async fn postgres_database() -> anyhow::Result<String> {
    static SERVER: OnceCell<Postgres> = OnceCell::const_new();
    let server = SERVER
        .get_or_try_init(async || {
            let server = Postgres::start().await?;
            remove_after_end(server.dir(), server.pid())?;
            anyhow::Ok(server)
        })
        .await?;
    server.create_database(&unique_name()).await
}

/// A name no other test has, in this process or another.
fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("test-{}-{count}", std::process::id())
}

async fn shared_rabbitmq() -> anyhow::Result<&'static RabbitMqConfig> {
    static CONFIG: OnceCell<RabbitMqConfig> = OnceCell::const_new();
    CONFIG
        .get_or_try_init(async || {
            #[expect(
                clippy::disallowed_methods,
                reason = "it is no setting of a service, but the test runner's word to test processes"
            )]
            match std::env::var(SHARED_RABBITMQ) {
                Ok(config) => serde_json::from_str(&config)
                    .with_context(|| format!("{SHARED_RABBITMQ} holds no server's settings")),
                Err(_) => start_rabbitmq().await,
            }
        })
        .await
}

/// Starts the RabbitMQ that lives as long as this process.
async fn start_rabbitmq() -> anyhow::Result<RabbitMqConfig> {
    static SERVER: OnceCell<RabbitMq> = OnceCell::const_new();
    let dir = tempfile::tempdir().context("no temporary directory")?;
    let server = RabbitMq::start(dir.path()).await?;
    remove_after_end(dir.path(), server.pid())?;
    let _ = dir.keep();
    let config = server.config().clone();
    SERVER.set(server).context("RabbitMQ was started twice")?;
    Ok(config)
}

/// Removes `dir` when this process and then the process `pid` have ended. A static is never
/// dropped, and a test process may be killed: a shell that waits for the end of its input, which
/// is this process's end, does it.
fn remove_after_end(dir: &Path, pid: u32) -> anyhow::Result<()> {
    let script = r#"cat; while kill -0 "$1" 2>&-; do sleep 0.1; done; rm -rf "$2""#;
    let mut shell = Command::new("/bin/sh")
        .args(["-c", script, "sh", &pid.to_string()])
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start a shell")?;
    // Kept open until the process ends.
    std::mem::forget(shell.stdin.take());
    Ok(())
}
