//! A private Redis server on a loopback port.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use rustix::process::Signal;

use crate::ports::free_port;
use crate::private_file;
use crate::probe::Probe;
use crate::process::{Process, ProcessSpec};

/// What of Redis's data survives its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: for tests.
    None,
    /// All but the last second, in an append-only file.
    EverySecond,
}

/// The settings of one server.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// For its configuration, log and data; made where it is missing.
    pub dir: PathBuf,
    /// The port on 127.0.0.1.
    pub port: u16,
    /// What survives its end.
    pub durability: Durability,
    /// The password clients need, if any; letters and digits.
    pub password: Option<String>,
    /// The port of the server on 127.0.0.1 that it copies, if it is a replica.
    pub replica_of: Option<u16>,
    /// Where its output goes.
    pub log: PathBuf,
}

impl RedisConfig {
    /// The URL clients connect to, password included.
    #[must_use]
    pub fn url(&self) -> String {
        let login = self
            .password
            .as_ref()
            .map_or_else(String::new, |password| format!(":{password}@"));
        format!("redis://{login}127.0.0.1:{}/0", self.port)
    }

    /// Writes the configuration file and tells how to start the server.
    ///
    /// # Errors
    /// When the directory or the file cannot be written.
    pub fn prepare(&self) -> anyhow::Result<ProcessSpec> {
        let dir = self.dir.display();
        std::fs::create_dir_all(&self.dir).with_context(|| format!("cannot make {dir}"))?;
        let append_only = match self.durability {
            Durability::None => "no",
            Durability::EverySecond => "yes",
        };
        let mut config = format!(
            "bind 127.0.0.1\nport {}\ndir \"{dir}\"\ndaemonize no\nsave \"\"\n\
             appendonly {append_only}\nappendfsync everysec\nrepl-diskless-sync-delay 0\n",
            self.port
        );
        if let Some(password) = &self.password {
            writeln!(config, "requirepass {password}\nmasterauth {password}")?;
        }
        if let Some(primary) = self.replica_of {
            writeln!(config, "replicaof 127.0.0.1 {primary}")?;
        }
        let file = self.dir.join("redis.conf");
        private_file::write(&file, &config)?;
        Ok(ProcessSpec {
            name: "redis".into(),
            kind: "redis",
            program: "redis-server".into(),
            args: vec![file.into()],
            env: vec![],
            log: self.log.clone(),
            port: Some(self.port),
            admin_port: None,
            probe: Probe::Redis {
                port: self.port,
                password: self.password.clone(),
            },
            start_patience: Duration::from_secs(30),
            stop_signal: Signal::TERM,
            stop_patience: Duration::from_secs(10),
        })
    }
}

/// A running Redis server. Dropping it kills the server.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    config: RedisConfig,
}

impl Redis {
    /// Starts a server without password on a free port, with its files in `dir`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(dir: &Path, durability: Durability) -> anyhow::Result<Redis> {
        Redis::start_with(RedisConfig {
            dir: dir.to_owned(),
            port: free_port()?,
            durability,
            password: None,
            replica_of: None,
            log: dir.join("redis.log"),
        })
        .await
    }

    /// Starts a server.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_with(config: RedisConfig) -> anyhow::Result<Redis> {
        let process = Process::start(config.prepare()?).await?;
        Ok(Redis { process, config })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.config.port
    }

    /// The URL clients connect to.
    #[must_use]
    pub fn url(&self) -> String {
        self.config.url()
    }

    /// Asks the server to end and waits for it.
    pub async fn stop(&self) {
        self.process.stop().await;
    }

    /// Ends the server with SIGKILL.
    pub async fn kill(&self) {
        self.process.kill().await;
    }

    /// Starts the server again on the same port after [`Redis::stop`] or [`Redis::kill`].
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.process.restart().await
    }
}
