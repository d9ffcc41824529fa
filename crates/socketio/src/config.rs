use std::time::Duration;

/// What a server promises and what it bears. Shared by all its connections.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the server answers; begins and ends with a slash. Default `/socket.io/`.
    pub path: String,
    /// Time between a client's pong and the next ping. Default 25 s.
    pub ping_interval: Duration,
    /// How long a client may take to answer a ping before its connection is closed. Default 20 s.
    pub ping_timeout: Duration,
    /// How long a client may take to be admitted to its first namespace. Default 45 s.
    pub connect_timeout: Duration,
    /// Bytes of the largest message a client may send, whole or in fragments; an event with
    /// attachments may carry as many again. A larger one closes its connection. Default 100,000.
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
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: "/socket.io/".to_owned(),
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(45),
            max_payload: 100_000,
            max_buffered_frames: 4_096,
            max_buffered_bytes: 1 << 20,
            max_pending_events: 32,
        }
    }
}
