//! What an operator can set.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use models::Limits;
use serde::Deserialize;
use settings::{
    AmqpSettings, LifecycleSettings, RedisSettings, SessionSettings, TelemetrySettings,
};

/// The settings of a chat-realtime process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where Redis is. Required.
    pub redis: RedisSettings,
    /// Where RabbitMQ is. Required.
    pub amqp: AmqpSettings,
    /// What signs sessions. Required, and the same as the gateway's.
    pub session: SessionSettings,
    /// Where sockets connect.
    #[serde(default)]
    pub http: HttpSettings,
    /// How sockets are kept.
    #[serde(default)]
    pub socket: SocketSettings,
    /// What people may send.
    #[serde(default)]
    pub limits: Limits,
    /// How the process is watched and stopped.
    #[serde(default)]
    pub lifecycle: LifecycleSettings,
    /// What the process tells of itself.
    #[serde(default)]
    pub telemetry: TelemetrySettings,
}

/// Where sockets connect.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// The address to listen at. Default `127.0.0.1:8081` (`PACKTCHAT__HTTP__LISTEN`).
    pub listen: SocketAddr,
    /// Worker threads. Default: one for each core (`PACKTCHAT__HTTP__WORKERS`).
    pub workers: Option<usize>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8_081)),
            workers: None,
        }
    }
}

/// How sockets are kept. What is not set has the default of [`socketio::Config`].
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SocketSettings {
    /// Time between heartbeats, in milliseconds. Default 25,000 (`PACKTCHAT__SOCKET__PING_INTERVAL_MS`).
    pub ping_interval_ms: u64,
    /// How long a client may take to answer a heartbeat, in milliseconds. Default 20,000
    /// (`PACKTCHAT__SOCKET__PING_TIMEOUT_MS`).
    pub ping_timeout_ms: u64,
    /// The largest thing a client may send, in bytes. Default 100,000 (`PACKTCHAT__SOCKET__MAX_PAYLOAD`).
    pub max_payload: usize,
    /// What may wait for a client that reads slowly, in bytes, before it is disconnected. Default 1 MiB
    /// (`PACKTCHAT__SOCKET__MAX_BUFFERED_BYTES`).
    pub max_buffered_bytes: usize,
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self {
            ping_interval_ms: 25_000,
            ping_timeout_ms: 20_000,
            max_payload: 100_000,
            max_buffered_bytes: 1 << 20,
        }
    }
}

impl From<&SocketSettings> for socketio::Config {
    fn from(settings: &SocketSettings) -> Self {
        Self {
            ping_interval: Duration::from_millis(settings.ping_interval_ms),
            ping_timeout: Duration::from_millis(settings.ping_timeout_ms),
            max_payload: settings.max_payload,
            max_buffered_bytes: settings.max_buffered_bytes,
            ..Self::default()
        }
    }
}
