//! A whole PacktChat.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;
use tokio::time::Instant;

use crate::haproxy::{Backend, HaproxyConfig, RoutesSettings, SocketSettings};
use crate::lock::Lock;
use crate::ports::{free_port, usable_port};
use crate::private_file::kept_secret;
use crate::process::{Process, ProcessSpec};
use crate::rabbitmq::RabbitMqConfig;
use crate::redis::{Durability, RedisConfig};
use crate::service::{Service, ServiceConfig};
use crate::state::{State, StateFile};
use crate::supervisor::{Observer, Supervised};
use crate::tools;

/// The virtual host of the stack's RabbitMQ.
const VHOST: &str = "packtchat";

/// How long processes that lost their stack may take to end by themselves.
pub const ORPHANS_PATIENCE: Duration = Duration::from_secs(20);

/// What to start.
#[derive(Debug)]
pub struct StackConfig {
    /// The directory where data, logs and settings are kept.
    pub lock: Lock,
    /// How many gateways, auths and chat-realtimes each.
    pub nodes: usize,
    /// The port browsers connect to on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The directory of the services' executables.
    pub bin_dir: PathBuf,
    /// The built web client.
    pub static_dir: PathBuf,
    /// Whether Redis keeps its data; accounts and RabbitMQ's messages are kept always.
    pub durability: Durability,
    /// Further settings of services, see [`ServiceConfig::settings`].
    pub settings: Vec<(Service, String, String)>,
}

/// A running PacktChat, whose processes are restarted when they die. Dropping it kills them all;
/// [`Stack::stop`] stops them in order.
#[derive(Debug)]
pub struct Stack {
    processes: Vec<Supervised>,
    state: Arc<StateFile>,
    /// Given back when everything else has ended.
    _lock: Lock,
}

impl Stack {
    /// Starts everything and waits until it is ready. `started` is told of each process that is
    /// ready and how long that took; `observer` of what happens to them later.
    ///
    /// # Errors
    /// When the port is in use or a process does not start.
    pub async fn start(
        config: StackConfig,
        mut started: impl FnMut(&str, Duration),
        observer: Observer,
    ) -> anyhow::Result<Stack> {
        let dir = config.lock.dir().to_owned();
        State::clean_up(&dir, ORPHANS_PATIENCE).await?;
        let port = usable_port(config.port)?;
        let files = Files::new(&dir)?;
        let redis = RedisConfig {
            dir: dir.join("redis"),
            port: free_port()?,
            durability: config.durability,
            password: Some(kept_secret(&files.secrets.join("redis"))?),
            replica_of: None,
            log: files.log("redis"),
        };
        let rabbitmq = RabbitMqConfig {
            password: kept_secret(&files.secrets.join("rabbitmq"))?,
            log: files.log("rabbitmq"),
            ..RabbitMqConfig::new(&dir.join("rabbitmq"))?
        };
        let session_secret_file = files.secrets.join("session");
        kept_secret(&session_secret_file)?;
        tools::write(&dir, &redis, &rabbitmq)?;
        let state = State {
            url: format!("http://localhost:{port}"),
            pid: std::process::id(),
            redis_url: redis.url(),
            amqp_url: rabbitmq.url(VHOST),
            processes: vec![],
        };
        let services = ServiceConfig {
            bin_dir: config.bin_dir,
            public_url: state.url.clone(),
            static_dir: config.static_dir,
            dir: dir.clone(),
            log_dir: files.logs.clone(),
            redis_url: state.redis_url.clone(),
            amqp_url: state.amqp_url.clone(),
            session_secret_file,
            settings: config.settings,
        };
        let mut stack = Stack {
            processes: vec![],
            state: Arc::new(StateFile::create(&dir, state)?),
            _lock: config.lock,
        };

        let [epmd, broker] = rabbitmq.prepare(VHOST)?;
        stack
            .run(vec![redis.prepare()?, epmd], &mut started, &observer)
            .await?;
        stack.run(vec![broker], &mut started, &observer).await?;
        let specs = service_specs(&services, config.nodes)?;
        let haproxy = haproxy_config(&dir, port, &specs, &services.settings)?.prepare(
            &dir,
            port,
            files.log("haproxy"),
        )?;
        stack.run(specs, &mut started, &observer).await?;
        stack.run(vec![haproxy], &mut started, &observer).await?;
        Ok(stack)
    }

    /// Starts processes side by side and waits until all are ready.
    async fn run(
        &mut self,
        specs: Vec<ProcessSpec>,
        started: &mut impl FnMut(&str, Duration),
        observer: &Observer,
    ) -> anyhow::Result<()> {
        let begin = Instant::now();
        let mut starting = Vec::new();
        for spec in specs {
            rotate(&spec.log)?;
            let process = Process::spawn(spec)?;
            self.state
                .note(process.spec(), Some(process.child().pid()))?;
            starting.push(process);
        }
        for process in starting {
            process.ready().await?;
            started(&process.spec().name, begin.elapsed());
            let supervised = Supervised::new(process, self.state.clone(), observer.clone());
            self.processes.push(supervised);
        }
        Ok(())
    }

