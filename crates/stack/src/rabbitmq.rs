//! A private RabbitMQ server on loopback ports.
//!
//! It runs its Erlang machine directly, without the wrappers that switch users, and beside an
//! `epmd` (Erlang's port mapper) of its own, so that it neither needs nor touches the machine's.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;

use crate::ports::free_port;
use crate::private_file;
use crate::probe::Probe;
use crate::process::{Process, ProcessSpec};
use crate::programs::{RABBITMQ_SCRIPTS, search_path};

/// The user that owns the virtual hosts.
const USER: &str = "packtchat";

/// Part of the path of its data, so the same at every start; `epmd` is private, so it collides
/// with no other server.
const NODE: &str = "packtchat@localhost";

/// Where a running server is and what it takes to talk to it: enough for another process to
/// share it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RabbitMqConfig {
    /// For its configuration, log and data; made where it is missing.
    pub dir: PathBuf,
    /// The AMQP port on 127.0.0.1.
    pub port: u16,
    /// The port of its `epmd`.
    pub epmd_port: u16,
    /// The port for other Erlang nodes, such as `rabbitmqctl`.
    pub distribution_port: u16,
    /// The password of the user `packtchat`; letters and digits. RabbitMQ keeps the one of its
    /// first start.
    pub password: String,
    /// Where its output goes.
    pub log: PathBuf,
}

impl RabbitMqConfig {
    /// Settings with free ports and everything in `dir`.
    ///
    /// # Errors
    /// When there are no free ports or no random numbers.
    pub fn new(dir: &Path) -> anyhow::Result<RabbitMqConfig> {
        Ok(RabbitMqConfig {
            dir: dir.to_owned(),
            port: free_port()?,
            epmd_port: free_port()?,
            distribution_port: free_port()?,
            password: private_file::random_secret()?,
            log: dir.join("rabbitmq.log"),
        })
    }

    /// The URL clients connect to, password included; `vhost` is a plain name without slashes.
    #[must_use]
    pub fn url(&self, vhost: &str) -> String {
        let RabbitMqConfig { password, port, .. } = self;
        format!("amqp://{USER}:{password}@127.0.0.1:{port}/{vhost}")
    }

