//! The servers under test and how a client introduces itself to them.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

use anyhow::{Context, ensure};

use super::args::{self, Auth};

/// Where connections go and what they say first.
pub(crate) struct Target {
    /// The nodes; connections take turns.
    pub(crate) nodes: Vec<SocketAddr>,
    /// The path of Socket.IO.
    pub(crate) path: String,
    /// The namespace of the chat.
    pub(crate) namespace: String,
    /// Cookie headers; connections take turns. May be empty.
    cookies: Vec<String>,
    auth: Auth,
}

impl Target {
    /// Finds the nodes and reads the cookies.
    ///
    /// # Errors
    /// When a URL or the file is no good.
    pub(crate) fn new(args: &args::Target) -> anyhow::Result<Target> {
        let nodes = args.urls.iter().map(|url| resolve(url));
        Ok(Target {
            nodes: nodes.collect::<anyhow::Result<_>>()?,
            path: args.path.clone(),
            namespace: args.namespace.clone(),
            cookies: match &args.cookies {
                Some(file) => read_cookies(file)?,
                None => vec![],
            },
            auth: args.auth,
        })
    }

    /// The node of connection `number`.
    pub(crate) fn node(&self, number: usize) -> SocketAddr {
        self.nodes[number % self.nodes.len()]
    }

    /// The Cookie header of connection `number`.
    pub(crate) fn cookie(&self, number: usize) -> Option<&str> {
        let turn = number.checked_rem(self.cookies.len())?;
        Some(&self.cookies[turn])
    }

    /// The CONNECT packet of connection `number`.
    pub(crate) fn connect_packet(&self, number: usize) -> String {
        let namespace = &self.namespace;
        match self.auth {
            Auth::None => format!("40{namespace},"),
            Auth::User => format!("40{namespace},{{\"user\":\"user-{number}\"}}"),
        }
    }
}

/// The address of `http://HOST:PORT`.
///
/// # Errors
/// When the URL is none or the host cannot be found.
pub(crate) fn resolve(url: &str) -> anyhow::Result<SocketAddr> {
    let host = url
        .strip_prefix("http://")
        .with_context(|| format!("{url} is no address to connect to: write http://HOST:PORT"))?
        .trim_end_matches('/');
    let with_port = if host.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    with_port
        .to_socket_addrs()
        .with_context(|| format!("cannot find {host}"))?
        // Servers on localhost rarely listen on ::1 too.
        .min_by_key(SocketAddr::is_ipv6)
        .with_context(|| format!("{host} has no address"))
}

fn read_cookies(file: &Path) -> anyhow::Result<Vec<String>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let cookies: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    ensure!(!cookies.is_empty(), "{} is empty", file.display());
    Ok(cookies)
}