    /// What runs now.
    #[must_use]
    pub fn state(&self) -> State {
        self.state.state()
    }

    /// Stops everything: first new requests end, then the services drain, then the servers they
    /// need are stopped.
    pub async fn stop(mut self) {
        let mut processes = std::mem::take(&mut self.processes);
        let mut of_kind = |kinds: &[&str]| -> Vec<Supervised> {
            processes
                .extract_if(.., |process| kinds.contains(&process.kind))
                .collect()
        };
        let haproxy = stop_all(of_kind(&["haproxy"]));
        let brokers = of_kind(&["rabbitmq"]);
        let stores = of_kind(&["epmd", "redis"]);
        // HAProxy, asked first, takes as long as the services' sockets.
        tokio::join!(haproxy, stop_all(processes));
        stop_all(brokers).await;
        stop_all(stores).await;
    }
}

/// Stops processes side by side.
async fn stop_all(processes: Vec<Supervised>) {
    let mut stopping: tokio::task::JoinSet<()> =
        processes.into_iter().map(Supervised::stop).collect();
    while stopping.join_next().await.is_some() {}
}

struct Files {
    logs: PathBuf,
    secrets: PathBuf,
}

impl Files {
    fn new(dir: &Path) -> anyhow::Result<Files> {
        let files = Files {
            logs: dir.join("logs"),
            secrets: dir.join("secrets"),
        };
        for dir in [&files.logs, &files.secrets] {
            std::fs::create_dir_all(dir)
                .with_context(|| format!("cannot make {}", dir.display()))?;
        }
        Ok(files)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }
}

/// Keeps the log of the last start beside the new one.
fn rotate(log: &Path) -> anyhow::Result<()> {
    match std::fs::rename(log, log.with_added_extension("1")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot rename {}", log.display()))
        }
        _ => Ok(()),
    }
}

fn service_specs(services: &ServiceConfig, nodes: usize) -> anyhow::Result<Vec<ProcessSpec>> {
    let mut specs = Vec::new();
    for service in Service::ALL {
        let count = match service {
            Service::Gateway | Service::Auth | Service::ChatRealtime => nodes,
            Service::LogWorker | Service::CleanupWorker => 1,
        };
        for number in 1..=count {
            specs.push(services.prepare(service, number)?);
        }
    }
    Ok(specs)
}

/// HAProxy in front of these processes, which is told what they are told.
fn haproxy_config(
    dir: &Path,
    port: u16,
    specs: &[ProcessSpec],
    settings: &[(Service, String, String)],
) -> anyhow::Result<HaproxyConfig> {
    /// Of the settings of gateways and chat-realtimes, those that HAProxy has to know.
    #[derive(Deserialize)]
    struct Told {
        #[serde(default)]
        socket: SocketSettings,
        #[serde(default)]
        routes: RoutesSettings,
    }
    let behind_it = settings
        .iter()
        .filter(|(of, ..)| matches!(of, Service::Gateway | Service::ChatRealtime))
        .map(|(_, key, value)| (key.clone(), value.clone()));
    let told: Told = settings::load_from(behind_it, None)?;
    Ok(HaproxyConfig {
        socket: told.socket,
        routes: told.routes,
        ..HaproxyConfig::on_loopback(
            dir,
            port,
            backends(specs, Service::Gateway)?,
            backends(specs, Service::ChatRealtime)?,
        )?
    })
}

fn backends(specs: &[ProcessSpec], service: Service) -> anyhow::Result<Vec<Backend>> {
    specs
        .iter()
        .filter(|spec| spec.kind == service.name())
        .filter_map(|spec| {
            let (port, check_port) = (spec.port?, spec.admin_port?);
            Some(format!("{}=127.0.0.1:{port}/{check_port}", spec.name).parse())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use askama::Template;

    use super::*;

    #[test]
    fn haproxy_is_told_what_the_services_are_told() {
        let settings = [
            (Service::ChatRealtime, "SOCKET__PING_INTERVAL_MS", "59500"),
            (Service::ChatRealtime, "SOCKET__MAX_PAYLOAD", "1"),
            (Service::Gateway, "ROUTES__STATIC_FILES", "/files"),
        ]
        .map(|(of, key, value)| (of, format!("PACKTCHAT__{key}"), value.to_owned()));
        let config = haproxy_config(Path::new("/run"), 8080, &[], &settings).unwrap();
        let file = config.render().unwrap();
        assert!(file.contains("timeout tunnel 95s"), "{file}");
        assert!(file.contains("path_beg /files/"), "{file}");
    }
}
