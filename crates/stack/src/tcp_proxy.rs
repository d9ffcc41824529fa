//! A TCP proxy that makes outages on command.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use url::Url;

use crate::ports::free_port;

/// What the proxy does with connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Open,
    Stalled,
}

/// Stands between a client and a server such as Redis or RabbitMQ, for tests of outages.
/// Dropping it cuts everything.
#[derive(Debug)]
pub struct TcpProxy {
    url: Url,
    port: u16,
    upstream: SocketAddr,
    mode: watch::Sender<Mode>,
    /// The task that accepts; ending it drops the listener and cuts the connections. `None`
    /// while cut.
    accepting: Option<(JoinHandle<()>, oneshot::Sender<()>)>,
}

impl TcpProxy {
    /// Starts a proxy on a free loopback port in front of the server of `url`, which needs a
    /// port and an IP address as host.
    ///
    /// # Errors
    /// When the URL is unfit or the port cannot be taken.
    pub async fn start(url: &str) -> anyhow::Result<TcpProxy> {
        let mut url: Url = url.parse().context("the URL behind the proxy")?;
        let upstream = format!(
            "{}:{}",
            url.host_str().context("the URL has no host")?,
            url.port().context("the URL has no port")?
        )
        .parse()
        .context("the URL's host is not an IP address")?;
        let port = free_port()?;
        url.set_port(Some(port))
            .ok()
            .context("the URL cannot have a port")?;
        let mut proxy = TcpProxy {
            url,
            port,
            upstream,
            mode: watch::Sender::new(Mode::Open),
            accepting: None,
        };
        proxy.resume().await?;
        Ok(proxy)
    }

    /// The URL for clients: the one given, with the proxy's port.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Closes all connections and refuses new ones: the server is gone.
    pub async fn cut(&mut self) {
        if let Some((task, stop)) = self.accepting.take() {
            drop(stop);
            // Ends at once; waiting makes sure that the port refuses from here on.
            let _ = task.await;
        }
    }

    /// Forwards nothing more, but keeps connections open and accepts new ones: the server hangs
    /// or the network swallows packets.
    pub fn stall(&self) {
        self.mode.send_replace(Mode::Stalled);
    }

    /// Works again after [`TcpProxy::cut`] or [`TcpProxy::stall`]; what a stall held back is
    /// delivered.
    ///
    /// # Errors
    /// When somebody else has taken the port during a cut.
    pub async fn resume(&mut self) -> anyhow::Result<()> {
        self.mode.send_replace(Mode::Open);
        if self.accepting.is_none() {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))
                .await
                .with_context(|| format!("the proxy cannot listen on port {}", self.port))?;
            let (stop, stopped) = oneshot::channel();
            let task = tokio::spawn(accept(
                listener,
                self.upstream,
                self.mode.subscribe(),
                stopped,
            ));
            self.accepting = Some((task, stop));
        }
        Ok(())
    }
}

/// Accepts until `stopped`, which also ends every connection.
async fn accept(
    listener: TcpListener,
    upstream: SocketAddr,
    mode: watch::Receiver<Mode>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            // A connection that cannot be accepted or forwarded is the client's to try again.
            Ok((client, _)) = listener.accept() => {
                connections.spawn(forward(client, upstream, mode.clone()));
            }
        }
    }
    connections.shutdown().await;
}

async fn forward(client: TcpStream, upstream: SocketAddr, mode: watch::Receiver<Mode>) {
    let Ok(server) = TcpStream::connect(upstream).await else {
        return;
    };
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(
        copy(from_client, to_server, mode.clone()),
        copy(from_server, to_client, mode),
    );
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut mode: watch::Receiver<Mode>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        // The proxy is gone when the mode has no sender any more.
        if mode.wait_for(|mode| *mode == Mode::Open).await.is_err()
            || to.write_all(&buffer[..length]).await.is_err()
        {
            return;
        }
    }
}
