//! HAProxy in front of gateways and chat-realtime nodes.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, ensure};
use askama::Template;
use rustix::process::Signal;
use serde::Deserialize;
use settings::Secret;

use crate::probe::Probe;
use crate::process::ProcessSpec;

/// What people read when no server can answer.
const UNAVAILABLE_PAGE: &str = include_str!("../templates/unavailable.html");
/// What people read whose address asks for too much.
const TOO_MANY_PAGE: &str = include_str!("../templates/too-many-requests.html");

/// The configuration file, `templates/haproxy.cfg`: the one there is, whoever starts HAProxy.
#[derive(Clone, Debug, Template)]
#[template(path = "haproxy.cfg", escape = "none")]
pub struct HaproxyConfig {
    /// Address and port browsers connect to; with TLS, they are only sent on from there.
    pub listen: Word,
    /// Where browsers connect over TLS; none where they do not.
    pub tls: Option<Tls>,
    /// Host and port of who answers the challenges of an ACME certification authority.
    pub acme_responder: Option<Word>,
    /// How many threads it has; 0 leaves that to HAProxy, which takes one for each processor of the machine.
    pub threads: u16,
    /// Most connections of browsers at a time; each takes two file descriptors.
    pub max_connections: u32,
    /// Most connections of one address at a time; 0 sets no limit.
    pub connections_per_address: u32,
    /// Most requests of one address within ten seconds; 0 sets no limit.
    pub requests_per_address: u32,
    /// The runtime API's socket.
    pub admin_socket: Word,
    /// How long sockets may stay when the process that holds them is asked to end, in seconds.
    pub drain_secs: u32,
    /// Where operators and Prometheus look; none where they cannot.
    pub stats: Option<Stats>,
    /// What the chat-realtime nodes are told of sockets.
    pub socket: SocketSettings,
    /// Where servers' names are looked up, again and again; none where their addresses stay the same.
    pub names: Option<Names>,
    /// Where the gateways have what.
    pub routes: RoutesSettings,
    /// Servers of pages and forms.
    pub gateways: Vec<Backend>,
    /// Servers of sockets.
    pub realtimes: Vec<Backend>,
}

/// The listener for browsers over TLS.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Address and port.
    pub listen: Word,
    /// A PEM file with chain and key, or a directory of such files.
    pub certificate: Word,
    /// Where browsers that came without TLS are sent; where nothing is said, to the same host.
    pub public_url: Option<Word>,
}

impl Tls {
    fn redirect(&self) -> String {
        match &self.public_url {
            // The path that follows begins with a slash.
            Some(url) => format!("prefix {}", url.0.trim_end_matches('/')),
            None => "scheme https".into(),
        }
    }
}

/// Of the settings of sockets, what matters here: a proxy that is told less than the nodes would cut silent sockets.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct SocketSettings {
    /// As `PACKTCHAT__SOCKET__PING_INTERVAL_MS` of chat-realtime. Default 25,000.
    pub ping_interval_ms: u64,
    /// As `PACKTCHAT__SOCKET__PING_TIMEOUT_MS` of chat-realtime. Default 20,000.
    pub ping_timeout_ms: u64,
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self {
            ping_interval_ms: 25_000,
            ping_timeout_ms: 20_000,
        }
    }
}

impl SocketSettings {
    fn ping_interval_secs(&self) -> u64 {
        self.ping_interval_ms.div_ceil(1_000)
    }

    fn ping_timeout_secs(&self) -> u64 {
        self.ping_timeout_ms.div_ceil(1_000)
    }
}

/// Of the gateway's routes, the one that matters here.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct RoutesSettings {
    /// As `PACKTCHAT__ROUTES__STATIC_FILES` of the gateway. Default `/static`.
    pub static_files: Word,
}

impl Default for RoutesSettings {
    fn default() -> Self {
        Self {
            static_files: Word::literal("/static"),
        }
    }
}

/// The listener for operators.
#[derive(Clone, Debug)]
pub struct Stats {
    /// Address and port.
    pub listen: Word,
    /// Who may look.
    pub user: Word,
    /// With which password: without `'` and control characters.
    pub password: Secret,
}

/// Names that stand for as many servers as they have addresses.
#[derive(Clone, Debug)]
pub struct Names {
    /// Address and port of the name server.
    pub server: Word,
    /// Most servers of one name.
    pub slots: u16,
    /// From this and a server's address the value of its clients' SERVERID cookie is made.
    pub cookie_key: Word,
}

/// A server behind HAProxy.
#[derive(Clone, Debug)]
pub struct Backend {
    /// The node's name, such as `chat-realtime-1`: also the value of its clients' SERVERID cookie.
    pub name: Word,
    /// Host and port of its listener for browsers.
    pub address: Word,
    /// The port of its admin listener, asked for `/readyz`.
    pub check_port: u16,
}

