//! PacktChat's own processes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use rustix::process::Signal;

use crate::ports::free_port;
use crate::probe::Probe;
use crate::process::ProcessSpec;

/// A kind of service; a stack has one or more nodes of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Pages, forms, static files.
    Gateway,
    /// Passwords and accounts.
    Auth,
    /// Sockets.
    ChatRealtime,
    /// Writes the log to files.
    LogWorker,
    /// Removes what is old.
    CleanupWorker,
}

impl Service {
    /// All kinds.
    pub const ALL: [Service; 5] = [
        Service::LogWorker,
        Service::Auth,
        Service::Gateway,
        Service::ChatRealtime,
        Service::CleanupWorker,
    ];

    /// The name of its package and its executable.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Service::Gateway => "gateway",
            Service::Auth => "auth",
            Service::ChatRealtime => "chat-realtime",
            Service::LogWorker => "log-worker",
            Service::CleanupWorker => "cleanup-worker",
        }
    }
}

/// What the services of a stack have in common.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// The directory of the executables.
    pub bin_dir: PathBuf,
    /// Where browsers reach the site.
    pub public_url: String,
    /// The built web client.
    pub static_dir: PathBuf,
    /// The stack's directory: accounts and log files are kept there.
    pub dir: PathBuf,
    /// The directory of the outputs.
    pub log_dir: PathBuf,
    /// Where Redis is, password included.
    pub redis_url: String,
    /// Where RabbitMQ is, password included.
    pub amqp_url: String,
    /// The file with the secret that signs sessions.
    pub session_secret_file: PathBuf,
    /// Further settings, such as `(Service::Auth, "PACKTCHAT__PASSWORDS__ROUNDS", "1000")`.
    pub settings: Vec<(Service, String, String)>,
}

impl ServiceConfig {
    /// Tells how to start node `number` of a service, on free ports.
    ///
    /// # Errors
    /// When there are no free ports or a directory cannot be made.
    pub fn prepare(&self, service: Service, number: usize) -> anyhow::Result<ProcessSpec> {
        let name = format!("{}-{number}", service.name());
        let admin_port = free_port()?;
        let mut env = Environment(vec![]);
        env.set("TELEMETRY__NODE", &name);
        env.set("LIFECYCLE__ADMIN_LISTEN", loopback(admin_port));
        env.set("AMQP__URL", &self.amqp_url);
        let port = match service {
            Service::Gateway | Service::ChatRealtime => {
                let port = free_port()?;
                env.set("HTTP__LISTEN", loopback(port));
                env.set("REDIS__URL", &self.redis_url);
                env.set("SESSION__SECRET_FILE", &self.session_secret_file);
                if service == Service::Gateway {
                    env.set("STATIC__DIR", &self.static_dir);
                    env.set("HTTP__PUBLIC_URL", &self.public_url);
                }
                Some(port)
            }
            Service::Auth => {
                made(self.dir.join("accounts"))?;
                let accounts = accounts_file(&self.dir);
                env.set(
                    "DATABASE__URL",
                    format!("sqlite://{}", accounts.to_string_lossy()),
                );
                None
            }
            Service::LogWorker => {
                env.set("SINK__DIR", made(self.log_dir.join("records"))?);
                None
            }
            Service::CleanupWorker => {
                env.set("REDIS__URL", &self.redis_url);
                None
            }
        };
        for (_, key, value) in self.settings.iter().filter(|(of, ..)| *of == service) {
            env.0.push((key.clone(), value.into()));
        }
        Ok(ProcessSpec {
            log: self.log_dir.join(format!("{name}.log")),
            name,
            kind: service.name(),
            program: self.bin_dir.join(service.name()).into(),
            args: vec![],
            env: env.0,
            port,
            admin_port: Some(admin_port),
            probe: Probe::Http {
                port: admin_port,
                path: "/readyz".into(),
            },
            start_patience: Duration::from_secs(60),
            stop_signal: Signal::TERM,
            // More than the services' own deadline.
            stop_patience: Duration::from_secs(15),
        })
    }
}

/// The accounts database of the stack in `dir`.
#[must_use]
pub fn accounts_file(dir: &Path) -> PathBuf {
    dir.join("accounts").join("accounts.db")
}

struct Environment(Vec<(String, OsString)>);

impl Environment {
    fn set(&mut self, key: &str, value: impl AsRef<std::ffi::OsStr>) {
        self.0
            .push((format!("PACKTCHAT__{key}"), value.as_ref().to_owned()));
    }
}

fn loopback(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn made(dir: PathBuf) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}
