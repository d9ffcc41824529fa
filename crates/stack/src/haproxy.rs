//! HAProxy in front of gateways and chat-realtime nodes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use askama::Template;
use rustix::process::Signal;

use crate::probe::Probe;
use crate::process::ProcessSpec;

/// What people read when no server can answer.
const UNAVAILABLE_PAGE: &str = include_str!("../templates/unavailable.html");

/// The configuration file, `templates/haproxy.cfg`.
#[derive(Clone, Debug, Template)]
#[template(path = "haproxy.cfg", escape = "none")]
pub struct HaproxyConfig {
    /// Address and port browsers connect to.
    pub listen: String,
    /// What browsers use: `http` or `https`.
    pub scheme: String,
    /// Most connections of browsers at a time; each takes two file descriptors.
    pub max_connections: u32,
    /// The runtime API's socket.
    pub admin_socket: String,
    /// The file with the page that says that no server can answer.
    pub unavailable_page: String,
    /// Seconds between two pings of a socket.
    pub ping_interval_secs: u32,
    /// Seconds a socket may take to answer a ping.
    pub ping_timeout_secs: u32,
    /// Servers of pages and forms.
    pub gateways: Vec<Backend>,
    /// Servers of sockets.
    pub realtimes: Vec<Backend>,
}

/// A server behind HAProxy.
#[derive(Clone, Debug)]
pub struct Backend {
    /// The node's name, such as `chat-realtime-1`: also the value of its clients' SERVERID cookie.
    pub name: String,
    /// Host and port of its listener for browsers.
    pub address: String,
    /// The port of its admin listener, asked for `/readyz`.
    pub check_port: u16,
}

impl HaproxyConfig {
    /// The configuration for a stack on 127.0.0.1 whose files are in `dir`.
    #[must_use]
    pub fn on_loopback(
        dir: &Path,
        port: u16,
        gateways: Vec<Backend>,
        realtimes: Vec<Backend>,
    ) -> HaproxyConfig {
        let in_dir = |name: &str| dir.join(name).to_string_lossy().into_owned();
        HaproxyConfig {
            listen: format!("127.0.0.1:{port}"),
            scheme: "http".into(),
            max_connections: 8000,
            admin_socket: in_dir("haproxy.sock"),
            unavailable_page: in_dir("unavailable.html"),
            ping_interval_secs: 25,
            ping_timeout_secs: 20,
            gateways,
            realtimes,
        }
    }

    /// How long a connection may be silent: longer than the server waits for a pong.
    fn silence_secs(&self) -> u32 {
        self.ping_interval_secs + self.ping_timeout_secs + 15
    }

    /// Writes the configuration into `dir` and tells how to start HAProxy with it.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn prepare(&self, dir: &Path, port: u16, log: PathBuf) -> anyhow::Result<ProcessSpec> {
        let file = dir.join("haproxy.cfg");
        std::fs::create_dir_all(dir)
            .and_then(|()| std::fs::write(dir.join("unavailable.html"), UNAVAILABLE_PAGE))
            .and_then(|()| std::fs::write(&file, self.render().map_err(std::io::Error::other)?))
            .with_context(|| format!("cannot write HAProxy's files to {}", dir.display()))?;
        Ok(ProcessSpec {
            name: "haproxy".into(),
            kind: "haproxy",
            program: "haproxy".into(),
            args: vec!["-db".into(), "-f".into(), file.into()],
            env: vec![],
            log,
            port: Some(port),
            admin_port: None,
            probe: Probe::Http { port, path: "/" },
            start_patience: Duration::from_secs(30),
            // Soft: what is under way is finished.
            stop_signal: Signal::USR1,
            stop_patience: Duration::from_secs(12),
        })
    }
}