impl FromStr for Backend {
    type Err = anyhow::Error;

    /// Reads `NAME=HOST:PORT/CHECKPORT`.
    fn from_str(text: &str) -> anyhow::Result<Backend> {
        let parts = || {
            let (name, place) = text.split_once('=')?;
            let (address, check_port) = place.rsplit_once('/')?;
            let (host, port) = address.rsplit_once(':')?;
            (!host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)).then_some(())?;
            let name = name.parse().ok()?;
            let plain = |name: &Word| {
                (name.0.chars()).all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            };
            plain(&name).then_some(())?;
            Some(Backend {
                name,
                address: address.parse().ok()?,
                check_port: check_port.parse().ok().filter(|port| *port > 0)?,
            })
        };
        parts().with_context(|| {
            format!("'{text}' is not of the form NAME=HOST:PORT/PORT-OF-ITS-CHECKS")
        })
    }
}

/// Text that stands for itself in HAProxy's configuration: graphic ASCII characters without quotes and those that mean
/// something there.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct Word(Cow<'static, str>);

impl Word {
    /// Text that is written in the code, where one sees that it is one.
    #[must_use]
    pub const fn literal(text: &'static str) -> Word {
        Word(Cow::Borrowed(text))
    }
}

impl FromStr for Word {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Word> {
        let stands_for_itself = |c: char| c.is_ascii_graphic() && !"'\"\\#$%".contains(c);
        ensure!(
            !text.is_empty() && text.chars().all(stands_for_itself),
            "{text:?} has characters that cannot stand in HAProxy's configuration"
        );
        Ok(Word(text.to_owned().into()))
    }
}

impl TryFrom<String> for Word {
    type Error = anyhow::Error;

    fn try_from(text: String) -> anyhow::Result<Word> {
        text.parse()
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HaproxyConfig {
    /// The configuration for a stack on 127.0.0.1 whose files are in `dir`. Everybody has the same address there, so
    /// addresses have no limits.
    ///
    /// # Errors
    /// When the path of `dir` cannot stand in it.
    pub fn on_loopback(
        dir: &Path,
        port: u16,
        gateways: Vec<Backend>,
        realtimes: Vec<Backend>,
    ) -> anyhow::Result<HaproxyConfig> {
        Ok(HaproxyConfig {
            listen: format!("127.0.0.1:{port}").parse()?,
            tls: None,
            acme_responder: None,
            threads: 0,
            max_connections: 8000,
            connections_per_address: 0,
            requests_per_address: 0,
            admin_socket: dir.join("haproxy.sock").to_string_lossy().parse()?,
            drain_secs: 10,
            stats: None,
            socket: SocketSettings::default(),
            names: None,
            routes: RoutesSettings::default(),
            gateways,
            realtimes,
        })
    }

    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    fn limits_addresses(&self) -> bool {
        self.connections_per_address > 0 || self.requests_per_address > 0
    }

    /// So many that each gateway is asked for a file.
    fn file_retries(&self) -> usize {
        match self.names {
            Some(_) => 3,
            None => self.gateways.len().saturating_sub(1).max(1),
        }
    }

    /// How long a connection may be silent: longer than the server waits for a pong.
    fn silence_secs(&self) -> u64 {
        self.socket.ping_interval_secs() + self.socket.ping_timeout_secs() + 15
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn unavailable_page(&self) -> String {
        in_one_line(UNAVAILABLE_PAGE)
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn too_many_page(&self) -> String {
        in_one_line(TOO_MANY_PAGE)
    }

    /// Writes the configuration into `dir` and tells how to start HAProxy with it.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn prepare(&self, dir: &Path, port: u16, log: PathBuf) -> anyhow::Result<ProcessSpec> {
        let file = dir.join("haproxy.cfg");
        std::fs::create_dir_all(dir)
            .and_then(|()| std::fs::write(&file, self.render().map_err(std::io::Error::other)?))
            .with_context(|| {
                format!("cannot write HAProxy's configuration to {}", dir.display())
            })?;
        Ok(ProcessSpec {
            name: "haproxy".into(),
            kind: "haproxy",
            program: "haproxy".into(),
            args: vec!["-db".into(), "-f".into(), file.into()],
            env: vec![],
            log,
            port: Some(port),
            admin_port: None,
            probe: Probe::Http {
                port,
                path: "/".into(),
            },
            start_patience: Duration::from_secs(30),
            // Soft: what is under way is finished.
            stop_signal: Signal::USR1,
            stop_patience: Duration::from_secs(12),
        })
    }
}

/// A page as it can stand between single quotes in the configuration, one line of at most 2,048 bytes.
fn in_one_line(page: &str) -> String {
    page.lines().collect::<Vec<_>>().join(" ")
}
