use std::{net::IpAddr, time::Duration};

use actix_web::cookie::Cookie;

/// What a server promises and what it bears. Shared by all its connections.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the server answers; begins and ends with a slash. Default `/socket.io/`.
    pub path: String,
    /// What may carry a connection. Default: HTTP long-polling and WebSocket.
    pub transports: Transports,
    /// Time between a client's pong and the next ping. Default 25 s.
    pub ping_interval: Duration,
    /// How long a client may take to answer a ping before its connection is closed, to take the
    /// bytes that wait for it, and to send the body of a request. Default 20 s.
    pub ping_timeout: Duration,
    /// How long a client may take to be admitted to its first namespace. Default 45 s.
    pub connect_timeout: Duration,
    /// How long a client may take to change from polling to a WebSocket it opened. Default 10 s.
    pub upgrade_timeout: Duration,
    /// Bytes of the largest message a client may send, whole or in fragments, and of the body of
    /// a polling request; an event with attachments may carry as many again. A larger message
    /// closes its connection. Default 100,000.
    pub max_payload: usize,
    /// Frames that may wait for one client to read them. One more closes its connection with
    /// [`CloseReason::SlowReader`](crate::CloseReason::SlowReader). Default 4,096.
    pub max_buffered_frames: usize,
    /// Bytes that may wait for one client to read them, counted like `max_buffered_frames`; a
    /// single frame of any size is always accepted by an empty queue. Default 1 MiB.
    pub max_buffered_bytes: usize,
    /// Events of one socket that may wait for its handler. When there are as many, or as many
    /// bytes as `max_payload`, the connection is not read until some are handled. Default 32.
    pub max_pending_events: usize,
    /// Messages one connection may send in a second, and at once after a quiet second. One that
    /// sends more is read no faster than this, so that it slows down itself alone. Default 500;
    /// 0 sets no limit.
    pub max_messages_per_second: u32,
    /// Connections this process may have. More are answered with 503 and `Retry-After`, so that
    /// a load balancer may try another node. Default 50,000.
    pub max_connections: usize,
    /// Connections one address may have with this process. More are answered with 429. Default:
    /// no limit.
    pub max_connections_per_address: Option<usize>,
    /// Proxies whose `X-Forwarded-For` is believed: from them, the last address in it is the
    /// client's. Default: none.
    pub trusted_proxies: Vec<IpAddr>,
    /// A cookie to set on the client when a connection opens, as for load balancers that route
    /// by it; its value becomes the connection's id. Default: none.
    pub cookie: Option<Cookie<'static>>,
    /// Which pages of other origins may use HTTP long-polling. Default: none. Browsers do not
    /// ask this for WebSockets: see [`SocketIoBuilder::allow`](crate::SocketIoBuilder::allow).
    pub cors: Option<Cors>,
}

/// What may carry a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transports {
    /// HTTP long-polling.
    pub polling: bool,
    /// WebSocket, from the start or as an upgrade of polling.
    pub websocket: bool,
}

/// Which pages of other origins may use the server, and how.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    /// Origins, for instance `https://chat.example.org`; empty for any.
    pub origins: Vec<String>,
    /// Whether such pages may send cookies.
    pub credentials: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: "/socket.io/".to_owned(),
            transports: Transports {
                polling: true,
                websocket: true,
            },
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(45),
            upgrade_timeout: Duration::from_secs(10),
            max_payload: 100_000,
            max_buffered_frames: 4_096,
            max_buffered_bytes: 1 << 20,
            max_pending_events: 32,
            max_messages_per_second: 500,
            max_connections: 50_000,
            max_connections_per_address: None,
            trusted_proxies: Vec::new(),
            cookie: None,
            cors: None,
        }
    }
}