    /// Writes the configuration files and tells how to start the server: first `epmd`, then
    /// RabbitMQ itself, whose first start makes `vhost`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn prepare(&self, vhost: &str) -> anyhow::Result<[ProcessSpec; 2]> {
        let dir = &self.dir;
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        private_file::write(
            &dir.join("rabbitmq.conf"),
            &format!(
                "listeners.tcp.1 = 127.0.0.1:{}\ndefault_user = {USER}\ndefault_pass = {}\n\
                 default_vhost = {vhost}\nlog.console = true\nlog.console.level = info\n\
                 log.console.use_colors = off\n\
                 log.file = false\n",
                self.port, self.password
            ),
        )?;
        private_file::write(&dir.join("enabled_plugins"), "[].\n")?;
        let cookie = dir.join(".erlang.cookie");
        private_file::kept_secret(&cookie)?;
        // Erlang refuses a cookie that anybody but its owner may read.
        std::fs::set_permissions(&cookie, Permissions::from_mode(0o400))?;
        Ok([self.epmd(), self.rabbitmq()])
    }

    fn epmd(&self) -> ProcessSpec {
        let port = self.epmd_port.to_string();
        ProcessSpec {
            name: "epmd".into(),
            kind: "epmd",
            program: "epmd".into(),
            args: ["-address", "127.0.0.1", "-port", &port]
                .map(Into::into)
                .into(),
            env: vec![],
            log: self.log.with_file_name("epmd.log"),
            port: Some(self.epmd_port),
            admin_port: None,
            probe: Probe::Tcp {
                port: self.epmd_port,
            },
            start_patience: Duration::from_secs(10),
            stop_signal: Signal::TERM,
            stop_patience: Duration::from_secs(2),
        }
    }

    fn rabbitmq(&self) -> ProcessSpec {
        let mut env = self.erlang_env();
        let mut set = |key: &str, value: OsString| env.push((key.into(), value));
        set("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".into());
        set("RABBITMQ_NODE_PORT", self.port.to_string().into());
        set(
            "RABBITMQ_DIST_PORT",
            self.distribution_port.to_string().into(),
        );
        set("RABBITMQ_MNESIA_BASE", self.dir.join("data").into());
        set("RABBITMQ_LOG_BASE", self.dir.join("log").into());
        set("ERL_CRASH_DUMP", self.dir.join("erl_crash.dump").into());
        set("RABBITMQ_PID_FILE", self.dir.join("pid").into());
        set(
            "RABBITMQ_CONFIG_FILE",
            self.dir.join("rabbitmq.conf").into(),
        );
        set(
            "RABBITMQ_ENABLED_PLUGINS_FILE",
            self.dir.join("enabled_plugins").into(),
        );
        set(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none".into(),
        );
        // Makes the start script become the Erlang machine, so that signals reach it.
        set("RUNNING_UNDER_SYSTEMD", "true".into());
        ProcessSpec {
            name: "rabbitmq".into(),
            kind: "rabbitmq",
            program: format!("{RABBITMQ_SCRIPTS}/rabbitmq-server").into(),
            args: vec![],
            env,
            log: self.log.clone(),
            port: Some(self.port),
            admin_port: None,
            probe: Probe::Amqp { port: self.port },
            // 6 to 12 s on a quiet machine.
            start_patience: Duration::from_secs(120),
            stop_signal: Signal::TERM,
            stop_patience: Duration::from_secs(20),
        }
    }

    /// The environment in which Erlang programs, such as `rabbitmqctl`, find this server.
    #[must_use]
    pub fn erlang_env(&self) -> Vec<(String, OsString)> {
        let epmd_port = self.epmd_port.to_string();
        [
            ("HOME", self.dir.clone().into_os_string()),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".into()),
            ("ERL_EPMD_PORT", epmd_port.into()),
            ("RABBITMQ_NODENAME", NODE.into()),
            ("RABBITMQ_CONF_ENV_FILE", "/dev/null".into()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }

    /// Makes the virtual host `name`, a plain name without quotes or slashes, and gives it to
    /// the user. Takes some 20 ms, where `rabbitmqctl` takes two seconds.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn create_vhost(&self, name: &str) -> anyhow::Result<()> {
        let mut program = String::new();
        write!(
            program,
            "ok = rabbit_vhost:add(<<\"{name}\">>, <<\"{USER}\">>), \
             ok = rabbit_auth_backend_internal:set_permissions(<<\"{USER}\">>, <<\"{name}\">>, \
             <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"{USER}\">>)."
        )?;
        let answer = self.eval(&program).await?;
        ensure!(
            answer == "{ok, ok}",
            "RabbitMQ does not make the virtual host {name}: {answer}"
        );
        Ok(())
    }

    /// Evaluates Erlang expressions in the server and returns `{ok, Value}` or
    /// `{error, Reason}` as Erlang prints it.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn eval(&self, program: &str) -> anyhow::Result<String> {
        // The server takes two callers of one name for one, and closes the connection.
        static CALLS: AtomicU32 = AtomicU32::new(0);
        let caller = format!(
            "call-{}-{}",
            std::process::id(),
            CALLS.fetch_add(1, Ordering::Relaxed)
        );
        let mut call = tokio::process::Command::new("erl_call")
            .args(["-h", &caller, "-n", NODE, "-e"])
            .env_clear()
            .env("PATH", search_path())
            .envs(self.erlang_env())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start erl_call")?;
        // Dropped after the write: the program ends where the input ends.
        let mut input = call.stdin.take().context("erl_call has no input")?;
        input.write_all(program.as_bytes()).await?;
        input.write_all(b"\n").await?;
        drop(input);
        let output = call.wait_with_output().await?;
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success() && !answer.is_empty(),
            "RabbitMQ's node cannot be reached: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(answer)
    }
}

/// A running RabbitMQ server. Dropping it kills the server.
#[derive(Debug)]
pub struct RabbitMq {
    config: RabbitMqConfig,
    server: Process,
    /// Ends after the server, by being dropped after it.
    _epmd: Process,
}

impl RabbitMq {
    /// Starts a server on free ports, with its files in `dir` and the virtual host `packtchat`.
    /// Takes some ten seconds.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(dir: &Path) -> anyhow::Result<RabbitMq> {
        let config = RabbitMqConfig::new(dir)?;
        let [epmd, server] = config.prepare("packtchat")?;
        Ok(RabbitMq {
            config,
            _epmd: Process::start(epmd).await?,
            server: Process::start(server).await?,
        })
    }

    /// Where it is and how to reach it.
    #[must_use]
    pub fn config(&self) -> &RabbitMqConfig {
        &self.config
    }

    /// The AMQP port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.config.port
    }

    /// The URL clients of a virtual host connect to.
    #[must_use]
    pub fn url(&self, vhost: &str) -> String {
        self.config.url(vhost)
    }

    /// Makes a virtual host, within milliseconds.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn create_vhost(&self, name: &str) -> anyhow::Result<()> {
        self.config.create_vhost(name).await
    }

    /// The server's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.child().pid()
    }

    /// Asks the server to end and waits for it; takes a second.
    pub async fn stop(&self) {
        self.server.stop().await;
    }

    /// Ends the server with SIGKILL.
    pub async fn kill(&self) {
        self.server.kill().await;
    }

    /// Starts the server again on the same ports after [`RabbitMq::stop`] or
    /// [`RabbitMq::kill`].
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.server.restart().await
    }
}
